//! A SCIM target in memory, written apart from everything else: what the provisioner is judged by must not share
//! its mistakes. It can fail in every way that real ones do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "token-7f3a";

/// What the target holds and how it behaves.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) users: BTreeMap<String, Map<String, Value>>,
    pub(crate) groups: BTreeMap<String, Group>,
    next: usize,
    pub(crate) log: Vec<Logged>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) habits: Habits,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) members: BTreeSet<String>,
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) status: u16,
}

/// How it deviates from a plain RFC 7644 server.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub(crate) struct Habits {
    /// Resources on one page, whatever is asked for.
    pub(crate) page_max: usize,
    /// PATCH is answered with 204.
    pub(crate) silent_patch: bool,
    /// `ServiceProviderConfig` denies PATCH.
    pub(crate) no_patch: bool,
    /// Attributes that are taken and forgotten.
    pub(crate) forgets: Vec<&'static str>,
    /// Lists leave members out.
    pub(crate) lists_without_members: bool,
    /// Unfiltered lists are Snowflake's synthetic ones.
    pub(crate) synthetic: bool,
    /// Totals as Snowflake counts them.
    pub(crate) snowflake_totals: bool,
    /// User names in lower case that exist and are not visible.
    pub(crate) hidden: BTreeSet<String>,
    /// Requests in flight before it throttles.
    pub(crate) in_flight_max: usize,
    pub(crate) latency: Duration,
    /// The most members that it takes in one request.
    pub(crate) members_max: usize,
    pub(crate) token: &'static str,
    /// Members that it rejects.
    pub(crate) rejects_member: Option<String>,
    /// A user name whose creation takes until there is a group with so many members.
    pub(crate) waits_for_members: Option<(&'static str, usize)>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            page_max: 1_000,
            silent_patch: false,
            no_patch: false,
            forgets: Vec::new(),
            lists_without_members: false,
            synthetic: false,
            snowflake_totals: false,
            hidden: BTreeSet::new(),
            in_flight_max: usize::MAX,
            latency: Duration::ZERO,
            members_max: usize::MAX,
            token: TOKEN,
            rejects_member: None,
            waits_for_members: None,
        }
    }
}

/// Something that goes wrong with requests of a method and a path.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Requests that it spares first.
    pub(crate) skip: usize,
    /// Requests that it strikes then.
    pub(crate) times: usize,
    pub(crate) effect: Effect,
}

#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Nothing is done, and this is answered.
    Answer(u16, &'static str),
    /// Throttled for some seconds.
    Throttle(&'static str),
    /// The connection ends before anything is done.
    LoseRequest,
    /// It is done, and the connection ends before the answer.
    LoseAnswer,
}

impl Fault {
    pub(crate) fn new(method: &'static str, path: &'static str, effect: Effect) -> Self {
        Self { method, path, skip: 0, times: 1, effect }
    }

    pub(crate) fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }
}

/// A running target; dropping it stops it.
#[derive(Debug)]
pub(crate) struct FakeTarget {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    model: Mutex<Model>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Drop for FakeTarget {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeTarget {
    pub(crate) async fn start() -> Self {
        Self::with(Habits::default()).await
    }

    pub(crate) async fn with(habits: Habits) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let model = Mutex::new(Model { habits, ..Model::default() });
        let shared = Arc::new(Shared { model, ..Shared::default() });
        let router = axum::Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { shared, address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/scim/v2", self.address)
    }

    pub(crate) fn model<T>(&self, with: impl FnOnce(&mut Model) -> T) -> T {
        with(&mut self.shared.model.lock())
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::SeqCst)
    }

    /// Methods and paths of the writes so far; forgets them.
    pub(crate) fn take_writes(&self) -> Vec<Logged> {
        let log = self.model(|model| std::mem::take(&mut model.log));
        log.into_iter().filter(|entry| entry.method != "GET").collect()
    }
}

impl Model {
    pub(crate) fn user(&self, user_name: &str) -> Option<&Map<String, Value>> {
        self.users.values().find(|user| user["userName"] == user_name)
    }

    pub(crate) fn user_mut(&mut self, user_name: &str) -> &mut Map<String, Value> {
        self.users.values_mut().find(|user| user["userName"] == user_name).expect(user_name)
    }

    pub(crate) fn add_user(&mut self, mut user: Value) -> String {
        self.next += 1;
        let id = format!("u{}", self.next);
        user["id"] = id.as_str().into();
        self.users.insert(id.clone(), user.as_object().expect("an object").clone());
        id
    }

    pub(crate) fn add_group(&mut self, name: &str, members: &[&str]) -> String {
        self.next += 1;
        let id = format!("g{}", self.next);
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.insert(id.clone(), Group { name: name.to_owned(), members });
        id
    }

    /// Names of the members of a group.
    pub(crate) fn members(&self, group: &str) -> BTreeSet<String> {
        let group = self.groups.values().find(|known| known.name == group).expect(group);
        let name = |id: &String| self.users.get(id).map_or_else(|| id.clone(), |user| text(&user["userName"]));
        group.members.iter().map(name).collect()
    }

    pub(crate) fn active(&self) -> BTreeSet<String> {
        self.users.values().filter(|user| user["active"] == true).map(|user| text(&user["userName"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

type Answer = (u16, Value);

fn error(status: u16, detail: &str) -> Answer {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    (status, json!({ "schemas": schemas, "status": status.to_string(), "detail": detail }))
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let in_flight = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
    let response = answer(&shared, request, in_flight).await;
    shared.in_flight.fetch_sub(1, Ordering::SeqCst);
    response
}

async fn answer(shared: &Shared, request: Request, in_flight: usize) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let path = parts.uri.path().strip_prefix("/scim/v2").unwrap_or_else(|| parts.uri.path()).to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let habits = shared.model.lock().habits.clone();
    if !habits.latency.is_zero() {
        tokio::time::sleep(habits.latency).await;
    }
    if let Some((user_name, members)) = habits.waits_for_members
        && body["userName"] == user_name
    {
        let is_there = || shared.model.lock().groups.values().any(|group| group.members.len() >= members);
        while !is_there() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let mut model = shared.model.lock();
    let logged = Logged { method: parts.method.to_string(), path: path.clone(), body: body.clone(), status: 0 };
    model.log.push(logged);
    let entry = model.log.len() - 1;
    let fault = strike(&mut model.faults, parts.method.as_str(), &path);
    let (status, shown) = match &fault {
        _ if authorization != format!("Bearer {}", habits.token) => error(401, "Access token expired"),
        _ if in_flight > habits.in_flight_max => (429, Value::Null),
        Some(Effect::Answer(status, text)) => {
            return respond(*status, (*text).into(), &[("content-type", content_type(text))]);
        }
        Some(Effect::Throttle(after)) => return respond(429, Bytes::new(), &[("retry-after", after)]),
        Some(Effect::LoseRequest) => return lost(),
        Some(Effect::LoseAnswer) | None => model.serve(&parts.method, &path, &query, &body),
    };
    if let Some(entry) = model.log.get_mut(entry) {
        entry.status = status;
    }
    if matches!(fault, Some(Effect::LoseAnswer)) {
        return lost();
    }
    let body = if shown.is_null() { Bytes::new() } else { shown.to_string().into() };
    respond(status, body, &[("content-type", "application/scim+json")])
}

fn content_type(text: &str) -> &'static str {
    if text.starts_with('<') { "text/html" } else { "application/scim+json" }
}

fn respond(status: u16, body: Bytes, headers: &[(&str, &str)]) -> Response {
    let mut builder = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(body)).expect("a response")
}

/// An answer whose body breaks off: the client sees a lost connection.
fn lost() -> Response {
    let broken = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
    Response::builder().header("content-length", "100").body(Body::from_stream(broken)).expect("a response")
}

fn strike(faults: &mut Vec<Fault>, method: &str, path: &str) -> Option<Effect> {
    let position = faults.iter().position(|fault| fault.method == method && path.starts_with(fault.path))?;
    let fault = &mut faults[position];
    if fault.skip > 0 {
        fault.skip -= 1;
        return None;
    }
    fault.times -= 1;
    let effect = fault.effect.clone();
    if fault.times == 0 {
        faults.remove(position);
    }
    Some(effect)
}

impl Model {
    fn serve(&mut self, method: &Method, path: &str, query: &str, body: &Value) -> Answer {
        let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (collection, id) = match path.trim_start_matches('/').split_once('/') {
            Some((collection, id)) => (collection, Some(id)),
            None => (path.trim_start_matches('/'), None),
        };
        match (method.as_str(), collection, id) {
            ("GET", "ServiceProviderConfig", None) => (200, json!({ "patch": { "supported": !self.habits.no_patch } })),
            ("GET", "Users" | "Groups", None) => self.list(collection, &query),
            ("GET", _, Some(id)) => {
                self.shown(collection, id, true).map_or_else(|| error(404, "not found"), |it| (200, it))
            }
            ("POST", "Users", None) => self.create_user(body),
            ("POST", "Groups", None) => self.create_group(body),
            ("PUT", "Users", Some(id)) => self.put_user(id, body),
            ("PUT", "Groups", Some(id)) => self.put_group(id, body),
            ("PATCH", _, _) if self.habits.no_patch => error(501, "no PATCH here"),
            ("PATCH", "Users", Some(id)) => self.patch_user(id, body),
            ("PATCH", "Groups", Some(id)) => self.patch_group(id, body),
            ("DELETE", "Users", Some(id)) if self.users.remove(id).is_some() => {
                for group in self.groups.values_mut() {
                    group.members.remove(id);
                }
                (204, Value::Null)
            }
            ("DELETE", "Groups", Some(id)) if self.groups.remove(id).is_some() => (204, Value::Null),
            ("DELETE", _, Some(_)) => error(404, "not found"),
            _ => error(405, "not allowed"),
        }
    }

    fn shown(&self, collection: &str, id: &str, with_members: bool) -> Option<Value> {
        if collection == "Users" {
            let mut user = self.users.get(id).filter(|user| !self.is_hidden(user))?.clone();
            user.remove("password");
            return Some(user.into());
        }
        let group = self.groups.get(id)?;
        let mut shown = json!({ "id": id, "displayName": group.name });
        if with_members {
            shown["members"] = group.members.iter().map(|member| json!({ "value": member })).collect();
        }
        Some(shown)
    }

    fn is_hidden(&self, user: &Map<String, Value>) -> bool {
        self.habits.hidden.contains(&text(&user["userName"]).to_lowercase())
    }

    fn list(&self, collection: &str, query: &BTreeMap<String, String>) -> Answer {
        let filter = query.get("filter").and_then(|filter| filter.split_once(" eq "));
        if self.habits.synthetic && filter.is_none() {
            let shown = match collection {
                "Users" => {
                    json!({ "id": "1", "externalId": "synthesis_user_external_id", "userName": "synthesis_user" })
                }
                _ => json!({ "id": "1", "displayName": "synthetic_group" }),
            };
            return (200, json!({ "totalResults": 1, "Resources": [shown] }));
        }
        let wanted =
            filter.map(|(_, value)| serde_json::from_str::<String>(value).expect("a quoted value").to_lowercase());
        let members = wanted.is_some() || !self.habits.lists_without_members;
        let ids: Vec<&String> =
            if collection == "Users" { self.users.keys().collect() } else { self.groups.keys().collect() };
        let all: Vec<Value> = ids.into_iter().filter_map(|id| self.shown(collection, id, members)).collect();
        let name =
            |it: &Value| text(&it[if collection == "Users" { "userName" } else { "displayName" }]).to_lowercase();
        let all: Vec<Value> =
            all.into_iter().filter(|it| wanted.as_ref().is_none_or(|wanted| *wanted == name(it))).collect();
        let number =
            |name: &str, default: usize| query.get(name).map_or(default, |text| text.parse().expect("a number"));
        let (start, count) = (number("startIndex", 1).max(1), number("count", 100).min(self.habits.page_max));
        let total = all.len();
        let page: Vec<Value> = all.into_iter().skip(start - 1).take(count).collect();
        let more = start + count <= total;
        let total = if self.habits.snowflake_totals && more { start + count } else { total };
        (200, json!({ "totalResults": total, "itemsPerPage": count, "startIndex": start, "Resources": page }))
    }

    fn name_is_taken(&self, name: &str, but: &str) -> bool {
        let is_it = |(id, user): (&String, &Map<String, Value>)| {
            id != but && text(&user["userName"]).eq_ignore_ascii_case(name)
        };
        self.users.iter().any(is_it)
    }

    fn group_name_is_taken(&self, name: &str, but: &str) -> bool {
        self.groups.iter().any(|(id, group)| id != but && group.name.eq_ignore_ascii_case(name))
    }

    fn forget(&self, user: &mut Map<String, Value>) {
        for name in &self.habits.forgets {
            user.remove(*name);
        }
    }

    fn create_user(&mut self, body: &Value) -> Answer {
        let name = text(&body["userName"]);
        if name.is_empty() {
            return error(400, "userName is missing");
        }
        if self.name_is_taken(&name, "") {
            return error(409, "User exists with given userName and/or enterprise:user.snowflakeUserName");
        }
        let id = self.add_user(body.clone());
        let mut user = self.users[&id].clone();
        self.forget(&mut user);
        self.users.insert(id.clone(), user);
        (201, self.shown("Users", &id, true).expect("it was made"))
    }

    fn create_group(&mut self, body: &Value) -> Answer {
        let name = text(&body["displayName"]);
        if self.group_name_is_taken(&name, "") {
            return error(409, "role exists");
        }
        let id = self.add_group(&name, &[]);
        (201, self.shown("Groups", &id, true).expect("it was made"))
    }

    fn put_user(&mut self, id: &str, body: &Value) -> Answer {
        if !self.users.contains_key(id) {
            return error(404, "not found");
        }
        if self.name_is_taken(&text(&body["userName"]), id) {
            return error(409, "taken");
        }
        let mut user = body.as_object().cloned().unwrap_or_default();
        user.insert("id".to_owned(), id.into());
        self.forget(&mut user);
        self.users.insert(id.to_owned(), user);
        (200, self.shown("Users", id, true).expect("it is there"))
    }

    fn put_group(&mut self, id: &str, body: &Value) -> Answer {
        let name = text(&body["displayName"]);
        if self.group_name_is_taken(&name, id) {
            return error(409, "taken");
        }
        let members = body["members"].as_array().into_iter().flatten().map(|member| text(&member["value"])).collect();
        let Some(group) = self.groups.get_mut(id) else { return error(404, "not found") };
        *group = Group { name, members };
        (200, self.shown("Groups", id, true).expect("it is there"))
    }

    fn patched(&self, collection: &str, id: &str) -> Answer {
        if self.habits.silent_patch {
            (204, Value::Null)
        } else {
            (200, self.shown(collection, id, true).unwrap_or_default())
        }
    }

    fn patch_user(&mut self, id: &str, body: &Value) -> Answer {
        let Some(mut user) = self.users.get(id).cloned() else { return error(404, "not found") };
        for operation in body["Operations"].as_array().into_iter().flatten() {
            if let Err(problem) = patch(&mut user, operation) {
                return error(400, &problem);
            }
        }
        if self.name_is_taken(&text(&user["userName"]), id) {
            return error(409, "taken");
        }
        self.forget(&mut user);
        self.users.insert(id.to_owned(), user);
        self.patched("Users", id)
    }

    fn patch_group(&mut self, id: &str, body: &Value) -> Answer {
        let Some(mut group) = self.groups.get(id).cloned() else { return error(404, "not found") };
        let mut touched = 0;
        for operation in body["Operations"].as_array().into_iter().flatten() {
            let path = text(&operation["path"]);
            match (text(&operation["op"]).as_str(), path.as_str()) {
                ("replace", "displayName") => group.name = text(&operation["value"]),
                ("add", "members") => {
                    for member in operation["value"].as_array().into_iter().flatten() {
                        touched += 1;
                        let member = text(&member["value"]);
                        if self.habits.rejects_member.as_ref() == Some(&member) || !self.users.contains_key(&member) {
                            return error(400, "no such member");
                        }
                        group.members.insert(member);
                    }
                }
                ("remove", path) => {
                    touched += 1;
                    let id = path.strip_prefix("members[value eq ").and_then(|rest| rest.strip_suffix(']'));
                    let id: Option<String> = id.and_then(|id| serde_json::from_str(id).ok());
                    let Some(id) = id else { return error(400, "a path that is not known") };
                    group.members.remove(&id);
                }
                _ => return error(400, "an operation that is not known"),
            }
        }
        if touched > self.habits.members_max {
            return error(413, "too many members");
        }
        if self.group_name_is_taken(&group.name, id) {
            return error(409, "taken");
        }
        self.groups.insert(id.to_owned(), group);
        self.patched("Groups", id)
    }
}

/// One operation on a user, by the letter of RFC 7644, 3.5.2.
fn patch(user: &mut Map<String, Value>, operation: &Value) -> Result<(), String> {
    let (op, path, value) = (text(&operation["op"]), text(&operation["path"]), operation["value"].clone());
    let (object, rest) = if path.starts_with("urn:") {
        let (schema, rest) = path.rsplit_once(':').ok_or("a bare URN")?;
        let extension = user.entry(schema.to_owned()).or_insert_with(|| json!({}));
        (extension.as_object_mut().ok_or("no object")?, rest.to_owned())
    } else {
        (user, path)
    };
    if let Some((name, filter)) = rest.split_once('[') {
        let (filter, sub) = filter.split_once(']').ok_or("a filter that does not end")?;
        let (attribute, wanted) = filter.split_once(" eq ").ok_or("a filter that is not known")?;
        let wanted: Value = serde_json::from_str(wanted).map_err(|error| error.to_string())?;
        let elements = object.get_mut(name).and_then(Value::as_array_mut).ok_or("noTarget")?;
        let position = elements.iter().position(|element| element[attribute] == wanted).ok_or("noTarget")?;
        match (op.as_str(), sub.strip_prefix('.')) {
            ("remove", None) => drop(elements.remove(position)),
            ("add" | "replace", Some(sub)) => elements[position][sub] = value,
            _ => return Err("an operation that is not known".to_owned()),
        }
        return Ok(());
    }
    let (object, name) = match rest.split_once('.') {
        Some((outer, sub)) => {
            let inner = object.entry(outer.to_owned()).or_insert_with(|| json!({}));
            (inner.as_object_mut().ok_or("no object")?, sub.to_owned())
        }
        None => (object, rest),
    };
    match op.as_str() {
        "remove" => drop(object.remove(&name)),
        "add" if object.get(&name).is_some_and(Value::is_array) => {
            let more = value.as_array().cloned().unwrap_or_default();
            object.get_mut(&name).and_then(Value::as_array_mut).expect("it is one").extend(more);
        }
        "add" | "replace" => drop(object.insert(name, value)),
        _ => return Err("an operation that is not known".to_owned()),
    }
    Ok(())
}
