//! Failures on demand, for tests of clients. `docs/reference/faults.md` has the table, which is also
//! part of the crate's documentation.

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::errors::{self, ApiError};
use super::reply::Reply;

/// One fault; see the [table of members](crate#faults).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method that it strikes; any if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Path that it strikes: `*` stands for one segment, a last `**` for any rest.
    #[serde(default = "any_path")]
    pub path: String,
    /// Strikes from this matching request on, counted from 1.
    #[serde(default = "one")]
    pub request: u64,
    /// Strikes only this page of each list, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// How often it strikes; 0 means for ever.
    #[serde(default = "one")]
    pub times: u64,
    /// What it does.
    pub effect: Effect,
}

/// What a fault does to an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Answers with a status and Okta's error object; the operation does not run.
    Status {
        /// The status.
        status: u16,
        /// For 429: how far ahead the reset lies, in seconds.
        #[serde(default = "one")]
        reset_seconds: u64,
    },
    /// Answers as if too many requests were in flight: 429 with zeros in the rate-limit headers.
    Concurrency,
    /// Answers late.
    Slow {
        /// How much later, on the sandbox's clock.
        milliseconds: u64,
    },
    /// Runs the operation, then ends the connection without a byte of the answer.
    Disconnect,
    /// Refuses with an error code of the API that is called; the operation does not run. An Okta org that does not
    /// know the code shows its own error for the status.
    ErrorCode {
        /// Such as `UNABLE_TO_LOCK_ROW` or `E0000015`.
        code: String,
        /// The status.
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// Ends the connection in the middle of the body.
    Truncate {
        /// Bytes sent before; half of the body if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
    },
    /// Answers 200 without a body.
    Empty,
    /// Answers with the HTML page of a proxy.
    Html {
        /// The status.
        #[serde(default = "bad_gateway")]
        status: u16,
    },
    /// Answers rightly, but with a wrong `next` link.
    Link {
        /// How it is wrong.
        next: WrongLink,
    },
    /// Refuses the credentials as expired.
    ExpiredToken,
}

/// How a `next` link is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WrongLink {
    /// It leads to the page itself.
    #[serde(rename = "self")]
    ToItself,
    /// It leads to another host.
    OtherHost,
    /// It has lost every parameter but `after` and `limit`.
    DropParameters,
    /// It is not there although more follows.
    Missing,
}

impl Fault {
    /// A fault that strikes the first request to `path` once.
    pub fn new(path: impl Into<String>, effect: Effect) -> Self {
        Self { method: None, path: path.into(), request: 1, page: None, times: 1, effect }
    }

    /// Strikes from the n-th matching request on, counted from 1.
    #[must_use]
    pub fn from_request(mut self, request: u64) -> Self {
        self.request = request;
        self
    }

    /// Strikes only the n-th page of a list, counted from 1.
    #[must_use]
    pub fn on_page(mut self, page: u64) -> Self {
        self.page = Some(page);
        self
    }

    /// Strikes this often; 0 means for ever.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method)) && fits(&self.path, path)
    }
}

fn any_path() -> String {
    "**".to_owned()
}

const fn one() -> u64 {
    1
}

const fn bad_request() -> u16 {
    400
}

const fn bad_gateway() -> u16 {
    502
}

/// Whether a path fits a pattern.
fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.trim_start_matches('/').split('/');
    for part in pattern.trim_start_matches('/').split('/') {
        if part == "**" {
            return true;
        }
        match segments.next() {
            Some(segment) if part == "*" || part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// The faults of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Armed>>);

/// A fault with what it has seen.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Armed {
    fault: Fault,
    /// Requests that matched.
    matched: u64,
    /// The page of each list that was asked for last and its cursor, by what names the list. Only kept for faults by page.
    #[serde(skip)]
    pages: HashMap<String, (u64, Option<String>)>,
    /// Requests struck.
    struck: u64,
}

impl Armed {
    /// Counts a request. `None` if the fault has nothing to do with it, else whether it could strike it.
    fn count(&mut self, method: &str, path: &str, query: &str) -> Option<bool> {
        let fault = &self.fault;
        if !fault.matches(method, path) {
            return None;
        }
        self.matched += 1;
        let on_page = fault.page.is_none_or(|wanted| {
            let (list, cursor) = list_of(path, query);
            let (number, previous) = self.pages.entry(list).or_default();
            // A request without a cursor begins a list; one with the cursor of the last is its repeat.
            if cursor.is_none() {
                *number = 1;
            } else if cursor != *previous {
                *number = (*number).max(1) + 1;
            }
            *previous = cursor;
            *number == wanted
        });
        Some(self.matched >= fault.request && on_page && (fault.times == 0 || self.struck < fault.times))
    }
}

/// What names the list that a request reads a page of, and the cursor of a later page. Lists of one path
/// differ by their parameters; the size of a page may change on the way.
fn list_of(path: &str, query: &str) -> (String, Option<String>) {
    let (mut cursors, mut rest): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(query.as_bytes()).partition(|(name, _)| name == "after");
    rest.retain(|(name, _)| name != "limit");
    rest.sort_unstable();
    let named = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
    (format!("{path}?{named}"), cursors.pop().map(|(_, cursor)| cursor.into_owned()))
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().push(Armed { fault, matched: 0, pages: HashMap::new(), struck: 0 });
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        self.0.lock().clone()
    }

    /// The effect on a request; every fault counts it, the first one that strikes decides.
    pub(crate) fn strike(&self, method: &str, path: &str, query: &str) -> Option<Effect> {
        let mut faults = self.0.lock();
        if faults.is_empty() {
            return None;
        }
        let mut effect = None;
        for armed in faults.iter_mut() {
            // Every fault counts, but none is used up by a request that another one has already struck.
            if armed.count(method, path, query) == Some(true) && effect.is_none() {
                armed.struck += 1;
                effect = Some(armed.fault.effect.clone());
            }
        }
        effect
    }
}

impl Effect {
    /// The error that stands in for the answer, for effects that prevent the operation.
    pub(super) fn instead(&self, by_api_token: bool) -> Option<ApiError> {
        match self {
            Self::Status { status, .. } => Some(error_of(*status)),
            Self::ErrorCode { code, status } => {
                Some(errors::entry(code).map_or_else(|| error_of(*status), |entry| with_status(entry, *status)))
            }
            Self::Concurrency => Some(errors::E0000047.into()),
            Self::ExpiredToken if by_api_token => Some(errors::E0000011.into()),
            Self::ExpiredToken => Some(ApiError::new(errors::E0000011).in_header(
                header::WWW_AUTHENTICATE,
                "Bearer error=\"invalid_token\", error_description=\"The token has expired.\"",
            )),
            Self::Slow { .. }
            | Self::Disconnect
            | Self::Truncate { .. }
            | Self::Empty
            | Self::Html { .. }
            | Self::Link { .. } => None,
        }
    }

    /// How much later the answer comes.
    pub(crate) fn delay(&self) -> Duration {
        match self {
            Self::Slow { milliseconds } => Duration::from_millis(*milliseconds),
            _ => Duration::ZERO,
        }
    }

    /// What becomes of the right answer. `page` is the URL that was called.
    pub(super) fn spoil(&self, reply: Reply, page: &str) -> Reply {
        match self {
            Self::Empty => Reply { body: None, ..reply },
            Self::Html { status } => Reply {
                body: Some(HTML.as_bytes().into()),
                ..Reply::empty()
                    .status(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY))
                    .header(header::CONTENT_TYPE, "text/html")
            },
            Self::Link { next } => wrong_link(reply, *next, page),
            _ => reply,
        }
    }
}

pub(crate) const HTML: &str =
    "<html><head><title>Gateway</title></head><body><h1>The gateway has no answer</h1></body></html>\n";

fn error_of(status: u16) -> ApiError {
    let entry = match status {
        401 => errors::E0000011,
        403 => errors::E0000006,
        404 => errors::E0000008,
        429 => errors::E0000047,
        503 => errors::E0000010,
        _ => errors::E0000009,
    };
    with_status(entry, status)
}

fn with_status(entry: errors::Entry, status: u16) -> ApiError {
    let mut error = ApiError::new(entry);
    error.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error
}

fn wrong_link(mut reply: Reply, wrong: WrongLink, page: &str) -> Reply {
    let is_next = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.ends_with("rel=\"next\""));
    let Some(position) = reply.headers.iter().position(|(name, value)| *name == header::LINK && is_next(value)) else {
        return reply;
    };
    let (_, right) = reply.headers.remove(position);
    let target = right.to_str().unwrap_or_default().split(['<', '>']).nth(1).unwrap_or_default();
    let wrong = match wrong {
        WrongLink::Missing => return reply,
        WrongLink::ToItself => page.to_owned(),
        WrongLink::OtherHost => match target.split_once("://").and_then(|(_, rest)| rest.split_once('/')) {
            Some((_, path)) => format!("https://attacker.example/{path}"),
            None => target.to_owned(),
        },
        WrongLink::DropParameters => without_parameters(target),
    };
    super::links::push(reply, &wrong, "next")
}

fn without_parameters(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
    let kept: Vec<_> =
        query.split('&').filter(|pair| pair.starts_with("after=") || pair.starts_with("limit=")).collect();
    format!("{path}?{}", kept.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_segments() {
        assert!(fits("/api/v1/users", "/api/v1/users"));
        assert!(!fits("/api/v1/users", "/api/v1/users/me"));
        assert!(fits("/api/v1/groups/*/users", "/api/v1/groups/00g1/users"));
        assert!(!fits("/api/v1/groups/*/users", "/api/v1/groups/00g1/users/00u1"));
        assert!(fits("/api/v1/**", "/api/v1/groups/00g1/users"));
    }

    #[test]
    fn pages_are_counted_from_each_beginning() {
        let faults = Faults::default();
        faults.add(Fault::new("/api/v1/users", Effect::Empty).on_page(2).times(0));
        let strike = |query: &str| faults.strike("GET", "/api/v1/users", query).is_some();
        assert_eq!([strike("limit=2"), strike("after=x"), strike("after=y")], [false, true, false]);
        assert_eq!([strike(""), strike("limit=2&after=x")], [false, true]);
    }

    #[test]
    fn a_repeat_of_a_page_is_the_same_page() {
        let faults = Faults::default();
        faults.add(Fault::new("/api/v1/users", Effect::Empty).on_page(2).times(0));
        let strike = |query: &str| faults.strike("GET", "/api/v1/users", query).is_some();
        assert_eq!([strike(""), strike("after=x"), strike("after=x"), strike("after=y")], [false, true, true, false]);
    }

    #[test]
    fn pages_are_counted_list_by_list() {
        let faults = Faults::default();
        faults.add(Fault::new("/api/v1/groups/*/users", Effect::Empty).on_page(2).times(0));
        let strike = |path: &str, query: &str| faults.strike("GET", path, query).is_some();
        let (first, second) = ("/api/v1/groups/00g1/users", "/api/v1/groups/00g2/users");
        assert_eq!([strike(first, "limit=2"), strike(second, "limit=2")], [false, false]);
        assert_eq!([strike(first, "limit=2&after=x"), strike(second, "after=y&limit=2")], [true, true]);
        assert_eq!([strike(first, "after=z&limit=2"), strike(second, "after=z&limit=2")], [false, false]);
        assert_eq!([strike(first, ""), strike(first, "q=a"), strike(first, "after=x&q=a")], [false, false, true]);
    }

    #[test]
    fn a_page_counts_also_when_another_fault_strikes_it() {
        let faults = Faults::default();
        faults.add(Fault::new("/api/v1/users", Effect::Html { status: 502 }));
        faults.add(Fault::new("/api/v1/users", Effect::Empty).on_page(2));
        let strike = |query: &str| faults.strike("GET", "/api/v1/users", query);
        assert_eq!(strike(""), Some(Effect::Html { status: 502 }));
        assert_eq!((strike("after=x"), strike("after=y")), (Some(Effect::Empty), None));
    }

    #[test]
    fn a_fault_is_used_up() {
        let faults = Faults::default();
        faults.add(Fault::new("**", Effect::Html { status: 502 }).from_request(2).times(2));
        let struck: Vec<_> = (0..5).map(|_| faults.strike("GET", "/x", "").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn the_documented_file_is_read() {
        let text = r#"[
            { "path": "/api/v1/users", "request": 3, "effect": { "type": "status", "status": 429 } },
            { "path": "/api/v1/groups/*/users", "page": 2, "times": 0, "effect": { "type": "truncate" } },
            { "method": "GET", "path": "/api/v1/logs", "effect": { "type": "slow", "milliseconds": 3000 } },
            { "effect": { "type": "link", "next": "self" } },
            { "effect": { "type": "html" } }
        ]"#;
        let faults: Vec<Fault> = serde_json::from_str(text).expect("the documented form");
        assert_eq!(faults[0].effect, Effect::Status { status: 429, reset_seconds: 1 });
        assert_eq!(faults[3].effect, Effect::Link { next: WrongLink::ToItself });
        assert_eq!(faults[4].effect, Effect::Html { status: 502 });
        assert!(serde_json::from_str::<Fault>(r#"{ "effect": { "type": "status" } }"#).is_err());
    }

    #[test]
    fn an_error_code_is_the_one_of_the_catalogue() {
        let error = |code: &str| Effect::ErrorCode { code: code.to_owned(), status: 401 }.instead(true);
        let shown = |code: &str| error(code).map(|error| (error.code, error.status.as_u16()));
        assert_eq!(shown("E0000015"), Some(("E0000015", 401)));
        assert_eq!(shown("UNABLE_TO_LOCK_ROW"), Some(("E0000011", 401)));
    }
}
