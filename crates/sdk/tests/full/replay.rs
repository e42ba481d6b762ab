//! Recorded answers of real orgs, played back to the typed client.
//!
//! For every recorded interaction of an operation of the catalogue: the request line and body are
//! those recorded, the status and errors are handed on, `next` leads where the link does, and no
//! request carries a cookie, although every answer sets one.
//!
//! Request lines are those recorded, byte for byte, but for the classes of [`Difference`], of which the
//! test counts how many there are; those mean the same. Bodies are compared as JSON values.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use oktant_base::{Clock, Timestamp};
use oktant_catalog::{Api, ListShape, Method, Operation, RouteMatch};
use oktant_sdk::models::Json;
use oktant_sdk::{Edges, Error, Okta, Org, Properties};
use serde_json::Value;

use crate::arguments::{Arguments, Outcome, Seen};
use crate::calls::CALLS;

/// One recorded request with its answer.
struct Interaction {
    file: String,
    index: usize,
    method: Method,
    /// Path and query as they were recorded.
    target: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    status: u16,
    headers: BTreeMap<String, Vec<String>>,
    answer: Option<Value>,
}

/// What the server is to answer, and what it was asked.
#[derive(Default)]
struct Stage {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    asked: Vec<Asked>,
}

/// In what a request line is not the recorded one, byte for byte, although it means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// The recorded path ends with a slash, or begins with two.
    Slashes,
    /// The recording escapes fewer characters of the query than the client, which escapes all that are
    /// not unreserved (RFC 3986, 2.3).
    Escapes,
}

/// How often each occurs. Another count is a change of what the client sends.
const DIFFERENCES: [(Difference, usize); 2] = [(Difference::Slashes, 1), (Difference::Escapes, 2)];

#[derive(Debug)]
struct Asked {
    method: String,
    /// Path and query as they came.
    target: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    cookie: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_answers_are_understood() {
    let Some(folder) = recordings() else {
        eprintln!("skipped: the recordings are not there (set OKTANT_SHARED_DATA)");
        return;
    };
    let stage = Arc::<Mutex<Stage>>::default();
    let properties = serve(&stage).await;
    let (mut typed, mut generic, mut outside) = (0, 0, 0);
    let mut wrong = String::new();
    let mut differences = BTreeMap::<Option<Difference>, usize>::new();
    let mut okta = connect(&properties).await;
    for interaction in interactions(&folder) {
        let Some(found) = oktant_catalog::route(interaction.method, &interaction.path) else {
            outside += 1;
            continue;
        };
        let is_typed = interaction.is_complete(&found);
        *(if is_typed { &mut typed } else { &mut generic }) += 1;
        let call = if is_typed { typed_call } else { generic_call };
        interaction.enter(&mut stage.lock().unwrap());
        let mut result = call(&okta, &interaction, &found).0.await;
        // What one recording reported of limits may hold back the next, which was of another time.
        if result.is_err() && stage.lock().unwrap().asked.is_empty() {
            okta = connect(&properties).await;
            result = call(&okta, &interaction, &found).0.await;
        }
        let stage = stage.lock().unwrap();
        for asked in &stage.asked {
            *differences.entry(difference(&asked.target, &interaction.target)).or_default() += 1;
        }
        for problem in interaction.problems(found.operation, result, &stage.asked) {
            let _ = writeln!(wrong, "  {}#{} {}: {problem}", interaction.file, interaction.index, found.operation.id);
        }
    }
    eprintln!("{typed} typed and {generic} generic calls replayed; {outside} requests are of no operation");
    eprintln!("request lines by what is not as recorded: {differences:?}");
    assert!(typed > 700, "too few typed calls: {typed}");
    differences.remove(&None);
    assert!(differences.iter().map(|(known, count)| (known.unwrap(), *count)).eq(DIFFERENCES), "{differences:?}");
    assert!(wrong.is_empty(), "not as recorded:\n{wrong}");
}

/// The call through the typed request.
fn typed_call(okta: &Okta, interaction: &Interaction, found: &RouteMatch) -> Outcome {
    let row = CALLS.binary_search_by(|(id, _)| (*id).cmp(found.operation.id)).expect("the table has every operation");
    let path = found.params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let body = interaction.body.as_ref().map(|body| body.to_string().into_bytes());
    let mut arguments = Arguments { path, query: interaction.query.clone(), body, ..Arguments::default() };
    CALLS[row].1(okta, &mut arguments)
}

/// The call through method and path.
fn generic_call(okta: &Okta, interaction: &Interaction, found: &RouteMatch) -> Outcome {
    let mut request = okta.request(interaction.method, &interaction.path).unwrap();
    for (name, value) in &interaction.query {
        request = request.query(name, value);
    }
    if let Some(body) = &interaction.body {
        request = request.json(&Json::parse(body.to_string()).unwrap());
    }
    match found.operation.list {
        ListShape::None => Outcome::reply(request.send()),
        ListShape::Array | ListShape::Wrapped { .. } => Outcome::page(request.list_of::<Json>().send()),
    }
}

impl Interaction {
    /// Whether everything that the typed request needs was recorded.
    fn is_complete(&self, found: &RouteMatch) -> bool {
        let operation = found.operation;
        let is_lost = operation.request.as_ref().is_some_and(|request| request.required) && self.body.is_none();
        let has = |name: &str| found.param(name).is_some() || self.query.iter().any(|(known, _)| known == name);
        let mut required = operation.parameters.iter().filter(|parameter| parameter.required);
        operation.api == Api::Management && !is_lost && required.all(|parameter| has(parameter.name))
    }

    /// Puts the recorded answer on the stage.
    fn enter(&self, stage: &mut Stage) {
        let headers =
            self.headers.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())));
        let cookie = ("set-cookie".to_owned(), "JSESSIONID=F00; Path=/".to_owned());
        let body = self.answer.as_ref().map(ToString::to_string).unwrap_or_default().into_bytes();
        *stage = Stage { status: self.status, headers: headers.chain([cookie]).collect(), body, asked: Vec::new() };
    }

    /// Everything that is not as it was recorded.
    fn problems(&self, operation: &Operation, result: Result<Seen, Error>, asked: &[Asked]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut expect = |what: &str, seen: String, recorded: String| {
            if seen != recorded {
                problems.push(format!("{what} is {seen}, recorded {recorded}"));
            }
        };
        expect("number of requests", asked.len().to_string(), "1".to_owned());
        if let Some(asked) = asked.first() {
            expect("method", asked.method.clone(), self.method.as_str().to_owned());
            expect("path", asked.path.clone(), self.path.clone());
            expect("query", shown(Some(&asked.query)), shown(Some(&self.query)));
            expect("cookie", asked.cookie.to_string(), false.to_string());
            if asked.body != self.body {
                expect("body", text(asked.body.as_ref()), text(self.body.as_ref()));
            }
        }
        match result {
            Ok(seen) => {
                expect("status", seen.status.to_string(), self.status.to_string());
                expect(
                    "request id",
                    format!("{:?}", seen.request_id),
                    format!("{:?}", self.header("x-okta-request-id")),
                );
                let next = seen.next.map(|cursor| pairs(cursor.query()));
                expect("next", shown(next.as_deref()), shown(self.next(operation).as_deref()));
            }
            Err(error) => {
                expect("status", format!("{:?}", error.status()), format!("{:?}", Some(self.status)));
                match error.api() {
                    Some(api) => {
                        let seen = (api.code.as_str(), api.summary.as_str(), &api.causes, api.id.as_str());
                        expect("error", format!("{seen:?}"), self.error());
                    }
                    None if error.is_rate_limited() => {}
                    None => expect("error", error.to_string(), "an answer of the org".to_owned()),
                }
            }
        }
        problems
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.first().cloned()
    }

    /// The recorded error as code, summary, causes and id.
    fn error(&self) -> String {
        let answer = self.answer.clone().unwrap_or_default();
        let text = |names: &[&str]| names.iter().find_map(|name| answer[*name].as_str()).unwrap_or_default().to_owned();
        let causes = answer["errorCauses"].as_array().cloned().unwrap_or_default();
        let causes: Vec<_> = causes.iter().filter_map(|cause| cause["errorSummary"].as_str()).collect();
        let summary = text(&["errorSummary", "message", "error_description"]);
        format!("{:?}", (text(&["errorCode", "error"]), summary, causes, text(&["errorId"])))
    }

    /// The query of the next page by the recorded link, if the operation is a list.
    fn next(&self, operation: &Operation) -> Option<Vec<(String, String)>> {
        let link = match operation.list {
            ListShape::None => return None,
            ListShape::Wrapped { next_in_body: true, .. } => {
                self.answer.as_ref()?.pointer("/_links/next/href")?.as_str()?.to_owned()
            }
            ListShape::Array | ListShape::Wrapped { .. } => {
                let links = self.headers.get("link")?.iter().flat_map(|line| line.split(", <"));
                let next = links.filter(|link| link.contains("rel=\"next\"")).last()?;
                next.trim_start_matches('<').split('>').next()?.to_owned()
            }
        };
        // The link's query over that of the request, since some links have lost a part of it.
        let link: BTreeMap<_, _> = url::Url::parse(&link).unwrap().query_pairs().into_owned().collect();
        let kept = self.query.iter().filter(|(name, _)| !link.contains_key(name));
        Some(pairs(kept.map(|(name, value)| (name, value)).chain(&link)))
    }
}

/// What two request targets that mean the same differ in.
fn difference(asked: &str, recorded: &str) -> Option<Difference> {
    let (path, query) = recorded.split_once('?').map_or((recorded, None), |(path, query)| (path, Some(query)));
    let path = path.replacen("//", "/", 1);
    let path = path.trim_end_matches('/');
    let tidy = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    if asked == recorded {
        None
    } else if asked == tidy {
        Some(Difference::Slashes)
    } else {
        Some(Difference::Escapes)
    }
}

fn pairs<A: AsRef<str>, B: AsRef<str>>(pairs: impl Iterator<Item = (A, B)>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())).collect();
    pairs.sort_unstable();
    pairs
}

fn shown(pairs: Option<&[(String, String)]>) -> String {
    format!("{pairs:?}")
}

fn text(body: Option<&Value>) -> String {
    body.map(ToString::to_string).unwrap_or_default()
}

/// A server that answers as the stage says: how to connect to it.
async fn serve(stage: &Arc<Mutex<Stage>>) -> Properties {
    let router = Router::new().fallback(answer).with_state(Arc::clone(stage));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let properties = format!("okta:///?Domain=http://{address}&APIToken=t0ken&MaxRetries=0");
    Properties::parse(&properties).unwrap()
}

async fn connect(properties: &Properties) -> Okta {
    let edges = Edges { clock: Arc::new(Leaping::default()), ..Edges::system() };
    Org::connect(properties, edges).await.unwrap().into()
}

/// A clock on which every wait is over at once.
#[derive(Debug)]
struct Leaping(Mutex<Timestamp>);

impl Default for Leaping {
    fn default() -> Self {
        Self(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap()))
    }
}

impl Clock for Leaping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        *self.0.lock().unwrap() += duration;
        Box::pin(std::future::ready(()))
    }
}

async fn answer(State(stage): State<Arc<Mutex<Stage>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut stage = stage.lock().unwrap();
    stage.asked.push(Asked {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        path: decoded(parts.uri.path()),
        query: query_pairs(parts.uri.query().unwrap_or_default()),
        body: serde_json::from_slice(&body).ok(),
        cookie: parts.headers.contains_key("cookie"),
    });
    let mut answer = Response::builder().status(stage.status);
    for (name, value) in &stage.headers {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(stage.body.clone())).unwrap()
}

fn recordings() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("OKTANT_SHARED_DATA").map_or_else(default, PathBuf::from);
    Some(data.join("recordings")).filter(|folder| folder.is_dir())
}

fn interactions(folder: &Path) -> Vec<Interaction> {
    let files = entries(folder).into_iter().flat_map(|tests| entries(&tests));
    files
        .flat_map(|path| {
            let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let interactions = file["interactions"].as_array().cloned().unwrap_or_default();
            interactions.into_iter().enumerate().map(move |(index, node)| interaction(name.clone(), index, &node))
        })
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn interaction(file: String, index: usize, node: &Value) -> Interaction {
    let text = |pointer: &str| node.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let method = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.as_str() == text("/request/method"));
    let part = |pointer: &str| node.pointer(pointer).filter(|part| !part.is_null()).cloned();
    Interaction {
        file,
        index,
        method: method.unwrap(),
        target: [text("/request/path"), text("/request/query")].join(if text("/request/query").is_empty() {
            ""
        } else {
            "?"
        }),
        // Some recordings begin the path with two slashes or end it with one.
        path: decoded(text("/request/path").replacen("//", "/", 1).trim_end_matches('/')),
        query: query_pairs(text("/request/query")),
        body: part("/request/body"),
        status: u16::try_from(node.pointer("/response/status").and_then(Value::as_u64).unwrap()).unwrap(),
        headers: serde_json::from_value(part("/response/headers").unwrap()).unwrap(),
        answer: part("/response/body"),
    }
}

fn query_pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// A path with its percent escapes read.
fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned()
}
