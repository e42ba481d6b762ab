//! From predicates to requests.
