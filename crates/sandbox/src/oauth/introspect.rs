//! What a token is worth: introspection, revocation and the user's claims.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::AuthorizationServer;
use super::directory::Event;
use super::error::{OAuthError, no_store};
use super::issue::{AccessClaims, profile_claims};
use super::params::Params;
use super::store::Standing;
use crate::http::{Presented, TokenError};

/// `POST /oauth2/v1/introspect`.
pub(super) async fn introspect(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = Params::parse(query.as_deref(), &body);
    let answer = server.client("introspect", &headers, &params).and_then(|client| {
        let token = params.get("token").ok_or_else(no_token)?;
        Ok(server.describe(token, &client.id).unwrap_or_else(|| json!({ "active": false })))
    });
    match answer {
        Ok(body) => no_store(StatusCode::OK, &body),
        Err(error) => error.into_response(),
    }
}

/// `POST /oauth2/v1/revoke`: 200 also for tokens that do not exist.
pub(super) async fn revoke(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = Params::parse(query.as_deref(), &body);
    let revoked = server.client("revoke", &headers, &params).and_then(|client| {
        server.revoke(params.get("token").ok_or_else(no_token)?, &client.id);
        Ok(())
    });
    match revoked {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    }
}

/// `GET` or `POST /oauth2/v1/userinfo`.
pub(super) async fn userinfo(
    State(server): State<Arc<AuthorizationServer>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    match server.userinfo(&method, &headers) {
        Ok(claims) => Json(claims).into_response(),
        Err(Refusal { status, challenge }) => (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response(),
    }
}

/// An answer of `/userinfo` that gives nothing away: no body, the reason in `www-authenticate`.
struct Refusal {
    status: StatusCode,
    challenge: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &str, description: &str) -> Self {
        Self { status, challenge: format!("Bearer error=\"{error}\", error_description=\"{description}\"") }
    }

    fn invalid(description: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description)
    }

    fn scope() -> Self {
        let description = "The access token must provide access to at least one of these scopes: openid";
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", description)
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(description) => Self::invalid(description),
            TokenError::Proof(description) => Self::new(StatusCode::BAD_REQUEST, "invalid_dpop_proof", &description),
        }
    }
}

fn no_token() -> OAuthError {
    OAuthError::invalid_request("The 'token' parameter is required.")
}

impl AuthorizationServer {
    /// The claims of the token's user.
    fn userinfo(&self, method: &Method, headers: &HeaderMap) -> Result<Value, Refusal> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (scheme, token) = text("authorization")
            .and_then(|value| value.split_once(' '))
            .ok_or_else(|| Refusal::invalid("The access token is invalid."))?;
        let host = text("host").map(|host| format!("http://{host}"));
        let presented = Presented {
            token: token.trim(),
            dpop_scheme: scheme.eq_ignore_ascii_case("DPoP"),
            proof: text("dpop"),
            method: method.as_str(),
            url: &format!("{}{}/userinfo", host.as_ref().unwrap_or(&self.base), self.prefix),
        };
        let access = self.access(&presented).map_err(Refusal::from)?;
        let user = access.user_id.as_deref().and_then(|id| self.directory.user(id));
        let user = user.filter(|_| access.scopes.iter().any(|scope| scope == "openid")).ok_or_else(Refusal::scope)?;
        Ok(profile_claims(&user, &access.scopes))
    }

    /// The answer for a token of this client that is good now.
    fn describe(&self, token: &str, client_id: &str) -> Option<Value> {
        self.describe_access_token(token, client_id).or_else(|| self.describe_refresh_token(token, client_id))
    }

    fn describe_access_token(&self, token: &str, client_id: &str) -> Option<Value> {
        let claims: AccessClaims = self.keys.verify(token)?;
        let good = self.store.lock().access_token(&claims.jti, self.now()) == Standing::Good;
        (good && claims.cid == client_id).then(|| {
            let mut body = json!({
                "active": true,
                "token_type": if claims.cnf.is_some() { "DPoP" } else { "Bearer" },
                "scope": claims.scp.join(" "),
                "client_id": claims.cid,
                "username": claims.sub,
                "exp": claims.exp,
                "iat": claims.iat,
                "sub": claims.sub,
                "aud": claims.aud,
                "iss": claims.iss,
                "jti": claims.jti,
            });
            if let Some(uid) = claims.uid {
                body["uid"] = uid.into();
            }
            body
        })
    }

    fn describe_refresh_token(&self, token: &str, client_id: &str) -> Option<Value> {
        let (grant, used_at) = {
            let store = self.store.lock();
            let (grant, used_at) = store.refresh_token(token, self.now())?;
            (grant.clone(), used_at)
        };
        let user = self.directory.user(&grant.subject.as_ref()?.user_id)?;
        (grant.client_id == client_id).then(|| {
            json!({
                "active": true,
                "scope": grant.scopes.join(" "),
                "client_id": grant.client_id,
                "username": user.login,
                "exp": (used_at + grant.terms.refresh_idle).timestamp(),
                "sub": user.login,
                "aud": self.audience(),
                "iss": self.issuer,
                "uid": user.id,
            })
        })
    }

    /// A refresh token takes everything with it that was issued from it.
    fn revoke(&self, token: &str, client_id: &str) {
        if let Some(claims) = self.keys.verify::<AccessClaims>(token).filter(|claims| claims.cid == client_id) {
            self.store.lock().revoke_access_token(&claims.jti);
            self.record_revocation(client_id);
            return;
        }
        let now = self.now();
        let own = self.store.lock().refresh_token(token, now).is_some_and(|(grant, _)| grant.client_id == client_id);
        if own {
            self.store.lock().revoke_refresh_token(token);
            self.record_revocation(client_id);
        }
    }

    fn record_revocation(&self, client_id: &str) {
        self.directory.record(Event {
            name: "app.oauth2.token.revoke",
            display_message: "OAuth2 token revocation request",
            client_id: client_id.to_owned(),
            user_id: None,
            outcome: Ok(()),
        });
    }
}
