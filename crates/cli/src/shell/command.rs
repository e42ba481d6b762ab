//! The shell's own commands, which start with a dot.

use clap::ValueEnum as _;
use oktant_sql::lexer::{self, Kind};

use crate::output::Format;

/// Commands with their arguments and what they do, as `.help` shows them.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    (".tables", "", "list the tables"),
    (".inspect", "TABLE", "show the columns of a table"),
    (".requests", "", "show the HTTP requests of the last statement"),
    (".output", "[FORMAT]", "show or set the format: table, vertical, json, jsonl, csv, markdown"),
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

/// The command in what was typed, if it is none of SQL: its last line, where a statement was begun
/// before it. With a dot, or one of the words by which other shells are left and asked.
pub(super) fn in_text(text: &str) -> Option<&str> {
    let tokens: Vec<_> = lexer::tokens(text).collect();
    let start = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    let is_inside = tokens.iter().any(|token| {
        let is_open = matches!(token.kind, Kind::Text | Kind::Quoted | Kind::Comment);
        is_open && token.start < start && (token.start + token.text.len() > start || !token.closed)
    });
    let line = text[start..].trim();
    let word = line.trim_end_matches(';').trim();
    let is_word = ["help", "quit", "exit"].iter().any(|known| word.eq_ignore_ascii_case(known));
    (!is_inside && (line.starts_with(['.', '\\']) || is_word)).then_some(line)
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
            (".tables" | "\\d" | "\\dt", None) => Ok(Self::Tables),
            (".inspect" | "\\d", Some(table)) => Ok(Self::Inspect(table.trim_matches('"').to_owned())),
            (".inspect", None) => Err(".inspect needs the name of a table".to_owned()),
            (".requests", None) => Ok(Self::Requests),
            (".output", None) => Ok(Self::Output(None)),
            (".output", Some(name)) => format(name).map(|format| Self::Output(Some(format))),
            (".timing", Some("on")) => Ok(Self::Timing(true)),
            (".timing", Some("off")) => Ok(Self::Timing(false)),
            (".timing", _) => Err(".timing is either on or off".to_owned()),
            (".help" | "help" | "\\?" | "\\h", None) => Ok(Self::Help),
            (".quit" | ".exit" | "quit" | "exit" | "\\q", None) => Ok(Self::Quit),
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
        Err(_) => {
            let known = Format::value_variants().iter().filter(|format| **format != Format::Parquet);
            let known: Vec<String> = known.map(ToString::to_string).collect();
            Err(format!("unknown format {name}: it is one of {}", known.join(", ")))
        }
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
        check(".output xml", Err("unknown format xml: it is one of table, json, jsonl, csv, markdown, vertical"));
        check("help", Ok(Command::Help));
        check("EXIT;", Ok(Command::Quit));
        check("\\d", Ok(Command::Tables));
        check("\\d Users", Ok(Command::Inspect("Users".to_owned())));
        check("\\q", Ok(Command::Quit));
        check(".timing maybe", Err(".timing is either on or off"));
        check(".tables now", Err(".tables takes no argument"));
        check(".inspect a b", Err(".inspect takes one argument at most"));
        check(".nope", Err("unknown command .nope"));
    }

    #[test]
    fn commands_are_found_also_after_a_statement_that_was_begun() {
        assert_eq!(in_text(".tables"), Some(".tables"));
        assert_eq!(in_text(" quit "), Some("quit"));
        assert_eq!(in_text("\\d Users"), Some("\\d Users"));
        assert_eq!(in_text("SELECT *\n.help\n"), Some(".help"));
        assert_eq!(in_text("SELECT *\nFROM Users"), None);
        assert_eq!(in_text("SELECT 'a\n.help"), None);
        assert_eq!(in_text("SELECT 'a\n.help' AS b;"), None);
        assert_eq!(in_text("/* a\nquit"), None);
        assert_eq!(in_text("SELECT help"), None);
    }
}
