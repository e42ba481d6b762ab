//! Typed models of every schema of Okta's API: they read whatever an org sends and give it back unchanged.
//!
//! A schema that is an object is a struct whose members are [`Field`]s; one that lists values is an
//! open enum; one that has several forms is an enum of structs. Their names are those of the
//! description; [`Attributes`] reaches members by their JSON names.
//!
//! ```
//! # #[cfg(feature = "users")] {
//! use oktant_models::{Model, User, UserProfile};
//!
//! let answer = br#"{"id": "00u1", "status": "ACTIVE", "profile": {"firstName": "Ada", "badge": 7}}"#;
//! let original = User::read(answer)?.value;
//! assert_eq!(original.profile.as_ref().and_then(|profile| profile.first_name.as_deref()), Some("Ada"));
//!
//! let mut user = original.clone();
//! user.profile = UserProfile { last_name: "Lovelace".into(), ..original.profile.as_deref().cloned().unwrap_or_default() }.into();
//! let update = user.changes_since(&original).expect("something changed");
//! assert_eq!(update.as_str(), r#"{"profile":{"lastName":"Lovelace"}}"#);
//! # }
//! # Ok::<(), oktant_models::Error>(())
//! ```
//!
//! # The interface that request builders use
//!
//! [`Model`] is implemented for every model, for [`List`] and [`Map`] of models, and for `String`,
//! `bool`, `i64`, [`Number`], [`Timestamp`], [`Secret`] and [`Json`] (any JSON):
//!
//! - [`Model::read`] gives a [`Decoded`] value with the [`Warning`]s of what was tolerated,
//! - [`Model::write`] gives the JSON of a body,
//! - [`Model::changes_since`] gives the JSON of an update.
//!
//! # Tolerance
//!
//! Reading fails only on text that is not JSON, or of another kind at its top. Values of a wrong
//! type and members that are not known are kept in `extra` as they came; an element of a list that
//! does not fit is kept in [`List::misfits`]; a value that an enumeration does not list is its
//! `Other`. [`Model::read_strict`] makes every such deviation an error.
//!
//! # Features
//!
//! One per group of operations, and `full`. A model that several groups use is there with any of them.
#![cfg_attr(
    not(feature = "full"),
    allow(
        unused_imports,
        dead_code,
        clippy::allow_attributes,
        reason = "which of the helpers the models of a group use differs by group"
    )
)]

#[macro_use]
mod macros;

mod attributes;
mod changes;
mod choice;
mod compare;
mod error;
mod extra;
mod field;
#[doc(hidden)]
pub mod fuzzing;
mod generated;
mod list;
mod map;
mod named;
mod read;
mod scalar;
mod serial;
mod value;
mod warning;
mod write;

pub use attributes::Attributes;
pub use error::Error;
pub use extra::Extra;
pub use field::{Field, Text};
pub use generated::*;
pub use list::List;
pub use map::Map;
pub use named::{blank_named, read_named, schemas, write_value};
pub use scalar::{Json, Number, Secret, Timestamp};
pub use value::{
    Choice, Entries, Forms, Items, Member, Model, Object, Shape, Slot, State, Union, Value, View, ViewMut,
};
pub use warning::{Decoded, Deviation, Found, Mode, Warning};
