//! A stack that suffices for statements whose trees are deep, whatever the thread's own is.
//!
//! What visits, copies, evaluates or drops a tree goes as deep into the stack as the tree is. Parser and engine let the
//! stack grow in some of their functions, not in those that the compiler derives. So whatever holds such a tree is
//! [`OnStack`], and whatever makes one runs by [`Stack::run`].

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::{Stream, StreamExt as _};

use crate::node::{passes_on, with_children};

/// The stack that a statement needs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stack(usize);

impl Stack {
    /// Enough for the deepest tree that is accepted, without optimisation of the program.
    pub(crate) const DEEP: Self = Self(16 * 1024 * 1024);

    /// Enough for the statements that people write: a thread of 2 MiB has it.
    pub(crate) const FLAT: Self = Self(1024 * 1024);

    /// Does `work` on a stack that has enough left: on that of the thread, if it has.
    pub(crate) fn run<T>(self, work: impl FnOnce() -> T) -> T {
        // Twice as much, so that what runs within need not grow the stack once more.
        stacker::maybe_grow(self.0, 2 * self.0, work)
    }

    /// The value, which is polled and dropped on such a stack.
    pub(crate) fn holds<T>(self, value: T) -> OnStack<T> {
        OnStack { value: Some(value), stack: self }
    }

    /// The plan; what of it runs in tasks of its own does so on such a stack.
    pub(crate) fn plan(self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if self == Self::FLAT {
            return Ok(plan);
        }
        let guarded = |input: &Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
            Arc::new(OnStackExec { input: self.holds(Arc::clone(input)) })
        };
        let spawns = |node: &Arc<dyn ExecutionPlan>| {
            node.is::<CoalescePartitionsExec>() || node.is::<SortPreservingMergeExec>() || node.is::<RepartitionExec>()
        };
        plan.transform_up(|node| {
            if !spawns(&node) {
                return Ok(Transformed::no(node));
            }
            let inputs = node.children().into_iter().map(guarded).collect();
            with_children(&node, inputs).map(Transformed::yes)
        })
        .data()
    }
}

/// Why there is a value to look at.
const HELD: &str = "a value is there until it is dropped";

/// A value that is polled and dropped on a stack of enough bytes. What else looks into the depth of it has to see to
/// that itself, by [`Stack::run`].
pub(crate) struct OnStack<T> {
    /// There until it is dropped.
    value: Option<T>,
    stack: Stack,
}

impl<T> OnStack<T> {
    /// What `work` makes of the value.
    pub(crate) fn consume<U>(mut self, work: impl FnOnce(T) -> U) -> U {
        let value = self.value.take().expect(HELD);
        self.stack.run(|| work(value))
    }

    /// What `look` sees in the depth of the value.
    pub(crate) fn inspect<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        self.stack.run(|| look(self))
    }
}

impl<T> Deref for OnStack<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for OnStack<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD)
    }
}

impl<T> Drop for OnStack<T> {
    fn drop(&mut self) {
        self.stack.run(|| drop(self.value.take()));
    }
}

impl<T: fmt::Debug> fmt::Debug for OnStack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stack.run(|| self.value.fmt(f))
    }
}

impl<F: Future + Unpin> Future for OnStack<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let stack = self.stack;
        stack.run(|| Pin::new(&mut **self).poll(context))
    }
}

impl<S: Stream + Unpin> Stream for OnStack<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let stack = self.stack;
        stack.run(|| (**self).poll_next_unpin(context))
    }
}

/// Passes batches on from an input that is executed, polled and dropped on a stack of enough bytes.
#[derive(Debug)]
struct OnStackExec {
    input: OnStack<Arc<dyn ExecutionPlan>>,
}

impl DisplayAs for OnStackExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnStackExec")
    }
}

impl ExecutionPlan for OnStackExec {
    passes_on!(OnStackExec, |node, input| Self { input: node.input.stack.holds(input) });

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = self.input.inspect(|input| input.execute(partition, context))?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), self.input.stack.holds(batches))))
    }
}
