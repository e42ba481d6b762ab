//! The interactive shell of `oktant sql`.

mod command;
mod editor;
mod tables;
mod vocabulary;

use std::fmt::Write as _;

use oktant_client::StatementId;
use oktant_sql::{Session, lexer};
use reedline::{Reedline, Signal};
use tokio::runtime::Runtime;

use crate::args::{ConnectionArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::output::{self, Destination, Format};
use crate::sql::{self, Timing};
use crate::terminal::STRONG;
use crate::{connection, runtime, terminal};
use command::{COMMANDS, Command};
use editor::OrgPrompt;
use vocabulary::Vocabulary;

/// Reads statements and commands from the terminal until the user leaves.
pub(crate) fn run(connection: &ConnectionArgs, flows: &StoreArgs, format: Format) -> Result<()> {
    let runtime = runtime::start()?;
    let session = runtime.block_on(runtime::interruptible(connection::session(connection, flows)))?;
    let org = session.org().properties().org.clone();
    let prompt = OrgPrompt { org: org.authority().to_owned() };
    let mut editor = editor::editor(vocabulary(&session));
    let mut shell = Shell { runtime, session, format, timing: Timing::Shown, last: None };
    terminal::note(format_args!(
        "oktant {} on {org}. End statements with a semicolon; .help lists commands.",
        env!("CARGO_PKG_VERSION")
    ));
    while let Some(line) = next_line(&mut editor, &prompt)? {
        if shell.take(&line) == Next::Leave {
            break;
        }
    }
    Ok(())
}

/// The next line or statement; `None` at the end of input. Ctrl-C gives up the line only.
fn next_line(editor: &mut Reedline, prompt: &OrgPrompt) -> Result<Option<String>> {
    loop {
        match editor.read_line(prompt).map_err(|error| Error::Terminal(std::io::Error::other(error)))? {
            Signal::Success(line) => {
                // Written at once, so that a terminal that is closed loses nothing.
                if let Err(error) = editor.sync_history() {
                    tracing::debug!(%error, "history is not written");
                }
                return Ok(Some(line));
            }
            Signal::CtrlD => return Ok(None),
            _ => {}
        }
    }
}

/// Names for completion. They are those every org has, so that starting makes no request.
fn vocabulary(session: &Session) -> Vocabulary {
    let columns = |table: &str| {
        let columns = session.static_columns(table).unwrap_or_default();
        columns.into_iter().filter(|column| !column.hidden).map(|column| column.name).collect()
    };
    Vocabulary::new(session.tables().iter().map(|table| (table.full_name(), columns(&table.full_name()))).collect())
}

/// What happens after a line.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Read,
    Leave,
}

struct Shell {
    runtime: Runtime,
    session: Session,
    format: Format,
    timing: Timing,
    last: Option<StatementId>,
}

impl Shell {
    /// Does what a line asks for. Failures are shown and do not end the shell.
    fn take(&mut self, line: &str) -> Next {
        let outcome = if let Some(command) = command::in_text(line) {
            if !line.trim_start().starts_with(command) {
                terminal::note("the statement begun before this command is not run");
            }
            match parsed(command) {
                Ok(Command::Quit) => return Next::Leave,
                Ok(command) => self.obey(command),
                Err(error) => Err(error.into()),
            }
        } else {
            lexer::statements(line).into_iter().try_for_each(|statement| self.execute(statement))
        };
        if let Err(failure) = outcome {
            crate::show(&failure);
        }
        Next::Read
    }

    fn execute(&mut self, statement: &str) -> Result<()> {
        let work = sql::execute(&self.session, statement, self.format, &Destination::Stdout);
        let outcome = self.runtime.block_on(runtime::interruptible(work));
        self.last = Some(self.session.last_statement());
        terminal::note(outcome?.summary(self.timing));
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Tables | Command::Inspect(_) => {
                let shown = describe(&self.session, command, self.format, &Destination::Stdout);
                self.runtime.block_on(runtime::interruptible(shown))
            }
            Command::Requests => self.show_requests(),
            Command::Output(Some(format)) => {
                self.format = format;
                Ok(())
            }
            Command::Output(None) => output::print(&format!("{}\n", self.format)),
            Command::Timing(shown) => {
                self.timing = if shown { Timing::Shown } else { Timing::Hidden };
                Ok(())
            }
            Command::Help => output::print(&help()),
            Command::Quit => Ok(()),
        }
    }

    fn show_requests(&self) -> Result<()> {
        let entries = self.last.map_or_else(Vec::new, |statement| self.session.requests(statement));
        if entries.is_empty() {
            terminal::note("the last statement made no request");
            return Ok(());
        }
        output::write_batch(self.format, &tables::requests(&entries)?, &Destination::Stdout)
    }
}

fn parsed(line: &str) -> Result<Command, Error> {
    Command::parse(line).map_err(|problem| Error::misuse(problem, ".help lists the commands"))
}

/// Answers a command outside the shell, where only those about tables mean something.
pub(crate) async fn answer(session: &Session, line: &str, format: Format, destination: &Destination) -> Result<()> {
    let command = parsed(line)?;
    if matches!(command, Command::Tables | Command::Inspect(_)) {
        return describe(session, command, format, destination).await;
    }
    Err(Error::misuse(format!("{line} is for the shell"), "outside it .tables and .inspect TABLE work").into())
}

async fn describe(session: &Session, command: Command, format: Format, destination: &Destination) -> Result<()> {
    let batch = match command {
        Command::Inspect(table) => tables::columns(&session.columns(&table).await?)?,
        _ => tables::tables(session)?,
    };
    output::write_batch(format, &batch, destination)
}

fn help() -> String {
    COMMANDS.iter().fold(String::new(), |mut text, (name, argument, meaning)| {
        let usage = format!("{name} {argument}");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{STRONG}{usage:<18}{STRONG:#} {meaning}");
        text
    })
}
