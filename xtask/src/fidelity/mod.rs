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
    #[arg(long)]
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
/// [`Error::BelowThreshold`] if a set falls short; otherwise files that cannot be read and a sandbox
/// that does not start.
pub fn run(args: &Args, out: &mut impl io::Write) -> Result<(), Error> {
    let mut outcome = Ok(());
    let print_error = |source| Error::file("print the report on", &data(), source);
    writeln!(out, "{}\n", oktant_sandbox::coverage()).map_err(print_error)?;
    for set in SETS.iter().filter(|set| args.set.as_ref().is_none_or(|name| name == set.name)) {
        // Every set is printed, also behind one that falls short.
        outcome = outcome.and(run_set(args, set, out)?);
    }
    outcome
}

/// Replays one set; the inner result says whether it is good enough.
fn run_set(args: &Args, set: &Set, out: &mut impl io::Write) -> Result<Result<(), Error>, Error> {
    let folder = data().join(set.name);
    let print_error = |source| Error::file("print the report on", &folder, source);
    if !folder.is_dir() {
        writeln!(out, "skipped {}: the folder is not there (set OKTANT_SHARED_DATA)", set.name).map_err(print_error)?;
        return Ok(Ok(()));
    }
    let runtime =
        tokio::runtime::Runtime::new().map_err(|source| Error::file("start a runtime for", &folder, source))?;
    let report = runtime.block_on(replay_all(&folder, set, args.only.as_deref()))?;
    writeln!(out, "# {}\n", set.name).map_err(print_error)?;
    report.print(out, args.verbose).map_err(print_error)?;
    let (status_min, keys_min) = (args.status_min.unwrap_or(set.status_min), args.keys_min.unwrap_or(set.keys_min));
    Ok(report.check(status_min, keys_min))
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
