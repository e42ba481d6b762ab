//! Covering scans: a child table whose rows are whole objects of another table.
//!
//! A group's members come as whole users, so `GroupMembers JOIN Users` needs no request for users:
//! the columns of Users are read from the members.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use oktant_catalog::Ops;

use super::{Leaf, Tree, equality, table_of};
use crate::pushdown;
use crate::relation::{Origin, Relation, RelationColumn};
use crate::request::Pushdown;

/// Replaces tables that others cover. `mentioned` are the names of the columns that the statement
/// uses. The answer says what became of the columns of replaced tables.
pub(super) fn cover(tree: &mut Tree, mentioned: &HashSet<String>) -> Result<HashMap<Column, Expr>> {
    let mut renamed = HashMap::new();
    while let Some(covering) = find(tree, mentioned) {
        // It would compare a column with itself. What the statement itself compares so is left: of
        // NULL it is not true.
        tree.conjuncts.retain(|conjunct| !equality(conjunct).is_some_and(|sides| covering.joins(sides)));
        let substitutes = replace(tree, &covering)?;
        for expr in renamed.values_mut() {
            *expr = substituted(std::mem::take(expr), &substitutes)?;
        }
        for conjunct in &mut tree.conjuncts {
            *conjunct = substituted(std::mem::take(conjunct), &substitutes)?;
        }
        let aliased = substitutes.into_iter().map(|(column, expr)| {
            let alias = expr.alias_qualified(column.relation.clone(), column.name.clone());
            (column, alias)
        });
        renamed.extend(aliased);
    }
    Ok(renamed)
}

/// A child and a table that it covers, joined by the covering column.
struct Covering {
    child: usize,
    reference: Column,
    covered: usize,
    key: Column,
}

impl Covering {
    /// Whether these are the two columns that join child and covered table.
    fn joins(&self, sides: (&Column, &Column)) -> bool {
        sides == (&self.reference, &self.key) || sides == (&self.key, &self.reference)
    }
}

fn find(tree: &Tree, mentioned: &HashSet<String>) -> Option<Covering> {
    let mut pairs = tree.conjuncts.iter().filter_map(equality).flat_map(|(one, other)| [(one, other), (other, one)]);
    pairs.find_map(|(reference, key)| {
        let child = tree.leaves.iter().position(|leaf| leaf.owns(reference))?;
        let covered = tree.leaves.iter().position(|leaf| leaf.owns(key))?;
        let covering = Covering { child, reference: reference.clone(), covered, key: key.clone() };
        covers(tree, &covering, mentioned).then_some(covering)
    })
}

fn covers(tree: &Tree, covering: &Covering, mentioned: &HashSet<String>) -> bool {
    let (child, covered) = (&tree.leaves[covering.child], &tree.leaves[covering.covered]);
    let (Some(of_child), Some(of_covered)) = (&child.scan, &covered.scan) else { return false };
    // Without pushdown every table is read by itself, so that a difference shows.
    if of_child.options.pushdown == Pushdown::Off {
        return false;
    }
    let (child_table, covered_table) = (of_child.relation.table(), of_covered.relation.table());
    let declared = child_table
        .covers
        .iter()
        .any(|(name, column)| *name == covered_table.name && column.eq_ignore_ascii_case(&covering.reference.name));
    let by_key = matches!(covered_table.key, [only] if only.eq_ignore_ascii_case(&covering.key.name));
    // A table that is narrow by itself is the better start: its keys then say which parents to ask.
    let is_whole = covered.planned(&tree.conjuncts).is_some_and(|(_, plan)| {
        plan.pushed.is_empty() && plan.streams.iter().all(|stream| stream.single.is_none()) && !plan.streams.is_empty()
    });
    // Only the child's first route returns whole objects.
    let by_first_route =
        child.planned(&tree.conjuncts).is_some_and(|(_, plan)| plan.streams.iter().all(|stream| stream.route == 0));
    // What comes with `expand` only, the child's objects lack.
    let mut embedded = of_covered.relation.columns().iter().filter(|column| column.expand.is_some());
    let needs_embedded = embedded.any(|column| mentioned.contains(&column.name.to_lowercase()));
    covering.child != covering.covered && declared && by_key && is_whole && by_first_route && !needs_embedded
}

/// Reads the covered table's columns from the child and drops the covered leaf.
fn replace(tree: &mut Tree, covering: &Covering) -> Result<HashMap<Column, Expr>> {
    let Covering { child, covered, .. } = *covering;
    let Some(table) = table_of(&tree.leaves[child].plan) else { return Ok(HashMap::new()) };
    let Some(covered_table) = table_of(&tree.leaves[covered].plan) else { return Ok(HashMap::new()) };
    let extended = Arc::new(extended(table.relation(), covered_table.relation()));
    let qualifier = qualifier(&tree.leaves[child].plan);
    tree.conjuncts.extend(left_out(&tree.leaves[covered])?);
    let columns = tree.leaves[covered].plan.schema().columns();
    let substitutes = columns
        .into_iter()
        .map(|column| {
            // The key is the child's own reference.
            let own = if column == covering.key {
                covering.reference.clone()
            } else {
                Column::new(qualifier.clone(), member_name(covered_table.relation().name(), &column.name))
            };
            (column, Expr::Column(own))
        })
        .collect();
    let provider = Arc::new(table.with_relation(extended));
    let scan = provider.scan_of_keys();
    let plan = LogicalPlanBuilder::scan(
        qualifier.clone().unwrap_or_else(|| TableReference::bare(table.relation().name().to_lowercase())),
        provider_as_source(provider as Arc<dyn TableProvider>),
        None,
    )?
    .build()?;
    tree.leaves[child].plan = plan;
    tree.leaves[child].scan = Some(scan);
    tree.leaves.remove(covered);
    Ok(substitutes)
}

/// Conditions that every row of the covered table fulfils and the child's objects may not: with
/// `IncludeDeprovisioned=false`, a list of members has users that the table of users lacks.
fn left_out(covered: &Leaf) -> Result<Vec<Expr>> {
    let Some(scan) = &covered.scan else { return Ok(Vec::new()) };
    let qualifier = qualifier(&covered.plan);
    let of_table = |expr: Expr| {
        expr.transform_up(|part| {
            Ok(match part {
                Expr::Column(column) => Transformed::yes(Expr::Column(Column::new(qualifier.clone(), column.name))),
                other => Transformed::no(other),
            })
        })
        .data()
    };
    pushdown::excluded_status(scan).into_iter().map(of_table).collect()
}

fn qualifier(plan: &LogicalPlan) -> Option<TableReference> {
    plan.schema().iter().next().and_then(|(qualifier, _)| qualifier.cloned())
}

/// The name of a covered table's column within the child.
fn member_name(table: &str, column: &str) -> String {
    format!("{}.{column}", table.to_lowercase())
}

/// The child with the columns of the table that it covers. Only the child's first route returns
/// whole objects.
fn extended(child: &Relation, covered: &Relation) -> Relation {
    let others = child.routes().len().saturating_sub(1);
    let members = covered.columns().iter().map(|column| {
        let first = std::iter::once(column.origin(0).clone());
        RelationColumn {
            name: member_name(covered.name(), &column.name.to_lowercase()),
            aliases: Vec::new(),
            origins: first.chain(std::iter::repeat_n(Origin::Absent, others)).collect(),
            attribute: String::new(),
            filter: Ops::NONE,
            search: Ops::NONE,
            expand: None,
            hidden: false,
            ..column.clone()
        }
    });
    let customs = child.columns().iter().filter(|column| column.custom).cloned();
    Relation::new(child.table(), customs.chain(members).collect())
}

fn substituted(expr: Expr, substitutes: &HashMap<Column, Expr>) -> Result<Expr> {
    expr.transform_up(|part| {
        Ok(match &part {
            Expr::Column(column) => match substitutes.get(column) {
                Some(own) => Transformed::yes(own.clone()),
                None => Transformed::no(part),
            },
            _ => Transformed::no(part),
        })
    })
    .data()
}
