//! Paces requests so that the org never has to answer 429.
//!
//! The org reports limit, rest and end of the window of a bucket with every answer. A bucket that
//! has not reported yet, or whose window has ended, lets one request through to learn the figures;
//! after that as many as its share of the rest allows, counting those in flight as spent. Which
//! buckets the org keeps together is not documented, so buckets that report one and the same
//! window are treated as one until they differ.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use oktant_base::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::skew::Skew;
use crate::properties::Network;
use crate::{Error, RateLimit};

/// The reset header has whole seconds, so the window may last up to one second longer than it says.
const RESET_SLACK: Duration = Duration::from_secs(1);

/// The year 10000, in Unix seconds. What lies behind it is no instant but a mistake.
const SECONDS_MAX: i64 = 253_402_300_800;

/// Answers without a concurrency 429 after which one more request may be in flight.
const CALM_ANSWERS: u32 = 50;

/// What an answer says about its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets_at: Timestamp,
}

impl Report {
    /// Reads `X-Rate-Limit-*`.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        Some(Self {
            limit: u32::try_from(smallest(headers, "x-rate-limit-limit")?).ok()?,
            remaining: u32::try_from(smallest(headers, "x-rate-limit-remaining")?).ok()?,
            resets_at: Self::reset(headers)?,
        })
    }

    /// The end of the window, which may be all that an answer says.
    pub(crate) fn reset(headers: &HeaderMap) -> Option<Timestamp> {
        let seconds = smallest(headers, "x-rate-limit-reset").filter(|seconds| (0..SECONDS_MAX).contains(seconds))?;
        Timestamp::from_timestamp(seconds, 0)
    }

    /// Whether the answer is about requests in flight: Okta reports 0 of 0 then.
    pub(crate) fn is_concurrency(self) -> bool {
        self.limit == 0 && self.remaining == 0
    }
}

/// The smallest number of a header that may be doubled, on lines of its own or between commas.
///
/// # Source
///
/// Okta's clients for Python take the smallest.
fn smallest(headers: &HeaderMap, name: &str) -> Option<i64> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|number| number.trim().parse().ok()).min()
}

/// Admits requests to one org.
pub(crate) struct Limiter {
    state: Mutex<State>,
    changed: Notify,
    wait_max: Duration,
    clock: Arc<dyn Clock>,
    skew: Arc<Skew>,
}

#[derive(Debug)]
struct State {
    parallelism_max: usize,
    parallelism: usize,
    in_flight: usize,
    calm_answers: u32,
    share_percent: u32,
    buckets: BTreeMap<String, Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    window: Option<Window>,
    in_flight: u32,
    /// It answered without figures: there is nothing to pace by.
    unmetered: bool,
    /// The bucket that reported the same window and stands for both.
    same_as: Option<String>,
}

#[derive(Debug)]
struct Window {
    limit: u32,
    remaining: u32,
    resets_at: Timestamp,
    /// What is left to others: requests that this window must still hold when we stop.
    reserve: u32,
    /// Rests reported so far. One window never reports the same rest twice.
    reported: HashSet<u32>,
}

enum Admission {
    Go(String),
    /// Something must finish first.
    Wait,
    /// The window must end first.
    Sleep(Timestamp),
}

impl Limiter {
    /// A limiter that keeps `network`'s share of the limits and never waits longer than its backoff.
    pub(crate) fn new(network: &Network, clock: Arc<dyn Clock>, skew: Arc<Skew>) -> Arc<Self> {
        let (parallelism, share_percent) = (network.parallelism, network.rate_limit_share_percent);
        let state = State {
            parallelism_max: parallelism,
            parallelism,
            in_flight: 0,
            calm_answers: 0,
            share_percent: u32::from(share_percent),
            buckets: BTreeMap::new(),
        };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), wait_max: network.backoff_max, clock, skew })
    }

    /// Waits until a request of `bucket` may be sent.
    ///
    /// # Errors
    ///
    /// [`Error::RateLimited`] if that would be after `deadline`, or later than
    /// the longest wait allowed from now.
    pub(crate) async fn acquire(self: &Arc<Self>, bucket: &str, deadline: Option<Timestamp>) -> Result<Ticket, Error> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Registered before the look at the state, or a change in between would go unnoticed.
            changed.as_mut().enable();
            let now = self.skew.server_time(self.clock.now());
            let admission = self.state.lock().admit(bucket, now);
            let resets_at = match admission {
                Admission::Go(bucket) => return Ok(Ticket { limiter: Some(self.clone()), bucket }),
                Admission::Wait => {
                    changed.await;
                    continue;
                }
                Admission::Sleep(resets_at) => resets_at,
            };
            let wait = (resets_at - now).to_std().unwrap_or(Duration::ZERO);
            let too_late = deadline.is_some_and(|deadline| self.clock.now() + wait > deadline);
            if too_late || wait > self.wait_max {
                let retry_at = self.clock.now() + wait;
                return Err(Error::RateLimited { bucket: bucket.to_owned(), retry_at, concurrent: false });
            }
            tracing::debug!(bucket, wait_ms = wait.as_millis() as u64, "waiting for the rate limit");
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// Every bucket that has reported.
    pub(crate) fn rate_limits(&self) -> Vec<RateLimit> {
        let state = self.state.lock();
        let reported = state.buckets.keys().filter_map(|name| {
            let window = state.buckets.get(state.canonical(name))?.window.as_ref()?;
            Some(RateLimit {
                bucket: name.clone(),
                limit: window.limit,
                remaining: window.remaining,
                resets_at: window.resets_at,
            })
        });
        reported.collect()
    }

    fn complete(&self, admitted_as: &str, asked_for: &str, answered: bool, report: Option<Report>) {
        {
            let mut state = self.state.lock();
            state.release(admitted_as);
            match report {
                Some(report) if report.is_concurrency() => state.back_off(),
                Some(report) => state.observe(asked_for, report),
                None => state.observe_nothing(admitted_as, answered),
            }
        }
        self.changed.notify_waiters();
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("state", &*self.state.lock()).finish_non_exhaustive()
    }
}

/// The right to send one request. Dropping it gives the right back.
#[derive(Debug)]
pub(crate) struct Ticket {
    limiter: Option<Arc<Limiter>>,
    bucket: String,
}

impl Ticket {
    /// Tells what the org answered; `bucket` is the one the request was acquired for.
    pub(crate) fn answered(mut self, bucket: &str, headers: &HeaderMap) {
        if let Some(limiter) = self.limiter.take() {
            limiter.complete(&self.bucket, bucket, true, Report::read(headers));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(limiter) = self.limiter.take() {
            limiter.complete(&self.bucket, &self.bucket, false, None);
        }
    }
}

impl State {
    fn canonical<'a>(&'a self, bucket: &'a str) -> &'a str {
        self.buckets.get(bucket).and_then(|found| found.same_as.as_deref()).unwrap_or(bucket)
    }

    fn admit(&mut self, bucket: &str, now: Timestamp) -> Admission {
        if self.in_flight >= self.parallelism {
            return Admission::Wait;
        }
        let name = self.canonical(bucket).to_owned();
        let found = self.buckets.entry(name.clone()).or_default();
        match &found.window {
            Some(window) if now < window.resets_at + RESET_SLACK => {
                if window.remaining.saturating_sub(found.in_flight) <= window.reserve {
                    // Answers under way may still bring better news than the end of the window.
                    let idle = found.in_flight == 0;
                    return if idle { Admission::Sleep(window.resets_at + RESET_SLACK) } else { Admission::Wait };
                }
            }
            _ if found.unmetered || found.in_flight == 0 => {}
            _ => return Admission::Wait,
        }
        found.in_flight += 1;
        self.in_flight += 1;
        Admission::Go(name)
    }

    fn release(&mut self, bucket: &str) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(found) = self.buckets.get_mut(bucket) {
            found.in_flight = found.in_flight.saturating_sub(1);
        }
    }

    fn observe(&mut self, bucket: &str, report: Report) {
        self.settle_identity(bucket, report);
        let name = self.canonical(bucket).to_owned();
        let share = self.share_percent;
        let found = self.buckets.entry(name).or_default();
        found.unmetered = false;
        match &mut found.window {
            Some(window) if window.resets_at > report.resets_at => {}
            Some(window) if window.resets_at == report.resets_at => {
                // Answers overtake each other; the smallest rest is the newest.
                window.remaining = window.remaining.min(report.remaining);
                window.reported.insert(report.remaining);
            }
            slot => *slot = Some(Window::new(report, share)),
        }
        self.recover();
    }

    /// Joins `bucket` with another that reports the same window, or parts them when they differ.
    fn settle_identity(&mut self, bucket: &str, report: Report) {
        if let Some(other) = self.buckets.get(bucket).and_then(|found| found.same_as.clone()) {
            if self.buckets.get(&other).is_some_and(|found| found.window_of(report).is_some()) {
                return;
            }
            self.buckets.entry(bucket.to_owned()).or_default().same_as = None;
        }
        if self.buckets.get(bucket).is_some_and(|found| found.window.is_some()) {
            return;
        }
        let twin = self.buckets.iter().find(|(name, found)| {
            let unseen = found.window_of(report).is_some_and(|window| !window.reported.contains(&report.remaining));
            name.as_str() != bucket && found.same_as.is_none() && unseen
        });
        if let Some(twin) = twin.map(|(name, _)| name.clone()) {
            self.buckets.entry(bucket.to_owned()).or_default().same_as = Some(twin);
        }
    }

    /// An answer without figures says that nothing is metered; no answer at all may still have been counted.
    fn observe_nothing(&mut self, bucket: &str, answered: bool) {
        let Some(found) = self.buckets.get_mut(bucket) else { return };
        match &mut found.window {
            Some(window) => window.remaining = window.remaining.saturating_sub(1),
            None => found.unmetered |= answered,
        }
        if answered {
            self.recover();
        }
    }

    fn back_off(&mut self) {
        self.parallelism = (self.parallelism / 2).max(1);
        self.calm_answers = 0;
        tracing::info!(parallelism = self.parallelism, "too many requests in flight");
    }

    fn recover(&mut self) {
        if self.parallelism == self.parallelism_max {
            return;
        }
        self.calm_answers += 1;
        if self.calm_answers >= CALM_ANSWERS {
            self.calm_answers = 0;
            self.parallelism += 1;
        }
    }
}

impl Bucket {
    /// The bucket's window, if it is the one that was reported.
    fn window_of(&self, report: Report) -> Option<&Window> {
        self.window.as_ref().filter(|window| (window.limit, window.resets_at) == (report.limit, report.resets_at))
    }
}

impl Window {
    fn new(report: Report, share_percent: u32) -> Self {
        let whole = u64::from(report.remaining) + 1;
        let allowance = (whole * u64::from(share_percent) / 100).max(1);
        Self {
            limit: report.limit,
            remaining: report.remaining,
            resets_at: report.resets_at,
            reserve: (whole - allowance) as u32,
            reported: HashSet::from([report.remaining]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).expect("an instant")
    }

    fn state(parallelism: usize, share_percent: u32) -> State {
        State {
            parallelism_max: parallelism,
            parallelism,
            in_flight: 0,
            calm_answers: 0,
            share_percent,
            buckets: BTreeMap::new(),
        }
    }

    /// Requests admitted at `now` until something has to wait.
    fn admitted(state: &mut State, bucket: &str, now: i64) -> usize {
        (0..10_000).take_while(|_| matches!(state.admit(bucket, at(now)), Admission::Go(_))).count()
    }

    fn answer(state: &mut State, bucket: &str, limit: u32, remaining: u32, reset: i64) {
        let canonical = state.canonical(bucket).to_owned();
        state.release(&canonical);
        state.observe(bucket, Report { limit, remaining, resets_at: at(reset) });
    }

    #[test]
    fn one_request_learns_the_window_and_the_share_bounds_the_rest() {
        let mut state = state(1000, 80);
        assert_eq!(admitted(&mut state, "users", 0), 1);
        answer(&mut state, "users", 100, 99, 60);
        assert_eq!(admitted(&mut state, "users", 0), 79, "80 of 100, one of them spent");
        for sent in 0..79 {
            answer(&mut state, "users", 100, 98 - sent, 60);
        }
        assert!(matches!(state.admit("users", at(60)), Admission::Sleep(until) if until == at(61)));
        assert_eq!(admitted(&mut state, "users", 61), 1, "a new window is learnt anew");
    }

    #[test]
    fn another_client_that_spends_the_limit_is_seen() {
        let mut state = state(10, 100);
        admitted(&mut state, "users", 0);
        answer(&mut state, "users", 100, 0, 60);
        assert_eq!(admitted(&mut state, "users", 0), 0);
    }

    #[test]
    fn buckets_of_one_window_are_joined_until_they_differ() {
        let mut state = state(1000, 100);
        admitted(&mut state, "a", 0);
        answer(&mut state, "a", 10, 9, 60);
        admitted(&mut state, "b", 0);
        answer(&mut state, "b", 10, 8, 60);
        assert_eq!(state.canonical("b"), "a");
        assert_eq!(admitted(&mut state, "b", 0), 8);
        answer(&mut state, "b", 10, 9, 200);
        assert_eq!(state.canonical("b"), "b");
    }

    #[test]
    fn the_same_rest_twice_proves_two_buckets() {
        let mut state = state(1000, 100);
        admitted(&mut state, "a", 0);
        answer(&mut state, "a", 10, 9, 60);
        admitted(&mut state, "b", 0);
        answer(&mut state, "b", 10, 9, 60);
        assert_eq!(state.canonical("b"), "b");
    }

    #[test]
    fn answers_without_figures_do_not_hold_anything_up() {
        let mut state = state(4, 80);
        assert_eq!(admitted(&mut state, "open", 0), 1);
        state.release("open");
        state.observe_nothing("open", true);
        assert_eq!(admitted(&mut state, "open", 0), 4);
    }

    #[test]
    fn concurrency_halves_and_recovers() {
        let mut state = state(8, 100);
        state.back_off();
        state.back_off();
        assert_eq!(state.parallelism, 2);
        for _ in 0..CALM_ANSWERS {
            state.recover();
        }
        assert_eq!(state.parallelism, 3);
    }
}
