//! What nodes of the engine's plans have in common.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};

/// A node over other inputs.
pub(crate) fn with_children(
    node: &Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    Arc::clone(node).replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// The methods of `ExecutionPlan` that every node without expressions of its own writes alike.
macro_rules! without_expressions {
    ($node:ident) => {
        fn name(&self) -> &'static str {
            stringify!($node)
        }

        fn apply_expressions(
            &self,
            _: &mut dyn FnMut(
                &std::sync::Arc<dyn datafusion::physical_expr::PhysicalExpr>,
            ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion>,
        ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion> {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            let node: std::sync::Arc<dyn ExecutionPlan> = self;
            crate::node::with_children(&node, children)
        }
    };
}

/// The methods of `ExecutionPlan` that every leaf writes alike; it has its `properties`.
macro_rules! leaf {
    ($node:ident) => {
        crate::node::without_expressions!($node);

        fn properties(&self) -> &std::sync::Arc<datafusion::physical_plan::PlanProperties> {
            &self.properties
        }

        fn children(&self) -> Vec<&std::sync::Arc<dyn ExecutionPlan>> {
            Vec::new()
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
            _: datafusion::physical_plan::execution_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            if children.is_empty() {
                Ok(self)
            } else {
                datafusion::common::internal_err!("{} has no inputs", self.name())
            }
        }
    };
}

/// The methods of `ExecutionPlan` that every node writes alike whose batches are those of its one `input`. The closure
/// gives the same node over another one.
macro_rules! passes_on {
    ($node:ident, |$this:pat_param, $input:pat_param| $over:expr) => {
        crate::node::without_expressions!($node);

        fn properties(&self) -> &std::sync::Arc<datafusion::physical_plan::PlanProperties> {
            self.input.properties()
        }

        fn children(&self) -> Vec<&std::sync::Arc<dyn ExecutionPlan>> {
            let input: &std::sync::Arc<dyn ExecutionPlan> = &self.input;
            vec![input]
        }

        fn maintains_input_order(&self) -> Vec<bool> {
            vec![true]
        }

        fn cardinality_effect(&self) -> datafusion::physical_plan::execution_plan::CardinalityEffect {
            datafusion::physical_plan::execution_plan::CardinalityEffect::Equal
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            children: Vec<std::sync::Arc<dyn ExecutionPlan>>,
            _: datafusion::physical_plan::execution_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<std::sync::Arc<dyn ExecutionPlan>> {
            match <[_; 1]>::try_from(children) {
                Ok([input]) => {
                    let ($this, $input) = (&*self, input);
                    Ok(std::sync::Arc::new($over))
                }
                Err(_) => datafusion::common::internal_err!("{} has one input", self.name()),
            }
        }
    };
}

pub(crate) use {leaf, passes_on, without_expressions};
