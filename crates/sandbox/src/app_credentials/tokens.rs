//! Refresh tokens that an application holds.

use serde_json::{Value, json};

use super::client_id;
use crate::apps::{self, App};
use crate::http::{ApiError, Call, Outcome, Reply, links};
use crate::oauth::IssuedRefreshToken;
use crate::store::{Stamp, Store};

/// Tokens on a page unless `limit` says otherwise, and at most.
const PAGE: usize = 20;
const PAGE_MAX: usize = 200;

/// `listOAuth2TokensForApplication`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let after = call.query("after").unwrap_or_default();
    let mut tokens = call.org.oauth.refresh_tokens(client_id(app));
    tokens.retain(|token| token.id.as_str() > after);
    let more = tokens.len() > limit;
    tokens.truncate(limit);
    let next = tokens.last().filter(|_| more).map(|token| token.id.clone());
    let shown: Vec<Value> = tokens.iter().map(|token| shown(call, app, token)).collect();
    Ok(links::add(Reply::json(&shown), call, limit, next.as_deref()))
}

/// `getOAuth2TokenForApplication`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    Ok(Reply::json(&shown(call, app, &find(app, call)?)))
}

/// `revokeOAuth2TokenForApplication`.
pub(super) fn revoke(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    call.org.oauth.revoke_family(&find(app, call)?.id);
    Ok(Reply::no_content())
}

/// `revokeOAuth2TokensForApplication`.
pub(super) fn revoke_all(store: &Store, call: &Call<'_>) -> Outcome {
    let app = apps::find(store, call)?;
    for token in call.org.oauth.refresh_tokens(client_id(app)) {
        call.org.oauth.revoke_family(&token.id);
    }
    Ok(Reply::no_content())
}

fn find(app: &App, call: &Call<'_>) -> Result<IssuedRefreshToken, ApiError> {
    let name = call.param("tokenId");
    let mut tokens = call.org.oauth.refresh_tokens(client_id(app)).into_iter();
    tokens.find(|token| token.id == name).ok_or_else(|| ApiError::not_found(name, "OAuth2RefreshTokenTx"))
}

fn shown(call: &Call<'_>, app: &App, token: &IssuedRefreshToken) -> Value {
    let own = format!("/api/v1/apps/{}/tokens/{}", app.id, token.id);
    let link = |path: &str| json!({ "href": call.url(path) });
    let links = json!({
        "app": { "href": call.url(&format!("/api/v1/apps/{}", app.id)), "title": app.label },
        "self": link(&own),
        "revoke": { "href": call.url(&own), "hints": { "allow": ["DELETE"] } },
        "client": link(&format!("/oauth2/v1/clients/{}", client_id(app))),
        "user": link(&format!("/api/v1/users/{}", token.user_id)),
    });
    with_links(token, call.base, client_id(app), &links)
}

/// A refresh token of a client as the API shows it, with the links that depend on where it is shown.
pub(crate) fn with_links(token: &IssuedRefreshToken, issuer: &str, client: &str, links: &Value) -> Value {
    json!({
        "id": token.id,
        "status": "ACTIVE",
        "created": Stamp::of(token.created).text(),
        "lastUpdated": Stamp::of(token.used_at).text(),
        "expiresAt": Stamp::of(token.expires_at).text(),
        "issuer": issuer,
        "clientId": client,
        "userId": token.user_id,
        "scopes": token.scopes,
        "_links": links,
    })
}
