//! Figures about the server in the text format that Prometheus reads.
//!
//! # Source
//!
//! Prometheus documentation, "Exposition formats", text-based format 0.0.4.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The media type of [`Metrics::render`].
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper ends of the buckets of durations, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// A protocol that the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Snowflake,
    Postgres,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
}

impl Outcome {
    pub(crate) fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Done } else { Self::Failed }
    }
}

impl Protocol {
    /// Those that have sessions and statements.
    const WITH_SESSIONS: [Self; 2] = [Self::Snowflake, Self::Postgres];

    const fn name(self) -> &'static str {
        match self {
            Self::Snowflake => "snowflake",
            Self::Postgres => "postgres",
        }
    }
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    scim_requests: [AtomicU64; 5],
    statements: [Histogram; 2],
    failed: [AtomicU64; 2],
    logins: [[AtomicU64; 2]; 2],
}

/// Counts of durations, each in the first bucket that holds it.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    fn record(&self, took: Duration) {
        let bucket = BUCKETS.iter().position(|end| took.as_secs_f64() <= *end).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Place of a protocol in the arrays above.
const fn place(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Snowflake => 0,
        Protocol::Postgres => 1,
    }
}

impl Metrics {
    /// Counts an answer over SCIM by the class of its status.
    pub(crate) fn scim_answered(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.scim_requests[class].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a statement.
    pub(crate) fn statement_ended(&self, protocol: Protocol, outcome: Outcome, took: Duration) {
        self.statements[place(protocol)].record(took);
        if outcome == Outcome::Failed {
            self.failed[place(protocol)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an attempt to sign in.
    pub(crate) fn login(&self, protocol: Protocol, outcome: Outcome) {
        self.logins[place(protocol)][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as text, with the sessions that are open over each protocol.
    pub(crate) fn render(&self, sessions: &[(Protocol, usize)]) -> String {
        let mut text = String::new();
        head(&mut text, "oktant_scim_requests_total", "counter", "SCIM requests answered, by class of status.");
        for (class, count) in (1..).zip(&self.scim_requests) {
            line(
                &mut text,
                "oktant_scim_requests_total",
                &format!("status=\"{class}xx\""),
                count.load(Ordering::Relaxed),
            );
        }
        head(&mut text, "oktant_logins_total", "counter", "Attempts to sign in.");
        for (protocol, name) in Protocol::WITH_SESSIONS.map(|protocol| (protocol, protocol.name())) {
            for (outcome, count) in ["done", "failed"].iter().zip(&self.logins[place(protocol)]) {
                let labels = format!("protocol=\"{name}\",outcome=\"{outcome}\"");
                line(&mut text, "oktant_logins_total", &labels, count.load(Ordering::Relaxed));
            }
        }
        head(&mut text, "oktant_sessions", "gauge", "Sessions that are open.");
        for (protocol, open) in sessions {
            let name = protocol.name();
            line(&mut text, "oktant_sessions", &format!("protocol=\"{name}\""), open);
        }
        head(&mut text, "oktant_statement_failures_total", "counter", "Statements that ended in an error.");
        for (protocol, name) in Protocol::WITH_SESSIONS.map(|protocol| (protocol, protocol.name())) {
            let failed = self.failed[place(protocol)].load(Ordering::Relaxed);
            line(&mut text, "oktant_statement_failures_total", &format!("protocol=\"{name}\""), failed);
        }
        head(&mut text, "oktant_statement_duration_seconds", "histogram", "Time that statements took.");
        for (protocol, name) in Protocol::WITH_SESSIONS.map(|protocol| (protocol, protocol.name())) {
            self.statements[place(protocol)].render(&mut text, "oktant_statement_duration_seconds", name);
        }
        text
    }
}

impl Histogram {
    fn render(&self, text: &mut String, metric: &str, protocol: &str) {
        let mut count = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            let end = BUCKETS.get(index).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            line(text, &format!("{metric}_bucket"), &format!("protocol=\"{protocol}\",le=\"{end}\""), count);
        }
        let labels = format!("protocol=\"{protocol}\"");
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        line(text, &format!("{metric}_sum"), &labels, seconds);
        line(text, &format!("{metric}_count"), &labels, count);
    }
}

fn head(text: &mut String, metric: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
}

fn line(text: &mut String, metric: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(text, "{metric}{{{labels}}} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_as_prometheus_reads_them() {
        let metrics = Metrics::default();
        metrics.scim_answered(201);
        metrics.scim_answered(404);
        metrics.login(Protocol::Postgres, Outcome::Failed);
        metrics.statement_ended(Protocol::Snowflake, Outcome::Failed, Duration::from_millis(30));
        let text = metrics.render(&[(Protocol::Snowflake, 1)]);
        for expected in [
            "# TYPE oktant_scim_requests_total counter",
            "oktant_scim_requests_total{status=\"2xx\"} 1",
            "oktant_scim_requests_total{status=\"4xx\"} 1",
            "oktant_logins_total{protocol=\"postgres\",outcome=\"failed\"} 1",
            "oktant_sessions{protocol=\"snowflake\"} 1",
            "oktant_statement_failures_total{protocol=\"snowflake\"} 1",
            "oktant_statement_duration_seconds_bucket{protocol=\"snowflake\",le=\"0.025\"} 0",
            "oktant_statement_duration_seconds_bucket{protocol=\"snowflake\",le=\"0.05\"} 1",
            "oktant_statement_duration_seconds_bucket{protocol=\"snowflake\",le=\"+Inf\"} 1",
            "oktant_statement_duration_seconds_sum{protocol=\"snowflake\"} 0.03",
            "oktant_statement_duration_seconds_count{protocol=\"snowflake\"} 1",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected} is missing in\n{text}");
        }
    }
}
