//! Sending many requests at once and measuring how long each takes.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use http::StatusCode;
use serde::Serialize;

use crate::Failure;
use crate::connection::{Ask, Connection, Server};

/// How many requests to send, and for how long at most.
#[derive(Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) requests: usize,
    pub(crate) in_flight: usize,
    /// No request is begun after that; none means that all of them are sent.
    pub(crate) time: Option<Duration>,
}

/// How a row of the table went.
#[derive(Serialize)]
pub(crate) struct Row {
    #[serde(rename = "row")]
    name: &'static str,
    requests: usize,
    seconds: f64,
    /// Half of the requests took at most so long.
    p50_ms: f64,
    /// All but one in a hundred took at most so long.
    p99_ms: f64,
    /// Share of one core that this program used.
    load_cpu: f64,
    /// Answers that were not what they had to be: the first of them.
    problem: Option<String>,
}

/// Sends what `ask` gives for 0, 1, 2 …, each worker one after the other, and hands the answers to `seen`, which says
/// what is wrong with one.
pub(crate) async fn measure(
    row: &'static str,
    server: &Server,
    amount: Amount,
    ask: impl Fn(usize) -> Ask,
    seen: impl Fn(usize, StatusCode, &Bytes) -> Option<String>,
) -> Result<Row, Failure> {
    let (next, latencies, problem) = (Cell::new(0), RefCell::new(Vec::new()), RefCell::new(None));
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let worker = || async {
        let mut connection = Connection::new(server);
        while next.get() < amount.requests && amount.time.is_none_or(|most| began.elapsed() < most) {
            let number = next.replace(next.get() + 1);
            let asked = ask(number);
            let sent = Instant::now();
            let (status, body) = connection.send(&asked).await?;
            latencies.borrow_mut().push(sent.elapsed());
            if let Some(wrong) = seen(number, status, &body) {
                let text = format!("{} {}: {wrong}", asked.method, asked.path);
                problem.borrow_mut().get_or_insert(text);
            }
        }
        Ok::<_, Failure>(())
    };
    try_join_all((0..amount.in_flight).map(|_| worker())).await?;
    let seconds = began.elapsed().as_secs_f64();
    let mut latencies = latencies.into_inner();
    latencies.sort_unstable();
    let at = |share: usize| {
        let index = (latencies.len() * share / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    };
    Ok(Row {
        name: row,
        requests: latencies.len(),
        seconds,
        p50_ms: at(50),
        p99_ms: at(99),
        load_cpu: (cpu_seconds() - cpu) / seconds,
        problem: problem.into_inner(),
    })
}

/// Processor time of this program so far; zero where the system does not tell.
fn cpu_seconds() -> f64 {
    /// `USER_HZ`, which is the same on all of Linux's usual architectures.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may have spaces; user and system time are the 12th and 13th field after it.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}
