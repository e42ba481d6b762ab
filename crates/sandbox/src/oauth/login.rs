//! The login page.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::AuthorizationServer;
use super::authorize::Request;
use super::directory::{Client, SignInError};
use super::page;
use super::params::Params;

/// Where the form goes. Okta's own page is not documented; this path is the sandbox's.
pub(super) const PATH: &str = "/signin";

/// The login form was sent.
pub(super) async fn submit(State(server): State<Arc<AuthorizationServer>>, body: Bytes) -> Response {
    let params = Params::parse(None, &body);
    server.holder(params.get("request").unwrap_or("")).log_in(&params)
}

impl AuthorizationServer {
    /// Shows the login page; the request waits under an id that the form carries.
    pub(super) fn show_login(&self, client: &Client, request: Request) -> Response {
        let id = self.random_token();
        let username = request.login_hint.clone().unwrap_or_default();
        self.store.lock().add_pending(id.clone(), request, None, self.now());
        page::login(StatusCode::OK, &page::Login { id: &id, app: &client.label, username: &username, alert: None })
    }

    fn log_in(&self, params: &Params) -> Response {
        let now = self.now();
        let id = params.get("request").unwrap_or("");
        let pending = self.store.lock().pending(id, now);
        let Some((pending, client)) =
            pending.and_then(|pending| Some((pending.clone(), self.directory.client(&pending.request.client_id)?)))
        else {
            return page::failure(
                StatusCode::BAD_REQUEST,
                "This sign-in has expired. Start again from the application.",
            );
        };
        let (username, password) = (params.get("username").unwrap_or(""), params.get("password").unwrap_or(""));
        let user = match self.directory.sign_in(username, password) {
            Ok(user) => user,
            Err(error) => {
                let form = page::Login { id, app: &client.label, username, alert: Some(explain(error)) };
                return page::login(StatusCode::UNAUTHORIZED, &form);
            }
        };
        self.store.lock().end_pending(id);
        self.begin_session(&client, pending.request, user.id)
    }
}

/// What a user is told whose sign-in failed.
pub(super) fn explain(error: SignInError) -> &'static str {
    match error {
        SignInError::InvalidCredentials => "Unable to sign in. Check the user name and the password.",
        SignInError::LockedOut => "This account is locked. Ask an administrator to unlock it.",
        SignInError::PasswordExpired => "The password has expired. Change it before signing in.",
    }
}
