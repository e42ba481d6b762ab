//! The values that flows pass from card to card, and the functions of the cards; no I/O.
//!
//! [`Value`] is what a card receives and gives. [`convert()`] and [`compare()`] are the rules of
//! conversion and comparison that every card shares; [`path`] reaches into objects and lists.

mod compare;
mod convert;
mod date;
mod error;
pub mod path;
mod value;

pub use compare::{Operator, compare, equal, is_empty};
pub use convert::{Flags, Type, convert, to_number, to_text};
pub use error::FunctionError;
pub use value::{DEPTH_MAX, File, List, Object, Tagged, Value, number_text};
