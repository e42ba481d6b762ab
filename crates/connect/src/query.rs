//! The card that runs SQL over an org, `oktant:sql`. What runs it is a parameter: this crate knows no SQL.
//!
//! ```text
//! Query / SQL      the statement
//! Query / Limit    rows that it may give; more are an error (default and most: 10 000)
//! Result / Rows    a list of objects, by the names of the columns
//! Result / Count   how many there are
//! Result / CSV     the same as text, with a line of names
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oktant_base::Timestamp;
use oktant_engine::{ActionInfo, Actions, Call, CardError, ErrorKind, Idempotency, Outcome};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::fields::Fields;
use crate::tables::csv_text;

/// The address of the card.
pub const SQL_CARD: &str = "oktant:sql";

/// Rows that a statement of a card gives at most.
const ROWS_MAX: usize = 10_000;

/// How long a statement may take: a whole org may have to be read.
const TIME: Duration = Duration::from_mins(15);

/// A statement of a card.
#[derive(Debug)]
pub struct Query<'a> {
    /// What is asked.
    pub sql: &'a str,
    /// The id or name of the connection of the org; nothing for the org that the process is configured for.
    pub connection: Option<&'a str>,
    /// Rows that are wanted at most. One more than these is enough to know that there are too many.
    pub most: usize,
    /// Ends when nobody waits for the answer any more.
    pub cancel: &'a CancellationToken,
}

/// The answer to a [`Query`]: all of it, never a part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each an object by the names of the columns.
    pub rows: Vec<Map<String, Value>>,
}

/// Runs SQL. Implemented by whoever embeds the connectors.
#[async_trait]
pub trait Queries: Send + Sync + fmt::Debug {
    /// The rows of a statement. It must not change anything: after a crash it is asked again.
    ///
    /// # Errors
    ///
    /// Any [`CardError`]: [`ErrorKind::Input`] if the statement is none or writes, [`ErrorKind::RateLimited`] or
    /// [`ErrorKind::Unavailable`] if it may help to ask again.
    async fn query(&self, query: Query<'_>) -> Result<Rows, CardError>;
}

/// Actions, and the card that runs SQL beside them.
#[derive(Debug, Clone)]
pub struct WithSql {
    actions: Arc<dyn Actions>,
    queries: Arc<dyn Queries>,
}

impl WithSql {
    /// `actions` with the card, which `queries` answers.
    pub fn new(actions: Arc<dyn Actions>, queries: Arc<dyn Queries>) -> Self {
        Self { actions, queries }
    }

    async fn query(&self, call: &Call) -> Result<Outcome, CardError> {
        const GROUP: Option<&str> = Some("Query");
        let wrong = |message: String| CardError::new(ErrorKind::Input, message);
        let inputs = Fields::read(&call.inputs);
        let sql = inputs.text(GROUP, "SQL");
        let limit = inputs.get(GROUP, "Limit").and_then(Value::as_f64);
        let most = limit.map_or(ROWS_MAX, |limit| (limit.max(0.0) as usize).min(ROWS_MAX));
        let query = Query { sql: &sql, connection: call.connection.as_deref(), most, cancel: &call.cancel };
        let Rows { columns, rows } = self.queries.query(query).await?;
        if rows.len() > most {
            return Err(wrong(format!("the statement gives more than {most} rows; ask for fewer, or for a summary")));
        }
        let csv = String::from_utf8(csv_text(&columns, &rows, b',')?).map_err(|error| wrong(error.to_string()))?;
        let mut outputs = Fields::new();
        outputs.set(Some("Result"), "Count", rows.len().into());
        outputs.set(Some("Result"), "CSV", csv.into());
        outputs.set(Some("Result"), "Rows", rows.into_iter().map(Value::Object).collect());
        Ok(Outcome::Outputs(outputs.write()))
    }
}

#[async_trait]
impl Actions for WithSql {
    fn describe(&self, address: &str) -> Option<ActionInfo> {
        if address == SQL_CARD {
            return Some(ActionInfo { idempotency: Idempotency::Safe, streaming: false, timeout: TIME });
        }
        self.actions.describe(address)
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        if &*call.address == SQL_CARD { self.query(&call).await } else { self.actions.call(call).await }
    }

    async fn search_first(&self, call: Call) -> Result<Option<Outcome>, CardError> {
        if &*call.address == SQL_CARD { Ok(None) } else { self.actions.search_first(call).await }
    }

    async fn kept_before(&self, instant: Timestamp) -> Vec<String> {
        self.actions.kept_before(instant).await
    }

    async fn forget(&self, names: &[String]) {
        self.actions.forget(names).await;
    }
}
