//! The scan of a table as a node of DataFusion's plan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Column, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, lit};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Error;
use crate::context::StatementContext;
use crate::explain;
use crate::keys::KeyFeed;
use crate::node::leaf;
use crate::pushdown;
use crate::reader::{self, Batches};
use crate::request::{Order, Scan, ScanPlan};

/// Values of a key that a join may send instead of a full scan when the table's size is unknown.
///
/// # Source
///
/// SQL model 2.9: up to 500 keys go as lists; above that, costs are compared.
const KEYS_WITHOUT_COMPARISON: usize = 500;

/// Stands for a key that is not known yet; of the form that every id has.
const KEY_TO_EXPECT: &str = "00000000000000000000";

/// Batches that wait for the consumer while the next page is read.
const BATCHES_AHEAD: usize = 1;

/// Reads a table of an org.
#[derive(Debug, Clone)]
pub(crate) struct OktaScanExec {
    context: Arc<StatementContext>,
    scan: Arc<Scan>,
    plan: Arc<ScanPlan>,
    keys: Option<FedKeys>,
    properties: Arc<PlanProperties>,
}

/// A column whose values come from the other side of a join.
#[derive(Debug, Clone)]
pub(crate) struct FedKeys {
    /// Position of the column in the relation.
    pub(crate) column: usize,
    /// Where the values arrive.
    pub(crate) feed: Arc<KeyFeed>,
}

impl OktaScanExec {
    /// Plans a scan.
    pub(crate) fn new(context: Arc<StatementContext>, scan: Scan) -> Result<Self, Error> {
        let plan = pushdown::plan(&scan);
        let schema = scan.relation.schema().project(&scan.projection);
        let schema = Arc::new(schema.map_err(|error| Error::Internal { message: error.to_string() })?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { context, scan: Arc::new(scan), plan: Arc::new(plan), keys: None, properties: Arc::new(properties) })
    }

    pub(crate) fn scan(&self) -> &Scan {
        &self.scan
    }

    pub(crate) fn plan(&self) -> &ScanPlan {
        &self.plan
    }

    pub(crate) fn keys(&self) -> Option<&FedKeys> {
        self.keys.as_ref()
    }

    /// Refuses the scan if its estimate is above the budget. A scan that a join feeds cannot be
    /// estimated before the keys are known and is checked then.
    pub(crate) fn check_budget(&self) -> Result<(), Error> {
        match self.keys {
            Some(_) => Ok(()),
            None => self.context.budget.check(self.scan.relation.name(), &self.plan.estimate),
        }
    }

    /// The same scan, waiting for the values of a column.
    pub(crate) fn fed(&self, keys: FedKeys) -> Self {
        Self { keys: Some(keys), ..self.clone() }
    }

    /// The same scan for the first rows by an order, if the org can give them.
    pub(crate) fn ordered(&self, order: Order, limit: usize) -> Result<Option<Self>, Error> {
        if self.keys.is_some() {
            return Ok(None);
        }
        let scan = Scan { order: Some(order), limit: Some(limit), ..(*self.scan).clone() };
        let ordered = Self::new(Arc::clone(&self.context), scan)?;
        Ok(ordered.plan.ordered.then_some(ordered))
    }

    async fn batches(self) -> Result<Batches, Error> {
        let Some(keys) = &self.keys else {
            self.check_budget()?;
            return reader::read(self.context, self.scan, (*self.plan).clone());
        };
        let values = keys.feed.values().await;
        let (scan, plan) = self.planned_for(keys.column, &values);
        self.context.budget.check(scan.relation.name(), &plan.estimate)?;
        reader::read(self.context, scan, plan)
    }

    /// The plan to expect, for `EXPLAIN`: where a join delivers the keys of parents, the plan for one
    /// of them, since the keys decide which path is taken.
    pub(crate) fn plan_to_expect(&self) -> Arc<ScanPlan> {
        match &self.keys {
            Some(keys) if self.plan.parents.is_some() => {
                Arc::new(self.planned_for(keys.column, &[KEY_TO_EXPECT.to_owned()]).1)
            }
            _ => Arc::clone(&self.plan),
        }
    }

    /// The cheaper plan, now that the values of the column are known.
    fn planned_for(&self, column: usize, values: &[String]) -> (Arc<Scan>, ScanPlan) {
        let name = self.scan.relation.schema().field(column).name();
        let mut scan = (*self.scan).clone();
        let column = Expr::Column(Column::from_name(name));
        scan.filters.push(column.in_list(values.iter().map(lit).collect(), false));
        let narrowed = pushdown::plan(&scan);
        let fewer = match (narrowed.estimate.max, self.plan.estimate.max) {
            (Some(with), Some(without)) => with <= without,
            _ => values.len() <= KEYS_WITHOUT_COMPARISON || self.plan.parents.is_some(),
        };
        if fewer { (Arc::new(scan), narrowed) } else { (Arc::clone(&self.scan), (*self.plan).clone()) }
    }
}

impl DisplayAs for OktaScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        explain::write_scan(f, self)
    }
}

impl ExecutionPlan for OktaScanExec {
    leaf!(OktaScanExec);

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a scan of an org has one partition, not {partition}");
        }
        if self.context.dry {
            return internal_err!("a statement that is only explained was executed");
        }
        let schema: SchemaRef = Arc::clone(self.properties.eq_properties.schema());
        let batches = stream::once(self.clone().batches()).try_flatten().map_err(Into::into);
        if self.scan.limit.is_some() {
            // No page ahead: the rows wanted may be whole with the one at hand.
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
        }
        let mut ahead = RecordBatchReceiverStreamBuilder::new(schema, BATCHES_AHEAD);
        let sender = ahead.tx();
        ahead.spawn(self.context.stack.holds(Box::pin(async move {
            let mut batches = std::pin::pin!(batches);
            while let Some(batch) = batches.next().await {
                let failed = batch.is_err();
                // Nobody listens any more: the consumer has enough.
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
            Ok(())
        })));
        Ok(ahead.build())
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let limit = match (limit, self.scan.limit) {
            (Some(new), Some(old)) => Some(new.min(old)),
            (new, old) => new.or(old),
        };
        let scan = Scan { limit, ..(*self.scan).clone() };
        let mut limited = Self::new(Arc::clone(&self.context), scan).ok()?;
        limited.keys.clone_from(&self.keys);
        Some(Arc::new(limited))
    }
}
