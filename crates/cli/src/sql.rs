//! `oktant sql`: runs statements and writes their rows.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use oktant_client::Summary;
use oktant_sql::{Params, Rows, Session, lexer};

use crate::args::SqlArgs;
use crate::failure::{Error, Result};
use crate::output::{Destination, Format, Writer};
use crate::progress::{self, Progress};
use crate::{connection, output, runtime, shell, terminal};

/// Runs the statements of the command line, or the shell where there are none.
pub(crate) fn run(args: &SqlArgs) -> Result<()> {
    let destination = args.out.clone().map_or(Destination::Stdout, Destination::File);
    let format = format(args)?;
    let Some(script) = script(args)? else {
        return shell::run(&args.connection, &args.flows, format);
    };
    let statements = lexer::statements(&script);
    check_one_result(&statements, &destination, format)?;
    let runtime = runtime::start()?;
    runtime.block_on(runtime::interruptible(async {
        let session = connection::session(&args.connection, &args.flows).await?;
        for (index, statement) in statements.into_iter().enumerate() {
            if index > 0 && matches!(format, Format::Table | Format::Markdown) {
                output::print("\n")?;
            }
            if statement.starts_with('.') {
                shell::answer(&session, statement, format, &destination).await?;
                continue;
            }
            let took = execute(&session, statement, format, &destination).await?;
            if terminal::stderr_is_terminal() {
                terminal::note(took.summary(Timing::Shown));
            }
        }
        Ok(())
    }))
}

fn format(args: &SqlArgs) -> Result<Format> {
    match (args.output, &args.out) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(Format::Table),
        (None, Some(path)) => Format::of_file(path).ok_or_else(|| {
            let problem = format!("the name {} does not tell a format", path.display());
            let hint = "end it in .csv, .json, .jsonl, .md, .parquet or .txt, or add --output FORMAT";
            Error::misuse(problem, hint).into()
        }),
    }
}

/// The text to run; `None` where a person is to type it.
fn script(args: &SqlArgs) -> Result<Option<String>> {
    let from_file =
        |path: &Path| std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source });
    match (&args.command, &args.file) {
        (Some(text), _) => Ok(Some(text.clone())),
        (None, Some(path)) if path.as_os_str() != "-" => Ok(Some(from_file(path)?)),
        (None, None) if terminal::stdin_is_interactive() => Ok(None),
        (None, _) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Error::Stdin)?;
            Ok(Some(text))
        }
    }
}

/// A file, and a document that has one beginning and one end, hold one result.
fn check_one_result(statements: &[&str], destination: &Destination, format: Format) -> Result<()> {
    if statements.is_empty() {
        return Err(Error::misuse(
            "there is no statement to run",
            "pass one with -c, name a file, or run `oktant sql` on a terminal",
        )
        .into());
    }
    let holds_one = matches!(destination, Destination::File(_)) || matches!(format, Format::Json | Format::Parquet);
    if statements.len() > 1 && holds_one {
        let count = statements.len();
        let problem = format!("{count} statements cannot be written as one {format} document");
        let hint = match destination {
            Destination::File(_) => "run them one by one, each with an --out of its own",
            Destination::Stdout => "run them one by one, or choose --output jsonl or csv",
        };
        return Err(Error::misuse(problem, hint).into());
    }
    Ok(())
}

/// What a statement took.
pub(crate) struct Took {
    rows: usize,
    requests: Summary,
    elapsed: Duration,
}

/// Whether the time is part of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

impl Took {
    /// Rows, requests and time in one line.
    pub(crate) fn summary(&self, timing: Timing) -> String {
        let repeated = match self.requests.retries {
            0 => String::new(),
            retries => format!(" ({retries} repeated)"),
        };
        let time = match timing {
            Timing::Shown => format!(", {} ms", self.elapsed.as_millis()),
            Timing::Hidden => String::new(),
        };
        format!("{}, {}{repeated}{time}", counted(self.rows as u64, "row"), counted(self.requests.requests, "request"))
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Runs one statement and writes its rows as they arrive.
pub(crate) async fn execute(
    session: &Session,
    statement: &str,
    format: Format,
    destination: &Destination,
) -> Result<Took> {
    let started = Instant::now();
    let progress = Progress::start();
    // A document's rows end where the next one begins, not with a line of their own.
    let shares_terminal =
        matches!(destination, Destination::Stdout) && matches!(format, Format::Json) && terminal::stdout_is_terminal();
    let planning = std::pin::pin!(session.query(statement, Params::None));
    let mut rows = progress.during(planning, || trouble(session)).await?;
    let mut writer = Writer::create(format, &rows.schema(), destination)?;
    let count = match write_all(session, &mut rows, &mut writer, &progress, shares_terminal).await {
        Ok(count) => count,
        Err(failure) => {
            progress.aside(|| writer.abandon(failure.code()));
            return Err(failure);
        }
    };
    progress.aside(|| writer.finish())?;
    drop(progress);
    for warning in rows.warnings() {
        terminal::note(format_args!("note: {warning}"));
    }
    Ok(Took { rows: count, requests: rows.requests(), elapsed: started.elapsed() })
}

async fn write_all(
    session: &Session,
    rows: &mut Rows,
    writer: &mut Writer,
    progress: &Progress,
    shares_terminal: bool,
) -> Result<usize> {
    let mut tick = tokio::time::interval(progress::INTERVAL);
    let mut count = 0;
    loop {
        tokio::select! {
            batch = rows.next() => {
                let Some(batch) = batch.transpose()? else { return Ok(count) };
                count += batch.num_rows();
                if shares_terminal {
                    progress.end();
                }
                progress.aside(|| writer.write(&batch))?;
            }
            _ = tick.tick() => progress.show(state(session, rows, count), trouble(session)),
        }
    }
}

/// That the latest request of the latest statement failed and so is being repeated.
fn trouble(session: &Session) -> Option<String> {
    let entries = session.requests(session.last_statement());
    let last = entries.last()?;
    let what = match last.status {
        None => "no answer".to_owned(),
        Some(status) if status == 429 || status >= 500 => format!("status {status}"),
        Some(_) => return None,
    };
    Some(format!("{what} to {} {}, tried {} times", last.method, last.path, last.attempt))
}

/// Rows, requests and what the tightest rate limit of the statement still allows.
fn state(session: &Session, rows: &Rows, count: usize) -> String {
    let used = format!("{}, {}", counted(count as u64, "row"), counted(rows.requests().requests, "request"));
    let limits = session.org().rate_limits();
    let requests = session.requests(session.last_statement());
    let own = limits.iter().filter(|limit| requests.iter().any(|request| request.bucket == limit.bucket));
    let tightest = own.min_by_key(|limit| u64::from(limit.remaining) * 1000 / u64::from(limit.limit.max(1)));
    match tightest {
        Some(limit) => format!("{used}, {} {} of {} left", limit.bucket, limit.remaining, limit.limit),
        None => used,
    }
}
