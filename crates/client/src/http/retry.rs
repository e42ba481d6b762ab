//! When a failed request is sent again, and after which wait.

use std::time::Duration;

use http::HeaderMap;
use oktant_base::{Entropy, Timestamp};

use super::limiter::Report;
use super::skew;

const CONCURRENCY_BASE: Duration = Duration::from_millis(250);
const CONCURRENCY_MAX: Duration = Duration::from_secs(5);
const UNKNOWN_RESET_BASE: Duration = Duration::from_secs(1);
const UNKNOWN_RESET_MAX: Duration = Duration::from_secs(30);
const OUTAGE_BASE: Duration = Duration::from_millis(300);
const OUTAGE_MAX: Duration = Duration::from_secs(20);

/// Added to the reset, which has whole seconds.
const RESET_SLACK: Duration = Duration::from_secs(1);
/// Spreads those who wait for the same reset.
const RESET_JITTER: Duration = Duration::from_millis(250);

/// Longer waits are as good as none; a date that far can still be computed.
const WAIT_MAX: Duration = Duration::from_hours(24 * 366);

/// Why a request is worth repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// 429 for requests per window.
    RateLimit,
    /// 429 for requests in flight.
    Concurrency,
    /// The org or its gateway is out of order for a moment.
    Outage,
}

/// Why an answer is worth repeating, if it is.
///
/// A 500 never is: the org may have done what was asked. Neither is an outage of a request that is
/// not `repeatable`, for the same reason.
pub(crate) fn cause(status: u16, headers: &HeaderMap, repeatable: bool) -> Option<Cause> {
    match status {
        429 if Report::read(headers).is_some_and(Report::is_concurrency) => Some(Cause::Concurrency),
        429 => Some(Cause::RateLimit),
        502..=504 if repeatable => Some(Cause::Outage),
        _ => None,
    }
}

/// The wait before repeat number `repeat`, counted from 0.
///
/// `server_now` is the estimate of the org's time for answers without a `Date`.
pub(crate) fn wait(
    cause: Cause,
    headers: &HeaderMap,
    repeat: u32,
    server_now: Timestamp,
    entropy: &dyn Entropy,
) -> Duration {
    match cause {
        Cause::Concurrency => doubled(CONCURRENCY_BASE, CONCURRENCY_MAX, repeat).mul_f64(0.5 + entropy.unit() / 2.0),
        Cause::Outage => doubled(OUTAGE_BASE, OUTAGE_MAX, repeat).mul_f64(0.75 + entropy.unit() / 4.0),
        Cause::RateLimit => match until_reset(headers, server_now) {
            Some(rest) => rest.min(WAIT_MAX) + RESET_SLACK + RESET_JITTER.mul_f64(entropy.unit()),
            None => retry_after(headers, server_now)
                .unwrap_or_else(|| doubled(UNKNOWN_RESET_BASE, UNKNOWN_RESET_MAX, repeat)),
        },
    }
}

/// Time until the window ends by the org's clock; zero if it has ended.
fn until_reset(headers: &HeaderMap, server_now: Timestamp) -> Option<Duration> {
    let resets_at = Report::reset(headers)?;
    let now = skew::date(headers).unwrap_or(server_now);
    Some((resets_at - now).to_std().unwrap_or(Duration::ZERO))
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or an instant by the org's clock.
fn retry_after(headers: &HeaderMap, server_now: Timestamp) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let until = || {
        let now = skew::date(headers).unwrap_or(server_now);
        Some((skew::instant(text)? - now).to_std().unwrap_or(Duration::ZERO))
    };
    text.parse().ok().map(Duration::from_secs).or_else(until).map(|wait| wait.min(WAIT_MAX))
}

fn doubled(base: Duration, max: Duration, repeat: u32) -> Duration {
    base.saturating_mul(1 << repeat.min(16)).min(max)
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[track_caller]
    fn check(status: u16, idempotent: bool, repeat: u32, pairs: &[(&'static str, &str)], seconds: Option<(f64, f64)>) {
        let headers = headers(pairs);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let found = cause(status, &headers, idempotent)
            .map(|cause| wait(cause, &headers, repeat, now, &SeededEntropy::new(1)).as_secs_f64());
        match (found, seconds) {
            (Some(wait), Some((least, most))) => assert!((least..=most).contains(&wait), "{wait} s"),
            (found, expected) => assert_eq!(found.is_some(), expected.is_some()),
        }
    }

    #[test]
    fn waits_follow_the_policy() {
        let limit = ("x-rate-limit-limit", "600");
        let spent = ("x-rate-limit-remaining", "0");
        let reset = ("x-rate-limit-reset", "1767225649"); // 2026-01-01T00:00:49Z
        let date = ("date", "Thu, 01 Jan 2026 00:00:40 GMT");
        check(429, false, 0, &[limit, spent, reset, date], Some((10.0, 10.25)));
        check(429, false, 0, &[limit, spent, reset], Some((50.0, 50.25)));
        check(429, false, 0, &[limit, spent, ("x-rate-limit-reset", "1"), date], Some((1.0, 1.25)));
        check(429, false, 3, &[], Some((8.0, 8.0)));
        check(429, false, 9, &[], Some((30.0, 30.0)));
        check(429, false, 0, &[("retry-after", "7")], Some((7.0, 7.0)));
        check(429, false, 0, &[("retry-after", "Thu, 01 Jan 2026 00:00:47 GMT"), date], Some((7.0, 7.0)));
        check(429, false, 0, &[("retry-after", "soon")], Some((1.0, 1.0)));
        check(429, false, 0, &[reset, date, ("retry-after", "7")], Some((10.0, 10.25)));
        check(429, false, 0, &[("x-rate-limit-limit", "0"), spent, reset, date], Some((0.125, 0.25)));
        check(429, false, 9, &[("x-rate-limit-limit", "0"), spent, reset, date], Some((2.5, 5.0)));
    }

    #[test]
    fn only_what_may_be_repeated_is() {
        check(503, true, 0, &[], Some((0.2, 0.3)));
        check(504, true, 20, &[], Some((15.0, 20.0)));
        check(502, false, 0, &[], None);
        check(500, true, 0, &[], None);
        check(404, true, 0, &[], None);
    }

    #[test]
    fn doubled_headers_count_by_the_smallest_value() {
        let mut map = headers(&[("x-rate-limit-limit", "600, 500"), ("x-rate-limit-reset", "200,100")]);
        map.append("x-rate-limit-remaining", "5".parse().unwrap());
        map.append("x-rate-limit-remaining", "3".parse().unwrap());
        let report = Report::read(&map).unwrap();
        assert_eq!((report.limit, report.remaining, report.resets_at.timestamp()), (500, 3, 100));
    }
}
