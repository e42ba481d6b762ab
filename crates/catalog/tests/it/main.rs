//! Tests of the committed catalogue.

mod operations;
mod route;
mod schemas;
mod tables;
