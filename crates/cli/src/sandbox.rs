//! `oktant sandbox`: serves a local org until told to stop.

use std::path::Path;
use std::time::Duration;

use oktant_sandbox::{Fault, Sandbox};

use crate::args::{RateLimits, SandboxArgs};
use crate::failure::{Error, Result};
use crate::runtime::{self, StopSignals};
use crate::{output, terminal};

/// Starts the sandbox, announces it on standard output and waits for a signal.
pub(crate) fn run(args: &SandboxArgs) -> Result<()> {
    runtime::start()?.block_on(serve(args))
}

async fn serve(args: &SandboxArgs) -> Result<()> {
    let mut builder = Sandbox::builder()
        .port(args.port)
        .users(args.users)
        .groups(groups(args))
        .seed(args.seed)
        .latency(Duration::from_millis(args.latency))
        .rate_limits(match args.rate_limits {
            RateLimits::Okta => oktant_sandbox::RateLimits::Okta,
            RateLimits::Off => oktant_sandbox::RateLimits::Off,
        });
    if let Some(now) = args.now {
        builder = builder.now(now);
    }
    if let Some(path) = &args.faults {
        builder = builder.faults(faults(path)?);
    }
    let mut stop = StopSignals::listen()?;
    let sandbox = builder.start().await?;
    let line = serde_json::json!(sandbox.announcement()).to_string();
    output::print_bytes(format!("{line}\n").as_bytes())?;
    if terminal::stderr_is_terminal() {
        terminal::note(format_args!("serving {} users at {}; Ctrl-C ends it", args.users, sandbox.url()));
    }
    stop.next().await;
    // Answers under way are finished, unless someone asks again.
    tokio::select! {
        () = sandbox.shutdown() => {}
        () = stop.next() => {}
    }
    Ok(())
}

/// Groups to generate: an org without people has none unless they are asked for.
fn groups(args: &SandboxArgs) -> usize {
    args.groups.unwrap_or(if args.users == 0 { 0 } else { 10 })
}

/// Reads a JSON array of faults.
fn faults(path: &Path) -> Result<Vec<Fault>> {
    let text = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
    Ok(serde_json::from_slice(&text).map_err(|source| Error::Faults { path: path.into(), source })?)
}
