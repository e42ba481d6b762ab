//! `ORDER BY … LIMIT n` where the org can sort: only the first rows are asked for.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use crate::node::with_children;
use crate::request::Order;
use crate::scan::OktaScanExec;

/// Asks scans below a top-n sort for the first rows only. The sort stays: it costs nothing on n
/// rows, and it orders ties by whatever further columns it has.
#[derive(Debug)]
pub(crate) struct PushOrder;

impl PhysicalOptimizerRule for PushOrder {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| {
            let Some(sort) = node.downcast_ref::<SortExec>() else { return Ok(Transformed::no(node)) };
            match pushed(sort)? {
                Some(input) => Ok(Transformed::yes(with_children(&node, vec![input])?)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "push_order_to_org"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The sort's input with the order pushed into its scan, if that is possible.
fn pushed(sort: &SortExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // Ties at the end of the first n rows are broken by the further columns, which the org cannot do.
    let (Some(limit), [first]) = (sort.fetch(), sort.expr().as_ref()) else { return Ok(None) };
    let Some(column) = first.expr.downcast_ref::<Column>() else { return Ok(None) };
    narrowed(sort.input(), column.index(), limit, first.options.descending, first.options.nulls_first)
}

fn narrowed(
    input: &Arc<dyn ExecutionPlan>,
    column: usize,
    limit: usize,
    descending: bool,
    nulls_first: bool,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = input.downcast_ref::<OktaScanExec>() {
        let order = Order { column: scan.scan().projection[column], descending, nulls_first };
        let ordered = scan.ordered(order, limit)?;
        return Ok(ordered.map(|scan| Arc::new(scan) as Arc<dyn ExecutionPlan>));
    }
    let Some(projection) = input.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let Some(below) = projection.expr()[column].expr.downcast_ref::<Column>() else { return Ok(None) };
    let Some(child) = narrowed(projection.input(), below.index(), limit, descending, nulls_first)? else {
        return Ok(None);
    };
    with_children(input, vec![child]).map(Some)
}
