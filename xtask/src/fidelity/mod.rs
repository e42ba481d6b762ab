//! `cargo xtask fidelity`: replays recordings of real orgs against empty sandboxes.
//!
//! Each file is a script: its requests are sent in order to a sandbox of its own, with the ids that
//! the real org gave replaced by those that the sandbox gave in the same place. Status and shape of
//! each answer are compared; values are not.

mod area;
mod compare;
mod error;
mod identity;
mod rebuild;
mod recording;
mod replay;
mod report;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

pub use self::error::Error;
use self::report::Report;

/// Replay recordings of real orgs against the sandbox and compare the answers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print every mismatch.
    #[arg(long)]
    verbose: bool,
    /// Replay only files whose path contains this text.
    #[arg(long)]
    only: Option<String>,
    /// Replay only this set: `recordings` or `recordings-terraform`.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(SETS.map(|set| set.name)))]
    set: Option<String>,
    /// Lowest share of equal statuses, in percent, if it is not the set's own.
    #[arg(long)]
    status_min: Option<f64>,
    /// Lowest share of recorded keys that are there with the same type, in percent, if it is not the set's own.
    #[arg(long)]
    keys_min: Option<f64>,
}

/// Recordings of one origin.
#[derive(Debug, Clone, Copy)]
struct Set {
    /// Name of the folder.
    name: &'static str,
    status_min: f64,
    keys_min: f64,
    /// Whether real answers are told from invented ones by a request id.
    marked: bool,
}

/// The sets, with how faithful the sandbox is at least.
const SETS: [Set; 2] = [
    Set { name: "recordings", status_min: 98.0, keys_min: 95.0, marked: true },
    Set { name: "recordings-terraform", status_min: 88.0, keys_min: 94.0, marked: false },
];

/// Replays all recordings and writes the comparison to `out`.
///
/// # Errors
///
/// [`Error::BelowThreshold`] if a set falls short, [`Error::NothingReplayed`] if there was nothing to
/// compare; otherwise files that cannot be read and a sandbox that does not start.
pub fn run(args: &Args, out: &mut impl io::Write) -> Result<(), Error> {
    let mut outcome = Ok(());
    let (mut looked, mut replayed) = (false, false);
    let print_error = |source| Error::file("print the report on", &data(), source);
    writeln!(out, "{}\n", oktant_sandbox::coverage()).map_err(print_error)?;
    for set in SETS.iter().filter(|set| args.set.as_ref().is_none_or(|name| name == set.name)) {
        let Some(report) = run_set(args, set, out)? else { continue };
        looked = true;
        // What `only` picks may stand in one of several sets.
        if report.is_empty() && args.only.is_some() {
            continue;
        }
        replayed = true;
        let (status_min, keys_min) = (args.status_min.unwrap_or(set.status_min), args.keys_min.unwrap_or(set.keys_min));
        // Every set is printed, also behind one that falls short.
        let checked = report.check(status_min, keys_min);
        outcome = outcome.and(checked);
    }
    if looked && !replayed { Err(Error::NothingReplayed) } else { outcome }
}

/// Replays one set and prints it; `None` if it is not there.
fn run_set(args: &Args, set: &Set, out: &mut impl io::Write) -> Result<Option<Report>, Error> {
    let folder = data().join(set.name);
    let print_error = |source| Error::file("print the report on", &folder, source);
    if !folder.is_dir() {
        writeln!(out, "skipped {}: the folder is not there (set OKTANT_SHARED_DATA)", set.name).map_err(print_error)?;
        return Ok(None);
    }
    let runtime =
        tokio::runtime::Runtime::new().map_err(|source| Error::file("start a runtime for", &folder, source))?;
    let report = runtime.block_on(replay_all(&folder, set, args.only.as_deref()))?;
    writeln!(out, "# {}\n", set.name).map_err(print_error)?;
    report.print(out, args.verbose).map_err(print_error)?;
    Ok(Some(report))
}

async fn replay_all(folder: &Path, set: &Set, only: Option<&str>) -> Result<Report, Error> {
    let mut report = Report::default();
    for script in recording::scripts(folder)? {
        if only.is_some_and(|text| !script.name.contains(text)) {
            continue;
        }
        if set.marked && script.is_hand_written() {
            report.left_out(&script);
            continue;
        }
        replay::replay(&script, &mut report).await?;
    }
    Ok(report)
}

fn data() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    env::var_os("OKTANT_SHARED_DATA").map_or_else(default, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_set_that_does_not_exist_is_refused() {
        assert!(Command::try_parse_from(["fidelity", "--set", "recordings"]).is_ok());
        assert!(Command::try_parse_from(["fidelity", "--set", "recording"]).is_err());
    }

    #[test]
    fn what_picks_no_recording_is_an_error() {
        let missing = SETS.iter().all(|set| !data().join(set.name).is_dir());
        let args = ["fidelity", "--only", "no recording is called this"];
        let outcome = run(&Command::parse_from(args).args, &mut io::sink());
        assert!(missing || matches!(outcome, Err(Error::NothingReplayed)), "{outcome:?}");
    }

    #[test]
    fn a_report_of_nothing_is_not_good_enough() {
        assert!(matches!(Report::default().check(0.0, 0.0), Err(Error::NothingReplayed)));
    }
}
