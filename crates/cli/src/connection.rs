//! From `--dsn` to an open org.

use std::net::SocketAddr;

use oktant_client::{Edges, Org, Properties};
use oktant_sql::Session;

use crate::args::{ConnectionArgs, StoreArgs};
use crate::failure::{Error, Result};
use crate::{connect, terminal};

/// Reads the connection properties. A connection string that names an org and no credentials means
/// the tokens that `oktant login` stored.
pub(crate) fn properties(args: &ConnectionArgs) -> Result<Properties> {
    read(args, "REFRESH")
}

/// Reads the connection properties for a sign-in in the browser.
pub(crate) fn for_sign_in(args: &ConnectionArgs) -> Result<Properties> {
    read(args, "GETANDREFRESH")
}

/// What was corrected in the properties is said on standard error.
fn read(args: &ConnectionArgs, initiate: &str) -> Result<Properties> {
    let dsn = args.dsn.as_ref().filter(|dsn| !dsn.expose().is_empty()).ok_or(Error::NoOrg)?.expose();
    let initiate = || vec![("InitiateOAuth".to_owned(), initiate.to_owned())];
    let properties =
        Properties::parse(dsn).or_else(|error| Properties::parse_with(dsn, initiate()).map_err(|_| error))?;
    for warning in &properties.warnings {
        terminal::note(format_args!("note: {warning}"));
    }
    Ok(properties)
}

/// Opens the org for calls.
pub(crate) async fn org(args: &ConnectionArgs) -> Result<Org> {
    Ok(Org::connect(&properties(args)?, Edges::system()).await?)
}

/// Opens the org for SQL, with the tables of flows beside it.
pub(crate) async fn session(args: &ConnectionArgs, flows: &StoreArgs) -> Result<Session> {
    let properties = properties(args)?;
    let session = Session::connect(&properties, Edges::system()).await?;
    let named = flows.store.as_ref().or(properties.sql.flows_store.as_ref());
    let session = session.with_attached(connect::flow_tables(named)?);
    // Only for completion and lists: a statement looks for itself, and says what is wrong.
    if let Err(error) = session.look_up_attached().await {
        tracing::debug!(%error, "the tables of flows are not known");
    }
    Ok(session)
}

/// Addresses of a host.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    let resolved = tokio::net::lookup_host((host, port)).await.map(Vec::from_iter);
    Ok(resolved.map_err(|source| Error::Resolve { host: host.to_owned(), source })?)
}
