//! The server from outside: what clients send and get.

mod health;
mod postgres;
mod snowflake;
mod support;
