//! A sandbox with a session on it.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use oktant_sandbox::Sandbox;
use oktant_sql::{Edges, Error, Params, Properties, Session};
use serde_json::Value;

/// A sandbox and a session on it.
pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) session: Session,
}

/// The answer to a statement, as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Fixture {
    pub(crate) async fn new(users: usize, groups: usize) -> Self {
        Self::with(users, groups, "").await
    }

    /// With more connection properties, such as `&MaxApiRequests=3`.
    pub(crate) async fn with(users: usize, groups: usize, properties: &str) -> Self {
        let sandbox = Sandbox::builder().users(users).groups(groups).seed(11).start().await.unwrap();
        let dsn = format!("{}{properties}", sandbox.dsn());
        let session = Session::connect(&Properties::parse(&dsn).unwrap(), Edges::system()).await.unwrap();
        sandbox.clear_requests();
        Self { sandbox, session }
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<Answer, Error> {
        self.run_with(sql, Params::None).await
    }

    pub(crate) async fn run_with(&self, sql: &str, params: Params) -> Result<Answer, Error> {
        run_on(&self.session, sql, params).await
    }

    /// Rows of a statement that must succeed.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> impl Future<Output = Vec<Vec<String>>> {
        let at = std::panic::Location::caller();
        async move {
            match self.run(sql).await {
                Ok(answer) => answer.rows,
                Err(error) => panic!("{at}: {sql}: {error:?}"),
            }
        }
    }

    /// Rows in a fixed order.
    #[track_caller]
    pub(crate) fn sorted(&self, sql: &str) -> impl Future<Output = Vec<Vec<String>>> {
        let rows = self.rows(sql);
        async move {
            let mut rows = rows.await;
            rows.sort();
            rows
        }
    }

    /// `METHOD path?query` of every request since the last call, decoded for reading.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.sandbox.requests();
        self.sandbox.clear_requests();
        requests
            .iter()
            .map(|request| match request.query.as_str() {
                "" => format!("{} {}", request.method, request.path),
                query => format!("{} {}?{}", request.method, request.path, decoded(query)),
            })
            .collect()
    }

    /// Every object of a list of the org, as the sandbox serves it.
    pub(crate) async fn objects(&self, path: &str) -> Vec<Value> {
        let call = oktant_client::Call::get(path).unwrap();
        let pages: Vec<_> = self.session.org().pages(call).try_collect().await.unwrap();
        pages.iter().flat_map(|page| serde_json::from_slice::<Vec<Value>>(&page.body).unwrap()).collect()
    }

    /// Every user, whatever the status.
    pub(crate) async fn users(&self) -> Vec<Value> {
        let mut users = self.objects("/api/v1/users?limit=200").await;
        users.extend(self.objects("/api/v1/users?limit=200&filter=status%20eq%20%22DEPROVISIONED%22").await);
        self.sandbox.clear_requests();
        users
    }
}

/// Runs a statement to its end.
pub(crate) async fn run_on(session: &Session, sql: &str, params: Params) -> Result<Answer, Error> {
    let rows = session.query(sql, params).await?;
    let schema = rows.schema();
    let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
    let batches: Vec<RecordBatch> = rows.try_collect().await?;
    Ok(Answer { columns, rows: batches.iter().flat_map(texts).collect() })
}

/// Rows of a statement that must succeed, in a fixed order.
pub(crate) async fn sorted_on(session: &Session, sql: &str) -> Vec<Vec<String>> {
    let mut rows = run_on(session, sql, Params::None).await.unwrap().rows;
    rows.sort();
    rows
}

fn decoded(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()).collect()
}
