//! The SCIM-style expression language of Okta's filter and search parameters: parse and evaluate
