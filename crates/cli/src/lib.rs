//! The `oktant` program as a library: one function for `main`, one for the reference manual.
//!
//! Each command is a module. Data goes to standard output, everything else to standard error.

mod api;
mod args;
mod connect;
mod connection;
mod doctor;
mod explain;
mod failure;
mod flow;
mod logging;
mod login;
mod output;
mod progress;
mod provision;
mod reference;
mod runtime;
mod sandbox;
mod serve;
mod shell;
mod sql;
mod templates;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use oktant_base::{Code, codes};

use args::{Cli, Command};
use failure::{Error, Failure, Result};
use terminal::ALARM;

pub use reference::reference;

/// Runs the program with `args`, of which the first is its name.
///
/// Errors are reported on standard error; the exit code is that of the error's code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let compares = compares(&args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, compares),
    };
    logging::start(cli.verbose);
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(failure) => report(&failure, compares),
    }
}

/// Whether the command line is one of `oktant provision`, which exits with 2 if there is something to do.
fn compares(args: &[OsString]) -> bool {
    let mut words = args.iter().skip(1).filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    words.next().is_some_and(|word| word == "provision")
}

/// Exit code of an error. Where 2 is an answer, wrong usage is a failure like any other: whoever runs
/// `oktant provision plan` from a program must not take a broken file for changes.
fn exit_code(code: Code, compares: bool) -> u8 {
    match code.exit_code() {
        2 if compares => 1,
        code => code,
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Sql(args) => sql::run(&args)?,
        Command::Api(args) => return api::run(args),
        Command::Sandbox(args) => sandbox::run(&args)?,
        Command::Serve(args) => serve::run(&args)?,
        Command::Provision(args) => return provision::run(&args.command),
        Command::Login(args) => login::run(&args)?,
        Command::Connect(args) => connect::run(&args)?,
        Command::Doctor(args) => return doctor::run(&args),
        Command::Flow(args) => return flow::run(&args.command),
        Command::Explain(args) => explain::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints help or version as asked for, or what is wrong with the command line.
fn refuse(error: &clap::Error, compares: bool) -> ExitCode {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help {
        // The reader may have gone away; there is no one left to tell.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    if let Some(text) = text.strip_prefix("error: ") {
        return report(&misuse(text).into(), compares);
    }
    // What may follow, where nothing did.
    terminal::note(text.trim_end());
    ExitCode::from(exit_code(codes::OKT4001, compares))
}

/// The parser's text in the form of every other error: its tips and the way to the help become the hint. Its usage
/// line shows options that the environment gives as if they were required, and only names the command here.
fn misuse(text: &str) -> Error {
    let (mut problem, mut tips, mut command) = (Vec::new(), Vec::new(), None);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("For more information")) {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            let is_name = |word: &&str| !word.starts_with(['-', '<', '[']);
            command = Some(usage.split(' ').take_while(is_name).collect::<Vec<_>>().join(" "));
        } else if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            tips.push(tip.to_owned());
        } else {
            problem.push(line);
        }
    }
    tips.push(match command {
        Some(command) => format!("`{command} --help` shows what it takes"),
        None => "--help behind the command shows what it takes".to_owned(),
    });
    Error::misuse(problem.join("\n"), &tips.join("; "))
}

/// Reports a failure and gives its exit code.
fn report(failure: &Failure, compares: bool) -> ExitCode {
    if failure.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    show(failure);
    ExitCode::from(exit_code(failure.code(), compares))
}

/// Writes a failure to standard error, its first word in colour.
fn show(failure: &Failure) {
    let report = failure.report();
    match report.split_once(": ") {
        Some((head, rest)) => terminal::note(format_args!("{ALARM}{head}{ALARM:#}: {rest}")),
        None => terminal::note(report),
    }
}
