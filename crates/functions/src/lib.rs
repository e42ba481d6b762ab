//! The values that flows pass from card to card, and the functions of the cards; no I/O.
//!
//! [`Value`] is what a card receives and gives. [`convert()`] and [`compare()`] are the rules of
//! conversion and comparison that every card shares; [`path`] reaches into objects and lists.
//! [`find`] gives the function of a card's address, [`Function::run`] runs it.

#![expect(clippy::unnecessary_wraps, reason = "all functions share one signature")]

mod boolean;
mod compare;
mod convert;
mod crypto;
pub mod date;
mod engine;
mod error;
mod formula;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod jwt;
mod list;
mod math;
mod object;
pub mod path;
mod reference;
mod registry;
mod text;
mod url;
mod value;
mod xml;

pub use compare::{Operator, compare, equal, is_empty};
pub use convert::{Flags, Type, convert, to_number, to_text};
pub use error::FunctionError;
pub use reference::reference;
pub use registry::{BYTES_MAX, Call, Example, Field, Fields, Function, Kind, Name, Run, Surroundings, all, find};
pub use value::{DEPTH_MAX, File, List, Object, Tagged, Value, number_text};
