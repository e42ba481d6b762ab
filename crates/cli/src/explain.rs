//! `oktant explain`: the page of an error code.

use std::fmt::Write as _;

use oktant_base::{Code, codes};

use crate::args::ExplainArgs;
use crate::failure::{Error, Result};
use crate::output::print;
use crate::terminal::STRONG;

/// Prints the page of one code, or the list of all.
pub(crate) fn run(args: &ExplainArgs) -> Result<()> {
    let Some(name) = &args.code else {
        return print(&list());
    };
    let code = codes::find(name).ok_or_else(|| Error::UnknownCode(name.clone()))?;
    print(&page(code))
}

fn page(code: Code) -> String {
    format!(
        "{STRONG}{}{STRONG:#}: {}\n\n{}\n\nWhat to do: {}.\n\n\
         exit code {}, SQLSTATE {}, HTTP status {}, Python {:?}Error\n",
        code.id(),
        code.title(),
        code.cause(),
        code.fix(),
        code.exit_code(),
        code.sqlstate(),
        code.http_status(),
        code.db_api(),
    )
}

fn list() -> String {
    codes::ALL.iter().fold(String::new(), |mut text, code| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{STRONG}{}{STRONG:#}  {}", code.id(), code.title());
        text
    })
}
