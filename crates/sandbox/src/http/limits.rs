//! Rate limits: an allowance per bucket and minute, and a bound on requests in flight.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use oktant_base::Timestamp;
use oktant_catalog::Plan;
use parking_lot::Mutex;

/// How the sandbox limits its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// No caller is refused. The headers are there and name a limit that no one reaches.
    #[default]
    Off,
    /// The limits of the org's plan, per bucket and minute, and its limit of concurrent requests.
    Okta,
}

/// The limit that headers name when limits are off.
const UNREACHED: u32 = 1_000_000;

/// Length of a window in seconds.
const WINDOW: i64 = 60;

/// Limit of buckets that the catalogue does not limit.
const UNLISTED: u32 = 1_200;

/// What is left of a bucket after a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// When the window ends, in Unix seconds.
    pub(crate) reset: i64,
    /// Whether this request is one too many.
    pub(crate) refused: bool,
}

impl Allowance {
    /// What the headers say when the bucket is used up until `seconds` from now.
    pub(crate) fn used_up(now: Timestamp, seconds: u64) -> Self {
        Self { limit: UNLISTED, remaining: 0, reset: now.timestamp() + seconds as i64, refused: true }
    }

    /// What the headers say when too many requests are in flight: zeros, reset now.
    pub(crate) fn concurrency(now: Timestamp) -> Self {
        Self { limit: 0, remaining: 0, reset: now.timestamp(), refused: true }
    }
}

/// Too many requests are in flight.
#[derive(Debug)]
pub(crate) struct Refused;

/// The limits of one org.
#[derive(Debug)]
pub(crate) struct Limits {
    mode: RateLimits,
    plan: Plan,
    windows: Mutex<HashMap<&'static str, Window>>,
    in_flight: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    reset: i64,
    used: u32,
}

impl Limits {
    pub(crate) fn new(mode: RateLimits, plan: Plan) -> Self {
        Self { mode, plan, windows: Mutex::default(), in_flight: AtomicUsize::new(0) }
    }

    /// Counts a request against its bucket. A window starts with its first request.
    pub(crate) fn take(&self, bucket: &'static str, now: Timestamp) -> Allowance {
        let limit = self.limit(bucket);
        let now = now.timestamp();
        let mut windows = self.windows.lock();
        let window = windows.entry(bucket).or_insert(Window { reset: now + WINDOW, used: 0 });
        if window.reset <= now {
            *window = Window { reset: now + WINDOW, used: 0 };
        }
        let refused = self.mode == RateLimits::Okta && window.used >= limit;
        window.used = window.used.saturating_add(1);
        Allowance { limit, remaining: limit.saturating_sub(window.used), reset: window.reset, refused }
    }

    /// Takes a place among the requests in flight; dropping it gives the place back.
    ///
    /// # Errors
    ///
    /// [`Refused`] if every place is taken.
    pub(crate) fn enter(&self) -> Result<Place<'_>, Refused> {
        let taken = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.in_flight);
        if self.mode == RateLimits::Okta && taken >= self.concurrent() { Err(Refused) } else { Ok(place) }
    }

    fn limit(&self, bucket: &str) -> u32 {
        if self.mode == RateLimits::Off {
            return UNREACHED;
        }
        let known = oktant_catalog::bucket(bucket).and_then(|bucket| bucket.per_minute);
        known.map_or(UNLISTED, |limits| limits.of(self.plan))
    }

    /// # Source
    ///
    /// Rate-limit documentation: 35 for free orgs, 75 for others.
    fn concurrent(&self) -> usize {
        if self.plan == Plan::Free { 35 } else { 75 }
    }
}

/// A place among the requests in flight.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
