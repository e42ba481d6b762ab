//! The order of inner joins, by what they cost in requests.
//!
//! The first table of a join is read on its own; each further one can be read by the keys that the
//! ones before it deliver (see [`crate::feed`]). So the order decides how many requests a statement
//! takes: starting at the group that is named, its members and then their users take a handful;
//! starting at the users takes one request for each of them.

mod cover;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Result};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator};
use datafusion::optimizer::AnalyzerRule;

use crate::pushdown;
use crate::relation::Relation;
use crate::request::{KeySource, Scan, ScanPlan};
use crate::table::OktaTable;

/// Puts inner joins into the order that takes the fewest requests.
#[derive(Debug)]
pub(crate) struct OrderJoins;

impl AnalyzerRule for OrderJoins {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mentioned = mentioned_names(&plan)?;
        plan.transform_up_with_subqueries(|node| {
            // A join below another one is part of it and is seen from the top.
            match &node {
                LogicalPlan::Filter(filter) if is_inner_join(&filter.input) => ordered(node, &mentioned),
                _ => order_children(node, &mentioned),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "order_joins_by_requests"
    }
}

/// Names of the columns that some expression of the statement mentions.
fn mentioned_names(plan: &LogicalPlan) -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            names.extend(expr.column_refs().into_iter().map(|column| column.name.clone()));
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(names)
}

/// Orders the joins directly below a node that is neither a join nor a filter over one.
fn order_children(node: LogicalPlan, mentioned: &HashSet<String>) -> Result<Transformed<LogicalPlan>> {
    if is_inner_join(&node) || !node.inputs().iter().any(|input| is_inner_join(input)) {
        return Ok(Transformed::no(node));
    }
    node.map_children(
        |child| if is_inner_join(&child) { ordered(child, mentioned) } else { Ok(Transformed::no(child)) },
    )
}

fn is_inner_join(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(join) if join.join_type == JoinType::Inner)
}

/// The parts of a tree of inner joins.
#[derive(Default)]
struct Tree {
    leaves: Vec<Leaf>,
    conjuncts: Vec<Expr>,
}

/// A part that is not an inner join itself.
struct Leaf {
    plan: LogicalPlan,
    /// Set where it is a table of the org, perhaps under an alias.
    scan: Option<Scan>,
}

fn ordered(plan: LogicalPlan, mentioned: &HashSet<String>) -> Result<Transformed<LogicalPlan>> {
    let output = plan.schema().columns();
    let mut tree = Tree::default();
    let original = plan.clone();
    collect(plan, &mut tree)?;
    if !tree.leaves.iter().any(|leaf| leaf.scan.is_some()) {
        return Ok(Transformed::no(original));
    }
    let mut renamed = cover::cover(&mut tree, mentioned)?;
    let order = tree.order();
    let joined = tree.rebuild(&order)?;
    let columns = output.into_iter().map(|column| renamed.remove(&column).unwrap_or(Expr::Column(column)));
    Ok(Transformed::yes(LogicalPlanBuilder::from(joined).project(columns)?.build()?))
}

fn collect(plan: LogicalPlan, tree: &mut Tree) -> Result<()> {
    match plan {
        LogicalPlan::Filter(filter) if is_inner_join(&filter.input) => {
            tree.conjuncts.extend(split_conjunction_owned(filter.predicate));
            collect(Arc::unwrap_or_clone(filter.input), tree)
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            tree.conjuncts.extend(join.on.into_iter().map(|(left, right)| left.eq(right)));
            tree.conjuncts.extend(join.filter.into_iter().flat_map(split_conjunction_owned));
            collect(Arc::unwrap_or_clone(join.left), tree)?;
            collect(Arc::unwrap_or_clone(join.right), tree)
        }
        other => {
            let scan = table_of(&other).map(|table| table.scan_of_keys());
            tree.leaves.push(Leaf { plan: other, scan });
            Ok(())
        }
    }
}

/// The table of the org that a leaf reads whole.
fn table_of(plan: &LogicalPlan) -> Option<OktaTable> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => table_of(&alias.input),
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
            source_as_provider(&scan.source).ok()?.downcast_ref::<OktaTable>().cloned()
        }
        _ => None,
    }
}

/// What a leaf costs in requests, roughly: a measure for comparing only.
type Cost = u64;

/// A condition that the org evaluates, on a table of unknown size.
const COST_NARROWED: Cost = 10;
/// A table read by keys that another one delivers.
const COST_FED: Cost = 20;
/// A whole table of unknown size.
const COST_WHOLE: Cost = 500;
/// One request for each row of a parent table of unknown size.
const COST_FAN_OUT: Cost = 1_000_000;
/// A part that is no table of the org.
const COST_LOCAL: Cost = 5;

impl Leaf {
    fn owns(&self, column: &Column) -> bool {
        self.plan.schema().has_column(column)
    }

    /// Its plan, if the conjuncts that concern it alone are given to it.
    fn planned(&self, conjuncts: &[Expr]) -> Option<(Scan, ScanPlan)> {
        let mut scan = self.scan.clone()?;
        let own = conjuncts.iter().filter(|conjunct| {
            let columns = conjunct.column_refs();
            !columns.is_empty() && columns.iter().all(|column| self.owns(column))
        });
        scan.filters = own.cloned().map(unnormalize_col).collect();
        let plan = pushdown::plan(&scan);
        Some((scan, plan))
    }

    fn cost(&self, conjuncts: &[Expr]) -> Cost {
        let Some((_, plan)) = self.planned(conjuncts) else { return COST_LOCAL };
        if plan.streams.is_empty() {
            return 0;
        }
        let fans_out = plan.parents.as_ref().is_some_and(|parents| matches!(parents.source, KeySource::Table { .. }));
        match plan.estimate.max {
            Some(max) => max,
            None if fans_out => COST_FAN_OUT,
            None if !plan.pushed.is_empty() => COST_NARROWED,
            None => COST_WHOLE,
        }
    }

    /// Whether the values of this column spare it from being read whole.
    fn is_fed_by(&self, column: &Column) -> bool {
        let Some(scan) = self.scan.as_ref().filter(|_| self.owns(column)) else { return false };
        let relation: &Relation = &scan.relation;
        relation.position(&column.name).is_some_and(|position| relation.is_fed_by(position))
    }
}

impl Tree {
    /// Positions of the leaves in the order to join them.
    fn order(&self) -> Vec<usize> {
        let costs: Vec<Cost> = self.leaves.iter().map(|leaf| leaf.cost(&self.conjuncts)).collect();
        let mut left: BTreeSet<usize> = (0..self.leaves.len()).collect();
        let mut order: Vec<usize> = Vec::with_capacity(left.len());
        while !left.is_empty() {
            // A leaf that nothing connects would multiply rows, so it waits unless it is the first.
            let next = left.iter().copied().min_by_key(|&leaf| {
                let connection = self.connection(&order, leaf);
                let cost = if connection == Connection::Fed { costs[leaf].min(COST_FED) } else { costs[leaf] };
                (!order.is_empty() && connection == Connection::None, cost, leaf)
            });
            let Some(next) = next else { break };
            left.remove(&next);
            order.push(next);
        }
        order
    }

    /// How a leaf is connected to those already joined.
    fn connection(&self, joined: &[usize], leaf: usize) -> Connection {
        let is_joined = |column: &Column| joined.iter().any(|&other| self.leaves[other].owns(column));
        let sides = self.conjuncts.iter().filter_map(equality).flat_map(|(one, other)| [(one, other), (other, one)]);
        let connecting = sides.filter(|(own, other)| self.leaves[leaf].owns(own) && is_joined(other));
        connecting.fold(Connection::None, |best, (own, _)| {
            let this = if self.leaves[leaf].is_fed_by(own) { Connection::Fed } else { Connection::Equal };
            best.max(this)
        })
    }

    /// Joins the leaves in this order; each condition stands as low as its columns allow.
    fn rebuild(self, order: &[usize]) -> Result<LogicalPlan> {
        let mut conjuncts = self.conjuncts;
        let mut leaves: Vec<Option<LogicalPlan>> = self.leaves.into_iter().map(|leaf| Some(leaf.plan)).collect();
        let mut joined: Option<LogicalPlan> = None;
        for &index in order {
            let Some(leaf) = leaves[index].take() else { continue };
            joined = Some(match joined {
                None => leaf,
                Some(left) => {
                    let schema = left.schema().join(leaf.schema())?;
                    let (now, later) = conjuncts
                        .into_iter()
                        .partition(|conjunct| conjunct.column_refs().iter().all(|column| schema.has_column(column)));
                    conjuncts = later;
                    LogicalPlanBuilder::from(left).join_on(leaf, JoinType::Inner, now)?.build()?
                }
            });
        }
        let joined = joined.ok_or_else(|| datafusion::common::internal_datafusion_err!("a join without inputs"))?;
        match conjunction(conjuncts) {
            Some(rest) => LogicalPlanBuilder::from(joined).filter(rest)?.build(),
            None => Ok(joined),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Connection {
    None,
    Equal,
    Fed,
}

/// The columns of `a = b`.
fn equality(conjunct: &Expr) -> Option<(&Column, &Column)> {
    match conjunct {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(left), Expr::Column(right)) => Some((left, right)),
            _ => None,
        },
        _ => None,
    }
}
