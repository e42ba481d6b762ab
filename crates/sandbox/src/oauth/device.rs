//! Sign-in for devices without a keyboard or browser (RFC 8628): the device shows a code, its user
//! enters it on a page elsewhere, and meanwhile the device asks the token endpoint.
//!
//! # Source
//!
//! Documented; the texts of errors but that of the pending state are assumed, and the page is the sandbox's.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use oktant_base::Timestamp;
use serde_json::{Value, json};

use super::AuthorizationServer;
use super::authorize::NOT_ASSIGNED;
use super::directory::Client;
use super::error::{OAuthError, no_store};
use super::login;
use super::page;
use super::params::Params;
use super::store::{Grant, Subject};
use super::token::check_grant_type;
use crate::org;

/// The grant type of device codes.
pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where users enter what their device shows.
pub(super) const PATH: &str = "/activate";
/// Life of both codes.
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How long a device waits before it asks again.
const INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// Letters of codes that users type: no vowels, so that they make no words (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Devices that wait for their users, by device code.
#[derive(Debug, Default)]
pub(super) struct Devices(HashMap<String, Device>);

#[derive(Debug)]
struct Device {
    client_id: String,
    scopes: Vec<String>,
    user_code: String,
    expires_at: Timestamp,
    asked_at: Option<Timestamp>,
    /// Who entered the code.
    subject: Option<Subject>,
}

impl Devices {
    fn add(&mut self, code: String, device: Device, now: Timestamp) {
        // An expired code is kept for as long again, so that its device is told why it gets nothing.
        self.0.retain(|_, device| device.expires_at + CODE_LIFE > now);
        self.0.insert(code, device);
    }

    /// The device that shows this code and still waits.
    fn showing(&mut self, user_code: &str, now: Timestamp) -> Option<&mut Device> {
        let mut devices = self.0.values_mut();
        devices.find(|device| device.user_code == user_code && device.expires_at > now && device.subject.is_none())
    }

    /// What a device gets that asks: the scopes that it asked for, and its user.
    fn ask(&mut self, code: &str, client: &Client, now: Timestamp) -> Result<(Vec<String>, Subject), OAuthError> {
        let device = self.0.get_mut(code).filter(|device| device.client_id == client.id);
        let device = device.ok_or_else(|| OAuthError::invalid_grant("The device code is invalid or has expired."))?;
        if device.expires_at <= now {
            return Err(OAuthError::new("expired_token", "The device code has expired."));
        }
        let too_soon = device.asked_at.replace(now).is_some_and(|asked_at| asked_at + INTERVAL > now);
        if let Some(subject) = device.subject.clone() {
            let scopes = std::mem::take(&mut device.scopes);
            self.0.remove(code);
            return Ok((scopes, subject));
        }
        Err(if too_soon {
            OAuthError::new("slow_down", "The device asks more often than its interval allows.")
        } else {
            OAuthError::new("authorization_pending", "The device authorization is pending. Please try again later.")
        })
    }
}

/// `POST /oauth2/v1/device/authorize`.
pub(super) async fn begin(
    State(server): State<Arc<AuthorizationServer>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    match server.begin_device(&headers, &Params::parse(query.as_deref(), &body)) {
        Ok(body) => no_store(StatusCode::OK, &body),
        Err(error) => error.into_response(),
    }
}

/// The page with the field for the code.
pub(super) async fn show(RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref(), b"");
    page::activate(StatusCode::OK, params.get("user_code").unwrap_or_default(), None)
}

/// The page was sent.
pub(super) async fn submit(State(org): State<Arc<AuthorizationServer>>, body: Bytes) -> Response {
    let params = Params::parse(None, &body);
    let given = params.get("user_code").unwrap_or_default();
    let code: String = given.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    let now = org.now();
    match org.holder_where(|store| store.devices.showing(&code, now).is_some()).let_in(&code, &params) {
        Ok(()) => page::activated(),
        Err((status, alert)) => page::activate(status, given, Some(alert)),
    }
}

impl AuthorizationServer {
    fn begin_device(&self, headers: &HeaderMap, params: &Params) -> Result<Value, OAuthError> {
        let client = self.client("device/authorize", headers, params)?;
        check_grant_type(&client, GRANT_TYPE, self.parent.is_none())?;
        let scopes = self.or_default_scopes(params.words("scope"))?;
        self.check_known(&scopes)?;
        let (code, user_code, now) = (org::uuid(self.entropy.as_ref()), self.user_code(), self.now());
        let device = Device {
            client_id: client.id,
            scopes,
            user_code: user_code.clone(),
            expires_at: now + CODE_LIFE,
            asked_at: None,
            subject: None,
        };
        self.store.lock().devices.add(code.clone(), device, now);
        let page = format!("{}{PATH}", self.base);
        Ok(json!({
            "user_code": user_code,
            "device_code": code,
            "interval": INTERVAL.num_seconds(),
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "verification_uri": page,
            "expires_in": CODE_LIFE.num_seconds(),
        }))
    }

    fn user_code(&self) -> String {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).iter().collect()
    }

    /// Signs the user in and lets the device in that shows the code.
    fn let_in(&self, code: &str, params: &Params) -> Result<(), (StatusCode, &'static str)> {
        let now = self.now();
        let client_id = self.store.lock().devices.showing(code, now).map(|device| device.client_id.clone());
        let client_id =
            client_id.ok_or((StatusCode::BAD_REQUEST, "No device shows this code. Check what you entered."))?;
        let (username, password) = (params.get("username").unwrap_or(""), params.get("password").unwrap_or(""));
        let user = self.directory.sign_in(username, password);
        let user = user.map_err(|error| (StatusCode::UNAUTHORIZED, login::explain(error)))?;
        if !self.directory.is_assigned(&client_id, &user.id) {
            return Err((StatusCode::FORBIDDEN, NOT_ASSIGNED));
        }
        if let Some(device) = self.store.lock().devices.showing(code, now) {
            device.subject = Some(Subject { user_id: user.id, auth_time: now });
        }
        Ok(())
    }

    /// The token request of a device.
    pub(super) fn device_code(
        &self,
        client: &Client,
        params: &Params,
        jkt: Option<String>,
    ) -> Result<Value, OAuthError> {
        let code = params.get("device_code");
        let code =
            code.ok_or_else(|| OAuthError::invalid_request("The token request must specify a 'device_code'."))?;
        let (asked, subject) = self.store.lock().devices.ask(code, client, self.now())?;
        let scopes = self.user_scopes(client, &subject.user_id, &asked)?;
        let terms = self.terms(client, Some(&subject.user_id), &scopes, GRANT_TYPE)?;
        let grant = Grant { client_id: client.id.clone(), subject: Some(subject), scopes, jkt, terms };
        let user = self.user_of(&grant);
        let user = user.ok_or_else(|| OAuthError::invalid_grant("The user of this device is no longer active."))?;
        Ok(self.issue_with_refresh(&grant, &user, None))
    }
}
