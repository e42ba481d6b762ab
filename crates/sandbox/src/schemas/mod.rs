//! Schemas of profiles and the types that choose among them.

mod definition;

pub(crate) use definition::{Schema, looks_like_email};
