//! From `--dsn` to an open org.

use oktant_client::{Edges, Org, Properties};
use oktant_sql::Session;

use crate::args::ConnectionArgs;
use crate::failure::{Error, Result};
use crate::terminal;

/// Reads the connection properties. What was corrected in them is said on standard error.
pub(crate) fn properties(args: &ConnectionArgs) -> Result<Properties> {
    let dsn = args.dsn.as_ref().filter(|dsn| !dsn.expose().is_empty()).ok_or(Error::NoOrg)?;
    let properties = Properties::parse(dsn.expose())?;
    for warning in &properties.warnings {
        terminal::note(format_args!("note: {warning}"));
    }
    Ok(properties)
}

/// Opens the org for calls.
pub(crate) async fn org(args: &ConnectionArgs) -> Result<Org> {
    Ok(Org::connect(&properties(args)?, Edges::system()).await?)
}

/// Opens the org for SQL.
pub(crate) async fn session(args: &ConnectionArgs) -> Result<Session> {
    Ok(Session::connect(&properties(args)?, Edges::system()).await?)
}
