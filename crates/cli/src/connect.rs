//! `oktant connect`: the connections of flows.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use oktant_base::{Secret, codes};
use oktant_client::Edges;
use oktant_connect::connection::{
    self, Auth, ConnectStore, Connection, Connections, Live, SealingKey, Secrets, SignIn,
};
use oktant_connect::files::FolderFiles;
use oktant_connect::guard::{Guard, SystemLookup};
use oktant_connect::http::Http;
use oktant_connect::manifest::Manifest;
use oktant_connect::{Connectors, Tested};
use oktant_engine::{CardError, ErrorKind, FlowEntry};
use oktant_sql::Attached;

use crate::args::{ConnectArgs, ConnectCommand, MakeArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::flow::desk::Desk;
use crate::{output, runtime, terminal};

/// Makes, shows, tests and removes connections.
pub(crate) fn run(args: &ConnectArgs) -> Result<()> {
    runtime::start()?.block_on(runtime::interruptible(async {
        match &args.command {
            ConnectCommand::Salesforce(make) => self::make("salesforce", make).await,
            ConnectCommand::Okta(make) => self::make("okta", make).await,
            ConnectCommand::Http(make) => self::make("http", make).await,
            ConnectCommand::Smtp(make) => self::make("smtp", make).await,
            ConnectCommand::Service { connector, make } => {
                let known: Vec<&str> = Manifest::own().keys().map(String::as_str).collect();
                if !known.contains(&connector.as_str()) {
                    let hint = format!("the services are {}", known.join(", "));
                    return Err(Error::misuse(format!("there is no service \"{connector}\""), &hint).into());
                }
                self::make(connector, make).await
            }
            ConnectCommand::List { store } => list(store).await,
            ConnectCommand::Show { name, store } => {
                let connection = open(store).await?.connections().get(name).await?;
                print_lines(described(&connection))
            }
            ConnectCommand::Test { name, store } => test(&open(store).await?, name).await,
            ConnectCommand::Remove { name, force, store } => remove(name, *force, store).await,
        }
    }))
}

/// The connectors over the store that the arguments name, with the machine's own key and egress rules.
pub(crate) async fn open(args: &StoreArgs) -> Result<Connectors> {
    connectors(&database(args)?).await
}

/// The file of flows where none is named.
pub(crate) fn default_file() -> Result<PathBuf> {
    Ok(oktant_flow_tables::default_file().map_err(homeless)?)
}

/// The tables of flows for statements.
pub(crate) fn flow_tables(named: Option<&Secret>) -> Result<Vec<Arc<dyn Attached>>> {
    Ok(oktant_flow_tables::attached(named, &Edges::system().variables).map_err(homeless)?)
}

/// The address of the database that the arguments name.
pub(crate) fn database(args: &StoreArgs) -> Result<String> {
    if let Some(url) = &args.store {
        return Ok(url.expose().clone());
    }
    let (data, file) = (data_folder()?, default_file()?);
    std::fs::create_dir_all(&data).map_err(|source| Error::Write { path: data, source })?;
    Ok(format!("sqlite://{}", file.display()))
}

/// The connectors over the store at `url`.
pub(crate) async fn connectors(url: &str) -> Result<Connectors> {
    let edges = Edges::system();
    let data = data_folder()?;
    let rules = edges.variables.get("OKTANT_EGRESS_ALLOW").cloned().unwrap_or_default();
    let guard = Guard::allowing(&rules)
        .map_err(|problem| Error::misuse(format!("OKTANT_EGRESS_ALLOW: {problem}"), "write host:port,host:port"))?;
    let http = Http::new(guard, Arc::new(SystemLookup))?;
    let key = SealingKey::find(&edges.variables, &*edges.entropy)?;
    let store = ConnectStore::open(url).await?;
    let folder = store.files_folder(&*edges.entropy).await?;
    let files = FolderFiles::of_database(data.join("files"), &folder, Arc::clone(&edges.entropy));
    Ok(Connectors::new(Connections::new(store, key, http, edges), Arc::new(files)))
}

pub(crate) fn data_folder() -> Result<PathBuf> {
    Ok(oktant_flow_tables::data_folder().map_err(homeless)?)
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn homeless(error: io::Error) -> Error {
    Error::misuse(error.to_string(), "name the database with --store")
}

async fn list(store: &StoreArgs) -> Result<()> {
    let connections = open(store).await?.connections().list().await?;
    if connections.is_empty() {
        terminal::note("there are no connections yet; `oktant connect salesforce NAME` makes one");
    }
    let line = |Connection { name, connector, auth, account, broken, .. }: &Connection| {
        let state = if broken.is_some() { "broken" } else { "ok" };
        format!("{name}\t{connector}\t{}\t{state}\t{}", auth.as_str(), account.as_deref().unwrap_or("-"))
    };
    print_lines(connections.iter().map(line))
}

/// Everything about a connection but its secrets.
fn described(connection: &Connection) -> Vec<String> {
    let Connection { id, name, connector, auth, settings, account, broken, created_at, updated_at, .. } = connection;
    let mut lines = vec![
        ("name".to_owned(), name.clone()),
        ("id".to_owned(), id.clone()),
        ("service".to_owned(), connector.clone()),
        ("signs in by".to_owned(), auth.as_str().to_owned()),
        ("account".to_owned(), account.clone().unwrap_or_else(|| "-".to_owned())),
        ("state".to_owned(), broken.as_ref().map_or_else(|| "ok".to_owned(), |reason| format!("broken: {reason}"))),
        ("made".to_owned(), created_at.to_rfc3339()),
        ("authorised".to_owned(), updated_at.to_rfc3339()),
    ];
    lines.extend(settings.iter().map(|(name, value)| (format!("setting {name}"), value.clone())));
    lines.into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

fn print_lines(lines: impl IntoIterator<Item = String>) -> Result<()> {
    output::print(&lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect::<String>())
}

async fn test(connectors: &Connectors, name: &str) -> Result<()> {
    let Connection { name, .. } = connectors.connections().get(name).await?;
    let hint = "`oktant connect show` tells its settings; authorise it anew with --replace";
    let tested = match connectors.test(&name).await {
        Ok(tested) => tested,
        Err(error) => {
            // Why it is broken says more than that it is.
            let message = connectors.connections().get(&name).await?.broken.unwrap_or(error.message);
            return Err(not_working(&name, &CardError { message, ..error }, hint).into());
        }
    };
    output::print(&match tested {
        Tested::Works(Some(account)) => format!("{name} works as {account}\n"),
        Tested::Works(None) => format!("{name} works\n"),
        Tested::Unasked => format!("{name} is complete; only its cards show whether the service lets it in\n"),
    })
}

/// The failure of a test, under the code of what failed.
fn not_working(name: &str, error: &CardError, hint: &'static str) -> Error {
    let own = error.code.as_ref().and_then(|code| codes::find(code.as_text()?));
    let code = own.unwrap_or(match error.kind {
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::OutcomeUnknown => codes::OKT4506,
        _ => codes::OKT4503,
    });
    Error::NotWorking { name: name.to_owned(), problem: error.message.clone(), code, hint }
}

async fn remove(name: &str, force: bool, store: &StoreArgs) -> Result<()> {
    let desk = Desk::open(store).await?;
    let connections = desk.connectors.connections();
    let connection = connections.get(name).await?;
    let (on, off): (Vec<_>, Vec<_>) = desk.users(&connection).into_iter().partition(|entry| entry.active);
    let names =
        |flows: &[FlowEntry]| flows.iter().map(|entry| &*entry.version.flow.name).collect::<Vec<_>>().join(", ");
    if !on.is_empty() && !force {
        return Err(Error::InUse { name: connection.name, flows: names(&on) }.into());
    }
    if let Err(error) = connections.revoke(&connection.id).await {
        terminal::note(format_args!("note: its tokens could not be ended at the service: {error}"));
    }
    let removed = connections.remove(&connection.id).await?;
    let bound = names(&[on, off].concat());
    if !bound.is_empty() {
        terminal::note(format_args!("note: `oktant flow bind` gives its flows another connection: {bound}"));
    }
    output::print(&format!("{} is removed; its cards are bound to nothing now\n", removed.name))
}

async fn make(connector: &str, args: &MakeArgs) -> Result<()> {
    let connectors = open(&args.store).await?;
    let connections = connectors.connections();
    let secrets = secrets(args)?;
    let settings = settings(connector, args)?;
    let auth = match &args.auth {
        Some(auth) => Auth::parse(auth)
            .ok_or_else(|| Error::misuse(format!("there is no kind of sign-in \"{auth}\""), AUTH_HINT))?,
        None => inferred(connector, &settings, &secrets),
    };
    let exists = connections.get(&args.name).await.is_ok_and(|known| known.name == args.name);
    if exists && !args.replace {
        return Err(oktant_connect::Error::ConnectionExists(args.name.clone()).into());
    }
    let draft = Connection { settings, ..connections.draft(&args.name, connector, auth) };
    draft.check(&secrets)?;
    let live = if auth == Auth::OauthCode {
        sign_in(connections, draft, secrets, args.headless).await?
    } else {
        Live { connection: draft, secrets }
    };
    let live = if args.no_test {
        live
    } else {
        let hint = "nothing was written; correct what was given, or write it as it is with --no-test";
        connectors.try_out(live).await.map_err(|error| not_working(&args.name, &error, hint))?.0
    };
    let made = connections.put(live.connection, &live.secrets, args.replace).await?;
    output::print(&format!("{} is connected to {}; its secrets are sealed\n", made.name, made.connector))?;
    if connector == "http" && made.setting("hosts").is_none() && made.auth != Auth::None {
        let hosts = made.reach()?.join(", ");
        terminal::note(format_args!("its secrets go to {hosts} alone; --set hosts=HOST,HOST names other hosts"));
    }
    if let Some(account) = &made.account {
        terminal::note(format_args!("signed in as {account}"));
    }
    Ok(())
}

const AUTH_HINT: &str = "one of none, basic, bearer, headers, aws_keys, oauth_code, oauth_client, oauth_jwt, okta_service, okta_token, smtp";

/// Settings from the options, and those that follow from them.
fn settings(connector: &str, args: &MakeArgs) -> Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for pair in &args.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Error::misuse(format!("\"{pair}\" is no NAME=VALUE"), "write --set name=value"))?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    let named = [
        ("client_id", &args.client_id),
        ("domain", &args.domain),
        ("scope", &args.scope),
        ("login_url", &args.login_url),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            settings.insert(name.to_owned(), value.clone());
        }
    }
    Ok(connection::settled(connector, settings)?)
}

/// Secrets from files, variables or standard input: never from the command line, which others can read.
fn secrets(args: &MakeArgs) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    for pair in &args.secret {
        let usage = || {
            Error::misuse(
                "a secret is given as NAME=@FILE, NAME=env:VARIABLE or NAME=-",
                "secrets on the command line can be read by others",
            )
        };
        let (name, source) = pair.split_once('=').ok_or_else(usage)?;
        let value = if let Some(path) = source.strip_prefix('@') {
            let path = PathBuf::from(path);
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })?
        } else if let Some(variable) = source.strip_prefix("env:") {
            let missing = || Error::misuse(format!("the variable {variable} is not set"), "export it first");
            std::env::var(variable).map_err(|_| missing())?
        } else if source == "-" {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map_err(Error::Stdin)?;
            line
        } else {
            return Err(usage().into());
        };
        secrets.set(name, Secret::new(value.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(secrets)
}

/// The kind of sign-in that what was given is for.
fn inferred(connector: &str, settings: &BTreeMap<String, String>, secrets: &Secrets) -> Auth {
    let has = |name: &str| secrets.get(name).is_some();
    match connector {
        "smtp" => Auth::Smtp,
        "okta" if has("private_key") => Auth::OktaService,
        _ if has("private_key") => Auth::OauthJwt,
        "okta" if has("token") => Auth::OktaToken,
        _ if has("secret_access_key") => Auth::AwsKeys,
        _ if has("token") => Auth::Bearer,
        _ if has("password") => Auth::Basic,
        _ if secrets.has_headers() => Auth::Headers,
        _ if settings.contains_key("authorize_url") => Auth::OauthCode,
        _ if settings.contains_key("token_url") => Auth::OauthClient,
        _ => Auth::None,
    }
}

async fn sign_in(connections: &Connections, draft: Connection, secrets: Secrets, headless: bool) -> Result<Live> {
    let edges = connections.edges();
    let sign_in = SignIn::new(draft, secrets, &*edges.entropy)?;
    if !headless {
        terminal::note("waiting for the sign-in in the browser, five minutes at most; Ctrl-C ends it");
        return Ok(sign_in.in_browser(connections, edges).await?);
    }
    terminal::note(format_args!(
        "Open this address in a browser on any machine, and sign in:\n\n  {}\n\nThen paste the address that the browser \
         ended at, or the code in it. A page that does not load is fine.",
        sign_in.url()
    ));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Error::Stdin)?;
    Ok(sign_in.pasted(connections, &line).await?)
}
