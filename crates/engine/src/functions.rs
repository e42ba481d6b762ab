//! The functions of cards, as the interpreter runs them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oktant_base::{Clock, Entropy, Timestamp};
use oktant_flow::model::Output;
use oktant_functions as functions;

use crate::action::{CardError, Field, Fields};
use crate::run::{input_error, target};

/// The functions, and what they take from their surroundings.
#[derive(Debug)]
pub(crate) struct Functions {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What a function gave.
pub(crate) struct Computed {
    pub(crate) outputs: Fields,
    /// Whether it asked the clock or chance: a second run would give something else.
    pub(crate) drawn: bool,
}

impl Functions {
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// Whether `address` is a function.
    pub(crate) fn has(address: &str) -> bool {
        functions::find(address).is_ok_and(|function| matches!(function.kind, functions::Kind::Pure(_)))
    }

    /// Runs a function; `wanted` are the outputs that the card declares.
    pub(crate) fn run(&self, address: &str, inputs: &Fields, wanted: &[Output]) -> Result<Computed, CardError> {
        let asked = AtomicBool::new(false);
        let clock = Watched { inner: &*self.clock, asked: &asked };
        let entropy = Watched { inner: &*self.entropy, asked: &asked };
        let surroundings = functions::Surroundings { clock: &clock, entropy: &entropy };
        let inputs =
            inputs.iter().map(|field| (name(field.group.as_deref(), &field.key), field.value.clone())).collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|output| (name(output.slot.group.as_deref(), &output.slot.key), target(output.ty)))
            .collect();
        let outputs = functions::find(address)
            .and_then(|function| function.run(&inputs, &wanted, surroundings, functions::Flags::default()))
            .map_err(|error| input_error(&error))?;
        let outputs = outputs.into_iter().map(|(name, value)| Field::new(name.group, name.key, value)).collect();
        Ok(Computed { outputs, drawn: asked.into_inner() })
    }
}

fn name(group: Option<&str>, key: &str) -> functions::Name {
    functions::Name { group: group.map(Arc::from), key: key.into() }
}

/// A clock or a source of chance that remembers whether it was asked.
struct Watched<'a, T: ?Sized> {
    inner: &'a T,
    asked: &'a AtomicBool,
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Watched<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Clock for Watched<'_, dyn Clock> {
    fn now(&self) -> Timestamp {
        self.asked.store(true, Ordering::Relaxed);
        self.inner.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.inner.sleep(duration)
    }
}

impl Entropy for Watched<'_, dyn Entropy> {
    fn fill(&self, bytes: &mut [u8]) {
        self.asked.store(true, Ordering::Relaxed);
        self.inner.fill(bytes);
    }
}
