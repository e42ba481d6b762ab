//! How many requests an endpoint gets at a time: as many as it answers quickly.
//!
//! The limit begins at 8 and doubles with every 50 successes until answers take longer for it, as in TCP's slow
//! start; from there it grows by one at a time. It grows only while it is used up, and is halved when the target
//! throttles or when its answers take twice as long as they did at their best.

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
    /// Whether the limit was reached since it last changed.
    is_used_up: bool,
    /// No request is sent before.
    paused_until: Option<Timestamp>,
    /// Requests sent before this instant tell nothing about the limit in force.
    halved_at: Option<Timestamp>,
    latencies: Vec<Duration>,
    best: Option<Duration>,
    /// As long as the limit doubles: the slowest answers at half of it.
    doubling: Option<Duration>,
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
            is_used_up: false,
            paused_until: None,
            halved_at: None,
            latencies: Vec::with_capacity(WINDOW),
            best: None,
            doubling: Some(Duration::MAX),
        };
        Self { state: Mutex::new(state), room: Notify::new(), most }
    }

    /// Waits for a place.
    pub(super) async fn acquire(&self, clock: &dyn Clock) -> Permit<'_> {
        loop {
            if let Ok(permit) = self.attempt(clock.now()) {
                return permit;
            }
            // Registered before another look, so that no word about room is missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            match self.attempt(clock.now()) {
                Ok(permit) => return permit,
                Err(Some(pause)) => clock.sleep(pause).await,
                Err(None) => room.await,
            }
        }
    }

    /// A place if there is one; else how long nothing is sent, if that is why.
    fn attempt(&self, now: Timestamp) -> Result<Permit<'_>, Option<Duration>> {
        let mut state = self.state.lock();
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            return Err(Some((until - now).to_std().unwrap_or_default()));
        }
        if state.in_flight >= state.limit {
            return Err(None);
        }
        state.in_flight += 1;
        state.is_used_up |= state.in_flight == state.limit;
        Ok(Permit { limiter: self, sent_at: now })
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
        self.doubling = None;
        self.latencies.clear();
    }

    fn succeeded(&mut self, latency: Duration, most: usize, now: Timestamp) {
        self.latencies.push(latency);
        // While it doubles, a window holds answers of the whole limit.
        let window = if self.doubling.is_some() { WINDOW.max(2 * self.limit) } else { WINDOW };
        if self.latencies.len() < window {
            return;
        }
        self.latencies.sort_unstable();
        let measured = self.latencies[window * 95 / 100];
        let slowest = measured.max(LATENCY_FLOOR);
        self.latencies.clear();
        let best = self.best.map_or(slowest, |best| best.min(slowest));
        self.best = Some(best);
        if slowest > best * 2 {
            self.halve(LIMIT_WHEN_SLOW, now);
            // What is quick may change for good; in time the limit finds the new measure.
            self.best = Some(best + best / 8);
            return;
        }
        if !std::mem::take(&mut self.is_used_up) {
            return;
        }
        // Twice as many in flight that take twice as long get no further than half of them.
        let is_as_quick = |before: &Duration| measured < LATENCY_FLOOR || measured < before.saturating_mul(2);
        self.doubling = self.doubling.filter(is_as_quick).map(|_| measured);
        let more = if self.doubling.is_some() { self.limit } else { 1 };
        self.limit = (self.limit + more).min(most);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use futures::{StreamExt as _, stream};
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

    /// As many requests at a time as the limit has, until `count` are through.
    async fn run(limiter: &Limiter, clock: &ManualClock, latency: u64, count: usize) {
        let mut left = count;
        while left > 0 {
            let together = limiter.limit().min(left);
            let permits: Vec<_> = stream::iter(0..together).then(|_| limiter.acquire(clock)).collect().await;
            clock.advance(Duration::from_millis(latency));
            for permit in permits {
                permit.finish(clock, &Ok(success()));
            }
            left -= together;
        }
    }

    #[tokio::test]
    async fn the_limit_doubles_while_answers_stay_as_quick_and_creeps_from_there() {
        let (limiter, clock) = (Limiter::new(400), clock());
        run(&limiter, &clock, 100, WINDOW + 6).await;
        assert_eq!(limiter.limit(), 16);
        run(&limiter, &clock, 100, 64).await;
        assert_eq!(limiter.limit(), 32);
        // They only wait for each other.
        run(&limiter, &clock, 200, 64).await;
        assert_eq!(limiter.limit(), 33);
        run(&limiter, &clock, 200, 66).await;
        assert_eq!(limiter.limit(), 34);
    }

    #[tokio::test]
    async fn the_limit_grows_no_further_than_the_most_and_only_in_use() {
        let (limiter, clock) = (Limiter::new(10), clock());
        run(&limiter, &clock, 10, 600).await;
        assert_eq!(limiter.limit(), 10);
        let limiter = Limiter::new(400);
        for _ in 0..600 {
            run(&limiter, &clock, 10, 1).await;
        }
        assert_eq!(limiter.limit(), LIMIT_FIRST);
    }

    #[tokio::test]
    async fn slowness_and_throttling_halve_it_once_per_burst() {
        let (limiter, clock) = (Limiter::new(10), clock());
        run(&limiter, &clock, 100, 120).await;
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
