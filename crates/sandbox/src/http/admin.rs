//! The sandbox's own paths, for tests: no credentials, since the org listens on loopback only.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::faults::Fault;
use super::reply::Reply;
use super::traffic::Traffic;
use crate::factors::{Answer, Unanswerable};
use crate::org::Org;

/// Where the sandbox's own paths start.
pub(crate) const PREFIX: &str = "/sandbox/";

/// Where the pushes to people's phones are answered.
const PUSHES: &str = "/sandbox/pushes/";

/// Answers a request to one of the sandbox's own paths.
pub(crate) fn answer(org: &Org, parts: &Parts, body: &Bytes) -> Response {
    let reply = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/sandbox/outbox") => Reply::json(&org.store.read().factors.outbox().collect::<Vec<_>>()),
        (&Method::GET, "/sandbox/pushes") => Reply::json(&org.store.read().factors.pushes().iter().collect::<Vec<_>>()),
        (&Method::POST, path) if path.starts_with(PUSHES) => answer_push(org, &path[PUSHES.len()..], body),
        _ => common(&org.traffic, parts, body),
    };
    respond(reply)
}

/// Requests and faults, which every org of the sandbox has.
pub(crate) fn common(traffic: &Traffic, parts: &Parts, body: &[u8]) -> Reply {
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/sandbox/requests") => Reply::json(&traffic.requests()),
        (&Method::DELETE, "/sandbox/requests") => {
            traffic.clear_requests();
            Reply::no_content()
        }
        (&Method::GET, "/sandbox/faults") => Reply::json(&traffic.faults.list()),
        (&Method::POST, "/sandbox/faults") => add_faults(traffic, body),
        (&Method::DELETE, "/sandbox/faults") => {
            traffic.clear_faults();
            Reply::no_content()
        }
        _ => problem(StatusCode::NOT_FOUND, "the sandbox has no such path"),
    }
}

/// A reply of one of the sandbox's own paths.
pub(crate) fn respond(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body.unwrap_or_default()));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
}

/// A refusal of one of the sandbox's own paths.
pub(crate) fn problem(status: StatusCode, error: &str) -> Reply {
    Reply::json(&Problem { error }).status(status)
}

/// One fault, or an array of them as in a file; all or none.
fn add_faults(traffic: &Traffic, body: &[u8]) -> Reply {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let given = if is_array {
        serde_json::from_slice::<Vec<Fault>>(body)
    } else {
        serde_json::from_slice::<Fault>(body).map(|fault| vec![fault])
    };
    match given {
        Ok(faults) => {
            for fault in faults {
                traffic.add_fault(fault);
            }
            Reply::no_content()
        }
        Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

/// An answer to a push: `{"answer": "APPROVE"}` or `REJECT`.
#[derive(Deserialize)]
struct PushAnswer {
    answer: Answer,
}

fn answer_push(org: &Org, id: &str, body: &[u8]) -> Reply {
    match serde_json::from_slice::<PushAnswer>(body) {
        Ok(given) => match org.store.write().factors.pushes_mut().answer(id, given.answer, org.clock.now()) {
            Ok(()) => Reply::no_content(),
            Err(Unanswerable::Unknown) => problem(StatusCode::NOT_FOUND, "there is no such push"),
            Err(Unanswerable::Ended) => problem(StatusCode::CONFLICT, "the push was answered or has timed out"),
        },
        Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}
