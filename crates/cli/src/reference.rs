//! The reference manual of the command line, printed from its definition.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use crate::args::Cli;

/// The text of `docs/reference/cli.md`.
pub fn reference() -> String {
    let mut program = Cli::command().term_width(100);
    program.build();
    let mut text = String::from(
        "<!-- Printed from the program by a test of crates/cli; OKTANT_BLESS=1 cargo test -p oktant-cli writes it. -->\n\
         # Command line\n\n",
    );
    push_page(&mut program, "oktant", 2, &mut text);
    let names: Vec<String> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        if let Some(command) = program.find_subcommand_mut(name) {
            push_page(command, &format!("oktant {name}"), 2, &mut text);
            let inner: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
            for inner in inner.iter().filter(|inner| *inner != "help") {
                if let Some(command) = command.find_subcommand_mut(inner) {
                    push_page(command, &format!("oktant {name} {inner}"), 3, &mut text);
                }
            }
        }
    }
    text
}

fn push_page(command: &mut clap::Command, title: &str, level: usize, text: &mut String) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{} {title}\n\n```text\n{}\n```\n", "#".repeat(level), lines.join("\n").trim_end());
}
