//! The program as its users meet it: whole commands against a sandbox in this process.

mod account;
mod api;
mod connect;
mod connection;
mod explain;
mod flow_runs;
mod flow_sandbox;
mod flow_tables;
mod flows;
mod guide;
mod kill;
mod line;
mod provision;
mod reference;
mod sandbox;
mod serve;
mod sql;
mod support;
mod templates;
