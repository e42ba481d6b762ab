//! How far a statement is, on standard error and on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal;

/// Redraws per second; more would cost time and please no one.
const REDRAWS_PER_SECOND: u8 = 10;

/// How often the line should be brought up to date while nothing else happens.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// A line that shows what a statement has used so far.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A line on the terminal at standard error, or nothing where there is none.
    pub(crate) fn start() -> Self {
        let target = if terminal::stderr_is_terminal() {
            ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self(ProgressBar::with_draw_target(None, target).with_style(style))
    }

    /// Brings the line up to date.
    pub(crate) fn show(&self, message: String) {
        self.0.set_message(message);
        self.0.tick();
    }

    /// Ends the line for good: rows that stop in the middle of a line leave it no place.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Does something that may write to the same terminal.
    pub(crate) fn aside<T>(&self, action: impl FnOnce() -> T) -> T {
        self.0.suspend(action)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
