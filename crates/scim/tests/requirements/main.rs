//! Every requirement on a service provider, by its id, against the memory provider over the router.
//!
//! The ids are those of the list of requirements drawn up from RFC 7643, 7644 and 9865 and the documentation of Okta and
//! Snowflake: E endpoints, M media types, D discovery, C create, G read, L and P lists and cursors, F filters, S sort, U
//! replace, A PATCH, T entity tags, B bulk.

mod bulk;
mod discovery;
mod hostile;
mod lists;
mod okta;
mod patch;
mod resources;
mod snowflake;
mod support;
mod transport;
