//! `oktant serve`: serves a Snowflake account and runs flows until told to stop.

use std::path::Path;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, OsEntropy, Secret, SystemClock};
use oktant_server::{Config, OktaTables, Server, TlsFiles, seed};
use oktant_warehouse::{Account, AccountConfig};
use serde_json::{Value, json};

use crate::args::{ServeArgs, StandardScim, StoreArgs};
use crate::failure::{Error, Result};
use crate::runtime::{self, StopSignals};
use crate::{connection, flow, output, terminal};

/// Starts the server, announces it on standard output and waits for a signal.
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    runtime::start()?.block_on(serve(args))
}

async fn serve(args: &ServeArgs) -> Result<()> {
    let mut stop = StopSignals::listen()?;
    let is_store = |store: &Secret| {
        ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| store.expose().starts_with(scheme))
    };
    if args.store.as_ref().is_some_and(|store| !is_store(store)) {
        let hint = "write sqlite://FILE, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE";
        return Err(Error::misuse("--store names no store", hint).into());
    }
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let tables = tables(args).await?;
    let account = match &args.store {
        Some(store) => {
            let config = AccountConfig::new(&args.account, Arc::clone(&clock), Arc::clone(&entropy));
            Some(open(store.expose(), config.standard_scim(standard_scim(args)), tables.as_ref()).await?)
        }
        None => None,
    };
    let flows = flow::serve::start(&args.flows, &args.connection, account.is_none()).await?;
    let files = args.tls_cert.clone().zip(args.tls_key.clone());
    let config = Config {
        listen: args.listen,
        pg_listen: args.pg_listen,
        tls: files.map(|(certificates, key)| TlsFiles { certificates, key }),
        account: account.clone(),
        tables,
        beside: flows.as_ref().map(|flows| flows.beside.clone()),
        clock,
        entropy: Arc::clone(&entropy),
    };
    // Bound first: a password that is made up is told once, and must not be lost to an address that is taken.
    let bound = config.bind().await?;
    let made_up = match &account {
        Some(account) => administrator(args, account, entropy.as_ref()).await?,
        None => None,
    };
    let server = bound.serve();
    if flows.is_some() && args.flows.event_hook_open && !server.address().ip().is_loopback() {
        let what = "note: with --event-hook-open, whoever reaches the address can start flows with events";
        terminal::note(what);
    }
    let mut line = announcement(&server, account.as_ref(), flows.is_some());
    if let Some(password) = made_up {
        line["admin_user"] = args.admin_user.clone().into();
        line["admin_password"] = password.into_exposed().into();
    }
    announce(&line)?;
    if terminal::stderr_is_terminal() {
        let what = match (&account, flows.is_some()) {
            (Some(account), false) => format!("account {}", account.name()),
            (Some(account), true) => format!("account {} and flows", account.name()),
            (None, _) => "flows".to_owned(),
        };
        terminal::note(format_args!("serving {what} at {}; Ctrl-C ends it", server.url()));
    }
    stop.next().await;
    // Answers under way are finished, unless someone asks again.
    tokio::select! {
        () = server.shutdown() => {}
        () = stop.next() => {}
    }
    if let Some(flows) = flows {
        tokio::select! {
            () = flows.close() => {}
            () = stop.next() => {}
        }
    }
    if let Some(account) = account {
        account.close().await;
    }
    Ok(())
}

fn standard_scim(args: &ServeArgs) -> oktant_warehouse::StandardScim {
    match args.standard_scim {
        StandardScim::Never => oktant_warehouse::StandardScim::Never,
        StandardScim::Generic => oktant_warehouse::StandardScim::Generic,
        StandardScim::Always => oktant_warehouse::StandardScim::Always,
    }
}

/// The tables of the org, if one is named, and those of the flows beside them.
async fn tables(args: &ServeArgs) -> Result<Option<OktaTables>> {
    if args.connection.dsn.as_ref().is_none_or(|dsn| dsn.expose().is_empty()) {
        return Ok(None);
    }
    let flows = StoreArgs { store: args.flows.flows.clone() };
    Ok(Some(OktaTables::new(connection::session(&args.connection, &flows).await?)))
}

/// Opens an account that answers queries over the tables.
pub(crate) async fn open(store: &str, config: AccountConfig, tables: Option<&OktaTables>) -> Result<Account> {
    let config = match tables {
        Some(tables) => config.engine(Arc::new(tables.clone())),
        None => config,
    };
    Ok(Account::open(store, config).await?)
}

/// Sees to it that there is an administrator: the password, if one was made up and holds.
async fn administrator(args: &ServeArgs, account: &Account, entropy: &dyn Entropy) -> Result<Option<Secret>> {
    let given = args.admin_password_file.as_deref().map(password).transpose()?;
    let made_up = given.is_none().then(|| seed::password(entropy));
    let Some(password) = given.as_ref().or(made_up.as_ref()) else { return Ok(None) };
    let is_new = seed::administrator(account, &args.admin_user, password).await?;
    if args.reset_admin_password && !is_new {
        seed::reset_password(account, &args.admin_user, password).await?;
    }
    Ok(made_up.filter(|_| is_new || args.reset_admin_password))
}

pub(crate) fn password(path: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source })?;
    match text.lines().next().map(str::trim_end) {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => Err(Error::NoPassword(path.into()).into()),
    }
}

/// What a server says of itself.
fn announcement(server: &Server, account: Option<&Account>, flows: bool) -> Value {
    let mut line = json!({ "url": server.url() });
    if let Some(account) = account {
        line["account"] = account.name().into();
        line["scim_url"] = scim_url(server).into();
        line["postgres"] = postgres(server);
    }
    if flows {
        line["flows_url"] = format!("{}/api/flo", server.url()).into();
        line["event_hook_url"] = format!("{}/api/flo/events", server.url()).into();
    }
    line
}

/// Where SCIM is served.
pub(crate) fn scim_url(server: &Server) -> String {
    format!("{}/scim/v2", server.url())
}

/// Where PostgreSQL's protocol is served; null if it is not.
pub(crate) fn postgres(server: &Server) -> Value {
    server.pg_address().map_or(Value::Null, |at| json!({"host": at.ip(), "port": at.port()}))
}

/// Prints the one line that says that all is ready.
pub(crate) fn announce(line: &Value) -> Result<()> {
    output::print_bytes(format!("{line}\n").as_bytes())
}
