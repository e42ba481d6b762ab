//! Requests with their entry in the journal, and outcomes with their reason in the log.

use oktant_base::{Coded as _, Secret};
use serde_json::{Map, Value as Json, json};

use super::{Executor, REASONS_SHOWN, Verdict};
use crate::error::Error;
use crate::scim::{self, Answer, Endpoint, Request};
use crate::state::{Outcome, Write};

/// What the journal says of an answer that tells of success and of nothing else.
const PLAIN: &str = "ok";

/// What a change is called in journal and log.
#[derive(Debug, Clone)]
pub(super) struct Subject<'a> {
    pub(super) kind: &'static str,
    pub(super) okta_id: &'a str,
    pub(super) name: &'a str,
}

impl Subject<'_> {
    fn id(&self) -> String {
        format!("{}:{}", self.kind, self.okta_id)
    }
}

/// A request that was sent, and the entry that still lacks its answer.
pub(super) struct Sent {
    entry: i64,
    pub(super) result: Result<Answer, scim::Error>,
}

impl Executor<'_> {
    /// Notes the intent, then sends.
    pub(super) async fn send(&self, subject: &Subject<'_>, request: &Request) -> Result<Sent, Error> {
        let entry = self.intend(subject, request).await?;
        Ok(Sent { entry, result: self.target.send(request).await })
    }

    /// Notes a request that was answered already.
    pub(super) async fn note(
        &self,
        subject: &Subject<'_>,
        request: &Request,
        result: Result<Answer, scim::Error>,
    ) -> Result<Sent, Error> {
        Ok(Sent { entry: self.intend(subject, request).await?, result })
    }

    async fn intend(&self, subject: &Subject<'_>, request: &Request) -> Result<i64, Error> {
        let entry = self.state.new_entry();
        let intent = Write::Intent {
            entry,
            run: self.run,
            change: subject.id(),
            object: subject.okta_id.to_owned(),
            method: request.method.to_string(),
            path: request.path(),
            intent: request.intent.clone().unwrap_or_else(|| without_password(request.body.as_deref())),
            at: self.state.now(),
        };
        self.state.write(vec![intent]).await?;
        Ok(entry)
    }

    /// The write that closes the entry of a request.
    pub(super) fn answer(&self, sent: &Sent, remark: &str) -> Write {
        let (status, result) = match &sent.result {
            Ok(answer) => (Some(answer.status.as_u16()), PLAIN.to_owned()),
            Err(error) => (error.status(), error.to_string()),
        };
        let result = if remark.is_empty() { result } else { format!("{result}; {remark}") };
        Write::Answer { entry: sent.entry, status, result, at: self.state.now() }
    }

    /// Closes the entry of a request whose error ends the run, and gives that error.
    pub(super) async fn give_up(&self, sent: Sent) -> Result<(), Error> {
        self.state.write(vec![self.answer(&sent, "")]).await?;
        sent.result.map(|_| ()).map_err(Error::from)
    }

    /// Reads a resource, changes it and puts it back whole; once more if it was changed meanwhile. `secret` is a
    /// password among the changes.
    pub(super) async fn replace(
        &self,
        subject: &Subject<'_>,
        endpoint: Endpoint,
        scim_id: &str,
        secret: Option<&Secret>,
        change: impl Fn(&mut Map<String, Json>),
    ) -> Result<Sent, Error> {
        let mut is_second = false;
        loop {
            let get = Request::get(endpoint).id(scim_id);
            let read = self.target.send(&get).await;
            let (etag, resource) = match read.and_then(|answer| Ok((answer.etag.clone(), answer.resource(&get)?))) {
                Ok((etag, resource)) => (etag, resource),
                Err(error) => return self.note(subject, &get, Err(error)).await,
            };
            let mut resource = resource.unwrap_or_default();
            change(&mut resource);
            let mut request = Request::put(endpoint, scim_id, &resource.into());
            (request.if_match, request.secret) = (etag, secret.cloned());
            let sent = self.send(subject, &request).await?;
            if is_second || !matches!(sent.result, Err(scim::Error::Changed { .. })) {
                return Ok(sent);
            }
            self.state.write(vec![self.answer(&sent, "read again")]).await?;
            is_second = true;
        }
    }

    /// Notes how a change ended, together with what follows from it. A plain answer that ended it is noted by the
    /// outcome.
    pub(super) async fn conclude(
        &self,
        subject: &Subject<'_>,
        verdict: Verdict,
        mut writes: Vec<Write>,
    ) -> Result<(), Error> {
        let (result, reason) = match verdict {
            Verdict::Done(reason) => ("done", reason),
            Verdict::Failed(reason) => ("failed", reason),
            Verdict::Blocked(reason) => ("blocked", reason),
            Verdict::Deferred(reason) => ("deferred", reason),
            Verdict::Postponed => return self.state.write(writes).await,
        };
        let mut outcome = self.outcome(subject, result, &reason);
        let plain = writes.iter().position(|write| matches!(write, Write::Answer { result, .. } if result == PLAIN));
        if let Some(Write::Answer { entry, status, .. }) = plain.map(|position| writes.remove(position)) {
            (outcome.entry, outcome.status) = (entry, status);
        }
        writes.push(Write::Outcome(outcome));
        self.state.write(writes).await
    }

    /// Counts an outcome and gives what is noted of it.
    fn outcome(&self, subject: &Subject<'_>, result: &'static str, reason: &str) -> Outcome {
        let mut tally = self.tally.lock();
        *tally.results.entry(result).or_default() += 1;
        if result == "done" {
            tracing::info!(change = subject.id(), object = subject.name, reason, "provisioned");
        } else {
            tally.unfinished.insert(subject.okta_id.into());
            if tally.reasons.len() < REASONS_SHOWN {
                tally.reasons.push(format!("{} {}: {reason}", subject.kind, subject.name));
            }
            // In the log and the report in any case: on standard error it is for who asks for it.
            tracing::info!(change = subject.id(), object = subject.name, result, reason, "not provisioned");
        }
        Outcome {
            run: self.run,
            entry: self.state.new_entry(),
            change: subject.id(),
            kind: subject.kind,
            object: subject.name.to_owned(),
            result,
            reason: reason.to_owned(),
            at: self.state.now(),
            status: None,
        }
    }

    /// The verdict on an error that the target gave for an object of its own.
    pub(super) fn refusal(&self, error: &scim::Error, object: &str, name: &str) -> Verdict {
        if error.is_refusal() {
            return self.blocked(error, object, name);
        }
        Verdict::Failed(match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        })
    }

    /// The verdict on an error that someone has to act upon who administers the target.
    pub(super) fn blocked(&self, error: &scim::Error, object: &str, name: &str) -> Verdict {
        let config = &self.plan.world.config.target;
        let refused = error.to_string();
        if refused.contains("GRANT OWNERSHIP ON") {
            // The target has said itself what helps.
            return Verdict::Blocked(refused);
        }
        let hint = match (config.kind, object) {
            (crate::config::Kind::Snowflake, "user") => {
                // Snowflake's documentation: existing users are managed once the integration's role owns them.
                format!("GRANT OWNERSHIP ON USER \"{}\" TO ROLE {}", name.replace('"', "\"\""), config.run_as_role)
            }
            (crate::config::Kind::Snowflake, _) => {
                "existing roles cannot be taken over: rename the group or drop the role".to_owned()
            }
            (crate::config::Kind::Rfc, _) => error.hint().unwrap_or_else(|| {
                format!("the target has a {object} of this name that its token may not see: remove or release it there")
            }),
        };
        Verdict::Blocked(format!("{refused}; {hint}"))
    }
}

/// What a body asks for, without the password.
fn without_password(body: Option<&str>) -> String {
    let Some(text) = body else { return "null".to_owned() };
    if !text.contains("password") {
        return text.to_owned();
    }
    let mut body = serde_json::from_str(text).unwrap_or(Json::Null);
    mask(&mut body);
    body.to_string()
}

fn mask(value: &mut Json) {
    match value {
        Json::Object(object) => {
            let sets_password = object.get("path").is_some_and(|path| path == "password");
            for (name, value) in object {
                if name == "password" || sets_password && name == "value" {
                    *value = json!("***");
                } else {
                    mask(value);
                }
            }
        }
        Json::Array(values) => values.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_journaled() {
        let create = json!({ "userName": "ada", "password": "s3cret", "name": { "password": "s3cret" } });
        let patch = json!({ "Operations": [{ "op": "replace", "path": "password", "value": "s3cret" },
            { "op": "replace", "path": "title", "value": "Countess" }] });
        for body in [create, patch] {
            let shown = without_password(Some(&body.to_string()));
            assert!(!shown.contains("s3cret") && shown.contains("***"), "{shown}");
        }
        assert_eq!(without_password(None), "null");
        assert_eq!(without_password(Some(r#"{"userName":"ada"}"#)), r#"{"userName":"ada"}"#);
    }
}
