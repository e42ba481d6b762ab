//! Does what an action of a manifest says.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use oktant_engine::{CardError, ErrorKind, Outcome};
use oktant_flow::without_mark;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::expression::{self, Scope, Wrong, fill, fill_text, is_empty, text};
use super::{Action, Custom, Manifest, Outputs, Repeat, Request, Step, list};
use crate::failure::{body, refusal, service_code};
use crate::fields::Fields;
use crate::http::Response;

/// Everything outside RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Media type of content that is not looked at.
const OCTETS: &str = "application/octet-stream";

/// A request with its templates filled in, before anyone's base address and credentials.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) method: String,
    pub(crate) target: Target,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<(String, Bytes)>,
    /// Whether sending it twice is like sending it once.
    pub(crate) repeatable: bool,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Below the connector's base address; perhaps with a query of its own.
    Path(String),
    /// A whole address that a flow or an answer gave: only on the host of the base address, where there is one.
    Url(Url),
    /// A whole address of the manifest itself.
    Own(Url),
    /// An operation of Okta's catalogue, with its parameters.
    Operation(String, Vec<(String, String)>),
}

/// Carries requests to a service and signs them.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Sends a request; waits and renews credentials as far as the connector's rules go. An answer of any status is none.
    async fn send(&self, request: &Prepared) -> Result<Response, CardError>;

    /// The connection's settings, for templates.
    fn settings(&self) -> &BTreeMap<String, String>;

    /// How long an answer asks to wait.
    fn retry_after(&self, response: &Response) -> Option<std::time::Duration>;
}

/// One call of an action.
pub(crate) struct Run<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) action: &'a Action,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) options: &'a Fields,
    pub(crate) inputs: &'a Fields,
    pub(crate) cursor: Option<&'a str>,
}

impl Action {
    /// What happens to it when its result is lost.
    pub(crate) fn repeat(&self) -> Repeat {
        if let Some(repeat) = self.repeat {
            return repeat;
        }
        // What a custom action does is known with its options only.
        if self.search_first.is_some() || self.custom.is_some() {
            return Repeat::Search;
        }
        let mut requests = self.steps.iter().filter_map(|step| step.request.as_ref());
        if requests.all(Request::is_repeatable) { Repeat::Safe } else { Repeat::Ask }
    }
}

impl Custom {
    /// What its option says.
    fn word(&self, scope: &Scope<'_>) -> Result<String, Wrong> {
        let word = text(&scope.value(&format!("opt.{}", self.option))?);
        Ok(if word.is_empty() { "GET".to_owned() } else { word.to_ascii_uppercase() })
    }

    /// The method that its option names.
    fn method(&self, scope: &Scope<'_>) -> Result<String, Wrong> {
        let word = self.word(scope)?;
        Ok(word.split('(').next().unwrap_or("GET").trim().to_owned())
    }

    /// Whether its option is `GET(Streaming)`: a GET whose pages are handed on.
    fn streams(&self, scope: &Scope<'_>) -> Result<bool, Wrong> {
        Ok(self.method(scope)? == "GET" && self.word(scope)?.contains("STREAM"))
    }
}

impl Request {
    /// Whether its method promises that sending it twice is like sending it once.
    fn is_repeatable(&self) -> bool {
        if let Some(operation) = oktant_catalog::operation(&self.operation) {
            return operation.idempotent;
        }
        is_idempotent(&self.method)
    }

    /// Fills in the templates of a self.
    pub(crate) fn prepare(&self, scope: &Scope<'_>) -> Result<Prepared, CardError> {
        let method =
            if self.method.is_empty() { "GET".to_owned() } else { fill_text(&self.method, scope, |value| value)? };
        let (target, repeatable) = if self.operation.is_empty() {
            let path = fill_text(&self.path, scope, |value| utf8_percent_encode(&value, SEGMENT).to_string())?;
            check_path(&self.path, &path)?;
            let target = match Url::parse(&path) {
                Ok(url) if self.path.starts_with("https://") => Target::Own(url),
                Ok(url) if matches!(url.scheme(), "http" | "https") => Target::Url(url),
                _ => Target::Path(path),
            };
            (target, is_idempotent(&method))
        } else {
            let mut arguments = Vec::new();
            for (name, template) in &self.args {
                match fill(template, scope)? {
                    empty if is_empty(&empty) => {}
                    value => arguments.push((name.clone(), text(&value))),
                }
            }
            (Target::Operation(self.operation.clone(), arguments), self.is_repeatable())
        };
        let mut query = Vec::new();
        for (name, template) in &self.query {
            pairs(name, fill(template, scope)?, &mut query);
        }
        let mut headers = Vec::new();
        for (name, template) in &self.headers {
            headers.push((name.clone(), fill_text(template, scope, |value| value)?));
        }
        let body = match (&self.body, &self.form) {
            (Some(template), _) => {
                let value = fill(template, scope)?;
                let value = if value.is_null() { json!({}) } else { value };
                Some(("application/json".to_owned(), Bytes::from(value.to_string())))
            }
            (None, Some(form)) => {
                let mut fields = Vec::new();
                for (name, template) in form {
                    pairs(name, fill(template, scope)?, &mut fields);
                }
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                Some(("application/x-www-form-urlencoded".to_owned(), Bytes::from(text)))
            }
            (None, None) if !self.content.is_empty() => Some((OCTETS.to_owned(), bytes(&self.content, scope)?)),
            (None, None) => None,
        };
        Ok(Prepared { method, target, query, headers, body, repeatable })
    }
}

/// RFC 9110, 9.2.2.
pub(crate) fn is_idempotent(method: &str) -> bool {
    matches!(method.to_ascii_uppercase().as_str(), "" | "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS")
}

impl<'a> Run<'a> {
    /// The scope of its expressions before anything was asked.
    pub(crate) fn scope(&self) -> Scope<'a> {
        let (options, inputs, settings) = (self.options, self.inputs, self.transport.settings());
        Scope { options, inputs, settings, variables: BTreeMap::new() }
    }

    /// Does it.
    pub(crate) async fn run(&self) -> Result<Outcome, CardError> {
        let mut scope = self.scope();
        if let Some(custom) = &self.action.custom {
            let request = self.custom(custom, &scope)?;
            if custom.streams(&scope)? {
                return list::stream(self, &custom.pages, &[], request, None, &mut scope).await;
            }
            let answer = self.ask(&request, &[], &mut scope).await?;
            return Ok(Outcome::Outputs(self.custom_outputs(&answer, &scope)?.write()));
        }
        // The last request of a list is the one that is repeated for each page.
        if let Some(list) = &self.action.list {
            let (last, before) =
                self.action.steps.split_last().ok_or_else(|| Wrong("a list needs a request".to_owned()))?;
            self.steps(before, &mut scope).await?;
            return list::run(self, list, last, &mut scope).await;
        }
        self.steps(&self.action.steps, &mut scope).await?;
        Ok(Outcome::Outputs(outputs(&self.action.outputs, &scope)?.write()))
    }

    /// Looks whether it happened already.
    pub(crate) async fn search_first(&self) -> Result<Option<Outcome>, CardError> {
        let mut scope = self.scope();
        if let Some(custom) = &self.action.custom {
            let method = custom.method(&scope)?;
            if matches!(method.as_str(), "GET" | "HEAD") {
                return Ok(None);
            }
            let problem = format!("a {method} of one's own cannot be looked for");
            return Err(CardError::new(ErrorKind::Refused, problem));
        }
        let Some(search) = &self.action.search_first else { return Ok(None) };
        self.steps(&search.steps, &mut scope).await?;
        if !scope.holds(&search.found)? {
            return Ok(None);
        }
        Ok(Some(Outcome::Outputs(outputs(&search.outputs, &scope)?.write())))
    }

    /// The entries of a list that depends on the account.
    pub(crate) async fn dynamic(&self, dynamic: &super::Dynamic) -> Result<Vec<Value>, CardError> {
        let mut scope = self.scope();
        let request = dynamic.request.prepare(&scope)?;
        self.ask(&request, &[], &mut scope).await?;
        let Value::Array(items) = scope.value(&dynamic.items)? else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for item in items {
            let scope = with_item(&scope, item);
            if dynamic.keep.is_empty() || scope.holds(&dynamic.keep)? {
                entries.push(output(&dynamic.entry, &scope)?);
            }
        }
        Ok(entries)
    }

    /// Does steps one after another.
    pub(crate) async fn steps(&self, steps: &[Step], scope: &mut Scope<'a>) -> Result<(), CardError> {
        for step in steps {
            if step.for_each.is_empty() {
                self.step(step, scope).await?;
                continue;
            }
            let Value::Array(items) = scope.value(&step.for_each)? else { continue };
            for item in items {
                scope.variables.insert("item".to_owned(), item);
                self.step(step, scope).await?;
            }
            scope.variables.remove("item");
        }
        Ok(())
    }

    async fn step(&self, step: &Step, scope: &mut Scope<'a>) -> Result<(), CardError> {
        if !step.when.is_empty() && !scope.holds(&step.when)? {
            return Ok(());
        }
        if !step.fail.is_empty() {
            return Err(CardError::new(ErrorKind::Refused, fill_text(&step.fail, scope, |value| value)?));
        }
        for (name, template) in &step.set {
            let value = fill(template, scope)?;
            scope.variables.insert(name.clone(), value);
        }
        if let Some(request) = &step.request {
            let request = request.prepare(scope)?;
            self.ask(&request, &step.accept, scope).await?;
        }
        if !step.collect.is_empty() {
            let from = if step.collect_from.is_empty() { "body" } else { &step.collect_from };
            let more = scope.value(from)?;
            if let (Some(Value::Array(list)), Value::Array(more)) = (scope.variables.get_mut(&step.collect), more) {
                list.extend(more);
            }
        }
        if !step.name.is_empty() {
            let answer: Map<String, Value> = ["status", "headers", "body"]
                .into_iter()
                .map(|name| (name.to_owned(), scope.variables.get(name).cloned().unwrap_or_default()))
                .collect();
            scope.variables.insert(step.name.clone(), Value::Object(answer));
        }
        Ok(())
    }

    /// Sends a request and leaves its answer in the scope.
    pub(crate) async fn ask(
        &self,
        request: &Prepared,
        accept: &[u16],
        scope: &mut Scope<'a>,
    ) -> Result<Response, CardError> {
        let response = self.transport.send(request).await?;
        let headers = headers(&response.headers);
        scope.variables.insert("status".to_owned(), response.status.into());
        scope.variables.insert("headers".to_owned(), headers);
        scope.variables.insert("body".to_owned(), body(&response));
        let errors = &self.manifest.errors;
        let failed_inside = response.is_success() && !errors.fail_if.is_empty() && scope.holds(&errors.fail_if)?;
        if (response.is_success() && !failed_inside) || accept.contains(&response.status) {
            return Ok(response);
        }
        let message = if errors.message.is_empty() { String::new() } else { text(&scope.value(&errors.message)?) };
        let code = if errors.code.is_empty() { Value::Null } else { scope.value(&errors.code)? };
        let retry_after = self.transport.retry_after(&response);
        let mut error = refusal(&response, Some(message.clone()), retry_after, request.repeatable);
        // The service itself says that nothing happened and that it passes, such as for a row that another writer
        // holds.
        if matches!(error.kind, ErrorKind::Refused | ErrorKind::OutcomeUnknown)
            && errors.retry_codes.contains(&text(&code))
        {
            error.kind = ErrorKind::Unavailable;
        }
        error.service_code = service_code(&code);
        if failed_inside {
            error.message = message;
            error.kind = ErrorKind::Refused;
            error.code = Some(crate::fields::flow_value(code));
        }
        Err(error)
    }

    /// The request of a Custom API Action.
    fn custom(&self, custom: &Custom, scope: &Scope<'_>) -> Result<Prepared, CardError> {
        let method = custom.method(scope)?;
        let input = |name: &str| {
            let known = |key: &str| plain(without_mark(key)) == name;
            self.inputs.group(Some(&custom.group)).find(|(key, _)| known(key)).map(|(_, value)| value.clone())
        };
        let relative = text(&input("relativeurl").unwrap_or_default()).trim().to_owned();
        let target = match &custom.bases {
            Some(bases) => {
                let choice = text(&scope.value(&format!("opt.{}", bases.option))?);
                let base = bases.urls.get(&choice).or_else(|| bases.urls.values().next()).cloned().unwrap_or_default();
                let address = format!("{}/{}", base.trim_end_matches('/'), relative.trim_start_matches('/'));
                match target(&address) {
                    Target::Url(url) => Target::Own(url),
                    other => other,
                }
            }
            None => target(&relative),
        };
        let mut query = Vec::new();
        collect_pairs(input("query").unwrap_or_default(), &mut query);
        let mut headers = Vec::new();
        collect_pairs(input("headers").unwrap_or_default(), &mut headers);
        let body = input("body").filter(|body| !is_empty(body)).filter(|_| method != "GET").map(|body| content(&body));
        let repeatable = is_idempotent(&method);
        Ok(Prepared { method, target, query, headers, body, repeatable })
    }

    fn custom_outputs(&self, answer: &Response, scope: &Scope<'_>) -> Result<Fields, CardError> {
        let mut fields = outputs(&self.action.outputs, scope)?;
        fields.set(Some("Response"), "Status Code", answer.status.into());
        for (key, root) in [("Headers", "headers"), ("Body", "body")] {
            fields.set(Some("Response"), key, scope.value(root)?);
        }
        Ok(fields)
    }
}

/// Content that a template gives in base64.
fn bytes(template: &str, scope: &Scope<'_>) -> Result<Bytes, CardError> {
    use base64::Engine as _;
    let encoded = fill_text(template, scope, |value| value)?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
    Ok(decoded.map_err(|error| Wrong(format!("the content cannot be read: {error}")))?.into())
}

/// A value that is empty or dots would make the path name something else, such as the list instead of one of it.
fn check_path(template: &str, path: &str) -> Result<(), Wrong> {
    let without_origin = path.split_once("://").map_or(path, |(_, rest)| rest);
    let resource = without_origin.split('?').next().unwrap_or_default();
    let hollow = resource.contains("//") || (resource.ends_with('/') && !template.ends_with('/'));
    if hollow {
        return Err(Wrong(format!("an input that names what to address is empty: {template}")));
    }
    match resource.split('/').find(|segment| matches!(*segment, "." | "..")) {
        Some(dots) => Err(Wrong(format!("\"{dots}\" names nothing to address: {template}"))),
        None => Ok(()),
    }
}

/// A key without letter case, blanks and underscores.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

fn target(address: &str) -> Target {
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Target::Url(url),
        _ => Target::Path(address.to_owned()),
    }
}

/// The body that a flow gave: objects and lists as JSON, text as it is.
pub(crate) fn content(body: &Value) -> (String, Bytes) {
    match body {
        Value::String(text) => {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            let media_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            (media_type.to_owned(), Bytes::from(text.clone()))
        }
        other => ("application/json".to_owned(), Bytes::from(other.to_string())),
    }
}

/// The members of an object, or the pairs of a query in text form.
pub(crate) fn collect_pairs(value: Value, pairs_out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => members.into_iter().for_each(|(name, value)| pairs(&name, value, pairs_out)),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => collect_pairs(object, pairs_out),
            _ => pairs_out.extend(form_urlencoded::parse(text.trim_start_matches('?').as_bytes()).into_owned()),
        },
        _ => {}
    }
}

/// A value under a name: a list repeats the name, nothing leaves it out.
fn pairs(name: &str, value: Value, pairs_out: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| pairs(name, item, pairs_out)),
        empty if is_empty(&empty) => {}
        value => pairs_out.push((name.to_owned(), text(&value))),
    }
}

/// Headers as an object; of several of one name the values joined.
pub(crate) fn headers(headers: &HeaderMap) -> Value {
    let mut object = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match object.get_mut(name.as_str()) {
            Some(Value::String(known)) => {
                known.push_str(", ");
                known.push_str(&value);
            }
            _ => {
                object.insert(name.as_str().to_owned(), Value::String(value.into_owned()));
            }
        }
    }
    Value::Object(object)
}

/// The outputs that the groups describe.
pub(crate) fn outputs(groups: &indexmap::IndexMap<String, Outputs>, scope: &Scope<'_>) -> Result<Fields, Wrong> {
    let mut fields = Fields::new();
    for (group, outputs) in groups {
        let group = (group != "-").then_some(group.as_str());
        match outputs {
            Outputs::Keys(keys) => {
                for (key, template) in keys {
                    fields.set(group, key, output(template, scope)?);
                }
            }
            Outputs::Spread(expression) => {
                if let Value::Object(members) = scope.value(expression)? {
                    for (key, value) in members {
                        fields.set(group, &key, value);
                    }
                }
            }
        }
    }
    Ok(fields)
}

/// An output: an expression, an object of them, or `{of: list, as: …}` for each `item`.
pub(crate) fn output(template: &Value, scope: &Scope<'_>) -> Result<Value, Wrong> {
    match template {
        Value::String(expression) => scope.value(expression),
        Value::Object(members) => {
            if let (Some(Value::String(of)), Some(record)) = (members.get("of"), members.get("as")) {
                let Value::Array(items) = scope.value(of)? else { return Ok(Value::Array(Vec::new())) };
                return items.into_iter().map(|item| output(record, &with_item(scope, item))).collect();
            }
            let filled = members.iter().map(|(key, template)| Ok((key.clone(), output(template, scope)?)));
            filled.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

pub(crate) fn with_item<'a>(scope: &Scope<'a>, item: Value) -> Scope<'a> {
    let mut scope = scope.clone();
    scope.variables.insert("item".to_owned(), item);
    scope
}

/// Whether a template of an action names something that is there: for the tests of manifests.
pub(crate) fn check(manifest: &Manifest) -> Result<(), expression::Wrong> {
    let none = Fields::new();
    let settings = BTreeMap::new();
    for action in manifest.actions.values() {
        let searches = action.search_first.iter().flat_map(|search| &search.steps);
        let mut variables: BTreeMap<String, Value> = BTreeMap::new();
        for step in action.steps.iter().chain(searches) {
            variables.insert(step.name.clone(), Value::Null);
            variables.extend(step.set.keys().map(|name| (name.clone(), Value::Null)));
        }
        let scope = Scope { options: &none, inputs: &none, settings: &settings, variables };
        for step in &action.steps {
            for template in step.set.values() {
                tolerate_empty(fill(template, &scope))?;
            }
            if !step.when.is_empty() {
                scope.holds(&step.when)?;
            }
            fill_text(&step.fail, &scope, |value| value)?;
            if let Some(request) = &step.request {
                tolerate_empty(fill_text(&request.path, &scope, |value| value))?;
                for template in request.query.values().chain(request.args.values()).chain(&request.body) {
                    tolerate_empty(fill(template, &scope))?;
                }
            }
        }
        outputs(&action.outputs, &scope)?;
        if let Some(list) = &action.list {
            outputs(&list.one, &scope)?;
            list.record.as_ref().map(|record| output(record, &scope)).transpose()?;
        }
    }
    Ok(())
}

/// A name that is required is no mistake of the manifest.
fn tolerate_empty<T>(filled: Result<T, Wrong>) -> Result<(), Wrong> {
    match filled {
        Err(wrong) if wrong.0.contains("is no name of") => Ok(()),
        other => other.map(drop),
    }
}
