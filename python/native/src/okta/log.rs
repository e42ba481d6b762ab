//! What the client does by itself (repeats, waits, cache, renewed tokens) on its way to a logger of Python.

use std::fmt::{self, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::gate;
use crate::runtime::interrupt;

/// Whose events are passed on. Requests and their answers are logged in Python.
const TARGETS: &[&str] =
    &["oktant_client::exchange", "oktant_client::cache", "oktant_client::http::limiter", "oktant_client::auth"];

/// The least level of Python that is passed on; none before [`log_to`] was called.
static LEVEL: AtomicU8 = AtomicU8::new(u8::MAX);

/// Takes a level and a text.
static LOG: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

/// Hands events of at least `level` to `log`, a function of level and text, from now on.
#[pyfunction]
pub(crate) fn log_to(log: Py<PyAny>, level: u8) {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *LOG.lock() = Some(log);
    LEVEL.store(level, Ordering::Relaxed);
    // Nobody else in this module sets one.
    INSTALLED.get_or_init(|| tracing::subscriber::set_global_default(PythonLog).is_ok());
    tracing::callsite::rebuild_interest_cache();
}

/// Events as records of Python; spans are not followed.
struct PythonLog;

impl Subscriber for PythonLog {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = [Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        let least = levels.into_iter().find(|level| python_level(*level) >= LEVEL.load(Ordering::Relaxed));
        Some(least.map_or(LevelFilter::OFF, LevelFilter::from_level))
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= Level::DEBUG
            && python_level(*metadata.level()) >= LEVEL.load(Ordering::Relaxed)
            && TARGETS.iter().any(|target| metadata.target().starts_with(target))
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let level = python_level(*event.metadata().level());
        gate::attach(|py| {
            let log = LOG.lock().as_ref().map(|log| log.clone_ref(py));
            let Some(Err(error)) = log.map(|log| log.call1(py, (level, text.0))) else { return };
            // A handler of the log that fails reports it by itself; what comes through was raised by a signal.
            if !error.is_instance_of::<PyException>(py) {
                interrupt(error);
            }
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The level's number in Python.
fn python_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// The message, and what goes with it as `name=value`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}
