//! Event and inline hooks: the org's calls to other servers, and the keys that sign them.
//!
//! The org calls servers on this machine only. A hook with another address counts as verified without
//! a call, and executing it fails.
//!
//! # Source
//!
//! Recorded for the objects, documented for the handshake and its limit of three seconds; the words
//! of failures are assumed.

mod keys;
mod outgoing;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::org::Org;
use crate::resources::{self, Document};
use crate::store::Store;

pub(crate) use outgoing::Loopback;
use outgoing::{Answer, Target};
pub use outgoing::{Outgoing, Unanswered};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("verifyEventHook", Handler::Outgoing(verify)),
    ("replaceEventHook", Handler::Write(replace)),
    ("executeInlineHook", Handler::Outgoing(execute)),
    ("createHookKey", Handler::Write(keys::create)),
    ("replaceHookKey", Handler::Write(keys::replace)),
    ("getPublicKey", Handler::Read(keys::public)),
];

/// Name of the header that carries the value a hook must answer.
const CHALLENGE: &str = "x-okta-verification-challenge";

fn hook(store: &Store, collection: &str, id: &str, kind: &str) -> Result<Document, ApiError> {
    store.resources.item(collection, id).cloned().ok_or_else(|| ApiError::not_found(id, kind))
}

/// `verifyEventHook`: one `GET` with a challenge, whose answer must repeat it.
fn verify<'a>(org: &'a Org, call: &'a Call<'a>) -> BoxFuture<'a, Outcome> {
    async move {
        let hook = hook(&org.store.read(), "/api/v1/eventHooks", call.param("eventHookId"), "Webhook")?;
        if let Some(target) = Target::of(&hook) {
            let challenge = org.token(40);
            let answer = target.get(org.outgoing.as_ref(), (CHALLENGE, &challenge)).await;
            check(answer, &challenge)?;
        }
        Ok(resources::write(&mut org.store.write(), call)?.0)
    }
    .boxed()
}

fn check(answer: Result<Answer, Unanswered>, challenge: &str) -> Result<(), ApiError> {
    let refused = |reason: &str| Err(ApiError::validation("eventHook").cause(format!("verification: {reason}")));
    match answer {
        Err(Unanswered::Timeout) => refused("The endpoint did not answer within 3 seconds."),
        Err(Unanswered::Unreachable) => refused("The endpoint could not be reached."),
        Ok(Answer { status: 200, body: Some(body) }) if body["verification"] == challenge => Ok(()),
        Ok(Answer { status: 200, .. }) => refused("The endpoint did not return the verification value."),
        Ok(Answer { status, .. }) => refused(&format!("The endpoint answered with status {status}.")),
    }
}

/// `replaceEventHook`: a hook that goes on at the same address stays verified.
fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = call.param("eventHookId");
    let before = store.resources.item("/api/v1/eventHooks", id).cloned().unwrap_or_default();
    let (reply, path) = resources::write(store, call)?;
    let key = path.rsplit('/').next().unwrap_or_default();
    let hooks = store.resources.collection_mut("/api/v1/eventHooks");
    let Some(after) = hooks.get_mut(key).filter(|after| after.get("channel") == before.get("channel")) else {
        return Ok(reply);
    };
    let kept = before.get("verificationStatus").cloned().unwrap_or_default();
    after.insert("verificationStatus".to_owned(), kept.clone());
    Ok(reply.edited(|hook| hook["verificationStatus"] = kept))
}

/// `executeInlineHook`: sends the caller's payload and gives back what the server answers.
fn execute<'a>(org: &'a Org, call: &'a Call<'a>) -> BoxFuture<'a, Outcome> {
    async move {
        let payload = Value::Object(call.object()?);
        let hook = hook(&org.store.read(), "/api/v1/inlineHooks", call.param("inlineHookId"), "InlineHook")?;
        let answer = match Target::of(&hook) {
            Some(target) => target.post(org.outgoing.as_ref(), &payload).await,
            None => Err(Unanswered::Unreachable),
        };
        answered(answer)
    }
    .boxed()
}

/// # Errors
///
/// 502 `E0000134` without a good answer, 400 `E0000135` for one that is no JSON, 504 `E0000137` for none in time.
fn answered(answer: Result<Answer, Unanswered>) -> Outcome {
    match answer {
        Ok(Answer { status: 204, .. }) => Ok(Reply::json(&json!({}))),
        Ok(Answer { status: 200..300, body: Some(body) }) => Ok(Reply::json(&body).status(StatusCode::OK)),
        Ok(Answer { status: 200..300, body: None }) => {
            Err(ApiError::known(400, "E0000135", "The inline hook returned a response that is not valid."))
        }
        Ok(Answer { .. }) | Err(Unanswered::Unreachable) => {
            Err(ApiError::known(502, "E0000134", "The inline hook could not be executed."))
        }
        Err(Unanswered::Timeout) => Err(ApiError::known(504, "E0000137", "The inline hook did not respond in time.")),
    }
}
