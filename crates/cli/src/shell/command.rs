//! The shell's own commands, which start with a dot.

use clap::ValueEnum as _;

use crate::output::Format;

/// Commands with their arguments and what they do, as `.help` shows them.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    (".tables", "", "list the tables"),
    (".inspect", "TABLE", "show the columns of a table"),
    (".requests", "", "show the HTTP requests of the last statement"),
    (".output", "[FORMAT]", "show or set the format: table, json, jsonl, csv, markdown"),
    (".timing", "on|off", "show how long statements take"),
    (".help", "", "show this list"),
    (".quit", "", "leave; Ctrl-D does too"),
];

/// What a line with a dot asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Tables,
    Inspect(String),
    Requests,
    Output(Option<Format>),
    Timing(bool),
    Help,
    Quit,
}

impl Command {
    /// Reads a line; an error says what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.trim().trim_end_matches(';').split_whitespace();
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let argument = words.next();
        if words.next().is_some() {
            return Err(format!("{name} takes one argument at most"));
        }
        match (name.as_str(), argument) {
            (".tables", None) => Ok(Self::Tables),
            (".inspect", Some(table)) => Ok(Self::Inspect(table.trim_matches('"').to_owned())),
            (".inspect", None) => Err(".inspect needs the name of a table".to_owned()),
            (".requests", None) => Ok(Self::Requests),
            (".output", None) => Ok(Self::Output(None)),
            (".output", Some(name)) => format(name).map(|format| Self::Output(Some(format))),
            (".timing", Some("on")) => Ok(Self::Timing(true)),
            (".timing", Some("off")) => Ok(Self::Timing(false)),
            (".timing", _) => Err(".timing is either on or off".to_owned()),
            (".help", None) => Ok(Self::Help),
            (".quit" | ".exit", None) => Ok(Self::Quit),
            (name, Some(_)) if COMMANDS.iter().any(|(known, _, _)| *known == name) => {
                Err(format!("{name} takes no argument"))
            }
            (name, _) => Err(format!("unknown command {name}")),
        }
    }
}

fn format(name: &str) -> Result<Format, String> {
    match Format::from_str(name, true) {
        Ok(Format::Parquet) => Err("parquet is not for a terminal: use `oktant sql --out FILE`".to_owned()),
        Ok(format) => Ok(format),
        Err(_) => Err(format!("unknown format {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<Command, &str>) {
        assert_eq!(Command::parse(line), expected.map_err(str::to_owned));
    }

    #[test]
    fn lines_with_a_dot() {
        check(".tables", Ok(Command::Tables));
        check(" .TABLES ; ", Ok(Command::Tables));
        check(".inspect \"Users\"", Ok(Command::Inspect("Users".to_owned())));
        check(".inspect", Err(".inspect needs the name of a table"));
        check(".output CSV", Ok(Command::Output(Some(Format::Csv))));
        check(".output", Ok(Command::Output(None)));
        check(".output xml", Err("unknown format xml"));
        check(".timing maybe", Err(".timing is either on or off"));
        check(".tables now", Err(".tables takes no argument"));
        check(".inspect a b", Err(".inspect takes one argument at most"));
        check(".nope", Err("unknown command .nope"));
    }
}
