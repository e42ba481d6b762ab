//! What the scans of one statement share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{self, Either};
use oktant_base::{Clock, Timestamp};
use oktant_client::{Call, Org, StatementId};
use parking_lot::Mutex;

use crate::Error;
use crate::access::Readable;
use crate::discovery::Sizes;
use crate::request::{Estimate, ScanOptions};
use crate::stack::Stack;

/// What the scans of one statement share.
#[derive(Debug)]
pub(crate) struct StatementContext {
    pub(crate) id: StatementId,
    pub(crate) org: Org,
    pub(crate) options: Arc<ScanOptions>,
    pub(crate) budget: Budget,
    pub(crate) warnings: Warnings,
    pub(crate) clock: Arc<dyn Clock>,
    /// When `StatementTimeout` will have passed.
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) sizes: Arc<Sizes>,
    /// Which tables it may read.
    pub(crate) readable: Readable,
    /// Whether nothing may be sent: the statement is only explained.
    pub(crate) dry: bool,
    /// What planning and running it needs.
    pub(crate) stack: Stack,
}

impl StatementContext {
    /// The same statement, planned anew with the sizes of tables.
    pub(crate) fn with_sizes(&self, sizes: BTreeMap<&'static str, u64>) -> Self {
        Self {
            id: self.id,
            org: self.org.clone(),
            options: Arc::new(ScanOptions { sizes, ..(*self.options).clone() }),
            budget: Budget::new(self.budget.limit),
            warnings: Warnings::default(),
            clock: Arc::clone(&self.clock),
            deadline: self.deadline,
            sizes: Arc::clone(&self.sizes),
            readable: self.readable.clone(),
            dry: self.dry,
            stack: self.stack,
        }
    }

    /// The call as one of this statement: booked on it, and with its deadline.
    pub(crate) fn call(&self, call: Call) -> Call {
        let call = call.statement(self.id);
        match self.deadline {
            Some(deadline) => call.deadline(deadline),
            None => call,
        }
    }

    /// What `work` gives, unless `StatementTimeout` passes before.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(deadline) = self.deadline else { return work.await };
        let left = || (deadline - self.clock.now()).to_std().unwrap_or(Duration::ZERO);
        let allowed = self.org.properties().sql.statement_timeout.unwrap_or_default();
        let timed_out = || Err(Error::TimedOut { seconds: allowed.as_secs() });
        match future::select(std::pin::pin!(work), self.clock.sleep(left())).await {
            // The call has the same deadline and may notice first.
            Either::Left((Err(_), _)) if left().is_zero() => timed_out(),
            Either::Left((result, _)) => result,
            Either::Right(_) => timed_out(),
        }
    }
}

/// The requests that a statement may make.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: Option<u64>,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Whether there is a limit at all.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Refuses a scan whose estimate alone is above the budget.
    pub(crate) fn check(&self, table: &str, estimate: &Estimate) -> Result<(), Error> {
        match self.limit {
            Some(limit) if estimate.min > limit => Err(Error::Budget {
                table: table.to_owned(),
                needs: format!("needs at least {} requests ({})", estimate.min, estimate.basis),
                least: estimate.min,
                budget: limit,
                cheaper: estimate.cheaper.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses to start a list for each of `parents` objects, `more` requests at least, if they do not fit in what is
    /// left.
    pub(crate) fn check_more(
        &self,
        table: &str,
        more: u64,
        parents: usize,
        cheaper: Option<&str>,
    ) -> Result<(), Error> {
        let used = self.used.load(Ordering::Relaxed);
        let least = used + more;
        match self.limit {
            Some(limit) if least > limit => Err(Error::Budget {
                table: table.to_owned(),
                needs: format!(
                    "needs at least {least} requests ({used} so far, and {more} or more for {parents} parent objects)"
                ),
                least,
                budget: limit,
                cheaper: cheaper.map(str::to_owned),
            }),
            _ => Ok(()),
        }
    }

    /// Takes one request, or refuses it.
    pub(crate) fn take(&self, table: &str, cheaper: Option<&str>) -> Result<(), Error> {
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        match self.limit {
            Some(limit) if used >= limit => Err(Error::Budget {
                table: table.to_owned(),
                needs: format!("needs more than {limit} requests"),
                least: limit + 1,
                budget: limit,
                cheaper: cheaper.map(str::to_owned),
            }),
            _ => Ok(()),
        }
    }
}

/// Things that a statement's answer is not to be read without.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<BTreeMap<String, u64>>);

impl Warnings {
    /// Adds a warning, once per text.
    pub(crate) fn add(&self, text: String) {
        *self.0.lock().entry(text).or_default() += 1;
    }

    /// Adds a warning about the statement itself, which may be planned several times.
    pub(crate) fn note(&self, text: String) {
        self.0.lock().entry(text).or_insert(1);
    }

    /// Counts values of a column that were left out.
    pub(crate) fn add_mismatches(&self, table: &str, mismatches: BTreeMap<String, u64>) {
        let mut warnings = self.0.lock();
        for (column, count) in mismatches {
            let text = format!("{table}.{column} had values of another type, shown as NULL; RawJson holds them");
            *warnings.entry(text).or_default() += count;
        }
    }

    /// All of them.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0
            .lock()
            .iter()
            .map(|(text, count)| if *count > 1 { format!("{text} ({count}×)") } else { text.clone() })
            .collect()
    }
}
