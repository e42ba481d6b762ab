//! The card that runs SQL: over the org of the process, or that of a connection, with the tables of flows beside it.

use async_trait::async_trait;
use futures::StreamExt as _;
use oktant_base::{Code, Coded, codes};
use oktant_connect::Connectors;
use oktant_connect::query::{Queries, Query, Rows};
use oktant_engine::{CardError, ErrorKind};
use oktant_functions::Value;
use oktant_sql::{Params, Session};
use tokio::sync::OnceCell;

use crate::args::{ConnectionArgs, StoreArgs};
use crate::failure::Failure;
use crate::{connect, connection, output};

/// Runs statements of cards.
#[derive(Debug)]
pub(crate) struct CardQueries {
    /// The org of the process.
    org: ConnectionArgs,
    /// The database of flows.
    flows: StoreArgs,
    connectors: Connectors,
    /// What runs the cards, for messages.
    runner: &'static str,
    /// The session of the org of the process, opened with the first statement.
    session: OnceCell<Session>,
}

impl CardQueries {
    /// Statements of cards that `runner` runs, over the org that it was started with.
    pub(crate) fn new(org: ConnectionArgs, flows: StoreArgs, connectors: Connectors, runner: &'static str) -> Self {
        Self { org, flows, connectors, runner, session: OnceCell::new() }
    }

    /// The session that a statement is for.
    async fn session(&self, connection: Option<&str>) -> Result<Session, CardError> {
        if let Some(connection) = connection {
            let org = self.connectors.org(connection).await?;
            let session = Session::over(org, self.connectors.connections().edges().clone()).map_err(|e| failed(&e))?;
            let attached = connect::flow_tables(self.flows.store.as_ref()).map_err(|failure| refused(&failure))?;
            return Ok(session.with_attached(attached));
        }
        if self.org.dsn.as_ref().is_none_or(|dsn| dsn.expose().is_empty()) {
            let message = format!(
                "the card runs SQL over an org, and {}, which runs the flow, was started without one: start it with \
                 --dsn or OKTANT_DSN, or give the card a connection to Okta",
                self.runner
            );
            return Err(CardError::new(ErrorKind::Connection, message));
        }
        let opened = self.session.get_or_try_init(|| connection::session(&self.org, &self.flows)).await;
        opened.cloned().map_err(|failure| refused(&failure))
    }

    async fn rows(&self, query: &Query<'_>) -> Result<Rows, CardError> {
        let session = self.session(query.connection).await?;
        let mut batches = session.query(query.sql, Params::None).await.map_err(|error| failed(&error))?;
        let columns = batches.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut rows = Vec::new();
        // More than are wanted is an error, whatever comes behind them.
        while rows.len() <= query.most
            && let Some(batch) = batches.next().await
        {
            let batch = batch.map_err(|error| failed(&error))?;
            let objects = output::objects(&batch).map_err(|error| input(error.to_string()))?;
            rows.extend(objects);
        }
        if let Some(most) = batches.max_rows().filter(|most| rows.len() >= *most) {
            return Err(input(format!(
                "MaxRows ended the answer after {most} rows; raise it in the connection string, or ask for fewer rows"
            )));
        }
        Ok(Rows { columns, rows })
    }
}

#[async_trait]
impl Queries for CardQueries {
    async fn query(&self, query: Query<'_>) -> Result<Rows, CardError> {
        tokio::select! {
            rows = self.rows(&query) => rows,
            () = query.cancel.cancelled() => Err(CardError::new(ErrorKind::Cancelled, "nobody waits for the rows any more")),
        }
    }
}

fn input(message: String) -> CardError {
    CardError::new(ErrorKind::Input, message)
}

/// An error of a statement, as a card's.
fn failed(error: &(dyn Coded + 'static)) -> CardError {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    let hint = error.hint().unwrap_or_else(|| error.code().fix().to_owned());
    let code = error.code();
    CardError { code: Some(Value::text(code.id())), ..CardError::new(kind(code), format!("{message}; {hint}")) }
}

/// Why there is no session, as a card's error.
fn refused(failure: &Failure) -> CardError {
    failed(failure.error())
}

/// Whether it helps to ask again.
fn kind(code: Code) -> ErrorKind {
    match code.http_status() {
        _ if [codes::OKT2011, codes::OKT2012].contains(&code) => ErrorKind::RateLimited,
        401 | 403 => ErrorKind::Connection,
        502..=504 => ErrorKind::Unavailable,
        _ => ErrorKind::Input,
    }
}
