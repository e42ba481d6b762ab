//! How far a statement is, on standard error and on a terminal only.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal;

/// Redraws per second; more would cost time and please no one.
const REDRAWS_PER_SECOND: u8 = 10;

/// How often the line should be brought up to date while nothing else happens.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// How long a request may be repeated before that is said where no line shows it.
const PATIENCE: Duration = Duration::from_secs(3);

/// A line that shows what a statement has used so far.
pub(crate) struct Progress {
    line: ProgressBar,
    /// Since when requests fail, and whether that was said.
    trouble: Cell<Option<(Instant, bool)>>,
}

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
        Self { line: ProgressBar::with_draw_target(None, target).with_style(style), trouble: Cell::new(None) }
    }

    /// Waits for `work` and shows meanwhile what is in its way.
    pub(crate) async fn during<T>(
        &self,
        mut work: impl Future<Output = T> + Unpin,
        trouble: impl Fn() -> Option<String>,
    ) -> T {
        let mut tick = tokio::time::interval(INTERVAL);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                _ = tick.tick() => {
                    if let Some(trouble) = trouble() {
                        self.show(String::new(), Some(trouble));
                    }
                }
            }
        }
    }

    /// Brings the line up to date. Trouble that lasts is said once where there is no line.
    pub(crate) fn show(&self, message: String, trouble: Option<String>) {
        let Some(trouble) = trouble else {
            self.trouble.set(None);
            self.line.set_message(message);
            self.line.tick();
            return;
        };
        let (since, said) = self.trouble.get().unwrap_or_else(|| (Instant::now(), false));
        let is_due = !said && self.line.is_hidden() && since.elapsed() >= PATIENCE;
        if is_due {
            terminal::note(format_args!("note: {trouble}; it is being repeated"));
        }
        self.trouble.set(Some((since, said || is_due)));
        let separator = if message.is_empty() { "" } else { ", " };
        self.line.set_message(format!("{message}{separator}{trouble}"));
        self.line.tick();
    }

    /// Ends the line for good: rows that stop in the middle of a line leave it no place.
    pub(crate) fn end(&self) {
        self.line.finish_and_clear();
        self.line.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Does something that may write to the same terminal.
    pub(crate) fn aside<T>(&self, action: impl FnOnce() -> T) -> T {
        self.line.suspend(action)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
