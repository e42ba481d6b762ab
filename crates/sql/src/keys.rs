//! Keys that flow from one side of a join to the scan on its other side.
//!
//! A hash join reads its build side to the end before it asks the probe side for anything. A
//! [`KeyTapExec`] on the build side collects the join key's values on their way, and the scan on
//! the probe side waits for them: it then asks the org for these keys only, instead of everything.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::stream::{self, StreamExt};
use tokio::sync::watch;

use crate::node::passes_on;

/// The values of a join key, once the build side is complete.
#[derive(Debug)]
pub(crate) struct KeyFeed {
    sender: watch::Sender<Option<Arc<Vec<String>>>>,
    /// What delivers them, for `EXPLAIN`.
    pub(crate) origin: String,
}

impl KeyFeed {
    pub(crate) fn new(origin: String) -> Self {
        Self { sender: watch::Sender::new(None), origin }
    }

    /// Waits for the values.
    pub(crate) async fn values(&self) -> Arc<Vec<String>> {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so the wait cannot end without a value.
        match receiver.wait_for(Option::is_some).await {
            Ok(values) => values.clone().unwrap_or_default(),
            Err(_) => Arc::default(),
        }
    }

    /// Forgets the values, since the build side will run again and deliver others.
    fn forget(&self) {
        self.sender.send_replace(None);
    }

    fn publish(&self, values: BTreeSet<String>) {
        self.sender.send_replace(Some(Arc::new(values.into_iter().collect())));
    }
}

/// Passes batches on and collects the values of one text column.
#[derive(Debug)]
pub(crate) struct KeyTapExec {
    input: Arc<dyn ExecutionPlan>,
    column: usize,
    feed: Arc<KeyFeed>,
}

impl KeyTapExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, column: usize, feed: Arc<KeyFeed>) -> Self {
        Self { input, column, feed }
    }

    /// Whether the values of a column of this type can be keys.
    pub(crate) fn can_tap(data_type: &DataType) -> bool {
        *data_type == DataType::Utf8
    }
}

fn collect(values: &mut BTreeSet<String>, batch: &RecordBatch, column: usize) {
    let texts = batch.column(column).as_string::<i32>();
    for text in texts.iter().flatten() {
        if !values.contains(text) {
            values.insert(text.to_owned());
        }
    }
}

impl DisplayAs for KeyTapExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyTapExec: {}", self.feed.origin)
    }
}

impl ExecutionPlan for KeyTapExec {
    passes_on!(KeyTapExec, |tap, input| Self::new(input, tap.column, Arc::clone(&tap.feed)));

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    /// The recursive part of a query runs once per round, each time over other rows.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        self.feed.forget();
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if self.properties().output_partitioning().partition_count() != 1 {
            return internal_err!("a key tap needs an input of one partition");
        }
        let input = self.input.execute(partition, context)?;
        let (column, feed) = (self.column, Arc::clone(&self.feed));
        let tapped = stream::unfold(Some((input, BTreeSet::new())), move |state| {
            let feed = Arc::clone(&feed);
            async move {
                let (mut input, mut values) = state?;
                match input.next().await {
                    Some(Ok(batch)) => {
                        collect(&mut values, &batch, column);
                        Some((Ok(batch), Some((input, values))))
                    }
                    // Without all of the build side the join fails, and the keys are of no use.
                    Some(Err(error)) => Some((Err(error), None)),
                    None => {
                        feed.publish(values);
                        None
                    }
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), tapped)))
    }
}
