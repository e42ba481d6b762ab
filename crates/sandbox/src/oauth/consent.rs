//! The consent page.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::AuthorizationServer;
use super::authorize::Request;
use super::directory::Client;
use super::error::OAuthError;
use super::page;
use super::params::Params;
use super::session;
use super::store::Subject;

/// Where the form goes; the path is the sandbox's own.
pub(super) const PATH: &str = "/signin/consent";

/// The consent form was sent.
pub(super) async fn submit(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::parse(None, &body);
    server.holder(params.get("request").unwrap_or("")).decide(&headers, &params)
}

impl AuthorizationServer {
    /// Asks the user whether the client may have the scopes of the request.
    pub(super) fn show_consent(&self, client: &Client, request: Request, subject: Subject) -> Response {
        let id = self.random_token();
        let page = page::consent(&id, &client.label, request.scopes());
        self.store.lock().add_pending(id, request, Some(subject), self.now());
        page
    }

    fn decide(&self, headers: &HeaderMap, params: &Params) -> Response {
        let now = self.now();
        let id = params.get("request").unwrap_or("");
        let pending = self.store.lock().pending(id, now);
        let session = session::of(headers).and_then(|id| self.sessions().lock().session(&id, now));
        let subject = pending.as_ref().and_then(|pending| pending.subject.clone());
        // Only the browser that signed in may answer for its user.
        let subject = subject.filter(|subject| session.is_some_and(|session| session.user_id == subject.user_id));
        let client = pending.as_ref().and_then(|pending| self.directory.client(&pending.request.client_id));
        let (Some(pending), Some(subject), Some(client)) = (pending, subject, client) else {
            return page::failure(
                StatusCode::BAD_REQUEST,
                "This sign-in has expired. Start again from the application.",
            );
        };
        self.store.lock().end_pending(id);
        if params.get("decision") == Some("allow") {
            return self.finish_consented(&client, &pending.request, subject);
        }
        pending.request.error(&OAuthError::new("access_denied", "The resource owner denied the request."))
    }
}
