//! `oktant doctor`: each step from here to the org, with what to do about the first that fails.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use chrono::DateTime;
use oktant_base::{Clock as _, Code, SystemClock, Timestamp};
use oktant_client::properties::{AuthScheme, Proxy};
use oktant_client::{Call, Edges, Org, Properties, RateLimit, Reply};
use tokio::net::TcpStream;

use crate::args::{ConnectionArgs, DoctorArgs};
use crate::failure::{Error, Result};
use crate::terminal::{ALARM, FAINT, GOOD};
use crate::{connection, output, runtime};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Difference of clocks that begins to matter for signed assertions and proofs.
const SKEW_SECONDS_MAX: u64 = 60;

/// What is read to find out which scopes are missing: a name and an operation.
const PROBES: [(&str, &str); 4] =
    [("users", "listUsers"), ("groups", "listGroups"), ("apps", "listApplications"), ("System Log", "listLogEvents")];

/// What is read to find out what is left of the bucket that most operations share.
const SHARED_BUCKET_PROBE: &str = "getOrgSettings";

/// Longest wait for what that tells; a used-up bucket is not waited for.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// Examines the way to the org. The exit code is that of the first failure.
pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode> {
    runtime::start()?.block_on(runtime::interruptible(async {
        let mut findings = Findings::default();
        examine(&args.connection, &mut findings).await?;
        Ok(findings.first_failure.map_or(ExitCode::SUCCESS, |code| ExitCode::from(code.exit_code())))
    }))
}

/// What was found so far.
#[derive(Default)]
struct Findings {
    first_failure: Option<Code>,
}

impl Findings {
    fn bad(&mut self, step: &str, failure: &crate::failure::Failure) -> Result<()> {
        self.first_failure.get_or_insert_with(|| failure.code());
        // It is this very program that the general hint proposes.
        let report = failure.report().replace("; `oktant doctor` tests each step", "").replace('\n', "\n      ");
        output::print(&format!("{ALARM}FAIL{ALARM:#}  {step:<12} {report}\n"))
    }

    /// Notes the outcome of a step and gives its value if it went well.
    fn step<T>(&mut self, step: &str, outcome: Result<T>, what: impl FnOnce(&T) -> String) -> Result<Option<T>> {
        match outcome {
            Ok(value) => good(step, &what(&value)).map(|()| Some(value)),
            Err(failure) => self.bad(step, &failure).map(|()| None),
        }
    }
}

fn good(step: &str, what: &str) -> Result<()> {
    output::print(&format!("{GOOD}ok{GOOD:#}    {step:<12} {what}\n"))
}

fn skipped(step: &str, why: &str) -> Result<()> {
    output::print(&format!("{FAINT}skip{FAINT:#}  {step:<12} {why}\n"))
}

async fn examine(connection: &ConnectionArgs, findings: &mut Findings) -> Result<()> {
    let Some(properties) = findings.step("properties", connection::properties(connection), describe)? else {
        return Ok(());
    };
    if !reach(&properties, findings).await? {
        return Ok(());
    }
    let opened = Org::connect(&properties, Edges::system()).await.map_err(Into::into);
    let Some(org) = findings.step("sign-in", opened, |_| "credentials are at hand".to_owned())? else {
        return Ok(());
    };
    let started = SystemClock.now();
    let reply = match probe(&org, PROBES[0].1).await {
        Err(error) if error.status().is_none() => return findings.bad("org", &error.into()),
        reply => reply.map_err(Into::into),
    };
    good("org", &format!("answered in {} ms", (SystemClock.now() - started).num_milliseconds()))?;
    let Some(reply) = findings.step("credentials", reply, |_| "accepted".to_owned())? else {
        return Ok(());
    };
    scopes(&org, findings).await?;
    rate_limits(&org, findings).await?;
    clock(&reply, SystemClock.now(), findings)
}

fn describe(properties: &Properties) -> String {
    let scheme = match properties.sign_in.scheme {
        AuthScheme::OAuth => "OAuth",
        AuthScheme::OAuthPkce => "OAuth with PKCE",
        AuthScheme::OAuthJwt => "OAuth with a private key",
        AuthScheme::ApiToken => "API token",
    };
    format!("{} with {scheme}", properties.org)
}

/// Name and connection. Behind a proxy both are its business.
async fn reach(properties: &Properties, findings: &mut Findings) -> Result<bool> {
    if !matches!(properties.network.proxy, Proxy::Direct) {
        skipped("name", "a proxy resolves it")?;
        skipped("connection", "a proxy makes it")?;
        return Ok(true);
    }
    let host = properties.org.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = properties.org.port_or_known_default().unwrap_or(443);
    match resolve(host, port, findings).await? {
        Some(addresses) => connect(host, port, &addresses, findings).await,
        None => Ok(false),
    }
}

async fn resolve(host: &str, port: u16, findings: &mut Findings) -> Result<Option<Vec<SocketAddr>>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        skipped("name", "the host is an address")?;
        return Ok(Some(vec![SocketAddr::new(address, port)]));
    }
    let resolved = connection::resolve(host, port).await;
    findings.step("name", resolved, |addresses| {
        let address = addresses.first().map_or_else(String::new, |address| address.ip().to_string());
        format!("{host} is {address}")
    })
}

async fn connect(host: &str, port: u16, addresses: &[SocketAddr], findings: &mut Findings) -> Result<bool> {
    let connected = match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(addresses)).await {
        Ok(connected) => connected.map(drop),
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    };
    let connected = connected.map_err(|source| Error::Reach { address: format!("{host}:{port}"), source }.into());
    Ok(findings.step("connection", connected, |()| format!("port {port} is open"))?.is_some())
}

async fn probe(org: &Org, operation: &str) -> std::result::Result<Reply, oktant_client::Error> {
    org.send(Call::operation(operation)?.arg("limit", "1")?).await
}

async fn scopes(org: &Org, findings: &mut Findings) -> Result<()> {
    let mut readable = Vec::new();
    for (name, operation) in PROBES {
        match probe(org, operation).await {
            Ok(_) => readable.push(name),
            Err(error) => findings.bad("scopes", &error.into())?,
        }
    }
    if readable.is_empty() {
        return Ok(());
    }
    good("scopes", &format!("{} can be read", readable.join(", ")))
}

async fn rate_limits(org: &Org, findings: &mut Findings) -> Result<()> {
    // Whether it may be read does not matter: a refusal shows the bucket too.
    let probe = Call::operation(SHARED_BUCKET_PROBE)?.deadline(SystemClock.now() + PROBE_TIME);
    let _ = org.send(probe).await;
    let limits = org.rate_limits();
    if limits.is_empty() {
        return skipped("rate limits", "the org reports none");
    }
    let is_used_up = |limit: &&RateLimit| limit.remaining == 0 && limit.resets_at > SystemClock.now();
    if let Some(RateLimit { bucket, resets_at, .. }) = limits.iter().find(is_used_up) {
        let (bucket, retry_at) = (bucket.clone(), *resets_at);
        let error = oktant_client::Error::RateLimited { bucket, retry_at, concurrent: false };
        return findings.bad("rate limits", &error.into());
    }
    let shown = limits.iter().map(|limit| format!("{} {} of {}", limit.bucket, limit.remaining, limit.limit));
    good("rate limits", &format!("left this minute: {}", shown.collect::<Vec<_>>().join(", ")))
}

fn clock(reply: &Reply, now: Timestamp, findings: &mut Findings) -> Result<()> {
    let date = reply.headers.get("date").and_then(|value| value.to_str().ok());
    let Some(theirs) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
        return skipped("clock", "the org does not tell its time");
    };
    let ahead = (now - theirs.to_utc()).num_seconds();
    let seconds = ahead.unsigned_abs();
    if seconds <= SKEW_SECONDS_MAX {
        return good("clock", &format!("within {} s of the org's", seconds.max(1)));
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    findings.bad("clock", &Error::Clock { seconds, direction }.into())
}
