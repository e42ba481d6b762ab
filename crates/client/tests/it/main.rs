//! The client against servers that behave and misbehave.

mod api_calls;
mod fake;
mod faults;
mod oauth;
mod pacing;
mod paging;
mod sandbox;
mod settings_store;
