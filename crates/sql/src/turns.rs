//! Statements that compute for long let others have their turn, and can be cancelled.
//!
//! A statement is cancelled by dropping its rows, which nobody can do while they are being computed. The
//! engine's own `EnsureCooperative`, which [`TakeTurns`] replaces, gives the thread back while inputs are
//! read. That is too seldom for a join: it makes millions of batches of one that it has read.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::{StreamExt, stream};

use crate::node::passes_on;

/// How long a statement computes before others have their turn. tokio looks for news of the network once
/// in 61 turns where all its threads are busy, so that this is a sixtieth of the delay others may see.
const TURN: Duration = Duration::from_millis(1);

/// Makes the nodes of a plan that give more rows than they get, and its leaves, end their turns.
#[derive(Debug)]
pub(crate) struct TakeTurns;

impl PhysicalOptimizerRule for TakeTurns {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            // Joins have two inputs. The others give a batch for each that they get from below.
            if node.children().len() == 1 && !node.is::<UnnestExec>() {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(TurnsExec { input: node }) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "take_turns"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Passes batches on, and gives the thread back once per turn.
#[derive(Debug)]
struct TurnsExec {
    input: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for TurnsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TurnsExec")
    }
}

impl ExecutionPlan for TurnsExec {
    passes_on!(TurnsExec, |_, input| Self { input });

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), in_turns(input))))
    }
}

/// The stream, which is pending for a moment whenever it has worked for the length of a turn. After that it works
/// before it looks at the time again, so that it gets on however late its next turn comes.
fn in_turns<S: futures::Stream + Unpin>(mut input: S) -> impl futures::Stream<Item = S::Item> {
    // The machine's time, and not that of a `Clock`: it decides who computes when, and nothing that is told.
    let mut began: Option<Instant> = None;
    stream::poll_fn(move |context| {
        if began.is_some_and(|began| began.elapsed() >= TURN) {
            began = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        began.get_or_insert_with(Instant::now);
        let polled = input.poll_next_unpin(context);
        if polled.is_pending() {
            began = None;
        }
        polled
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_late_turn_is_used() {
        let mut rows = in_turns(stream::repeat(()));
        let mut polls = 0;
        for _ in 0..10 {
            std::thread::sleep(2 * TURN);
            polls += usize::from(rows.next().now_or_never().is_some());
        }
        assert_eq!(polls, 5);
    }
}
