//! What is served over HTTP: SCIM, Snowflake's protocol, health and figures, under one address.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use oktant_scim::ClientIp;
use oktant_warehouse::Account;

use crate::listen::Peer;
use crate::metrics::{self, Metrics, Protocol};
use crate::postgres::Front;
use crate::snowflake::Gateway;

/// What health and figures are told from.
#[derive(Clone)]
pub(crate) struct Instruments {
    pub(crate) account: Account,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gateway: Gateway,
    pub(crate) front: Front,
}

/// All paths.
pub(crate) fn router(instruments: Instruments, scim: Router) -> Router {
    let counted = middleware::from_fn_with_state(Arc::clone(&instruments.metrics), count_scim);
    let snowflake = instruments.gateway.clone().router();
    let own = Router::new()
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(figures))
        .with_state(instruments);
    let scim = scim.layer(counted).layer(middleware::map_request(with_address));
    // As a service, so that the base with a slash is SCIM's to answer, too.
    let routes = own.merge(snowflake).nest_service("/scim/v2", scim);
    // Paths are mended before routes are looked up, so outside of the router that looks them up.
    Router::new().fallback_service(routes).layer(middleware::map_request(mended))
}

/// Ready means that the account's store answers.
async fn ready(State(instruments): State<Instruments>) -> Response {
    match instruments.account.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the account's store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the account's store does not answer\n").into_response()
        }
    }
}

async fn figures(State(instruments): State<Instruments>) -> Response {
    let sessions = [
        (Protocol::Snowflake, instruments.gateway.session_count()),
        (Protocol::Postgres, instruments.front.session_count()),
    ];
    let text = instruments.metrics.render(&sessions);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn count_scim(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    metrics.scim_answered(response.status().as_u16());
    response
}

/// The caller's address as the SCIM crate looks for it.
async fn with_address(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ClientIp(address.ip()));
    }
    request
}

/// Joins doubled slashes, which the connector 5 sends.
async fn mended(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.contains("//")
        && let Some(uri) = without_doubled_slashes(request.uri())
    {
        *request.uri_mut() = uri;
    }
    request
}

fn without_doubled_slashes(uri: &Uri) -> Option<Uri> {
    let mut path = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !path.ends_with('/') {
            path.push(character);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_slashes_are_one() {
        for (before, after) in [("/a//b?c=//d", "/a/b?c=//d"), ("//a", "/a"), ("/a///", "/a/")] {
            let uri = Uri::builder().path_and_query(before).build().unwrap();
            assert_eq!(without_doubled_slashes(&uri).unwrap().to_string(), after);
        }
    }
}
