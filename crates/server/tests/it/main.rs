//! The server from outside: what clients send and get.

mod health;
mod postgres;
mod scim;
mod snowflake;
mod support;
