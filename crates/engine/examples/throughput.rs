//! How many webhook flows an engine runs in a second: condition, text, return; each durable before its answer.
//!
//! `cargo run --release -p oktant-engine --example throughput [flows] [callers] [journal]`

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oktant_base::{OsEntropy, SystemClock};
use oktant_engine::{
    ActionInfo, Actions, Call, CardError, Delivered, Edges, Engine, ErrorKind, Events, Fields, Outcome, Settings, Start,
};
use oktant_flow::model::{Event, Flow};
use oktant_functions::Value;

/// Nothing outside.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Actions for Nothing {
    fn describe(&self, _address: &str) -> Option<ActionInfo> {
        None
    }

    async fn call(&self, call: Call) -> Result<Outcome, CardError> {
        Err(CardError::new(ErrorKind::Unsupported, call.address.to_string()))
    }

    async fn search_first(&self, _call: Call) -> Result<Option<Outcome>, CardError> {
        Ok(None)
    }
}

impl Events for Nothing {
    fn event_types(&self, _card: &Event) -> Option<Vec<String>> {
        None
    }

    fn outputs(&self, _card: &Event, _delivered: &Delivered) -> Option<Fields> {
        None
    }
}

/// A flow in the graph's own JSON: an endpoint whose body has `n` and `name`.
const FLOW: &str = include_str!("webhook.json");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (flows, callers) = (number(20_000)?, number(64)?);
    let folder = tempfile::tempdir()?;
    let journal =
        std::env::args().nth(3).unwrap_or_else(|| format!("sqlite://{}", folder.path().join("journal.db").display()));
    let nothing = Arc::new(Nothing);
    let edges =
        Edges { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy), actions: nothing.clone(), events: nothing };
    let engine = Engine::open(&journal, edges, Settings::default()).await?;
    let flow: Flow = serde_json::from_str(FLOW)?;
    engine.save(&flow).await?;
    engine.switch(flow.id.as_str(), true).await?;

    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for n in (caller..flows).step_by(callers) {
                    let mut given = Fields::new();
                    given.set(Some("body"), "n", Value::Number(n as f64));
                    given.set(Some("body"), "name", Value::text("Ada Lovelace"));
                    let begin = Instant::now();
                    let answer = engine.call("webhook", Start::new("endpoint", given)).await;
                    assert!(answer.is_ok_and(|answer| answer.status == 200 && answer.body.contains("Ada")));
                    times.push(begin.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::with_capacity(flows);
    for task in tasks {
        times.extend(task.await?);
    }
    let seconds = begin.elapsed().as_secs_f64();
    times.sort();
    report(&format_args!(
        "{flows} flows by {callers} callers in {seconds:.2} s: {:.0} flows/s, p50 {:.1} ms, p99 {:.1} ms, peak memory {}",
        flows as f64 / seconds,
        milliseconds(times[times.len() / 2]),
        milliseconds(times[times.len() * 99 / 100]),
        peak_memory(),
    ));
    engine.close().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn report(line: &impl fmt::Display) {
    println!("{line}");
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The most memory that the process had, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
