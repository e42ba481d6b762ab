//! An org that refuses an expression is asked once more without it; the expression is evaluated here then.
//!
//! Which expressions an org takes differs by its version, its features and the collection, and the description
//! does not say it all.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Error;
use crate::context::StatementContext;
use crate::pushdown;
use crate::reader::{self, Batches};
use crate::request::{Pushdown, Scan, ScanOptions, ScanPlan};

/// What an org answers to an expression that it does not take, with status 400.
///
/// # Source
///
/// Recorded: `E0000031` ("Invalid search criteria.") of lists with `filter` or `search`; `E0000053`
/// ("Invalid SCIM filter.") of the System Log.
const REFUSALS: [&str; 2] = ["E0000031", "E0000053"];

/// The way that is left if the org refuses the expressions of a plan.
pub(crate) struct Fallback {
    context: Arc<StatementContext>,
    scan: Arc<Scan>,
    /// What the org was asked to evaluate.
    pushed: String,
}

impl Fallback {
    /// `None` for a plan without expressions of its own.
    pub(crate) fn of(context: &Arc<StatementContext>, scan: &Arc<Scan>, plan: &ScanPlan) -> Option<Self> {
        let has_expression = plan.streams.iter().any(|stream| {
            let expressions = scan.relation.routes()[stream.route].expressions;
            let is_one = |name: &str| expressions.iter().any(|expression| expression.parameter == name);
            stream.query.iter().any(|(name, _)| is_one(name))
        });
        (scan.options.pushdown == Pushdown::On && has_expression).then(|| Self {
            context: Arc::clone(context),
            scan: Arc::clone(scan),
            pushed: plan.pushed.clone(),
        })
    }

    /// `rows`; or, where they begin with a refusal, those of the other way. After a row that was handed out
    /// there is no other way, since that row would come twice.
    pub(crate) fn behind(self, mut rows: Batches) -> Batches {
        let begun = async move {
            loop {
                match rows.next().await {
                    Some(Ok(batch)) if batch.num_rows() == 0 => {}
                    Some(Err(error)) if is_refusal(&error) => return self.read(&error),
                    first => return Ok(stream::iter(first).chain(rows).boxed()),
                }
            }
        };
        stream::once(begun).try_flatten().boxed()
    }

    fn read(self, refusal: &Error) -> Result<Batches, Error> {
        let table = self.scan.relation.name();
        let options = ScanOptions { pushdown: Pushdown::Parameters, ..(*self.scan.options).clone() };
        // Without an order of the org the first rows are known only when all have come.
        let limit = self.scan.limit.filter(|_| self.scan.order.is_none());
        let scan = Scan { limit, order: None, options: Arc::new(options), ..(*self.scan).clone() };
        let plan = pushdown::plan(&scan);
        self.context.budget.check(table, &plan.estimate)?;
        let pushed = self.pushed;
        self.context
            .warnings
            .add(format!("{table}: the org refuses {pushed}, so all is read and tested here ({refusal})"));
        reader::read(self.context, Arc::new(scan), plan)
    }
}

fn is_refusal(error: &Error) -> bool {
    let Error::Org { source, .. } = error else { return false };
    let source: &(dyn std::error::Error + 'static) = source.coded();
    let code = source.downcast_ref::<oktant_client::Error>().and_then(oktant_client::Error::api_code);
    code.is_some_and(|code| REFUSALS.contains(&code))
}
