//! `oktant api`: any operation of the catalogue, or any method and path.

mod list;
mod pages;
mod parse;

use std::io::Read as _;
use std::process::ExitCode;

use oktant_client::{Call, Org, Reply};
use serde_json::value::RawValue;

use crate::args::ApiArgs;
use crate::failure::{Error, Result};
use crate::{connection, output, runtime, terminal};
use parse::{Invocation, Parsed};

/// Calls what the command line names, or lists what could be called.
pub(crate) fn run(args: ApiArgs) -> Result<ExitCode> {
    match parse::parse(args)? {
        Parsed::List(words, options) => list::run(&words, &options)?,
        Parsed::Call(invocation) => invoke(&invocation)?,
        Parsed::Refused(error) => return Ok(crate::refuse(&error, false)),
    }
    Ok(ExitCode::SUCCESS)
}

fn invoke(invocation: &Invocation) -> Result<()> {
    let call = with_body(invocation)?;
    runtime::start()?.block_on(runtime::interruptible(async {
        let org = connection::org(&invocation.options.connection).await?;
        if invocation.options.all {
            return pages::write(org.pages(call), invocation.list, &invocation.options).await;
        }
        send(&org, call, invocation.options.include).await
    }))
}

async fn send(org: &Org, call: Call, include: bool) -> Result<()> {
    let reply = org.send(call).await?;
    if include {
        show_head(&reply);
    }
    print_body(&reply.body)
}

fn show_head(reply: &Reply) {
    terminal::note(reply.status);
    for (name, value) in &reply.headers {
        terminal::note(format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
}

/// A person gets JSON indented; a program gets the bytes of the org.
fn print_body(body: &[u8]) -> Result<()> {
    if body.is_empty() {
        return Ok(());
    }
    let is_json = |body| serde_json::from_slice::<&RawValue>(body).is_ok();
    if terminal::stdout_is_terminal()
        && let Ok(value) = serde_json::from_slice::<serde_json::Value>(body)
    {
        return output::print(&format!("{value:#}\n"));
    }
    output::print_bytes(body)?;
    if is_json(body) { output::print_bytes(b"\n") } else { Ok(()) }
}

fn with_body(invocation: &Invocation) -> Result<Call> {
    let call = invocation.call.clone();
    let Some(argument) = &invocation.options.data else {
        return if invocation.needs_body {
            Err(Error::misuse(format!("{} needs a body", invocation.name), "add --data JSON").into())
        } else {
            Ok(call)
        };
    };
    let bytes = read_body(argument)?;
    if invocation.media_type.contains("json") {
        serde_json::from_slice::<&RawValue>(&bytes).map_err(|error| {
            Error::misuse(
                format!("the body is not JSON: {error}"),
                "check the quotes that the shell takes away, or pass --data @FILE",
            )
        })?;
    }
    Ok(call.body(invocation.media_type, bytes))
}

/// `@FILE` and `-` name a source; anything else is the body itself.
fn read_body(argument: &str) -> Result<Vec<u8>> {
    if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(Error::Stdin)?;
        return Ok(bytes);
    }
    match argument.strip_prefix('@') {
        Some(path) => Ok(std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?),
        None => Ok(argument.as_bytes().to_vec()),
    }
}
