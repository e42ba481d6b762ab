//! `oktant sandbox`: serves a local org until told to stop.

use std::time::Duration;

use oktant_sandbox::Sandbox;

use crate::args::{RateLimits, SandboxArgs};
use crate::failure::Result;
use crate::runtime::{self, StopSignals};
use crate::{output, terminal};

/// Starts the sandbox, announces it on standard output and waits for a signal.
pub(crate) fn run(args: &SandboxArgs) -> Result<()> {
    runtime::start()?.block_on(serve(args))
}

async fn serve(args: &SandboxArgs) -> Result<()> {
    let builder = Sandbox::builder()
        .port(args.port)
        .users(args.users)
        .groups(args.groups)
        .seed(args.seed)
        .latency(Duration::from_millis(args.latency))
        .rate_limits(match args.rate_limits {
            RateLimits::Okta => oktant_sandbox::RateLimits::Okta,
            RateLimits::Off => oktant_sandbox::RateLimits::Off,
        });
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
