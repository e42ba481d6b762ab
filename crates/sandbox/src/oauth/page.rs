//! The HTML pages: small, without scripts, usable by keyboard, screen reader and headless browser alike.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const LAYOUT: &str = include_str!("pages/layout.html");
const LOGIN: &str = include_str!("pages/login.html");
const ACTIVATE: &str = include_str!("pages/activate.html");
const CONSENT: &str = include_str!("pages/consent.html");
const STYLE: &str = include_str!("pages/style.css");

/// Nothing but the inline style is loaded. `form-action` is left out: browsers apply it to the
/// redirect back to the client as well.
pub(crate) const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// What the login page shows.
pub(super) struct Login<'a> {
    /// Id of the waiting request.
    pub(super) id: &'a str,
    /// Label of the application.
    pub(super) app: &'a str,
    /// What stands in the field already.
    pub(super) username: &'a str,
    /// Why the last attempt failed.
    pub(super) alert: Option<&'a str>,
}

/// The login page.
pub(super) fn login(status: StatusCode, login: &Login<'_>) -> Response {
    let (alert, described) = alerting(login.alert);
    let body = fill(
        LOGIN,
        &[
            ("alert", &alert),
            ("described", described),
            ("app", &escape(login.app)),
            ("request", &escape(login.id)),
            ("username", &escape(login.username)),
        ],
    );
    render(status, "Sign in", &body)
}

/// The page for the code that a device shows; `alert` says why the last attempt failed.
pub(super) fn activate(status: StatusCode, code: &str, alert: Option<&str>) -> Response {
    let (alert, described) = alerting(alert);
    let body = fill(ACTIVATE, &[("alert", &alert), ("described", described), ("code", &escape(code))]);
    render(status, "Activate your device", &body)
}

/// What a user sees whose device was let in.
pub(super) fn activated() -> Response {
    render(StatusCode::OK, "Device activated", "<h1>Device activated</h1>\n<p>Go back to your device.</p>")
}

/// The paragraph of an alert, and the attributes of the fields that it is about.
pub(crate) fn alerting(alert: Option<&str>) -> (String, &'static str) {
    alert.map_or_else(Default::default, |text| {
        let paragraph = format!("<p class=\"alert\" role=\"alert\" id=\"alert\">{}</p>", escape(text));
        (paragraph, " aria-invalid=\"true\" aria-describedby=\"alert\"")
    })
}

/// The consent page, with one line for each scope.
pub(super) fn consent(id: &str, app: &str, scopes: &[String]) -> Response {
    let mut items = String::new();
    for scope in scopes {
        let _ = write!(items, "<li><code>{}</code></li>", escape(scope));
    }
    let body = fill(CONSENT, &[("app", &escape(app)), ("request", &escape(id)), ("scopes", &items)]);
    render(StatusCode::OK, "Allow access", &body)
}

/// An error that cannot be sent back to a client.
pub(super) fn failure(status: StatusCode, text: &str) -> Response {
    let body = format!("<h1>This request cannot go on</h1>\n<p class=\"alert\" role=\"alert\">{}</p>", escape(text));
    render(status, "Error", &body)
}

/// What a user sees after signing out without a place to go.
pub(super) fn signed_out() -> Response {
    render(StatusCode::OK, "Signed out", "<h1>Signed out</h1>\n<p>You can close this window.</p>")
}

/// A whole page, with styles beyond the common ones.
pub(crate) fn layout(title: &str, more_style: &str, body: &str) -> String {
    let style = [STYLE, more_style].concat();
    fill(LAYOUT, &[("title", title), ("style", &style), ("body", body)])
}

fn render(status: StatusCode, title: &str, body: &str) -> Response {
    let page = layout(title, "", body);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache, no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}

/// Puts values into a template's `{{name}}` places, each once and in one pass, so that a value
/// that looks like a place stays text.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        page.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Text that is no markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_and_never_markup_or_places() {
        assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
        assert_eq!(fill("{{a}}-{{b}}", &[("a", "{{b}}"), ("b", "2")]), "{{b}}-2");
    }
}
