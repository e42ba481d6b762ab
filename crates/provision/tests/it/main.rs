//! The provisioner between a sandbox org and a target that fails in every way.

mod faults;
mod groups;
mod kill;
mod mistakes;
mod org;
mod ownership;
mod programs;
mod scale;
mod target;
mod users;
mod watch;
