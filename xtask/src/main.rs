//! `cargo xtask`: dispatches developer commands.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use xtask::codegen;

/// Developer commands of Oktant.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Command {
    Codegen(codegen::Args),
}

#[expect(clippy::print_stdout, reason = "this is the program's edge")]
fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Codegen(args) => codegen::run(&args),
    };
    match result {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
