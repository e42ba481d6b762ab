//! Changes of users.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oktant_base::Secret;
use serde::Serializer as _;
use serde_json::{Map, Value as Json, json};

use super::journal::{Sent, Subject};
use super::{Executor, Link, Verdict, halting};
use crate::actual::{ActualUser, by_id};
use crate::attribute::{AttributePath, PATCH_SCHEMA};
use crate::config::{Apply, Kind};
use crate::error::Error;
use crate::expression::Value;
use crate::plan::Change;
use crate::scim::{self, Endpoint, Request, equals};
use crate::source::DesiredUser;
use crate::state::{AppliedUser, Write};

/// Attempts at creating one object whose answers are lost.
pub(super) const CREATE_TRIES_MAX: u32 = 5;

/// What is said of an object that cannot be spoken of.
pub(super) const ID_UNREADABLE: &str = "the target answered with an id that is no text";

/// Bytes of chance in a random password: 256 bits.
const PASSWORD_BYTES: usize = 32;

/// What else is tried when an account cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recourse {
    /// A name that is taken is waited for, and whoever is gone is made anew.
    Wait,
    /// Whoever is gone is made anew.
    Recreate,
    /// Nothing: it was found when it should have been made.
    None,
}

impl<'a> Executor<'a> {
    /// Carries out one change of a user. With `may_wait`, one that meets a taken name is postponed.
    pub(super) async fn user_change(&self, change: &Change, may_wait: bool) -> Result<(), Error> {
        match change {
            Change::CreateUser { user } => {
                let postponed = self.create_user(*user, may_wait).await?;
                self.postpone(postponed, change);
                Ok(())
            }
            Change::AdoptUser { user, actual, fields }
            | Change::UpdateUser { user, actual, fields }
            | Change::ReactivateUser { user, actual, fields } => {
                let there = &self.plan.world.actual.users[*actual as usize];
                let subject = self.user_subject(change.kinds()[0], *user);
                let reason = match change {
                    Change::AdoptUser { .. } => crate::plan::adoption(&self.plan.world, *user, *actual),
                    Change::ReactivateUser { .. } => "reactivated",
                    _ => "updated",
                };
                let recourse = if may_wait { Recourse::Wait } else { Recourse::Recreate };
                let postponed = self.update_user(&subject, *user, there, *fields, reason, recourse).await?;
                self.postpone(postponed, change);
                Ok(())
            }
            Change::DeactivateUser { okta_id, actual } => self.end_user(okta_id, *actual, false).await,
            Change::DeleteUser { okta_id, actual } => self.end_user(okta_id, *actual, true).await,
            Change::SetPassword { user } => self.set_password(*user).await,
            Change::Blocked { okta_id, name, reason, hint } => {
                let subject = Subject { kind: "blocked", okta_id, name };
                self.conclude(&subject, Verdict::Blocked(format!("{reason}; {hint}")), Vec::new()).await
            }
            _ => Ok(()),
        }
    }

    fn postpone(&self, postponed: bool, change: &Change) {
        if postponed {
            self.tally.lock().postponed.push(change.clone());
        }
    }

    fn desired(&self, user: u32) -> &'a DesiredUser {
        &self.plan.world.desired.users[user as usize]
    }

    fn known(&self, user: u32) -> Option<&'a AppliedUser> {
        self.plan.world.applied.users.get(&self.desired(user).okta_id)
    }

    fn user_subject(&self, kind: &'static str, user: u32) -> Subject<'a> {
        let desired = self.desired(user);
        Subject { kind, okta_id: &desired.okta_id, name: desired.shown() }
    }

    /// Makes an account, or takes over the one that is in its place. Says whether that was postponed.
    async fn create_user(&self, user: u32, may_wait: bool) -> Result<bool, Error> {
        let subject = self.user_subject("create_user", user);
        let desired = self.desired(user);
        let mut body = self.plan.world.config.mappings.resource(&desired.values);
        body.insert("active".to_owned(), json!(true));
        let password = self.plan.world.config.users.random_password.then(|| self.random_password());
        if let Some(password) = &password {
            body.insert("password".to_owned(), password.expose().as_str().into());
        }
        let mut request = Request::post(Endpoint::Users, &body.into());
        request.secret = password;
        for tries in 1.. {
            let sent = self.send(&subject, &request).await?;
            let error = match &sent.result {
                Ok(answer) => match ActualUser::answered(answer, &self.plan.world.config.mappings) {
                    Some(made) => return self.created(&subject, user, &sent, &made).await.map(|()| false),
                    None if answer.attributes(|name| name == "id").is_some_and(|made| !made.is_empty()) => {
                        let verdict = Verdict::Failed(ID_UNREADABLE.to_owned());
                        return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await.map(|()| false);
                    }
                    // Okta takes an empty answer for a failure; the user may be there all the same.
                    None => None,
                },
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                if error.stops_the_run() {
                    return self.give_up(sent).await.map(|()| false);
                }
                let is_conflict = matches!(error, scim::Error::Conflict { .. });
                if !is_conflict && !error.is_uncertain() {
                    let verdict = self.refusal(error, "user", subject.name);
                    return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await.map(|()| false);
                }
                if !is_conflict {
                    self.clock.sleep(scim::backoff(tries, self.entropy)).await;
                }
            }
            let verdict = match self.target.find(Endpoint::Users, equals("userName", desired.user_name())).await {
                Ok(Some(found)) => match self.belongs_to_another(&found, user) {
                    None => return self.adopt_found(&subject, user, &sent, &found).await,
                    Some(_) if may_wait => Verdict::Postponed,
                    Some(reason) => Verdict::Blocked(reason),
                },
                Ok(None) => match error {
                    // Someone who was there when the plan was made has set the name free this very moment.
                    Some(scim::Error::Conflict { .. })
                        if may_wait && self.plan.world.actual.user_named(desired.user_name()).is_some() =>
                    {
                        Verdict::Postponed
                    }
                    Some(error @ scim::Error::Conflict { .. }) => self.refusal(error, "user", subject.name),
                    _ if tries < CREATE_TRIES_MAX => {
                        self.state.write(vec![self.answer(&sent, "not found at the target: sent again")]).await?;
                        continue;
                    }
                    Some(error) => Verdict::Failed(error.to_string()),
                    None => Verdict::Failed("the target answered without the user".to_owned()),
                },
                Err(error) => Verdict::Failed(halting(error)?.to_string()),
            };
            let postponed = matches!(verdict, Verdict::Postponed);
            return self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await.map(|()| postponed);
        }
        Ok(false)
    }

    /// Says whose account was found in place of the one that should have been made, if it was provisioned for someone
    /// else. It is not taken over: its user may be about to get another name, or to lose it.
    fn belongs_to_another(&self, found: &Map<String, Json>, user: u32) -> Option<String> {
        let world = &self.plan.world;
        let owner = world.other_owner(found.get("id")?.as_str()?, &self.desired(user).okta_id)?;
        Some(match world.desired.by_id.get(owner) {
            Some(position) => {
                let name = self.desired(*position).shown();
                format!("the userName belongs to {name} ({owner}) at the target until that user has another one there")
            }
            None => format!("the userName belongs to {owner}, who is no longer assigned: the next run takes it over"),
        })
    }

    /// Notes a user that was created.
    async fn created(&self, subject: &Subject<'_>, user: u32, sent: &Sent, made: &ActualUser) -> Result<(), Error> {
        let mut writes = vec![self.answer(sent, "")];
        let not_kept = self.keep_user(user, made, u64::MAX, &mut writes);
        self.conclude(subject, Verdict::Done(remarked("created", &not_kept)), writes).await
    }

    /// Takes a user over that was found at the target only when it should have been created.
    async fn adopt_found(
        &self,
        subject: &Subject<'_>,
        user: u32,
        sent: &Sent,
        resource: &Map<String, Json>,
    ) -> Result<bool, Error> {
        let reason = match sent.result {
            Err(scim::Error::Conflict { .. }) => "the userName was taken: adopted",
            _ => "the answer was lost: found at the target",
        };
        let answered = self.answer(sent, reason);
        let mappings = &self.plan.world.config.mappings;
        let Some(there) = ActualUser::read(resource, mappings) else {
            let verdict = Verdict::Failed("it has no id at the target".to_owned());
            return self.conclude(subject, verdict, vec![answered]).await.map(|()| false);
        };
        self.state.write(vec![answered]).await?;
        let desired = self.desired(user);
        let differs =
            |index: usize| desired.values[index] != *there.value(index) && mappings[index].apply == Apply::Always;
        let fields = (0..mappings.len()).filter(|index| differs(*index)).fold(0, |fields, index| fields | 1 << index);
        self.update_user(subject, user, &there, fields, reason, Recourse::None).await
    }

    /// Gives a user the values of the word `fields`, and makes it active. Says whether that was postponed.
    async fn update_user(
        &self,
        subject: &Subject<'_>,
        user: u32,
        there: &ActualUser,
        fields: u64,
        reason: &str,
        recourse: Recourse,
    ) -> Result<bool, Error> {
        if fields == 0 && there.active {
            let mut writes = Vec::new();
            self.keep_user(user, there, 0, &mut writes);
            return self.conclude(subject, Verdict::Done(reason.to_owned()), writes).await.map(|()| false);
        }
        let sent = if self.plan.patches {
            let request = Request::patch(Endpoint::Users, &there.scim_id, &self.patch(user, there, fields));
            self.send(subject, &request).await?
        } else {
            let set = |resource: &mut Map<String, Json>| self.overlay(resource, user, fields);
            self.replace(subject, Endpoint::Users, &there.scim_id, None, set).await?
        };
        let error = match &sent.result {
            Ok(answer) => {
                let mappings = &self.plan.world.config.mappings;
                let mut after = ActualUser::answered(answer, mappings);
                if after.is_none() {
                    // What an empty answer stands for is needed to know what the target made of it.
                    let read = by_id(self.target, Endpoint::Users, &there.scim_id).await.ok().flatten();
                    after = read.and_then(|read| ActualUser::read(&read, mappings));
                }
                let mut writes = vec![self.answer(&sent, "")];
                let not_kept = self.keep_user(user, after.as_ref().unwrap_or(there), fields, &mut writes);
                let reason = remarked(reason, &not_kept);
                return self.conclude(subject, Verdict::Done(reason), writes).await.map(|()| false);
            }
            Err(error) => error,
        };
        if error.stops_the_run() {
            return self.give_up(sent).await.map(|()| false);
        }
        let writes = vec![self.answer(&sent, "")];
        match error {
            scim::Error::NotFound { .. } if recourse == Recourse::None => {
                // It is there, or it would not have been found: only whoever owns it may write it.
                let verdict = self.blocked(error, "user", subject.name);
                self.conclude(subject, verdict, writes).await.map(|()| false)
            }
            scim::Error::NotFound { .. } => {
                // Deleted since it was read: it is made anew.
                self.state.write(writes).await?;
                Box::pin(self.create_user(user, recourse == Recourse::Wait)).await
            }
            scim::Error::Conflict { .. } if recourse == Recourse::Wait => {
                self.conclude(subject, Verdict::Postponed, writes).await.map(|()| true)
            }
            error => {
                let verdict = self.refusal(error, "user", subject.name);
                self.conclude(subject, verdict, writes).await.map(|()| false)
            }
        }
    }

    /// The body of a PATCH.
    fn patch(&self, user: u32, there: &ActualUser, fields: u64) -> Json {
        let desired = self.desired(user);
        let mappings = &self.plan.world.config.mappings;
        let sent = (0..mappings.len()).filter(|index| fields >> index & 1 == 1);
        let mut operations: Vec<Json> =
            sent.map(|index| mappings[index].path.patch(&desired.values[index], &there.found(index))).collect();
        if !there.active {
            operations.push(json!({ "op": "replace", "path": "active", "value": true }));
        }
        json!({ "schemas": [PATCH_SCHEMA], "Operations": operations })
    }

    fn overlay(&self, resource: &mut Map<String, Json>, user: u32, fields: u64) {
        let mappings = &self.plan.world.config.mappings;
        for (index, mapping) in mappings.iter().enumerate().filter(|(index, _)| fields >> index & 1 == 1) {
            mapping.path.write(resource, &self.desired(user).values[index]);
        }
        resource.insert("active".to_owned(), json!(true));
    }

    async fn end_user(&self, okta_id: &str, actual: u32, delete: bool) -> Result<(), Error> {
        let there = &self.plan.world.actual.users[actual as usize];
        let Some(known) = self.plan.world.applied.users.get(okta_id) else { return Ok(()) };
        let kind = if delete { "delete_user" } else { "deactivate_user" };
        let subject = Subject { kind, okta_id, name: there.user_name() };
        let sent = if delete {
            self.send(&subject, &Request::delete(Endpoint::Users, &there.scim_id)).await?
        } else if self.plan.patches {
            let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
            let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations });
            self.send(&subject, &Request::patch(Endpoint::Users, &there.scim_id, &body)).await?
        } else {
            let set = |resource: &mut Map<String, Json>| {
                resource.insert("active".to_owned(), json!(false));
            };
            self.replace(&subject, Endpoint::Users, &there.scim_id, None, set).await?
        };
        let mut writes = vec![self.answer(&sent, "")];
        let verdict = match &sent.result {
            Ok(_) if delete => {
                writes.push(Write::ForgetUser { key: known.key });
                Verdict::Done("deleted".to_owned())
            }
            Ok(_) => {
                writes.push(Write::UserActive { key: known.key, active: false });
                Verdict::Done("deactivated".to_owned())
            }
            Err(scim::Error::NotFound { .. }) => {
                writes.push(Write::ForgetUser { key: known.key });
                Verdict::Done("it was gone already".to_owned())
            }
            Err(error) if error.stops_the_run() => return self.give_up(sent).await,
            Err(error) => self.refusal(error, "user", subject.name),
        };
        self.conclude(&subject, verdict, writes).await
    }

    async fn set_password(&self, user: u32) -> Result<(), Error> {
        let subject = self.user_subject("set_password", user);
        let (Some(link), Some(password)) = (self.accounts.get(user), self.passwords.get(&user)) else {
            let verdict = Verdict::Failed("the user has no account at the target".to_owned());
            return self.conclude(&subject, verdict, Vec::new()).await;
        };
        let sent = if self.plan.patches {
            let operations = json!([{ "op": "replace", "path": "password", "value": password.expose() }]);
            let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations });
            let mut request = Request::patch(Endpoint::Users, &link.scim_id, &body);
            request.secret = Some(password.clone());
            self.send(&subject, &request).await?
        } else {
            let set = |resource: &mut Map<String, Json>| {
                resource.insert("password".to_owned(), password.expose().as_str().into());
            };
            self.replace(&subject, Endpoint::Users, &link.scim_id, Some(password), set).await?
        };
        let verdict = match &sent.result {
            Ok(_) => Verdict::Done(match self.plan.world.config.target.kind {
                Kind::Snowflake => "password sent; it counts if the integration has SYNC_PASSWORD = TRUE".to_owned(),
                Kind::Rfc => "password set".to_owned(),
            }),
            Err(error) if error.stops_the_run() => return self.give_up(sent).await,
            Err(error) => self.refusal(error, "user", subject.name),
        };
        self.conclude(&subject, verdict, vec![self.answer(&sent, "")]).await
    }

    /// Remembers what a user has at the target after the values of the word `fields` were sent. Gives the paths
    /// of those that it does not have.
    fn keep_user(&self, user: u32, after: &ActualUser, fields: u64, writes: &mut Vec<Write>) -> Vec<String> {
        let desired = self.desired(user);
        let known = self.known(user);
        let key = known.map_or_else(|| self.state.new_key(), |known| known.key);
        if known.is_some_and(|known| known.scim_id != after.scim_id) {
            // Another account in place of one that is gone: nothing of what was known is true of it.
            writes.push(Write::ForgetUser { key });
        }
        let known = known.filter(|known| known.scim_id == after.scim_id);
        let (sent, answered, not_kept) = self.remembered(desired, known, after, fields);
        writes.push(Write::User {
            key,
            okta_id: desired.okta_id.to_string(),
            scim_id: after.scim_id.to_string(),
            active: true,
            sent,
            answered,
        });
        self.accounts.put(user, Link { scim_id: (&*after.scim_id).into(), key });
        not_kept
    }

    /// Values as sent, values as answered where they differ, both as JSON texts, and paths of what was sent now and
    /// not kept.
    pub(super) fn remembered(
        &self,
        desired: &DesiredUser,
        known: Option<&AppliedUser>,
        after: &ActualUser,
        fields: u64,
    ) -> (String, String, Vec<String>) {
        let (mut sent, mut answered, mut not_kept) = (Vec::new(), Vec::new(), Vec::new());
        for (index, mapping) in self.plan.world.config.mappings.iter().enumerate() {
            let (wanted, found, path) = (&desired.values[index], after.value(index), &mapping.path);
            let is_sent = fields >> index & 1 == 1;
            if is_sent || wanted == found {
                sent.push((path, wanted));
                if wanted != found {
                    answered.push((path, found));
                    not_kept.push(path.to_string());
                }
                continue;
            }
            let Some(known) = known else { continue };
            sent.extend(known.sent[index].as_ref().map(|value| (path, value)));
            answered.extend(known.answered[index].as_ref().map(|value| (path, value)));
        }
        (object(&sent), object(&answered), not_kept)
    }

    fn random_password(&self) -> Secret {
        let mut bytes = [0; PASSWORD_BYTES];
        self.entropy.fill(&mut bytes);
        // One of each kind of character, as password policies ask for.
        Secret::new(format!("Aa1!{}", URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// Values by their paths, as a JSON text.
fn object(values: &[(&AttributePath, &Value)]) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    serializer.collect_map(values.iter().copied()).expect("paths are texts, and a vector takes all");
    String::from_utf8(text).expect("JSON is a text")
}

/// A reason with what the target did not apply.
fn remarked(reason: &str, not_kept: &[String]) -> String {
    if not_kept.is_empty() {
        return reason.to_owned();
    }
    format!("{reason}; the target did not apply {}", not_kept.join(", "))
}
