//! Tests of planning as a whole: what is sent for which statement, and that nothing is lost.

mod evaluation;
mod planning;
mod translation;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::{SessionConfig, SessionContext};
use oktant_catalog::{ColumnType, Ops};

use crate::pushdown::Translator;
use crate::relation::{Origin, Relation, RelationColumn};
use crate::request::{Consistency, Pushdown, Scan, ScanOptions};

const RANGE: Ops = Ops::EQ.union(Ops::GT).union(Ops::GE).union(Ops::LT).union(Ops::LE);

/// A table of the catalogue; users have a custom attribute of each type.
fn relation(name: &str) -> Arc<Relation> {
    let table = oktant_catalog::table(name).unwrap();
    let custom = match name {
        "Users" => vec![
            custom("ProfileLevel", "level", ColumnType::BigInt, RANGE | Ops::PR),
            custom("ProfileScore", "score", ColumnType::Double, RANGE | Ops::PR),
            custom("ProfileVip", "vip", ColumnType::Boolean, Ops::EQ | Ops::PR),
            custom("ProfileBirthday", "birthday", ColumnType::Date, RANGE),
            custom("ProfileShoe", "shoe", ColumnType::Text, Ops::EQ | Ops::SW | Ops::PR),
        ],
        _ => Vec::new(),
    };
    Arc::new(Relation::new(table, custom))
}

fn custom(name: &str, attribute: &str, data_type: ColumnType, search: Ops) -> RelationColumn {
    RelationColumn {
        name: name.to_owned(),
        aliases: Vec::new(),
        data_type,
        nullable: true,
        read_only: false,
        origins: vec![Origin::Path(vec!["profile".to_owned(), attribute.to_owned()])],
        attribute: format!("profile.{attribute}"),
        filter: Ops::NONE,
        search,
        expand: None,
        values: Vec::new(),
        hidden: false,
        custom: true,
    }
}

fn options() -> ScanOptions {
    ScanOptions {
        pushdown: Pushdown::On,
        consistency: Consistency::Auto,
        include_deprovisioned: true,
        empty_string_as_null: false,
        page_size: None,
        now: "2026-08-20T12:00:00Z".parse().unwrap(),
        sizes: BTreeMap::new(),
    }
}

fn scan(relation: &Arc<Relation>, projection: &[&str], filters: Vec<Expr>) -> Scan {
    let positions = projection.iter().map(|name| relation.position(name).unwrap());
    Scan {
        relation: Arc::clone(relation),
        projection: positions.collect(),
        filters,
        limit: None,
        order: None,
        stands_for: None,
        options: Arc::new(options()),
    }
}

fn translator<'a>(relation: &'a Relation, parameter: &str) -> Translator<'a> {
    let parameters = relation.routes()[0].expressions;
    Translator {
        relation,
        route: 0,
        parameter: parameters.iter().find(|known| known.parameter == parameter).unwrap(),
        empty_string_as_null: false,
    }
}

/// The conjuncts of a predicate as the engine's optimizer hands them to a scan: types coerced,
/// constants folded. None of them where the optimizer finds the predicate always true, and
/// `false` where it finds it never true.
async fn conjuncts(relation: &Relation, predicate: &str) -> Vec<Expr> {
    let context = SessionContext::new_with_config(SessionConfig::new());
    context.register_table("t", Arc::new(EmptyTable::new(Arc::clone(relation.schema())))).unwrap();
    let statement = format!("SELECT * FROM t WHERE {predicate}");
    let plan = context.sql(&statement).await.unwrap_or_else(|error| panic!("{predicate}: {error}"));
    let plan = plan.into_optimized_plan().unwrap();
    let mut found = Vec::new();
    plan.apply(|node| {
        match node {
            LogicalPlan::Filter(filter) => found.extend(split_conjunction_owned(filter.predicate.clone())),
            LogicalPlan::EmptyRelation(_) => found.push(datafusion::logical_expr::lit(false)),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    found
}
