//! Counting members by the counts that groups carry.
//!
//! `SELECT COUNT(*) FROM GroupMembers WHERE GroupId = 'g'` would read every member of the group.
//! The group's own statistics hold the number, so one request does; and one for 200 groups where
//! members are counted per group. A group whose statistics the org withholds makes the count NULL:
//! a number that leaves its members out would look right and be wrong.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, cast, col, lit, when};
use datafusion::optimizer::AnalyzerRule;

use crate::relation::Relation;
use crate::request::Pushdown;
use crate::table::OktaTable;

/// Reads counts of members from their groups.
#[derive(Debug)]
pub(crate) struct CountFromStatistics;

impl AnalyzerRule for CountFromStatistics {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match &node {
            LogicalPlan::Aggregate(aggregate) => match from_statistics(aggregate)? {
                Some(counted) => Ok(Transformed::yes(counted)),
                None => Ok(Transformed::no(node)),
            },
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "count_members_from_statistics"
    }
}

fn from_statistics(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let [counted] = aggregate.aggr_expr.as_slice() else { return Ok(None) };
    let Some(members) = Members::of(&aggregate.input).filter(|_| counts_rows(counted)) else { return Ok(None) };
    let is_allowed = members.table.context().org.properties().sql.use_stats
        && members.table.context().options.pushdown == Pushdown::On;
    let output = aggregate.schema.columns();
    match (aggregate.group_expr.as_slice(), output.as_slice()) {
        _ if !is_allowed => Ok(None),
        ([], [total]) => members.total(total),
        ([Expr::Column(group)], [key, per_group]) if group.name == GROUP_ID => members.per_group(key, per_group),
        _ => Ok(None),
    }
}

/// Whether the expression is `COUNT(*)` or the count of a constant.
fn counts_rows(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => counts_rows(&alias.expr),
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let is_constant = |arg: &Expr| matches!(arg, Expr::Literal(value, _) if !value.is_null());
            func.name() == "count"
                && !params.distinct
                && params.filter.is_none()
                && params.order_by.is_empty()
                && params.args.iter().all(is_constant)
        }
        _ => false,
    }
}

const GROUP_ID: &str = "groupid";

/// The members of all groups, or of those that conditions on the group's id leave.
struct Members {
    table: OktaTable,
    conditions: Vec<Expr>,
}

impl Members {
    fn of(plan: &LogicalPlan) -> Option<Self> {
        match plan {
            LogicalPlan::SubqueryAlias(alias) => Self::of(&alias.input),
            LogicalPlan::Filter(filter) => {
                let mut members = Self::of(&filter.input)?;
                for condition in split_conjunction(&filter.predicate) {
                    members.conditions.push(on_group(condition)?);
                }
                Some(members)
            }
            LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
                let table = source_as_provider(&scan.source).ok()?.downcast_ref::<OktaTable>().cloned()?;
                let is_membership = matches!(table.relation().name(), "GroupMembers" | "UserGroups");
                is_membership.then_some(Self { table, conditions: Vec::new() })
            }
            _ => None,
        }
    }

    /// The groups with their counts.
    fn groups(&self) -> Result<Option<LogicalPlanBuilder>> {
        let Some(groups) = oktant_catalog::table("Groups") else { return Ok(None) };
        let relation = Arc::new(Relation::new(groups, Vec::new()));
        let table = OktaTable::new(Arc::clone(self.table.context()), relation, |_| false).standing_for("GroupId");
        let provider = Arc::new(table);
        let source = provider_as_source(provider as Arc<dyn TableProvider>);
        let mut builder = LogicalPlanBuilder::scan("groups", source, None)?;
        if let Some(condition) = conjunction(self.conditions.clone()) {
            builder = builder.filter(condition)?;
        }
        Ok(Some(builder))
    }

    /// One row per group that has members, as grouping them by group does.
    fn per_group(&self, key: &Column, counted: &Column) -> Result<Option<LogicalPlan>> {
        let Some(groups) = self.groups()? else { return Ok(None) };
        let has_members = users_count().is_null().or(users_count().gt(lit(0_i32)));
        let columns = [
            col("groups.id").alias_qualified(key.relation.clone(), &key.name),
            cast(users_count(), DataType::Int64).alias_qualified(counted.relation.clone(), &counted.name),
        ];
        groups.filter(has_members)?.project(columns)?.build().map(Some)
    }

    /// One row for all groups together.
    fn total(&self, counted: &Column) -> Result<Option<LogicalPlan>> {
        let Some(groups) = self.groups()? else { return Ok(None) };
        let none: [Expr; 0] = [];
        let aggregates = [
            sum(cast(users_count(), DataType::Int64)).alias("members"),
            count(lit(1_i64)).alias("groups"),
            count(users_count()).alias("told"),
        ];
        let without_groups = when(col("members").is_null(), lit(0_i64)).otherwise(col("members"))?;
        let total = when(col("groups").gt(col("told")), lit(ScalarValue::Int64(None))).otherwise(without_groups)?;
        let total = total.alias_qualified(counted.relation.clone(), &counted.name);
        groups.aggregate(none, aggregates)?.project([total])?.build().map(Some)
    }
}

fn users_count() -> Expr {
    col("groups.userscount")
}

/// A condition on the group's id alone, as a condition on the group.
fn on_group(condition: &Expr) -> Option<Expr> {
    let columns = condition.column_refs();
    let is_about_group = !columns.is_empty() && columns.iter().all(|column| column.name == GROUP_ID);
    let has_subquery = condition
        .exists(|part| Ok(matches!(part, Expr::InSubquery(_) | Expr::Exists(_) | Expr::ScalarSubquery(_))))
        .unwrap_or(true);
    if !is_about_group || has_subquery {
        return None;
    }
    let renamed = condition.clone().transform_up(|part| {
        Ok(match &part {
            Expr::Column(_) => Transformed::yes(col("groups.id")),
            _ => Transformed::no(part),
        })
    });
    renamed.data().ok()
}
