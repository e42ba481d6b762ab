//! How many requests an endpoint gets at a time: as many as it answers quickly.
//!
//! The limit begins at 8, grows by one after 50 successes, and is halved when the target throttles or when
//! its answers take twice as long as they did at their best.

use std::time::Duration;

use chrono::TimeDelta;
use oktant_base::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Answer, Error};

const LIMIT_FIRST: usize = 8;

/// Successes after which the limit grows and the latency is judged.
const WINDOW: usize = 50;

/// The least that slowness alone brings the limit down to: a target that is busy with others does not get
/// quicker by being asked less.
const LIMIT_WHEN_SLOW: usize = 4;

/// A latency that is never called slow: below it, noise doubles figures.
const LATENCY_FLOOR: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Limiter {
    state: Mutex<State>,
    /// Told whenever there may be room.
    room: Notify,
    most: usize,
}

#[derive(Debug)]
struct State {
    limit: usize,
    in_flight: usize,
    /// No request is sent before.
    paused_until: Option<Timestamp>,
    /// Requests sent before this instant tell nothing about the limit in force.
    halved_at: Option<Timestamp>,
    latencies: Vec<Duration>,
    best: Option<Duration>,
}

/// A place among the requests in flight. It is given back when it is dropped, too.
pub(super) struct Permit<'a> {
    limiter: &'a Limiter,
    sent_at: Timestamp,
}

impl Limiter {
    pub(super) fn new(most: usize) -> Self {
        let state = State {
            limit: LIMIT_FIRST.min(most),
            in_flight: 0,
            paused_until: None,
            halved_at: None,
            latencies: Vec::with_capacity(WINDOW),
            best: None,
        };
        Self { state: Mutex::new(state), room: Notify::new(), most }
    }

    /// Waits for a place.
    pub(super) async fn acquire(&self, clock: &dyn Clock) -> Permit<'_> {
        loop {
            // Registered before the look, so that no word about room is missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            let now = clock.now();
            let wait = {
                let mut state = self.state.lock();
                let pause = state.paused_until.filter(|until| *until > now);
                if pause.is_none() && state.in_flight < state.limit {
                    state.in_flight += 1;
                    return Permit { limiter: self, sent_at: now };
                }
                pause.map(|until| (until - now).to_std().unwrap_or_default())
            };
            match wait {
                Some(wait) => clock.sleep(wait).await,
                None => room.await,
            }
        }
    }

    /// Sends nothing for a while.
    pub(super) fn pause(&self, clock: &dyn Clock, wait: Duration) {
        let until = clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        let mut state = self.state.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    #[cfg(test)]
    fn limit(&self) -> usize {
        self.state.lock().limit
    }
}

impl Permit<'_> {
    /// Gives the place back and learns from how it went.
    pub(super) fn finish(self, clock: &dyn Clock, result: &Result<Answer, Error>) {
        let now = clock.now();
        let mut state = self.limiter.state.lock();
        match result {
            Ok(_) => state.succeeded((now - self.sent_at).to_std().unwrap_or_default(), self.limiter.most, now),
            Err(Error::Throttled { .. }) if state.halved_at.is_none_or(|halved| self.sent_at >= halved) => {
                state.halve(1, now);
            }
            Err(_) => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state.lock();
        state.in_flight -= 1;
        let room = state.limit.saturating_sub(state.in_flight);
        drop(state);
        for _ in 0..room.min(2) {
            self.limiter.room.notify_one();
        }
    }
}

impl State {
    /// Halves the limit, but not below `least`.
    fn halve(&mut self, least: usize, now: Timestamp) {
        self.limit = (self.limit / 2).max(least.min(self.limit));
        self.halved_at = Some(now);
        self.latencies.clear();
    }

    fn succeeded(&mut self, latency: Duration, most: usize, now: Timestamp) {
        self.latencies.push(latency);
        if self.latencies.len() < WINDOW {
            return;
        }
        self.latencies.sort_unstable();
        let slowest = self.latencies[WINDOW * 95 / 100].max(LATENCY_FLOOR);
        self.latencies.clear();
        let best = self.best.map_or(slowest, |best| best.min(slowest));
        self.best = Some(best);
        if slowest > best * 2 {
            self.halve(LIMIT_WHEN_SLOW, now);
            // What is quick may change for good; in time the limit finds the new measure.
            self.best = Some(best + best / 8);
        } else {
            self.limit = (self.limit + 1).min(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::StatusCode;
    use oktant_base::ManualClock;

    use super::*;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().expect("an instant")))
    }

    fn success() -> Answer {
        Answer { status: StatusCode::OK, etag: None, body: Bytes::new() }
    }

    fn throttled() -> Result<Answer, Error> {
        let (method, path) = ("GET".to_owned(), "/Users".to_owned());
        Err(Error::Throttled { method, path, retry_after: None, tries: 1 })
    }

    async fn run(limiter: &Limiter, clock: &ManualClock, latency: u64, count: usize) {
        for _ in 0..count {
            let permit = limiter.acquire(clock).await;
            clock.advance(Duration::from_millis(latency));
            permit.finish(clock, &Ok(success()));
        }
    }

    #[tokio::test]
    async fn the_limit_grows_with_success_up_to_the_most() {
        let (limiter, clock) = (Limiter::new(10), clock());
        run(&limiter, &clock, 10, 100).await;
        assert_eq!(limiter.limit(), 10);
        run(&limiter, &clock, 10, 500).await;
        assert_eq!(limiter.limit(), 10);
    }

    #[tokio::test]
    async fn slowness_and_throttling_halve_it_once_per_burst() {
        let (limiter, clock) = (Limiter::new(400), clock());
        run(&limiter, &clock, 100, 100).await;
        assert_eq!(limiter.limit(), 10);
        run(&limiter, &clock, 300, 50).await;
        assert_eq!(limiter.limit(), 5);
        let burst: Vec<_> = [limiter.acquire(&*clock).await, limiter.acquire(&*clock).await].into();
        clock.advance(Duration::from_millis(1));
        for permit in burst {
            permit.finish(&*clock, &throttled());
        }
        assert_eq!(limiter.limit(), 2);
        for _ in 0..5 {
            limiter.acquire(&*clock).await.finish(&*clock, &throttled());
        }
        assert_eq!(limiter.limit(), 1);
    }

    #[tokio::test]
    async fn no_more_than_the_limit_and_nothing_while_paused() {
        let (limiter, clock) = (Limiter::new(1), clock());
        let first = limiter.acquire(&*clock).await;
        let mut second = std::pin::pin!(limiter.acquire(&*clock));
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(first);
        assert!(futures::poll!(second.as_mut()).is_ready());
        limiter.pause(&*clock, Duration::from_secs(5));
        let mut third = std::pin::pin!(limiter.acquire(&*clock));
        assert!(futures::poll!(third.as_mut()).is_pending());
        clock.advance(Duration::from_secs(5));
        assert!(futures::poll!(third.as_mut()).is_ready());
    }
}
