//! What the standard streams are attached to.

use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use anstyle::Style;

/// Emphasis of headers and names.
pub(crate) const STRONG: Style = Style::new().bold();
/// Things that matter less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Marks a failure.
pub(crate) const ALARM: Style = anstyle::AnsiColor::Red.on_default().bold();
/// Marks a success.
pub(crate) const GOOD: Style = anstyle::AnsiColor::Green.on_default();

/// Columns assumed where the terminal does not say.
const WIDTH_ASSUMED: usize = 80;

/// Whether standard input is typed by a person.
pub(crate) fn stdin_is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// Whether standard output is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal, so that progress may be shown on it.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output wants colour: a terminal, unless `NO_COLOR`, `CLICOLOR_FORCE` or `TERM=dumb` say otherwise.
pub(crate) fn stdout_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Whether standard error wants colour, by the same rules.
pub(crate) fn stderr_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Width of the terminal at standard output, in columns.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH_ASSUMED, |(width, _)| usize::from(width.0))
}

/// Writes one line for people to standard error. A closed standard error is not worth failing for.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
