//! The pages, in the layout of the sandbox's other ones.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};

use super::app::ConnectedApp;
use super::{OAuthError, Response, SCOPES};
use crate::oauth::{CONTENT_POLICY, alerting, escape, fill, layout};

const LOGIN: &str = include_str!("pages/login.html");
const CONSENT: &str = include_str!("pages/consent.html");
const APPS: &str = include_str!("pages/apps.html");
const STYLE: &str = include_str!("pages/style.css");

fn render(status: StatusCode, title: &str, body: &str) -> Response {
    Response::text(status, "text/html; charset=utf-8", layout(title, STYLE, body))
        .with(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY.to_owned())
        .with(header::REFERRER_POLICY, "no-referrer".to_owned())
}

/// The login page; `alert` says why the last attempt failed.
pub(super) fn login(status: StatusCode, id: &str, app: &str, username: &str, alert: Option<&str>) -> Response {
    let (alert, described) = alerting(alert);
    let values = [
        ("alert", alert.as_str()),
        ("described", described),
        ("app", &escape(app)),
        ("request", &escape(id)),
        ("username", &escape(username)),
    ];
    render(status, "Log in", &fill(LOGIN, &values))
}

/// The consent page, with a line for each scope.
pub(super) fn consent(id: &str, app: &str, name: &str, username: &str, scopes: &[String]) -> Response {
    let mut items = String::new();
    // One scope has two names.
    let twice = scopes.iter().any(|scope| scope == "refresh_token");
    for scope in scopes.iter().filter(|scope| !(twice && *scope == "offline_access")) {
        let says = SCOPES.iter().find(|(known, _)| known == scope).map_or("", |(_, says)| says);
        let _ = write!(items, "<li>{}<code>{}</code></li>", escape(says), escape(scope));
    }
    let values = [
        ("app", escape(app)),
        ("request", escape(id)),
        ("scopes", items),
        ("name", escape(name)),
        ("username", escape(username)),
    ];
    render(
        StatusCode::OK,
        "Allow access",
        &fill(CONSENT, &values.each_ref().map(|(name, value)| (*name, value.as_str()))),
    )
}

/// The connected apps, and the form for a new one.
pub(in super::super) fn apps<'a>(
    all: impl Iterator<Item = &'a ConnectedApp>,
    form: [&str; 3],
    alert: Option<&str>,
) -> Response {
    let mut list = String::new();
    for app in all {
        let rows = [
            ("Consumer key", app.client_id.as_str()),
            ("Consumer secret", app.secret.expose()),
            ("Callback URLs", &app.given.callback_urls.join("\n")),
            ("Scopes", &app.given.scopes.join(" ")),
        ];
        let rows = rows.map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escape(value)));
        let _ = write!(list, "<section><h2>{}</h2><dl>{}</dl></section>", escape(&app.given.name), rows.concat());
    }
    let (alert, described) = alerting(alert);
    let [name, callbacks, scopes] = form.map(escape);
    let values = [
        ("apps", &list),
        ("alert", &alert),
        ("described", &described.to_owned()),
        ("name", &name),
        ("callbacks", &callbacks),
        ("scopes", &scopes),
    ];
    let status = if alert.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    render(status, "Connected apps", &fill(APPS, &values.map(|(name, value)| (name, value.as_str()))))
}

/// An error of the authorization endpoint that is not sent back to an app.
pub(super) fn refused(error: &OAuthError) -> Response {
    failure(StatusCode::BAD_REQUEST, &format!("error={} error_description={}", error.error, error.description))
}

/// An error page.
pub(in super::super) fn failure(status: StatusCode, text: &str) -> Response {
    let body = format!("<h1>This request cannot go on</h1>\n<p class=\"alert\" role=\"alert\">{}</p>", escape(text));
    render(status, "Error", &body)
}
