//! The token endpoint of the org authorization server.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use oktant_base::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::dpop::{Audience, Dpop, random_id, wants_nonce};
use super::signer::AssertionKey;
use crate::error::ApiError;
use crate::http::skew::Skew;
use crate::http::{Answer, Attempt, Transport, request_id, retry};
use crate::{Edges, Error};

const TOKEN_PATH: &str = "/oauth2/v1/token";

/// Rate-limit bucket of the token endpoint in the ledger.
const BUCKET: &str = "oauth2";

/// Times that a nonce asked for is taken up in one exchange.
const NONCE_ROUNDS: u32 = 2;

/// Life of an assertion. The org allows an hour; a stolen one is worth less.
const ASSERTION_LIFE: Duration = Duration::from_mins(5);

/// How much our clock may be ahead before "issued in the future" strikes.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// Tells the token endpoint who is asking.
#[derive(Debug)]
pub(super) enum ClientAuthentication {
    /// A public client: PKCE alone.
    None,
    /// The secret in the `Authorization` header, else in the form.
    Secret(Secret),
    /// A signed assertion.
    Assertion { key: AssertionKey, issuer: String, subject: String },
}

/// An access token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) access: Secret,
    /// Whether it is bound to the DPoP key.
    pub(super) bound: bool,
    pub(super) issued_at: Timestamp,
    /// `None` where unknown: it is used until refused.
    pub(super) life: Option<Duration>,
}

impl Token {
    /// Whether a new one should be asked for: `offset` before its end, or when 80 % of its life are over.
    pub(super) fn is_due(&self, now: Timestamp, offset: Duration) -> bool {
        self.ends_within(now, |life| offset.max(life / 5))
    }

    /// Whether it may end before a request that carries it is answered.
    pub(super) fn is_ending(&self, now: Timestamp) -> bool {
        self.ends_within(now, |life| ENDING_MARGIN.min(life / 10))
    }

    /// Whether no more than `margin` of its life is left. Ages are compared, not instants: what a
    /// file or the org gives as a life may end after the last instant that there is.
    fn ends_within(&self, now: Timestamp, margin: impl FnOnce(Duration) -> Duration) -> bool {
        let age = (now - self.issued_at).to_std().unwrap_or(Duration::ZERO);
        self.life.is_some_and(|life| life.saturating_sub(age) <= margin(life))
    }
}

/// A token is not used this long before it ends; one that lives less than ten minutes when a tenth is left.
const ENDING_MARGIN: Duration = Duration::from_mins(1);

/// What the token endpoint grants.
#[derive(Debug, Deserialize)]
pub(super) struct Grant {
    pub(super) access_token: Secret,
    pub(super) token_type: String,
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
    #[serde(default)]
    pub(super) scope: Option<String>,
    #[serde(default)]
    pub(super) refresh_token: Option<Secret>,
    #[serde(default)]
    pub(super) id_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Asks for tokens on behalf of one client.
#[derive(Debug)]
pub(super) struct TokenEndpoint {
    pub(super) transport: Arc<Transport>,
    pub(super) edges: Edges,
    pub(super) skew: Arc<Skew>,
    pub(super) retries: u32,
    pub(super) backoff_max: Duration,
    pub(super) client_id: String,
    pub(super) authentication: ClientAuthentication,
}

/// Where the client secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecretPlace {
    Header,
    Form,
}

impl TokenEndpoint {
    /// Exchanges a grant for tokens. `repeatable` says whether the grant survives being sent twice.
    ///
    /// # Errors
    ///
    /// [`Error::OAuth`] with the endpoint's own word, or what any request can fail with.
    pub(super) async fn request(
        &self,
        grant: &[(&str, &str)],
        repeatable: bool,
        dpop: Option<&Dpop>,
    ) -> Result<Grant, Error> {
        let mut place = SecretPlace::Header;
        let (mut attempts, mut repeats, mut nonce_rounds) = (0, 0, 0);
        loop {
            attempts += 1;
            let answer = match self.attempt(grant, place, dpop, attempts).await {
                Ok(answer) => answer,
                Err(failure) if failure.unsent && failure.transient && repeats < failure.repeats_max(self.retries) => {
                    let now = self.edges.clock.now();
                    let wait = retry::wait(retry::Cause::Outage, &HeaderMap::new(), repeats, now, &*self.edges.entropy);
                    repeats += 1;
                    self.edges.clock.sleep(wait).await;
                    continue;
                }
                Err(failure) => return Err(failure.error),
            };
            if let Some(dpop) = dpop {
                dpop.learn(Audience::TokenEndpoint, &answer);
            }
            if answer.status == 200 {
                return read(&answer);
            }
            if dpop.is_some() && wants_nonce(&answer) && nonce_rounds < NONCE_ROUNDS {
                nonce_rounds += 1;
                continue;
            }
            if self.should_move_secret(&answer, place) {
                place = SecretPlace::Form;
                continue;
            }
            let Some(wait) = self.wait(&answer, repeatable, repeats) else { return Err(refusal(&answer, attempts)) };
            repeats += 1;
            self.edges.clock.sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        grant: &[(&str, &str)],
        place: SecretPlace,
        dpop: Option<&Dpop>,
        number: u32,
    ) -> Result<Answer, crate::http::Failure> {
        let unsent = |error| crate::http::Failure { error, unsent: true, transient: false };
        let url = self.transport.url(TOKEN_PATH);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = self.form(grant, &mut headers, place, url.as_str()).await.map_err(unsent)?;
        if let Some(dpop) = dpop {
            let now = self.server_now();
            let proof = dpop.proof(Audience::TokenEndpoint, "POST", &url, None, now, &*self.edges.entropy);
            headers.insert("dpop", header_value(&proof.map_err(unsent)?).map_err(unsent)?);
        }
        let attempt = Attempt {
            method: "POST",
            url: &url,
            headers,
            body: Some(body),
            statement: None,
            bucket: BUCKET,
            subject: ("", TOKEN_PATH),
            number,
            time_left: None,
        };
        self.transport.send(attempt).await
    }

    /// The form to send: the grant, and who is asking unless that goes into the headers.
    async fn form(
        &self,
        grant: &[(&str, &str)],
        headers: &mut HeaderMap,
        place: SecretPlace,
        audience: &str,
    ) -> Result<Bytes, Error> {
        let assertion = match &self.authentication {
            ClientAuthentication::Assertion { key, issuer, subject } => {
                Some(self.assertion(key, issuer, subject, audience).await?)
            }
            ClientAuthentication::None | ClientAuthentication::Secret(_) => None,
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(grant);
        match &self.authentication {
            ClientAuthentication::Secret(secret) if place == SecretPlace::Header => {
                let mut value = header_value(&format!("Basic {}", basic(&self.client_id, secret.expose())))?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            ClientAuthentication::Secret(secret) => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", secret.expose());
            }
            ClientAuthentication::None => {
                form.append_pair("client_id", &self.client_id);
            }
            ClientAuthentication::Assertion { .. } => {
                form.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                form.append_pair("client_assertion", assertion.as_deref().unwrap_or_default());
            }
        }
        Ok(Bytes::from(form.finish()))
    }

    /// A new assertion: the org takes each one once, also when it refuses the request for another reason.
    async fn assertion(
        &self,
        key: &AssertionKey,
        issuer: &str,
        subject: &str,
        audience: &str,
    ) -> Result<String, Error> {
        let now = self.server_now();
        let claims = json!({
            "iss": issuer,
            "sub": subject,
            "aud": audience,
            "iat": (now - CLOCK_TOLERANCE).timestamp(),
            "exp": (now + ASSERTION_LIFE).timestamp(),
            "jti": random_id(&*self.edges.entropy),
        });
        key.sign(&claims).await
    }

    /// Apps are registered with one of the two places, and which one is not known here.
    fn should_move_secret(&self, answer: &Answer, place: SecretPlace) -> bool {
        let has_secret = matches!(self.authentication, ClientAuthentication::Secret(_));
        has_secret && place == SecretPlace::Header && answer.status == 401
    }

    fn wait(&self, answer: &Answer, repeatable: bool, repeats: u32) -> Option<Duration> {
        let cause = retry::cause(answer.status, &answer.headers, repeatable)?;
        let wait = retry::wait(cause, &answer.headers, repeats, self.server_now(), &*self.edges.entropy);
        (repeats < self.retries && wait <= self.backoff_max).then_some(wait)
    }

    fn server_now(&self) -> Timestamp {
        self.skew.server_time(self.edges.clock.now())
    }
}

fn read(answer: &Answer) -> Result<Grant, Error> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::Decode {
        method: "POST".to_owned(),
        path: TOKEN_PATH.to_owned(),
        // The error names a place, never a value: values are tokens.
        reason: format!("no token at line {} column {}", error.line(), error.column()),
        request_id: request_id(&answer.headers),
    })
}

fn refusal(answer: &Answer, attempts: u32) -> Error {
    match serde_json::from_slice::<Refusal>(&answer.body) {
        Ok(Refusal { error, error_description }) => {
            Error::OAuth { endpoint: TOKEN_PATH.to_owned(), error, description: error_description }
        }
        Err(_) => Box::new(ApiError {
            request_id: request_id(&answer.headers),
            method: "POST".to_owned(),
            path: TOKEN_PATH.to_owned(),
            attempts,
            ..ApiError::read(answer.status, &answer.body)
        })
        .into(),
    }
}

/// Credentials of RFC 6749, 2.3.1: both parts are form-encoded first.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    STANDARD.encode(format!("{}:{}", encode(id), encode(secret)))
}

pub(super) fn header_value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::Key {
        property: "APIToken",
        reason: "a credential holds characters that a header cannot hold".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_comes_before_the_end() {
        let issued_at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let token = |life: Option<u64>| Token {
            access: Secret::default(),
            bound: false,
            issued_at,
            life: life.map(Duration::from_secs),
        };
        let after = |seconds| issued_at + Duration::from_secs(seconds);
        let due = |life, offset, seconds| token(life).is_due(after(seconds), Duration::from_secs(offset));
        // 80 % of the life at the latest, earlier if the offset says so.
        assert!(!due(Some(3600), 300, 2879));
        assert!(due(Some(3600), 300, 2880));
        assert!(due(Some(3600), 0, 2880));
        assert!(!due(Some(3600), 1800, 1799));
        assert!(due(Some(3600), 1800, 1800));
        assert!(!due(None, 300, 1_000_000));
        let ending = |life, seconds| token(life).is_ending(after(seconds));
        assert!(!ending(Some(3600), 3539));
        assert!(ending(Some(3600), 3540));
        assert!(!ending(Some(100), 89));
        assert!(ending(Some(100), 90));
        assert!(!ending(None, 1_000_000));
        for life in [9_000_000_000_000_000, u64::MAX] {
            assert!(!due(Some(life), 300, 2880) && !ending(Some(life), 2880));
        }
    }

    #[test]
    fn basic_credentials_are_form_encoded() {
        assert_eq!(basic("a:b", "c d"), STANDARD.encode("a%3Ab:c+d"));
    }
}
