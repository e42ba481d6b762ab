//! The sandbox over HTTP, as a stranger's client sees it.

mod access;
mod apps;
mod branding;
mod directory;
mod factors;
mod faults;
mod generated;
mod groups;
mod http;
mod logs;
mod resources;
mod rules;
mod search;
mod support;
mod users;
