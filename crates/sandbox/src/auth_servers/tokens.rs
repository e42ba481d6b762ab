//! Clients of custom authorization servers, and the refresh tokens that they hold.

use std::sync::Arc;

use serde_json::{Value, json};

use super::SERVERS;
use crate::app_credentials::{client_id, with_links};
use crate::apps::App;
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::oauth::{AuthorizationServer, IssuedRefreshToken};
use crate::store::Store;
use crate::users;

/// The server of the call.
fn server(store: &Store, call: &Call<'_>) -> Result<Arc<AuthorizationServer>, ApiError> {
    let id = call.param("authServerId");
    store.resources.item(SERVERS, id).ok_or_else(|| ApiError::not_found(id, "AuthorizationServer"))?;
    Ok(call.org.oauth.custom(id))
}

fn app<'a>(store: &'a Store, client: &str) -> Option<&'a App> {
    store.apps.values().find(|app| client_id(app) == client)
}

/// The server of the call with the client's tokens.
///
/// # Errors
///
/// 404 for a server or client that does not exist.
fn held(store: &Store, call: &Call<'_>) -> Result<(Arc<AuthorizationServer>, Vec<IssuedRefreshToken>), ApiError> {
    let server = server(store, call)?;
    let client = call.param("clientId");
    let is_built_in = call.org.clients.find(client).is_some();
    if app(store, client).is_none() && !is_built_in {
        return Err(ApiError::not_found(client, "PublicClientApp"));
    }
    let tokens = server.refresh_tokens(client);
    Ok((server, tokens))
}

/// `listOAuth2ClientsForAuthorizationServer`: those that hold refresh tokens.
pub(super) fn clients(store: &Store, call: &Call<'_>) -> Outcome {
    let known = server(store, call)?.clients();
    let shown = known.iter().map(|client| {
        let name = app(store, client).map(|app| app.label.clone());
        let name = name.or_else(|| call.org.clients.find(client).map(|client| client.label.clone()));
        let own = format!("{SERVERS}/{}/clients/{client}", call.param("authServerId"));
        json!({
            "client_id": client, "client_name": name, "client_uri": null, "logo_uri": null,
            "_links": {
                "client": { "href": call.url(&format!("/oauth2/v1/clients/{client}")) },
                "tokens": { "href": call.url(&format!("{own}/tokens")), "hints": { "allow": ["GET", "DELETE"] } },
            },
        })
    });
    Ok(Reply::json(&shown.collect::<Vec<_>>()))
}

/// `listRefreshTokensForAuthorizationServerAndClient`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let (_, tokens) = held(store, call)?;
    let shown: Vec<_> = tokens.iter().map(|token| shown(store, call, token)).collect();
    Ok(Reply::json(&shown))
}

/// `getRefreshTokenForAuthorizationServerAndClient`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let (_, tokens) = held(store, call)?;
    Ok(Reply::json(&shown(store, call, find(&tokens, call)?)))
}

/// `revokeRefreshTokenForAuthorizationServerAndClient`.
pub(super) fn revoke(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (server, tokens) = held(store, call)?;
    server.revoke_family(&find(&tokens, call)?.id);
    Ok(Reply::no_content())
}

/// `revokeRefreshTokensForAuthorizationServerAndClient`.
pub(super) fn revoke_all(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (server, tokens) = held(store, call)?;
    for token in &tokens {
        server.revoke_family(&token.id);
    }
    Ok(Reply::no_content())
}

fn find<'a>(tokens: &'a [IssuedRefreshToken], call: &Call<'_>) -> Result<&'a IssuedRefreshToken, ApiError> {
    let id = call.param("tokenId");
    tokens.iter().find(|token| token.id == id).ok_or_else(|| ApiError::not_found(id, "OAuth2RefreshTokenTx"))
}

fn shown(store: &Store, call: &Call<'_>, token: &IssuedRefreshToken) -> Value {
    let (server, client) = (call.param("authServerId"), call.param("clientId"));
    let own = format!("{SERVERS}/{server}/clients/{client}/tokens/{}", token.id);
    let titled = |path: String, title: Option<String>| json!({ "href": call.url(&path), "title": title });
    let app = app(store, client);
    let label = app.map(|app| app.label.clone());
    let name = store.resources.item(SERVERS, server).and_then(|server| server.get("name")?.as_str());
    let user = users::named(store, &token.user_id).and_then(|number| store.users.get(number));
    let links = json!({
        "app": titled(format!("/api/v1/apps/{}", app.map_or(client, |app| app.id.as_str())), label.clone()),
        "authorizationServer": titled(format!("{SERVERS}/{server}"), name.map(str::to_owned)),
        "self": { "href": call.url(&own) },
        "revoke": { "href": call.url(&own), "hints": { "allow": ["DELETE"] } },
        "client": titled(format!("/oauth2/v1/clients/{client}"), label),
        "user": titled(format!("/api/v1/users/{}", token.user_id), user.map(crate::store::User::display_name)),
    });
    with_links(token, &call.url(&format!("/oauth2/{server}")), client, &links)
}
