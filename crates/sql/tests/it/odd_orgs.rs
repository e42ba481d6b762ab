//! Orgs that take fewer expressions than others, or change while they are read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use oktant_client::service::{Failure, HttpService, Layer, Request, Response};
use oktant_sandbox::Sandbox;
use oktant_sql::{Edges, Params, Properties, Pushdown, Session};
use parking_lot::Mutex;

use crate::support::{run_on, sorted_on};

/// Gets the query and the answer of a list of groups, and says what the org answers instead.
type Bend = fn(&str, Response) -> Response;

/// Answers lists of groups in another way, and keeps the queries that they were asked with.
struct Odd {
    bend: Bend,
    queries: Arc<Mutex<Vec<String>>>,
}

struct Bent {
    bend: Bend,
    queries: Arc<Mutex<Vec<String>>>,
    inner: Arc<dyn HttpService>,
}

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Odd")
    }
}

impl fmt::Debug for Bent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bent")
    }
}

impl Layer for Odd {
    fn layer(&self, inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(Bent { bend: self.bend, queries: Arc::clone(&self.queries), inner })
    }
}

#[async_trait]
impl HttpService for Bent {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let is_list = request.url.path() == "/api/v1/groups";
        let query = request.url.query().unwrap_or_default().to_owned();
        let response = self.inner.send(request).await?;
        if !is_list {
            return Ok(response);
        }
        self.queries.lock().push(query.clone());
        Ok((self.bend)(&query, response))
    }
}

struct Setup {
    _sandbox: Sandbox,
    session: Session,
    queries: Arc<Mutex<Vec<String>>>,
}

async fn setup(bend: Bend, properties: &str) -> Setup {
    let sandbox = Sandbox::builder().users(30).groups(12).seed(5).start().await.unwrap();
    let dsn = format!("{}{properties}", sandbox.dsn());
    let queries = Arc::default();
    let edges = Edges::system().layer(Arc::new(Odd { bend, queries: Arc::clone(&queries) }));
    let session = Session::connect(&Properties::parse(&dsn).unwrap(), edges).await.unwrap();
    Setup { _sandbox: sandbox, session, queries }
}

fn has_expression(query: &str) -> bool {
    query.contains("filter=") || query.contains("search=")
}

/// An org that takes neither `filter` nor `search`.
fn refusing(query: &str, response: Response) -> Response {
    if !has_expression(query) {
        return response;
    }
    let body = r#"{"errorCode":"E0000031","errorSummary":"Invalid search criteria.","errorCauses":[]}"#;
    Response { status: 400, body: Bytes::from_static(body.as_bytes()), ..response }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_org_refuses_to_evaluate_is_evaluated_here() {
    let Setup { session, queries, _sandbox } = setup(refusing, "").await;
    let local = session.with_pushdown(Pushdown::Off);
    for sql in [
        "SELECT Id, ProfileName FROM Groups WHERE Type = 'OKTA_GROUP'",
        "SELECT ProfileName FROM Groups WHERE Type = 'BUILT_IN' OR ProfileName = 'Everyone'",
        "SELECT COUNT(*) FROM Groups WHERE LastUpdated > '2000-01-01T00:00:00Z'",
    ] {
        let expected = sorted_on(&local, sql).await;
        assert_ne!(expected, Vec::<Vec<String>>::new(), "{sql}");
        queries.lock().clear();
        assert_eq!(sorted_on(&session, sql).await, expected, "{sql}");
        let asked: Vec<bool> = queries.lock().iter().map(|query| has_expression(query)).collect();
        assert_eq!(asked.iter().filter(|asked| **asked).count(), 1, "once in vain: {asked:?}");
        assert!(asked.contains(&false), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_by_an_order_are_found_without_the_orgs_help() {
    let Setup { session, _sandbox, .. } = setup(refusing, "").await;
    let sql = "SELECT Id, LastUpdated FROM Groups WHERE Type = 'OKTA_GROUP' ORDER BY LastUpdated DESC LIMIT 3";
    let expected = run_on(&session.with_pushdown(Pushdown::Off), sql, Params::None).await.unwrap();
    assert_eq!(expected.rows.len(), 3);
    let instants =
        |answer: &crate::support::Answer| -> Vec<String> { answer.rows.iter().map(|row| row[1].clone()).collect() };
    let found = run_on(&session, sql, Params::None).await.unwrap();
    assert_eq!(instants(&found), instants(&expected));
    let limited = run_on(&session, "SELECT Id FROM Groups WHERE Type = 'OKTA_GROUP' LIMIT 2", Params::None).await;
    assert_eq!(limited.unwrap().rows.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_refusal_is_an_error_still() {
    let bend: Bend = |query, response| {
        if has_expression(query) {
            Response { status: 400, body: Bytes::from_static(b"{\"errorCode\":\"E0000003\"}"), ..response }
        } else {
            response
        }
    };
    let Setup { session, _sandbox, .. } = setup(bend, "").await;
    let answer = run_on(&session, "SELECT Id FROM Groups WHERE Type = 'OKTA_GROUP'", Params::None).await;
    assert_eq!(answer.map_err(|error| oktant_base::Coded::code(&error)), Err(oktant_base::codes::OKT2007));
}

/// An org whose pages overlap by an object, as when one before them was deleted and made anew.
fn overlapping(query: &str, response: Response) -> Response {
    if !query.contains("after=") {
        return response;
    }
    let mut groups: Vec<serde_json::Value> = serde_json::from_slice(&response.body).unwrap();
    let again = groups.first().cloned();
    groups.extend(again);
    Response { body: serde_json::to_vec(&groups).unwrap().into(), ..response }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_moves_between_pages_is_one_row() {
    let Setup { session, queries, _sandbox } = setup(overlapping, "&Pagesize=5").await;
    let rows = sorted_on(&session, "SELECT ProfileName FROM Groups").await;
    let mut distinct = rows.clone();
    distinct.dedup();
    assert!(queries.lock().len() > 1, "several pages");
    assert_eq!(rows, distinct);
    let counted = run_on(&session.with_pushdown(Pushdown::Off), "SELECT COUNT(Id) FROM Groups", Params::None).await;
    assert_eq!(counted.unwrap().rows, [[rows.len().to_string()]]);
}
