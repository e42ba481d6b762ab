//! Sending the requests of a recording to a sandbox.

use std::collections::HashMap;

use oktant_catalog::{Method, Operation};
use oktant_sandbox::Sandbox;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::area::area;
use super::compare::{Shape, compare};
use super::error::Error;
use super::identity::{Identities, RECORDED_BASE};
use super::rebuild;
use super::recording::{Headers, Interaction, Script};
use super::report::{Class, Comparison, Report, SentBody};

/// Replays a recording against an empty sandbox of its own and enters every comparison.
pub(super) async fn replay(script: &Script, report: &mut Report) -> Result<(), Error> {
    let started = Sandbox::builder().start().await;
    let sandbox = started.map_err(|source| Error::Sandbox { script: script.name.clone(), source })?;
    let http = client().map_err(|source| Error::Request { script: script.name.clone(), index: 0, source })?;
    let mut replay = Replay { sandbox: &sandbox, http, identities: Identities::default(), passwords: HashMap::new() };
    for (index, interaction) in script.interactions.iter().enumerate() {
        if is_unrepeatable(interaction) {
            report.unrepeatable();
            continue;
        }
        let failed = |source| Error::Request { script: script.name.clone(), index, source };
        let comparison = replay.repeat(interaction).await.map_err(failed)?;
        report.add(&format!("{}#{index}", script.name), &comparison);
    }
    sandbox.shutdown().await;
    Ok(())
}

fn client() -> Result<Client, reqwest::Error> {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

/// Token requests carry assertions and proofs that the recorder removed, and some requests went to a host
/// that was no org: the edge answered them.
fn is_unrepeatable(interaction: &Interaction) -> bool {
    let by_edge = interaction.response.body.as_ref().is_some_and(|body| body["message"] == "Resource not found");
    by_edge || interaction.request.path.starts_with("/oauth2/") && interaction.request.path.ends_with("/token")
}

struct Replay<'a> {
    sandbox: &'a Sandbox,
    http: Client,
    identities: Identities,
    /// The passwords that users were given, by login: sign-ins were recorded without them.
    passwords: HashMap<String, String>,
}

struct Answer {
    status: StatusCode,
    link: String,
    body: Option<Value>,
}

impl Replay<'_> {
    async fn repeat(&mut self, interaction: &Interaction) -> Result<Comparison, reqwest::Error> {
        let operation = operation(interaction);
        let (mut body, mut sent) = body(operation, interaction);
        if body.is_none()
            && let Some(sign_in) = self.sign_in(interaction)
        {
            (body, sent) = (Some(sign_in), SentBody::Rebuilt);
        }
        if let Some(body) = &body {
            self.note_password(body);
            self.identities.note_sent(body);
        }
        let is_presumed = self.presumes(interaction);
        let answer = self.send(interaction, body.as_ref()).await?;
        let recorded = &interaction.response;
        self.identities.learn_cursor(&next_link(&recorded.headers), &answer.link);
        if let Some(recorded) = &recorded.body {
            if interaction.request.method != "GET" {
                self.identities.note_made(recorded);
            }
            if let Some(actual) = &answer.body {
                self.identities.learn(recorded, actual);
            }
        }
        let same_status = answer.status.as_u16() == recorded.status;
        // An answer of another kind has nothing of the recorded one, even where key names coincide.
        let actual = answer.body.as_ref().filter(|_| same_status);
        let shape =
            recorded.body.as_ref().map_or_else(Shape::default, |recorded| compare(recorded, actual, &self.identities));
        Ok(Comparison {
            operation: operation.map_or_else(|| unrouted(interaction), |operation| operation.id.to_owned()),
            area: area(operation),
            recorded_status: recorded.status,
            actual_status: answer.status.as_u16(),
            sent,
            shape,
            class: class(operation, sent, is_presumed, recorded.status),
            summary: summary(answer.body.as_ref()),
        })
    }

    fn note_password(&mut self, body: &Value) {
        let text = |pointer| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        self.passwords.extend(text("/profile/login").zip(text("/credentials/password/value")));
    }

    /// The body of a sign-in.
    fn sign_in(&self, interaction: &Interaction) -> Option<Value> {
        let answer = interaction.response.body.as_ref().filter(|_| interaction.request.path == "/api/v1/authn")?;
        let login = answer.pointer("/_embedded/user/profile/login")?.as_str()?;
        Some(json!({ "username": login, "password": self.passwords.get(login)? }))
    }

    /// Whether the path names something that stood in the recorded org before.
    fn presumes(&self, interaction: &Interaction) -> bool {
        let is_id = |segment: &&str| segment.len() >= 15 && segment.bytes().any(|byte| byte.is_ascii_digit());
        interaction.request.path.split('/').filter(is_id).any(|id| self.identities.is_presumed(id))
    }

    async fn send(&self, interaction: &Interaction, body: Option<&Value>) -> Result<Answer, reqwest::Error> {
        let request = &interaction.request;
        let (path, query) = (self.identities.translate(&request.path), self.identities.translate(&request.query));
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{query}", self.sandbox.url());
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
        let mut call =
            self.http.request(method, url).header("authorization", format!("SSWS {}", self.sandbox.api_token()));
        for name in ["accept", "content-type", "if-match"] {
            if let Some(value) = request.headers.get(name).and_then(|values| values.first()) {
                call = call.header(name, value);
            }
        }
        call = match body {
            Some(body) => call.body(self.translate_body(body)),
            None => call.header("content-length", "0"),
        };
        let response = call.send().await?;
        let status = response.status();
        let links = response.headers().get_all("link").iter().filter_map(|value| value.to_str().ok());
        let link = links.filter(|link| link.contains("rel=\"next\"")).collect();
        let body = serde_json::from_slice(&response.bytes().await?).ok();
        Ok(Answer { status, link, body })
    }

    fn translate_body(&self, body: &Value) -> String {
        self.identities.translate(&body.to_string()).replace(RECORDED_BASE, &self.sandbox.url())
    }
}

/// The body to send: the recorded one, or one rebuilt in its place.
fn body(operation: Option<&Operation>, interaction: &Interaction) -> (Option<Value>, SentBody) {
    // Some recorders write down the lack of a body as an empty text.
    if let Some(body) = interaction.request.body.as_ref().filter(|body| body.as_str() != Some("")) {
        return (Some(body.clone()), SentBody::Recorded);
    }
    let takes_one = operation.filter(|operation| operation.request.is_some() && operation.method != Method::Delete);
    let Some(operation) = takes_one else { return (None, SentBody::None) };
    match rebuild::body(operation, interaction.response.status, interaction.response.body.as_ref()) {
        Some(body) => (Some(body), SentBody::Rebuilt),
        None => (None, SentBody::Lost),
    }
}

fn operation(interaction: &Interaction) -> Option<&'static Operation> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let method = all.into_iter().find(|method| method.as_str() == interaction.request.method)?;
    // Some recordings begin the path with two slashes, which counts as one.
    let path = interaction.request.path.replacen("//", "/", 1);
    oktant_catalog::route(method, &path).map(|found| found.operation)
}

fn unrouted(interaction: &Interaction) -> String {
    format!("{} (no operation)", interaction.request.method)
}

fn next_link(headers: &Headers) -> String {
    let links = headers.get("link").into_iter().flatten();
    links.filter(|link| link.contains("rel=\"next\"")).cloned().collect()
}

/// Why a status may differ through no fault of the sandbox's, as far as the script shows it.
fn class(operation: Option<&Operation>, sent: SentBody, is_presumed: bool, recorded: u16) -> Class {
    match operation {
        None => Class::NoOperation,
        Some(_) if recorded >= 500 => Class::Failure,
        Some(_) if is_presumed && recorded < 300 => Class::Presumed,
        Some(_) if sent == SentBody::Lost => Class::Lost,
        Some(_) => Class::Sandbox,
    }
}

/// What an error says, for the list of mismatches.
fn summary(body: Option<&Value>) -> String {
    let Some(body) = body else { return String::new() };
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let cause = body.pointer("/errorCauses/0/errorSummary").and_then(Value::as_str).unwrap_or_default();
    [text("errorCode"), text("errorSummary"), cause]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}
