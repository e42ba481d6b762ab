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
    /// Lowest share of equal statuses over the judged areas, in percent.
    #[arg(long, default_value_t = 95.0)]
    status_min: f64,
    /// Lowest share of recorded keys that are there with the same type, in percent.
    #[arg(long, default_value_t = 90.0)]
    keys_min: f64,
}

/// Replays all recordings and writes the comparison to `out`.
///
/// # Errors
///
/// [`Error::BelowThreshold`] if a judged area falls short; otherwise files that cannot be read and
/// a sandbox that does not start.
pub fn run(args: &Args, out: &mut impl io::Write) -> Result<(), Error> {
    let folder = recordings();
    let print_error = |source| Error::file("print the report on", &folder, source);
    if !folder.is_dir() {
        return writeln!(out, "skipped: the folder of the recordings is not there (set OKTANT_SHARED_DATA)")
            .map_err(print_error);
    }
    let runtime =
        tokio::runtime::Runtime::new().map_err(|source| Error::file("start a runtime for", &folder, source))?;
    let report = runtime.block_on(replay_all(&folder, args.only.as_deref()))?;
    report.print(out, args.verbose).map_err(print_error)?;
    report.check(args.status_min, args.keys_min)
}

async fn replay_all(folder: &Path, only: Option<&str>) -> Result<Report, Error> {
    let mut report = Report::default();
    for script in recording::scripts(folder)? {
        if only.is_some_and(|text| !script.name.contains(text)) {
            continue;
        }
        if script.is_hand_written() {
            report.left_out(&script);
            continue;
        }
        replay::replay(&script, &mut report).await?;
    }
    Ok(report)
}

fn recordings() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    env::var_os("OKTANT_SHARED_DATA").map_or_else(default, PathBuf::from).join("recordings")
}
