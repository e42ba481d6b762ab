//! Time as a parameter.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// An instant in UTC; the one time type of the workspace.
pub type Timestamp = DateTime<Utc>;

/// A source of time: what time it is, and how to wait.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current instant.
    fn now(&self) -> Timestamp;

    /// Completes once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's clock and tokio's timer. Made at the edges only.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge that everyone else takes as a parameter")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that moves only when told to; sleepers wake when it passes their hour.
///
/// ```
/// use oktant_base::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().expect("a valid instant"));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_rfc3339(), "2026-01-01T00:01:00+00:00");
/// ```
#[derive(Debug)]
pub struct ManualClock {
    sender: watch::Sender<Timestamp>,
    slept: Mutex<Vec<Duration>>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { sender: watch::Sender::new(start), slept: Mutex::default() }
    }

    /// Moves the clock forward and wakes the sleepers whose time has come.
    pub fn advance(&self, by: Duration) {
        self.sender.send_modify(|now| *now += TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX));
    }

    /// Every duration anyone has asked to sleep, in order.
    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.sender.borrow()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.slept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(duration);
        let wake_at = self.now() + TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let mut receiver = self.sender.subscribe();
        Box::pin(async move {
            // An error means that the clock is gone, so no one is left to wait for.
            let _ = receiver.wait_for(|now| *now >= wake_at).await;
        })
    }
}
