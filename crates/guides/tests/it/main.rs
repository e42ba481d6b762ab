//! The Rust snippets of `docs/guides/sdk` and of the first page, each against an org of its own.
//!
//! Each is a test, named after its page and section; `build.rs` makes them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod world;

/// What snippets print is compared with what the page shows.
macro_rules! println {
    ($($arguments:tt)*) => { $crate::world::print(&format!($($arguments)*)) };
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));
