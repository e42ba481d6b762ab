//! Pushes to the phone: who holds it answers at `/sandbox/pushes`.

use chrono::TimeDelta;
use http::StatusCode;
use oktant_base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::model::Factor;
use super::{find, not_found, view};
use crate::http::{Call, Outcome, Reply};
use crate::store::{Id, Store, with_millis};
use crate::users;

/// How long a push waits for its answer.
const WAIT: TimeDelta = TimeDelta::minutes(5);

/// The result of a push that has none yet.
const WAITING: &str = "WAITING";

/// Pushes that are remembered; older ones are forgotten first.
const PUSHES_MAX: usize = 1_000;

/// A question on a user's phone.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Push {
    /// Names it, here and in the path of its transaction.
    pub(crate) id: String,
    /// The factor's user.
    pub(crate) user: String,
    pub(crate) factor: String,
    #[serde(skip)]
    expires_at: Timestamp,
    pub(crate) answer: Option<Answer>,
}

/// What whoever holds the phone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Answer {
    /// It was me.
    Approve,
    /// It was not.
    Reject,
}

/// Why a push cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswerable {
    /// There is no such push.
    Unknown,
    /// It was answered, or nobody did in time.
    Ended,
}

/// The pushes of an org, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pushes(Vec<Push>);

impl Pushes {
    /// Sends a push, in place of an earlier one of this id.
    fn send(&mut self, id: String, user: Id, factor: Id, now: Timestamp) -> Push {
        self.forget(&id);
        if self.0.len() == PUSHES_MAX {
            self.0.remove(0);
        }
        let (user, factor) = (user.to_string(), factor.to_string());
        let push = Push { id, user, factor, expires_at: now + WAIT, answer: None };
        self.0.push(push.clone());
        push
    }

    fn forget(&mut self, id: &str) {
        self.0.retain(|push| push.id != id);
    }

    fn find(&self, id: &str) -> Option<&Push> {
        self.0.iter().find(|push| push.id == id)
    }

    /// Every push, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Push> {
        self.0.iter()
    }

    /// Answers a push.
    ///
    /// # Errors
    ///
    /// [`Unanswerable`] if there is none of this id, or if it waits no more.
    pub(crate) fn answer(&mut self, id: &str, answer: Answer, now: Timestamp) -> Result<(), Unanswerable> {
        let push = self.0.iter_mut().find(|push| push.id == id).ok_or(Unanswerable::Unknown)?;
        if push.result(now) != WAITING {
            return Err(Unanswerable::Ended);
        }
        push.answer = Some(answer);
        Ok(())
    }
}

impl Push {
    fn result(&self, now: Timestamp) -> &'static str {
        match self.answer {
            Some(Answer::Approve) => "SUCCESS",
            Some(Answer::Reject) => "REJECTED",
            None if now >= self.expires_at => "TIMEOUT",
            None => WAITING,
        }
    }
}

/// Activates a push factor once its phone was approved; its own id names the push. How a push ended
/// that was not approved is told once: asked again, the org sends another.
///
/// # Source
///
/// Documented: while it waits the answer says so; activating again after a timeout starts anew.
pub(super) fn activate(store: &mut Store, call: &Call<'_>, user: Id, factor: &Factor) -> Option<Reply> {
    let id = factor.id.to_string();
    let known = store.factors.pushes().find(&id).cloned();
    let push = known.unwrap_or_else(|| store.factors.pushes_mut().send(id, user, factor.id, call.now));
    match push.result(call.now) {
        "SUCCESS" => None,
        WAITING => {
            let expires_at = with_millis(push.expires_at);
            Some(Reply::json(&json!({ "expiresAt": expires_at, "factorResult": WAITING })))
        }
        ended => {
            store.factors.pushes_mut().forget(&push.id);
            Some(Reply::json(&json!({ "factorResult": ended })))
        }
    }
}

/// Sends the push that activates a factor anew.
pub(super) fn resend(store: &mut Store, call: &Call<'_>, user: Id, factor: Id) {
    store.factors.pushes_mut().send(factor.to_string(), user, factor, call.now);
}

/// Sends a push and answers with where to ask for its result.
pub(super) fn challenge(store: &mut Store, call: &Call<'_>, user: Id, factor: Id) -> Reply {
    let id = format!("mst{}", call.org.hex(8));
    let poll = call.url(&format!("/api/v1/users/{user}/factors/{factor}/transactions/{id}"));
    let push = store.factors.pushes_mut().send(id, user, factor, call.now);
    let link = |allow: &str| json!({ "href": poll, "hints": { "allow": [allow] } });
    let answer = json!({
        "expiresAt": with_millis(push.expires_at),
        "factorResult": WAITING,
        "_links": { "poll": link("GET"), "cancel": link("DELETE") },
    });
    Reply::json(&answer).status(StatusCode::CREATED)
}

/// `getFactorTransactionStatus`.
pub(super) fn transaction(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?.id;
    let factor = find(store, call)?;
    let push = store.factors.pushes().find(call.param("transactionId"));
    let push = push.filter(|push| push.factor == factor.id.as_str()).ok_or_else(|| not_found(call))?;
    let result = push.result(call.now);
    let mut answer = json!({ "factorResult": result });
    if result != "SUCCESS" {
        answer["profile"] = Value::Object(factor.profile.clone());
        answer["_links"] = view::challenge_links(call, user, &factor);
    }
    Ok(Reply::json(&answer))
}
