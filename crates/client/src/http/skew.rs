//! How far the org's clock is from ours.

use http::HeaderMap;
use oktant_base::Timestamp;
use parking_lot::Mutex;

/// Weight of the newest answer in the running mean.
const WEIGHT: f64 = 0.2;

/// A hundred years in seconds: a machine that believes in 1970 is common, one further off is not.
const SKEW_MAX: f64 = 100.0 * 366.0 * 86_400.0;

/// A running mean of the `Date` header minus our time, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Skew(Mutex<Option<f64>>);

impl Skew {
    /// Learns from an answer that arrived at `now`.
    pub(crate) fn learn(&self, headers: &HeaderMap, now: Timestamp) {
        let Some(date) = date(headers) else { return };
        let seen = (date - now).as_seconds_f64().clamp(-SKEW_MAX, SKEW_MAX);
        let mut mean = self.0.lock();
        *mean = Some(mean.map_or(seen, |mean| mean + WEIGHT * (seen - mean)));
    }

    /// What the org's clock shows when ours shows `now`.
    pub(crate) fn server_time(&self, now: Timestamp) -> Timestamp {
        let seconds = self.0.lock().unwrap_or_default();
        now + chrono::TimeDelta::milliseconds((seconds * 1000.0) as i64)
    }
}

/// The instant of the `Date` header (RFC 9110, 6.6.1).
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    instant(headers.get(http::header::DATE)?.to_str().ok()?)
}

/// An instant as HTTP writes it (RFC 9110, 5.6.7).
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::from_naive_utc_and_offset(
        chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").ok()?,
        chrono::Utc,
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts_whole_and_later_ones_smooth() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let skew = Skew::default();
        assert_eq!(skew.server_time(now), now);
        let mut headers = HeaderMap::new();
        headers.insert("date", "Thu, 01 Jan 2026 00:05:00 GMT".parse().unwrap());
        skew.learn(&headers, now);
        assert_eq!((skew.server_time(now) - now).num_seconds(), 300);
        headers.insert("date", "Thu, 01 Jan 2026 00:05:10 GMT".parse().unwrap());
        skew.learn(&headers, now);
        assert_eq!((skew.server_time(now) - now).num_seconds(), 302);
        headers.insert("date", "nonsense".parse().unwrap());
        skew.learn(&headers, now);
        assert_eq!((skew.server_time(now) - now).num_seconds(), 302);
    }
}
