//! The load of the SCIM benchmarks: the same requests for every server, over connections that are kept where the server
//! keeps them. One thread and no JSON parsed but where an answer is checked, so that the server is the bottleneck.
//!
//! Usage: `oktant-bench-scim rows URL TOKEN USERS IN_FLIGHT` measures the rows of the table on an empty server;
//! `oktant-bench-scim replay URL TOKEN FILE IN_FLIGHT` sends the requests of a file, one JSON object with `method`,
//! `path` and `body` a line; behind an empty line the next ones wait until those before are answered;
//! `oktant-bench-scim lists URL API_TOKEN FILE IN_FLIGHT` reads the lists of an org whose paths are the lines of a file,
//! each page after the one before it. One JSON line for each measurement goes to standard output.

mod connection;
mod lists;
mod measure;
mod replay;
mod rows;

use connection::Server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [command, url, token, subject, in_flight] = arguments.as_slice() else {
        return Err("usage: oktant-bench-scim rows|replay|lists URL TOKEN USERS|FILE IN_FLIGHT".into());
    };
    let scheme = if *command == "lists" { "SSWS" } else { "Bearer" };
    let server = Server { base: url.parse()?, authorization: format!("{scheme} {token}") };
    match *command {
        "rows" => rows::run(&server, subject.parse()?, in_flight.parse()?).await,
        "replay" => replay::run(&server, subject, in_flight.parse()?).await,
        "lists" => lists::run(&server, subject, in_flight.parse()?).await,
        _ => Err(format!("there is no command {command}").into()),
    }
}

/// Prints a measurement.
pub(crate) fn print(row: &impl serde::Serialize) -> Result<(), Failure> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(row)?)?;
    Ok(())
}
