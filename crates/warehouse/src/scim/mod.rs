//! The account as a SCIM service provider.

/// What is known about callers, so that most requests need not look it up.
#[derive(Debug, Default)]
pub(crate) struct AccessCache;
