//! A clock that is set.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use oktant_base::{Clock, SystemClock, Timestamp};

/// Shows a given time when it is first looked at, and runs on from there at the pace of the machine's clock.
#[derive(Debug)]
pub(crate) struct ClockFrom {
    start: Timestamp,
    /// When it was first looked at, on the machine's clock.
    first: OnceLock<Timestamp>,
}

impl ClockFrom {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { start, first: OnceLock::new() }
    }
}

impl Clock for ClockFrom {
    fn now(&self) -> Timestamp {
        let machine = SystemClock.now();
        self.start + (machine - *self.first.get_or_init(|| machine))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        SystemClock.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_begins_where_it_is_set_and_runs_on() {
        let start: Timestamp = "2020-02-29T12:00:00Z".parse().expect("a valid instant");
        let clock = ClockFrom::new(start);
        clock.sleep(Duration::from_millis(5)).await;
        assert_eq!(clock.now(), start);
        clock.sleep(Duration::from_millis(5)).await;
        let later = clock.now();
        assert!(later > start && later < start + Duration::from_mins(1), "{later}");
    }
}
