//! `oktant sandbox`: serves a local org until told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Entropy, SeededEntropy};
use oktant_client::{Edges, Properties};
use oktant_sandbox::{Fault, Salesforce, SalesforceSchema, Sandbox};
use oktant_server::{Config, OktaTables, Server, seed};
use oktant_sql::Session;
use oktant_warehouse::AccountConfig;
use serde_json::{Value, json};

use crate::args::{RateLimits, SandboxArgs};
use crate::failure::{Error, Result};
use crate::runtime::{self, StopSignals};
use crate::{serve, terminal};

/// Name of the account beside the org.
const ACCOUNT: &str = "sandbox";

/// Its administrator.
const ADMINISTRATOR: &str = "ADMIN";

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
        .snowflake()
        .latency(Duration::from_millis(args.latency))
        .rate_limits(match args.rate_limits {
            RateLimits::Okta => oktant_sandbox::RateLimits::Okta,
            RateLimits::Off => oktant_sandbox::RateLimits::Off,
        });
    if let Some(now) = args.now {
        builder = builder.now(now);
    }
    let mut salesforce = Salesforce::builder().port(args.salesforce_port);
    if let Some(path) = &args.faults {
        let (there, here) = by_org(faults(path)?);
        builder = builder.faults(here);
        salesforce = salesforce.faults(there);
    }
    if let Some(path) = &args.salesforce_schema {
        salesforce = salesforce.schema(schema(path)?);
    }
    builder = builder.salesforce(salesforce);
    let mut stop = StopSignals::listen()?;
    let sandbox = builder.start().await?;
    let (account, told) = account(args, &sandbox).await?;
    let mut line = json!(sandbox.announcement());
    line["snowflake"] = told;
    line["postgres"] = serve::postgres(&account);
    serve::announce(&line)?;
    if terminal::stderr_is_terminal() {
        terminal::note(format_args!("serving {} users at {}; Ctrl-C ends it", args.users, sandbox.url()));
    }
    stop.next().await;
    // Answers under way are finished, unless someone asks again.
    tokio::select! {
        () = async { tokio::join!(account.shutdown(), sandbox.shutdown()); } => {}
        () = stop.next() => {}
    }
    Ok(())
}

/// Starts the account beside the org, and says how to reach it.
async fn account(args: &SandboxArgs, sandbox: &Sandbox) -> Result<(Server, Value)> {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(args.seed));
    let properties = Properties::parse(&sandbox.dsn())?;
    let edges = Edges { clock: sandbox.clock(), ..Edges::system() };
    let tables = OktaTables::new(Session::connect(&properties, edges).await?);
    let config = AccountConfig::new(ACCOUNT, sandbox.clock(), Arc::clone(&entropy));
    let account = serve::open("sqlite::memory:", config, Some(&tables)).await?;
    let password = seed::password(entropy.as_ref());
    seed::administrator(&account, ADMINISTRATOR, &password).await?;
    let token = seed::guide(&account).await?;
    let listen = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = Config {
        listen: listen(args.snowflake_port),
        pg_listen: Some(listen(0)),
        tls: None,
        account: Some(account.clone()),
        tables: Some(tables),
        beside: None,
        clock: sandbox.clock(),
        entropy,
    };
    let server = config.start().await?;
    let told = json!({
        "account": account.name(),
        "host": server.address().ip(),
        "port": server.address().port(),
        "user": ADMINISTRATOR,
        "password": password.into_exposed(),
        "scim_url": serve::scim_url(&server),
        "scim_token": token.into_exposed(),
    });
    Ok((server, told))
}

/// Groups to generate: an org without people has none unless they are asked for.
fn groups(args: &SandboxArgs) -> usize {
    args.groups.unwrap_or(if args.users == 0 { 0 } else { 10 })
}

/// Reads the objects and fields of a Salesforce org.
fn schema(path: &Path) -> Result<SalesforceSchema> {
    Ok(SalesforceSchema::parse(&read(path)?).map_err(|source| Error::SalesforceSchema { path: path.into(), source })?)
}

fn read(path: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source })?)
}

/// Those of the Salesforce org and those of the Okta org.
pub(crate) fn by_org(faults: Vec<Fault>) -> (Vec<Fault>, Vec<Fault>) {
    faults.into_iter().partition(|fault| fault.path.starts_with("/services/"))
}

/// Reads a JSON array of faults.
fn faults(path: &Path) -> Result<Vec<Fault>> {
    Ok(serde_json::from_str(&read(path)?).map_err(|source| Error::Faults { path: path.into(), source })?)
}
