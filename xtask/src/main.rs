//! `cargo xtask`: dispatches developer commands.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use xtask::codegen;
#[cfg(feature = "fidelity")]
use xtask::fidelity;

/// Developer commands of Oktant.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Command {
    Codegen(codegen::Args),
    #[cfg(feature = "fidelity")]
    Fidelity(fidelity::Args),
}

#[expect(clippy::print_stdout, reason = "this is the program's edge")]
fn main() -> ExitCode {
    let result: Result<String, Box<dyn Error>> = match Command::parse() {
        Command::Codegen(args) => codegen::run(&args).map_err(Into::into),
        #[cfg(feature = "fidelity")]
        Command::Fidelity(args) => {
            fidelity::run(&args, &mut std::io::stdout().lock()).map(|()| String::new()).map_err(Into::into)
        }
    };
    match result {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(error.as_ref()),
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
