//! Custom authorization servers. Each is a server of its own, with its own issuer, keys, codes and
//! tokens; sessions are the org's. What one hands out is decided by its scopes, claims and policies,
//! which administrators change at any time and which are read anew for every request.
//!
//! # Source
//!
//! Documented; which rule applies to the scopes of OpenID Connect is assumed: every rule allows them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use super::AuthorizationServer;
use super::directory::{Client, EndUser};
use super::error::OAuthError;
use super::scope::OPENID;
use super::store::{Store, Terms};
use crate::http::ApiError;
use crate::policies::includes;

/// Longest life that a rule can give a token: five years.
const LIFE_MINUTES_MAX: i64 = 2_628_000;

/// What a custom server is set up to do, as the API shows the parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    pub(crate) audience: String,
    /// Id of the key that signs.
    pub(crate) kid: String,
    /// Ids of the keys that are published.
    pub(crate) published_kids: Vec<String>,
    pub(crate) scopes: Vec<Value>,
    pub(crate) claims: Vec<Value>,
    /// Policies with their rules, those that are evaluated first in front.
    pub(crate) policies: Vec<(Value, Vec<Value>)>,
}

/// Whom tokens are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subjects<'a> {
    pub(super) client: &'a Client,
    pub(super) user: Option<&'a EndUser>,
    /// Ids and names of the user's groups.
    pub(super) groups: &'a [(String, String)],
}

/// Hands a request to the custom server that its path names.
pub(super) async fn dispatch(
    State(org): State<Arc<AuthorizationServer>>,
    Path(parts): Path<HashMap<String, String>>,
    request: Request,
) -> Response {
    let id = parts.get("server").map_or("", String::as_str);
    if let Some(router) = org.custom_router(id) {
        return router.oneshot(request).await.into_response();
    }
    let body = ApiError::not_found(id, "AuthorizationServer").body(&format!("oae{}", &org.random_token()[..22]));
    (StatusCode::NOT_FOUND, axum::Json(body.unwrap_or_default())).into_response()
}

impl AuthorizationServer {
    /// The endpoints of an active custom server.
    fn custom_router(self: &Arc<Self>, id: &str) -> Option<Router> {
        self.directory.custom_server(id)?;
        Some(self.custom(id).endpoints())
    }

    /// The custom server of an id, which comes to be at its first use. Whether the org has one is for
    /// the caller to know: this is called while the org's store is held, and does not look there.
    pub(crate) fn custom(self: &Arc<Self>, id: &str) -> Arc<Self> {
        let mut known = self.customs.lock();
        let server = known.entry(id.to_owned()).or_insert_with(|| {
            Arc::new(Self {
                base: self.base.clone(),
                issuer: format!("{}/oauth2/{id}", self.base),
                prefix: format!("/oauth2/{id}/v1"),
                parent: Some((id.to_owned(), Arc::clone(self))),
                directory: Arc::clone(&self.directory),
                clock: Arc::clone(&self.clock),
                entropy: Arc::clone(&self.entropy),
                keys: super::key::KeyRing::default(),
                store: parking_lot::Mutex::default(),
                customs: parking_lot::Mutex::default(),
            })
        });
        Arc::clone(server)
    }

    /// The server whose login or consent page is being answered.
    pub(super) fn holder(self: &Arc<Self>, pending: &str) -> Arc<Self> {
        let now = self.now();
        self.holder_where(|store| store.pending(pending, now).is_some())
    }

    /// The custom server whose store has something; this one if there is none.
    pub(super) fn holder_where(self: &Arc<Self>, has: impl Fn(&mut Store) -> bool) -> Arc<Self> {
        let customs = self.customs.lock();
        let found = customs.values().find(|server| has(&mut server.store.lock()));
        Arc::clone(found.unwrap_or(self))
    }

    /// The setup of a custom server; `None` for that of the org.
    pub(super) fn setup(&self) -> Option<Setup> {
        self.parent.as_ref().map(|(id, _)| self.directory.custom_server(id).unwrap_or_default())
    }

    /// What tokens for these scopes are worth here.
    ///
    /// # Errors
    ///
    /// 401 `access_denied` if no rule of a custom server allows them.
    pub(super) fn terms(
        &self,
        client: &Client,
        user_id: Option<&str>,
        scopes: &[String],
        grant_type: &str,
    ) -> Result<Terms, OAuthError> {
        let Some(setup) = self.setup() else { return Ok(Terms::ORG) };
        let groups = user_id.map(|id| self.directory.groups(id)).unwrap_or_default();
        let groups: Vec<String> = groups.into_iter().map(|(id, _)| id).collect();
        let user = user_id.map(|id| (id, groups.as_slice()));
        let rule = setup.rule(&client.id, user, scopes, grant_type).ok_or_else(|| {
            let text = "Policy evaluation failed for this request, please check the policy configurations.";
            OAuthError::new("access_denied", text).status(StatusCode::UNAUTHORIZED)
        })?;
        Ok(terms_of(rule))
    }

    /// The claims that a custom server adds to a token of a kind, `RESOURCE` or `IDENTITY`; of the latter
    /// those that go into every token.
    pub(super) fn custom_claims(&self, kind: &str, scopes: &[String], subjects: Subjects<'_>) -> Map<String, Value> {
        let claims = self.setup().map(|setup| setup.claims).unwrap_or_default();
        let applies = |claim: &&Value| {
            let wanted = texts(&claim["conditions"]["scopes"]);
            claim["claimType"] == kind
                && claim["status"] == "ACTIVE"
                && (kind == "RESOURCE" || claim["alwaysIncludeInToken"] == true)
                && (wanted.is_empty() || wanted.iter().any(|scope| scopes.iter().any(|held| held == scope)))
        };
        let named = claims
            .iter()
            .filter(applies)
            .filter_map(|claim| Some((claim["name"].as_str()?.to_owned(), value(claim, subjects)?)));
        named.collect()
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn terms_of(rule: &Value) -> Terms {
    let token = &rule["actions"]["token"];
    let minutes = |name: &str, default: i64| {
        TimeDelta::minutes(
            token[name].as_i64().filter(|given| (1..=LIFE_MINUTES_MAX).contains(given)).unwrap_or(default),
        )
    };
    Terms {
        access: minutes("accessTokenLifetimeMinutes", 60),
        refresh_idle: minutes("refreshTokenWindowMinutes", 7 * 24 * 60),
    }
}

impl Setup {
    /// Whether the server knows a scope.
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known["name"] == scope)
    }

    /// Names of the scopes for which a member has a value.
    pub(super) fn scopes_where(&self, member: &str, value: &Value) -> Vec<String> {
        let found = self.scopes.iter().filter(|scope| scope[member] == *value);
        found.filter_map(|scope| scope["name"].as_str()).map(str::to_owned).collect()
    }

    /// The rule that decides on a request.
    fn rule(
        &self,
        client: &str,
        user: Option<(&str, &[String])>,
        scopes: &[String],
        grant_type: &str,
    ) -> Option<&Value> {
        let is_for = |policy: &Value| {
            let clients = texts(&policy["conditions"]["clients"]["include"]);
            policy["status"] == "ACTIVE" && (clients.contains(&"ALL_CLIENTS") || clients.contains(&client))
        };
        let matches = |rule: &&Value| {
            let (conditions, people) = (&rule["conditions"], &rule["conditions"]["people"]);
            let listed = texts(&conditions["scopes"]["include"]);
            let allowed = |scope: &String| {
                listed.contains(&"*") || listed.contains(&scope.as_str()) || OPENID.contains(&scope.as_str())
            };
            let everyone = texts(&people["groups"]["include"]).contains(&"EVERYONE");
            rule["status"] == "ACTIVE"
                && texts(&conditions["grantTypes"]["include"]).contains(&grant_type)
                && scopes.iter().all(allowed)
                && user.is_none_or(|(id, groups)| everyone || includes(people, id, groups))
        };
        self.policies.iter().filter(|(policy, _)| is_for(policy)).flat_map(|(_, rules)| rules).find(matches)
    }
}

/// The value of a claim; `None` for expressions beyond those that [`evaluate`] reads.
fn value(claim: &Value, subjects: Subjects<'_>) -> Option<Value> {
    let text = claim["value"].as_str().unwrap_or_default();
    match claim["valueType"].as_str()? {
        "EXPRESSION" => evaluate(text, subjects),
        "GROUPS" => {
            let names = subjects.groups.iter().map(|(_, name)| name.as_str());
            let wanted = |name: &&str| match claim["group_filter_type"].as_str() {
                Some("EQUALS") => *name == text,
                Some("CONTAINS") => name.contains(text),
                Some("REGEX") => regex_lite::Regex::new(&format!("^(?:{text})$")).is_ok_and(|form| form.is_match(name)),
                _ => name.starts_with(text),
            };
            Some(names.filter(wanted).collect())
        }
        _ => None,
    }
}

/// Expressions of one step: literals, `user.…`, `appuser.userName`, `app.clientId`, and a choice by
/// whether there is a user.
fn evaluate(text: &str, subjects: Subjects<'_>) -> Option<Value> {
    let text = text.trim();
    if let Some((condition, rest)) = text.split_once('?')
        && let Some((with, without)) = rest.split_once(':')
    {
        let condition: String = condition.chars().filter(|letter| !letter.is_whitespace()).collect();
        return match condition.trim_matches(['(', ')']) {
            "appuser!=null" | "user!=null" => evaluate(if subjects.user.is_some() { with } else { without }, subjects),
            "appuser==null" | "user==null" => evaluate(if subjects.user.is_none() { with } else { without }, subjects),
            _ => None,
        };
    }
    for quote in ['"', '\''] {
        if let Some(literal) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Some(literal.into());
        }
    }
    match text {
        "true" | "false" => Some((text == "true").into()),
        "appuser.userName" => Some(subjects.user?.login.clone().into()),
        "app.clientId" => Some(subjects.client.id.clone().into()),
        _ => text.strip_prefix("user.").and_then(|name| subjects.user?.profile.get(name)).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setup() -> Setup {
        let rule = |name: &str, grants: Value, scopes: Value, groups: Value| {
            json!({ "name": name, "status": "ACTIVE", "conditions": {
                "grantTypes": { "include": grants }, "scopes": { "include": scopes },
                "people": { "users": { "exclude": ["00u9"] }, "groups": { "include": groups } },
            } })
        };
        let own = json!({ "status": "ACTIVE", "conditions": { "clients": { "include": ["client"] } } });
        let all = json!({ "status": "ACTIVE", "conditions": { "clients": { "include": ["ALL_CLIENTS"] } } });
        let machines = rule("machines", json!(["client_credentials"]), json!(["*"]), json!([]));
        let people = rule("people", json!(["password"]), json!(["read"]), json!(["00g1"]));
        let rest = rule("rest", json!(["password"]), json!(["*"]), json!(["EVERYONE"]));
        Setup { policies: vec![(own, vec![machines, people]), (all, vec![rest])], ..Setup::default() }
    }

    #[test]
    fn a_life_that_no_rule_can_give_is_the_usual_one() {
        let terms = |minutes: i64| {
            terms_of(&json!({ "actions": { "token": { "accessTokenLifetimeMinutes": minutes } } })).access
        };
        let lives = [5, i64::MAX, -1].map(|minutes| terms(minutes).num_minutes());
        assert_eq!(lives, [5, 60, 60]);
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let setup = setup();
        let member = (["00g1".to_owned()], Vec::<String>::new());
        let name = |client: &str, user: Option<(&str, &[String])>, scopes: &[&str], grant: &str| {
            let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            setup.rule(client, user, &scopes, grant).map(|rule| rule["name"].as_str().unwrap_or_default().to_owned())
        };
        let (inside, outside) = (Some(("00u1", &member.0[..])), Some(("00u1", &member.1[..])));
        assert_eq!(name("client", None, &["any"], "client_credentials").as_deref(), Some("machines"));
        assert_eq!(name("other", None, &["any"], "client_credentials"), None);
        assert_eq!(name("client", inside, &["read", "openid"], "password").as_deref(), Some("people"));
        assert_eq!(name("client", inside, &["write"], "password").as_deref(), Some("rest"));
        assert_eq!(name("client", outside, &["read"], "password").as_deref(), Some("rest"));
        assert_eq!(name("client", inside, &["read"], "implicit"), None);
    }
}
