//! Reading answers that are no success.

use std::time::Duration;

use chrono::DateTime;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use oktant_base::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Error, Request};

/// Longest excerpt of an answer that is no SCIM error, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// Longest text of a target that is repeated, in characters.
const DETAIL_CHARS_MAX: usize = 500;

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    detail: Option<String>,
    #[serde(rename = "scimType")]
    scim_type: Option<String>,
    /// Gateways and older targets have a `message`.
    message: Option<String>,
}

/// What an answer of another status than 2xx means (RFC 7644, 3.12). A target may repeat what it was sent: the
/// `token` and the secret of the request are taken out before anything else happens to its words.
pub(super) fn failure(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    token: &Secret,
    now: Timestamp,
) -> Error {
    let secrets: Vec<&str> =
        [Some(token), request.secret.as_ref()].into_iter().flatten().map(|secret| secret.expose().as_str()).collect();
    let json = serde_json::from_slice::<Json>(body).ok().map(|json| masked_json(json, &secrets));
    let read = json.as_ref().and_then(|json| ErrorBody::deserialize(json).ok());
    let html = read.is_none() && looks_like_html(headers, body);
    let scim_type = read.as_ref().and_then(|read| read.scim_type.clone()).unwrap_or_default();
    let words = read.and_then(|read| read.detail.or(read.message)).map(|words| shortened(&words, DETAIL_CHARS_MAX));
    let text = || match &json {
        Some(json) => json.to_string(),
        None => masked(&String::from_utf8_lossy(body), &secrets),
    };
    let detail = words.unwrap_or_else(|| shortened(&text(), EXCERPT_CHARS_MAX));
    let retry_after = retry_after(headers, now);
    let (method, path) = (request.method.to_string(), request.path());
    match status.as_u16() {
        401 => Error::Unauthorized { detail },
        403 => Error::Forbidden { method, path, detail, html },
        404 if html => Error::unreadable(request, format!("404 with a web page: {detail}")),
        404 => Error::NotFound { method, path, detail },
        409 => Error::Conflict { method, path, detail },
        400 if scim_type.eq_ignore_ascii_case("uniqueness") => Error::Conflict { method, path, detail },
        412 => Error::Changed { method, path },
        429 => Error::Throttled { method, path, retry_after, tries: 1 },
        500.. => Error::Failed { method, path, status: status.as_u16(), detail, retry_after, tries: 1 },
        300..400 => {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("another place");
            let to = masked(to, &secrets);
            Error::unreadable(request, format!("{status} sends it to {to}, where the token is not sent"))
        }
        status => Error::Rejected { method, path, status, detail },
    }
}

/// How long a target wants to be left alone: whole seconds or an HTTP date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.to_utc() - now).to_std().unwrap_or_default())
}

fn looks_like_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_html =
        headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.contains("html"));
    is_html || body.trim_ascii_start().starts_with(b"<")
}

/// `json` with `***` in place of secrets.
fn masked_json(json: Json, secrets: &[&str]) -> Json {
    match json {
        Json::String(text) => masked(&text, secrets).into(),
        Json::Array(values) => values.into_iter().map(|value| masked_json(value, secrets)).collect(),
        Json::Object(object) => {
            object.into_iter().map(|(name, value)| (masked(&name, secrets), masked_json(value, secrets))).collect()
        }
        other => other,
    }
}

/// `text` with `***` in place of secrets, also where they stand as JSON or HTML writes them.
fn masked(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let json = Json::from(*secret).to_string();
        let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let quoted_html = html.replace('"', "&quot;").replace('\'', "&#39;");
        for form in [*secret, &json[1..json.len() - 1], &html, &quoted_html] {
            if text.contains(form) {
                text = text.replace(form, "***");
            }
        }
    }
    text
}

/// The beginning of a text on one line.
fn shortened(text: &str, characters: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::super::Endpoint;
    use super::*;

    fn read(status: u16, headers: &[(http::HeaderName, &str)], body: &str) -> Error {
        read_of(&Request::get(Endpoint::Users), status, headers, body)
    }

    fn read_of(request: &Request, status: u16, headers: &[(http::HeaderName, &str)], body: &str) -> Error {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).expect("a value")));
        let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let status = StatusCode::from_u16(status).expect("a status");
        failure(request, status, &headers.collect(), body.as_bytes(), &Secret::new("t0ken".to_owned()), now)
    }

    #[test]
    fn statuses_mean_what_the_protocol_says() {
        let conflict =
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","detail":"taken"}"#;
        assert!(matches!(read(409, &[], ""), Error::Conflict { .. }));
        assert!(matches!(read(400, &[], conflict), Error::Conflict { detail, .. } if detail == "taken"));
        assert!(matches!(read(400, &[], "{}"), Error::Rejected { status: 400, .. }));
        assert!(
            matches!(read(403, &[], "<html>\n<b>no</b>"), Error::Forbidden { html: true, detail, .. } if detail == "<html> <b>no</b>")
        );
        assert!(matches!(read(404, &[(CONTENT_TYPE, "text/html")], "x"), Error::Unreadable { .. }));
        assert!(matches!(read(302, &[(LOCATION, "https://evil.example")], ""), Error::Unreadable { .. }));
    }

    #[test]
    fn secrets_are_taken_out_before_the_text_is_shortened() {
        let secret = "two  blanks <\"&'\u{e9}";
        let mut request = Request::put(Endpoint::Users, "1", &Json::Null);
        request.secret = Some(Secret::new(secret.to_owned()));
        let long = |excerpt: usize| "x".repeat(excerpt - 5);
        let words = |body: &Json| body.to_string();
        for body in [
            words(&serde_json::json!({ "detail": format!("{secret} t0ken") })),
            words(&serde_json::json!({ "message": format!("{} {secret}", long(DETAIL_CHARS_MAX)) })),
            words(&serde_json::json!({ "errors": [{ secret: "t0ken" }] })),
            format!("{} {secret}", long(EXCERPT_CHARS_MAX)),
            format!("not {}", Json::from(secret)),
            "<p>two  blanks &lt;&quot;&amp;&#39;\u{e9} t0ken".to_owned(),
            "<p>two  blanks &lt;\"&amp;'\u{e9}".to_owned(),
        ] {
            for status in [400, 401, 403, 404, 409, 503] {
                let error = read_of(&request, status, &[], &body).to_string();
                assert!(error.contains("***") && !error.contains("two") && !error.contains("t0ken"), "{error}");
            }
        }
        let error = read_of(&request, 302, &[(LOCATION, "https://x.example/?t0ken")], "").to_string();
        assert!(error.contains("https://x.example/?***"), "{error}");
    }

    #[test]
    fn waits_are_read_as_seconds_and_as_dates() {
        let wait = |text: &str| match read(429, &[(RETRY_AFTER, text)], "") {
            Error::Throttled { retry_after, .. } => retry_after,
            other => panic!("{other}"),
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Thu, 01 Jan 2026 00:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Wed, 31 Dec 2025 00:00:30 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
