//! Headers that every answer of the API has.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use oktant_base::Timestamp;

/// Headers that never change, as the service sends them.
///
/// # Source
///
/// Observed on every recorded answer.
const FIXED: [(HeaderName, HeaderValue); 9] = [
    (header::SERVER, HeaderValue::from_static("nginx")),
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=315360000; includeSubDomains")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_XSS_PROTECTION, HeaderValue::from_static("0")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (HeaderName::from_static("accept-ch"), HeaderValue::from_static("Sec-CH-UA-Platform-Version")),
    (HeaderName::from_static("p3p"), HeaderValue::from_static("CP=\"HONK\"")),
    (header::VARY, HeaderValue::from_static("Accept-Encoding")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'; frame-ancestors 'self'")),
];

/// Headers that forbid caching; a 429 goes without them.
const UNCACHED: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
    (header::EXPIRES, HeaderValue::from_static("0")),
];

/// Cookies that the service clears on every answer; clients must ignore them.
const COOKIES: [HeaderValue; 2] = [
    HeaderValue::from_static("sid=\"\"; Version=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
    HeaderValue::from_static("xids=\"\"; Version=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"),
];

/// Adds what every answer has.
pub(crate) fn add_fixed(headers: &mut HeaderMap, request_id: &str, now: Timestamp, cacheless: bool) {
    headers.reserve(FIXED.len() + UNCACHED.len() + 8);
    for (name, value) in FIXED {
        headers.insert(name, value);
    }
    if cacheless {
        for (name, value) in UNCACHED {
            headers.insert(name, value);
        }
    }
    for cookie in COOKIES {
        headers.append(header::SET_COOKIE, cookie);
    }
    insert(headers, HeaderName::from_static("x-okta-request-id"), request_id);
    insert(headers, header::DATE, &now.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
}

/// Sets a header unless its value cannot be written.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
