//! The System Log as it grows.

use std::time::Duration;

use crate::models::LogEvent;
use crate::system_log::ListLogEvents;
use crate::{Items, Listing, Pages};

impl ListLogEvents {
    /// Every event from `since` on, and those to come: the stream does not end.
    ///
    /// Once everything there is has been read, the log is asked again every `interval`. A log with an
    /// `until`, or in descending order, has an end and is read by [`ListLogEvents::stream`]; polling it
    /// is an error.
    ///
    /// # Source
    ///
    /// Okta developer reference, System Log API, "Polling requests" and "Bounded requests".
    pub fn poll(self, interval: Duration) -> Items<LogEvent> {
        self.poll_pages(interval).items()
    }

    /// As [`ListLogEvents::poll`], page by page: [`Page::next`](crate::Page::next) of the last one read
    /// is where a later run goes on with `resume`.
    pub fn poll_pages(self, interval: Duration) -> Pages<LogEvent> {
        Listing::new(self.into_request()).poll(interval)
    }
}
