//! The server as its clients and browsers meet it, over a small made-up org.

mod code_flow;
mod device_flow;
mod service_app;
mod world;
