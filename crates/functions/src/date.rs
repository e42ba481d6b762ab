//! Dates: reading and writing their text, zones, and arithmetic of the calendar.

mod read;

pub(crate) use read::read;
