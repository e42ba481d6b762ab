//! Who calls the endpoints of flows, by access tokens of the orgs that connections lead to.
//!
//! # Source
//!
//! Okta developer reference, "Validate access tokens" and the claims of the org authorization server: `iss` and `aud`
//! are the address of the org, `scp` the scopes, `uid` the user where there is one, and `cid` the client. RFC 9068 and
//! RFC 9449, 6.1: a token that is bound to a key is no bearer token.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use http::Method;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use oktant_base::{Secret, Timestamp};
use oktant_engine::{Caller, Callers};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::Error;
use crate::connection::Connections;
use crate::http::Request;
use crate::transport::org_url;

/// How long the keys of an org count.
const KEYS_COUNT: TimeDelta = TimeDelta::hours(1);

/// Keys are asked for again at most this often, whatever tokens come.
const KEYS_AGAIN: TimeDelta = TimeDelta::seconds(30);

/// Difference of clocks that is forgiven.
const LEEWAY: TimeDelta = TimeDelta::minutes(1);

/// Time for the answer of an org.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Checks access tokens of the Okta orgs that there are connections to.
#[derive(Debug)]
pub struct OrgCallers {
    connections: Connections,
    keys: Mutex<HashMap<Url, Keys>>,
}

/// The keys of an org as they were read last.
#[derive(Debug, Clone)]
struct Keys {
    read_at: Timestamp,
    /// When they were asked for last, with or without an answer.
    asked_at: Timestamp,
    set: JwkSet,
}

/// What counts of a token's claims.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Value,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    cid: String,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    scp: Vec<String>,
    #[serde(default)]
    cnf: Option<Value>,
}

impl OrgCallers {
    /// Checks tokens of the orgs of `connections`.
    pub fn new(connections: Connections) -> Self {
        Self { connections, keys: Mutex::default() }
    }

    async fn check(&self, token: &str) -> Result<Caller, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let key_id = header.kid.ok_or("it names no key")?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err("it is signed in a way that orgs do not sign".to_owned());
        }
        let claimed = unverified(token).ok_or("its claims cannot be read")?;
        let org = self.org(&claimed.iss).await?.ok_or("no connection leads to the org that it claims to be of")?;
        let key = self.key(&org, &key_id).await?.ok_or("the org has no such key")?;
        // Times, issuer and audience are compared below: times on the clock that is a parameter.
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let claims: Claims = jsonwebtoken::decode(token, &key, &validation).map_err(|error| error.to_string())?.claims;
        self.caller_of(claims, &org)
    }

    fn caller_of(&self, claims: Claims, org: &Url) -> Result<Caller, String> {
        let now = self.connections.edges().clock.now();
        let origin = org.origin().ascii_serialization();
        let is_for_org = match &claims.aud {
            Value::Array(several) => several.iter().any(|one| one == &*origin),
            one => one == &*origin,
        };
        if claims.iss != origin || !is_for_org {
            return Err("it is not for the org".to_owned());
        }
        if claims.exp <= (now - LEEWAY).timestamp() || claims.nbf.is_some_and(|from| from > (now + LEEWAY).timestamp())
        {
            return Err("its time is over or has not come".to_owned());
        }
        if claims.cnf.is_some() {
            return Err("it is bound to a key, which was not shown".to_owned());
        }
        Ok(Caller { id: claims.uid.unwrap_or(claims.cid), scopes: claims.scp })
    }

    /// The org of this issuer, if a connection leads to it.
    async fn org(&self, issuer: &str) -> Result<Option<Url>, String> {
        let connections = self.connections.list().await.map_err(|error| error.to_string())?;
        let orgs = connections.iter().filter(|connection| connection.connector == "okta");
        let mut orgs = orgs.filter_map(|connection| org_url(connection).ok());
        Ok(orgs.find(|org| org.origin().ascii_serialization() == issuer))
    }

    /// A key of an org by its id.
    async fn key(&self, org: &Url, id: &str) -> Result<Option<DecodingKey>, String> {
        let now = self.connections.edges().clock.now();
        let known = self.keys.lock().get(org).cloned();
        let asked_lately = known.as_ref().is_some_and(|known| now < known.asked_at + KEYS_AGAIN);
        let known = known.filter(|known| now < known.read_at + KEYS_COUNT);
        let keys = match known {
            Some(known) if asked_lately || known.set.find(id).is_some() => known.set,
            None if asked_lately => return Err("the keys of the org could not be read a moment ago".to_owned()),
            known => {
                let (read_at, set) =
                    known.map_or((Timestamp::MIN_UTC, JwkSet { keys: Vec::new() }), |known| (known.read_at, known.set));
                // Before the org is asked: other callers do not ask again, and a failure counts, too.
                self.keys.lock().insert(org.clone(), Keys { read_at, asked_at: now, set });
                let set = self.read_keys(org).await.map_err(|error| error.to_string())?;
                self.keys.lock().insert(org.clone(), Keys { read_at: now, asked_at: now, set: set.clone() });
                set
            }
        };
        keys.find(id).map(|key| DecodingKey::from_jwk(key).map_err(|error| error.to_string())).transpose()
    }

    async fn read_keys(&self, org: &Url) -> Result<JwkSet, Error> {
        let unreadable =
            |problem: String| Error::setting(problem, "the org's /oauth2/v1/keys must answer with its keys");
        let url = org.join("/oauth2/v1/keys").map_err(|error| unreadable(error.to_string()))?;
        let response = self.connections.http().send(Request::new(Method::GET, url, TIMEOUT)).await?;
        if !response.is_success() {
            return Err(unreadable(format!("the org answered with {} to a request for its keys", response.status)));
        }
        serde_json::from_slice(&response.body).map_err(|error| unreadable(error.to_string()))
    }
}

/// What a token says of itself, before anything of it is believed.
fn unverified(token: &str) -> Option<Claims> {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[async_trait]
impl Callers for OrgCallers {
    async fn caller(&self, token: &Secret) -> Option<Caller> {
        match self.check(token.expose()).await {
            Ok(caller) => Some(caller),
            Err(reason) => {
                tracing::info!(reason, "an access token was refused");
                None
            }
        }
    }
}
