//! Turns joins into key look-ups: see [`crate::keys`].

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinSide, JoinType, Result};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::projection::ProjectionExec;

use crate::keys::{KeyFeed, KeyTapExec};
use crate::node::with_children;
use crate::request::KeySource;
use crate::scan::{FedKeys, OktaScanExec};

/// Feeds scans on one side of a join with the keys of its other side.
#[derive(Debug)]
pub(crate) struct FeedKeys;

impl PhysicalOptimizerRule for FeedKeys {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(node)) };
            match fed(join)? {
                Some(join) => Ok(Transformed::yes(join)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "feed_join_keys"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// How much a scan gains from knowing the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gain {
    /// The column is the table's key: some rows instead of all.
    Lookup,
    /// The table is read per value of the column: without values, all parents are visited.
    Parent,
}

/// The join with one side fed, if that is sound and of use.
fn fed(join: &HashJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // NOT IN asks whether the other side is empty or has a NULL: it must be read as it is.
    if join.null_aware {
        return Ok(None);
    }
    let sides = [JoinSide::Right, JoinSide::Left];
    let candidates = sides.into_iter().filter(|side| may_narrow(*join.join_type(), *side)).flat_map(|side| {
        (0..join.on().len()).filter_map(move |pair| gain(join, side, pair).map(|gain| (gain, side, pair)))
    });
    // The probe side needs no swap, so it wins a tie.
    let best = candidates.max_by_key(|(gain, side, _)| (*gain, *side == JoinSide::Right));
    let Some((_, side, pair)) = best else { return Ok(None) };
    if side == JoinSide::Right {
        return feed_probe(join, pair).map(Some);
    }
    let swapped = join.swap_inputs(PartitionMode::CollectLeft)?;
    // Swapping may put a projection on top, to restore the order of columns.
    let swapped = swapped.transform_down(|node| match node.downcast_ref::<HashJoinExec>() {
        Some(join) => {
            Ok(Transformed::new(feed_probe(join, pair)?, true, datafusion::common::tree_node::TreeNodeRecursion::Stop))
        }
        None => Ok(Transformed::no(node)),
    });
    swapped.data().map(Some)
}

/// Whether rows of a side that match nothing on the other side may be left out.
fn may_narrow(join: JoinType, side: JoinSide) -> bool {
    match side {
        JoinSide::Right => matches!(
            join,
            JoinType::Inner
                | JoinType::Left
                | JoinType::LeftSemi
                | JoinType::LeftAnti
                | JoinType::RightSemi
                | JoinType::LeftMark
        ),
        JoinSide::Left => matches!(
            join,
            JoinType::Inner
                | JoinType::Right
                | JoinType::RightSemi
                | JoinType::RightAnti
                | JoinType::LeftSemi
                | JoinType::RightMark
        ),
        JoinSide::None => false,
    }
}

fn gain(join: &HashJoinExec, side: JoinSide, pair: usize) -> Option<Gain> {
    let (left, right) = &join.on()[pair];
    let (input, key, other, other_key) = match side {
        JoinSide::Left => (join.left(), left, join.right(), right),
        _ => (join.right(), right, join.left(), left),
    };
    let key = key.downcast_ref::<Column>()?;
    let other_key = other_key.downcast_ref::<Column>()?;
    if !KeyTapExec::can_tap(other.schema().field(other_key.index()).data_type()) {
        return None;
    }
    let (scan, column) = scan_of(input, key.index())?;
    gain_of(&scan, column)
}

fn gain_of(scan: &OktaScanExec, column: usize) -> Option<Gain> {
    if scan.keys().is_some() || scan.scan().limit.is_some() || scan.plan().streams.is_empty() {
        return None;
    }
    let parents = scan.plan().parents.as_ref();
    let is_open = |source: &KeySource| matches!(source, KeySource::Table { .. });
    match parents {
        Some(parents) if is_open(&parents.source) => {
            let is_parameter = parents.parameters.iter().any(|(_, fed)| *fed == column);
            (is_parameter || scan.scan().relation.is_parent_key(column)).then_some(Gain::Parent)
        }
        Some(_) => None,
        None => (scan.scan().relation.key() == [column]).then_some(Gain::Lookup),
    }
}

/// Feeds the probe side (the right one) from the build side (the left one).
fn feed_probe(join: &HashJoinExec, pair: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right) = &join.on()[pair];
    let (Some(tapped), Some(key)) = (left.downcast_ref::<Column>(), right.downcast_ref::<Column>()) else {
        return join.builder().build_exec();
    };
    let origin = scan_of(join.left(), tapped.index()).map_or_else(
        || tapped.name().to_owned(),
        |(scan, column)| format!("{}.{}", scan.scan().relation.name(), scan.scan().relation.columns()[column].name),
    );
    let feed = Arc::new(KeyFeed::new(origin));
    let probe = with_fed_scan(join.right(), key.index(), &feed)?;
    let build = Arc::new(KeyTapExec::new(Arc::clone(join.left()), tapped.index(), feed));
    join.builder().with_partition_mode(PartitionMode::CollectLeft).with_new_children(vec![build, probe])?.build_exec()
}

/// The scan that a column of a plan comes from unchanged, and its position in the relation. Only
/// through nodes below which rows may be left out by the column's value.
fn scan_of(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Option<(OktaScanExec, usize)> {
    if let Some(scan) = plan.downcast_ref::<OktaScanExec>() {
        return Some((scan.clone(), *scan.scan().projection.get(column)?));
    }
    let (child, column) = source(plan, column)?;
    scan_of(&plan.children()[child].clone(), column)
}

/// The child and its column that a column of a node passes on.
fn source(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Option<(usize, usize)> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let below = projection.expr().get(column)?.expr.downcast_ref::<Column>()?;
        return Some((0, below.index()));
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let below = filter.projection().as_ref().map_or(Some(column), |shown| shown.get(column).copied())?;
        return filter.fetch().is_none().then_some((0, below));
    }
    if plan.is::<KeyTapExec>() || plan.is::<CoalescePartitionsExec>() {
        return plan.fetch().is_none().then_some((0, column));
    }
    let join = plan.downcast_ref::<HashJoinExec>()?;
    if *join.join_type() != JoinType::Inner || join.fetch().is_some() {
        return None;
    }
    let joined = join.projection.as_ref().map_or(Some(column), |shown| shown.get(column).copied())?;
    let left = join.left().schema().fields().len();
    Some(if joined < left { (0, joined) } else { (1, joined - left) })
}

fn with_fed_scan(plan: &Arc<dyn ExecutionPlan>, column: usize, feed: &Arc<KeyFeed>) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(scan) = plan.downcast_ref::<OktaScanExec>() {
        let column = scan.scan().projection[column];
        return Ok(Arc::new(scan.fed(FedKeys { column, feed: Arc::clone(feed) })));
    }
    let Some((child, column)) = source(plan, column) else { return Ok(Arc::clone(plan)) };
    let mut children: Vec<_> = plan.children().into_iter().cloned().collect();
    children[child] = with_fed_scan(&children[child], column, feed)?;
    with_children(plan, children)
}
