//! The authorization endpoint: from a client's request to a code, by way of login and consent.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use url::Url;

use super::AuthorizationServer;
use super::directory::{Client, Consent, Event, Redirects};
use super::error::OAuthError;
use super::page;
use super::params::Params;
use super::session;
use super::store::{CODE_LIFE, Code, Grant, Session, Subject};

/// What a user without an assignment to the application is told.
pub(super) const NOT_ASSIGNED: &str = "User is not assigned to the client application.";

/// What is said about an address that the client did not register.
pub(super) const BAD_REDIRECT: &str =
    "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.";

/// An authorization request that passed all checks that need no user.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) client_id: String,
    redirect_uri: String,
    response_mode: ResponseMode,
    scopes: Vec<String>,
    state: String,
    nonce: Option<String>,
    challenge: Option<String>,
    prompts: Vec<String>,
    max_age: Option<u64>,
    pub(super) login_hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResponseMode {
    Query,
    Fragment,
}

/// `GET /oauth2/v1/authorize`.
pub(super) async fn by_query(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    server.authorize(&headers, &Params::parse(query.as_deref(), b""))
}

/// `POST /oauth2/v1/authorize`.
pub(super) async fn by_form(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    server.authorize(&headers, &Params::parse(None, &body))
}

impl AuthorizationServer {
    fn authorize(&self, headers: &HeaderMap, params: &Params) -> Response {
        let client = params.get("client_id").and_then(|id| self.directory.client(id)).filter(|client| client.active);
        let Some(client) = client else {
            return page::failure(StatusCode::BAD_REQUEST, "Illegal value for 'client_id' parameter.");
        };
        if let Some(uri) = params.get("request_uri") {
            // What the browser adds to a pushed request does not count (RFC 9126, 4).
            return match self.pushed(&client, uri) {
                Some(request) => self.sign_in_or_continue(headers, &client, request),
                None => page::failure(
                    StatusCode::BAD_REQUEST,
                    "The 'request_uri' parameter is invalid, was used before, or has expired.",
                ),
            };
        }
        let Some(redirect_uri) = params.get("redirect_uri").filter(|uri| accepts(&client, uri)) else {
            // Never a redirect: the address may be an attacker's.
            return page::failure(StatusCode::BAD_REQUEST, BAD_REDIRECT);
        };
        match self.read_request(&client, params, redirect_uri) {
            Ok(request) => match params.get("sessionToken").and_then(|token| self.directory.redeem(token)) {
                Some(user) => self.begin_session(&client, request, user.id),
                None => self.sign_in_or_continue(headers, &client, request),
            },
            Err(error) => {
                let mode = response_mode(params).unwrap_or(ResponseMode::Query);
                redirect_with_error(redirect_uri, mode, params.get("state").unwrap_or(""), &error)
            }
        }
    }

    /// Starts a session for a user who just proved who they are, and goes on.
    pub(super) fn begin_session(&self, client: &Client, request: Request, user_id: String) -> Response {
        let subject = Subject { user_id, auth_time: self.now() };
        let session_id = self.random_token();
        self.sessions().lock().add_session(session_id.clone(), &subject);
        let mut response = self.continue_signed_in(client, request.after_login(), subject);
        session::remember(&mut response, &session_id);
        response
    }

    fn sign_in_or_continue(&self, headers: &HeaderMap, client: &Client, request: Request) -> Response {
        let now = self.now();
        let session = session::of(headers).and_then(|id| self.sessions().lock().session(&id, now));
        let recent = |session: &Session| {
            let age = |seconds: u64| TimeDelta::try_seconds(i64::try_from(seconds).ok()?);
            let end = |seconds| session.auth_time.checked_add_signed(age(seconds)?);
            // An age beyond all calendars is never reached.
            request.max_age.and_then(end).is_none_or(|end| end > now)
        };
        match session.filter(|session| recent(session) && !request.prompts("login")) {
            Some(session) => {
                let subject = Subject { user_id: session.user_id, auth_time: session.auth_time };
                self.continue_signed_in(client, request, subject)
            }
            None if request.prompts("none") => request.error(&OAuthError::new(
                "login_required",
                "The client specified not to prompt, but the user is not logged in.",
            )),
            None => self.show_login(client, request),
        }
    }

    /// The user is known: checks assignment, scopes and consent, and hands out a code.
    pub(super) fn continue_signed_in(&self, client: &Client, request: Request, subject: Subject) -> Response {
        if !self.directory.is_assigned(&client.id, &subject.user_id) {
            return request.error(&OAuthError::new("access_denied", NOT_ASSIGNED));
        }
        let scopes = match self.user_scopes(client, &subject.user_id, &request.scopes) {
            Ok(scopes) => scopes,
            Err(error) => return request.error(&error),
        };
        if !self.needs_consent(client, &request, &subject, &scopes) {
            return self.finish(client, &request, subject, scopes);
        }
        if request.prompts("none") {
            let text = "The client specified not to prompt, but the user has not consented.";
            return request.error(&OAuthError::new("consent_required", text));
        }
        self.show_consent(client, Request { scopes, ..request }, subject)
    }

    fn needs_consent(&self, client: &Client, request: &Request, subject: &Subject, scopes: &[String]) -> bool {
        let asked = request.prompts("consent");
        asked
            || (client.consent == Consent::Required
                && !self.store.lock().has_consent(&client.id, &subject.user_id, scopes))
    }

    /// Everything is settled after the consent page, whose scopes stand in the request.
    pub(super) fn finish_consented(&self, client: &Client, request: &Request, subject: Subject) -> Response {
        self.store.lock().add_consent(&client.id, &subject.user_id, &request.scopes);
        self.finish(client, request, subject, request.scopes.clone())
    }

    fn finish(&self, client: &Client, request: &Request, subject: Subject, scopes: Vec<String>) -> Response {
        let now = self.now();
        let terms = match self.terms(client, Some(&subject.user_id), &scopes, "authorization_code") {
            Ok(terms) => terms,
            Err(error) => return request.error(&error),
        };
        let value = self.random_token();
        let code = Code {
            grant: Grant { client_id: client.id.clone(), subject: Some(subject), scopes, jkt: None, terms },
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            expires_at: now + CODE_LIFE,
        };
        self.record_code(&code.grant);
        self.store.lock().add_code(value.clone(), code, now);
        let answer = [("code", value.as_str()), ("state", request.state.as_str())];
        redirect(&request.redirect_uri, request.response_mode, &answer)
    }

    /// Checks what a client asks for, its address apart.
    pub(super) fn read_request(
        &self,
        client: &Client,
        params: &Params,
        redirect_uri: &str,
    ) -> Result<Request, OAuthError> {
        let response_mode = response_mode(params)?;
        let state = params.owned("state").ok_or_else(|| {
            OAuthError::invalid_request("The authentication request has an invalid 'state' parameter.")
        })?;
        check_response_type(client, params)?;
        let scopes = self.or_default_scopes(params.words("scope"))?;
        self.check_known(&scopes)?;
        let prompts = params.words("prompt");
        if prompts.len() > 1 && prompts.iter().any(|prompt| prompt == "none") {
            return Err(OAuthError::invalid_request("The 'prompt' parameter 'none' cannot be used with other values."));
        }
        let bad_age = |_| OAuthError::invalid_request("The 'max_age' parameter must be a whole number of seconds.");
        Ok(Request {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            response_mode,
            scopes,
            state,
            nonce: params.owned("nonce"),
            challenge: read_challenge(client, params)?,
            prompts,
            max_age: params.get("max_age").map(str::parse).transpose().map_err(bad_age)?,
            login_hint: params.owned("login_hint"),
        })
    }

    fn record_code(&self, grant: &Grant) {
        self.directory.record(Event {
            name: "app.oauth2.authorize.code",
            display_message: "OAuth2 authorization code request",
            client_id: grant.client_id.clone(),
            user_id: grant.subject.as_ref().map(|subject| subject.user_id.clone()),
            outcome: Ok(()),
        });
    }
}

impl Request {
    /// Sends the browser back to the client with an error.
    pub(super) fn error(&self, error: &OAuthError) -> Response {
        redirect_with_error(&self.redirect_uri, self.response_mode, &self.state, error)
    }

    /// The scopes that the consent page lists.
    pub(super) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// What remains of a request once the user signed in: asking for the password again would never end.
    pub(super) fn after_login(mut self) -> Self {
        self.prompts.retain(|prompt| prompt != "login");
        self
    }

    fn prompts(&self, prompt: &str) -> bool {
        self.prompts.iter().any(|given| given == prompt)
    }
}

fn check_response_type(client: &Client, params: &Params) -> Result<(), OAuthError> {
    if params.get("response_type") != Some("code") {
        let text = "The response type is not supported by the authorization server. Configured response types: [code].";
        return Err(OAuthError::new("unsupported_response_type", text));
    }
    if client.grant_types.iter().any(|grant| grant == "authorization_code") {
        return Ok(());
    }
    let text = "The client is not authorized to use the provided grant type. Configured grant types: ";
    Err(OAuthError::new("unauthorized_client", format!("{text}[{}].", client.grant_types.join(", "))))
}

fn read_challenge(client: &Client, params: &Params) -> Result<Option<String>, OAuthError> {
    let Some(challenge) = params.owned("code_challenge") else {
        if client.pkce_required {
            return Err(OAuthError::invalid_request("PKCE code challenge is required by the application."));
        }
        return Ok(None);
    };
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request("The 'code_challenge_method' parameter must be 'S256'."));
    }
    Ok(Some(challenge))
}

fn response_mode(params: &Params) -> Result<ResponseMode, OAuthError> {
    match params.get("response_mode") {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some(_) => Err(OAuthError::invalid_request("The 'response_mode' parameter is not supported.")),
    }
}

/// Whether a client may be sent back to this address.
pub(super) fn accepts(client: &Client, uri: &str) -> bool {
    if client.redirect_uris.iter().any(|registered| registered == uri) {
        return true;
    }
    match client.redirects {
        Redirects::Exact => false,
        Redirects::Subdomain => client.redirect_uris.iter().any(|pattern| matches_subdomain(pattern, uri)),
        Redirects::AnyLoopback => Url::parse(uri).is_ok_and(|url| is_loopback_http(&url)),
    }
}

/// One `*` of the pattern stands for letters, digits and hyphens of a host label.
fn matches_subdomain(pattern: &str, uri: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return false };
    let middle = uri.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|label| {
        !label.is_empty() && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    })
}

/// Whether an address is plain http on this machine.
pub(crate) fn is_loopback_http(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && loopback
}

fn redirect_with_error(redirect_uri: &str, mode: ResponseMode, state: &str, error: &OAuthError) -> Response {
    let answer = [("error", error.error), ("error_description", error.description.as_str()), ("state", state)];
    redirect(redirect_uri, mode, &answer)
}

fn redirect(redirect_uri: &str, mode: ResponseMode, answer: &[(&str, &str)]) -> Response {
    let given = answer.iter().filter(|(_, value)| !value.is_empty());
    let Ok(mut target) = Url::parse(redirect_uri) else {
        return page::failure(StatusCode::BAD_REQUEST, "The 'redirect_uri' parameter is not an address.");
    };
    match mode {
        ResponseMode::Query => drop(target.query_pairs_mut().extend_pairs(given)),
        ResponseMode::Fragment => {
            let fragment = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
            target.set_fragment(Some(&fragment));
        }
    }
    (StatusCode::FOUND, [("location", target.as_str()), ("cache-control", "no-cache, no-store")]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_may_vary() {
        let pattern = "https://app-*.example.com/callback";
        assert!(matches_subdomain(pattern, "https://app-one.example.com/callback"));
        assert!(!matches_subdomain(pattern, "https://app-one.evil.com/x.example.com/callback"));
        assert!(!matches_subdomain(pattern, "https://app-.example.com/callback"));
    }

    #[test]
    fn loopback_is_plain_http_on_this_machine() {
        let check = |uri: &str| is_loopback_http(&Url::parse(uri).unwrap());
        assert!(check("http://localhost:1234/callback") && check("http://127.0.0.1:9") && check("http://[::1]:9/"));
        assert!(!check("http://localhost.example.com/") && !check("https://localhost/"));
    }
}
