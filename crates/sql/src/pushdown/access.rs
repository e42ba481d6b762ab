//! Which of a table's routes answers a scan, and where the keys of its parents come from.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::{Expr, col, lit};
use oktant_catalog::{ParentKey, Route, Table};

use super::keys::{self, Bound};
use crate::relation::{Origin, Relation};
use crate::request::{KeySource, Parents, Pushdown, Scan, ScanOptions};

/// Most tuples of parent keys that a statement may spell out.
const TUPLES_MAX: usize = 10_000;

/// A route and the keys of its parents.
#[derive(Debug)]
pub(crate) struct Access {
    /// Index of the route.
    pub(crate) index: usize,
    /// The route.
    pub(crate) route: &'static Route,
    /// The parents, for a child table.
    pub(crate) parents: Option<Parents>,
    /// Conjuncts that the choice of parents satisfies, by position.
    pub(crate) exact: Vec<usize>,
    /// Whether the statement has conditions on the parents.
    pub(crate) is_narrowed: bool,
    /// Parents that conditions on what identifies them leave, if there are such conditions.
    few: Option<u64>,
}

impl Access {
    /// Chooses the route that returns every column the scan needs at the least number of parents.
    pub(crate) fn choose(scan: &Scan, filters: &[Expr], needed: &BTreeSet<usize>) -> Option<Self> {
        let relation = &scan.relation;
        let routes = relation.routes().iter().enumerate();
        let absent = |route: usize| {
            needed.iter().filter(|&&column| *relation.columns()[column].origin(route) == Origin::Absent).count()
        };
        routes.map(|(index, route)| Self::by(scan, filters, needed, index, route)).min_by_key(|access| {
            let parents = access.parents_expected(scan);
            (absent(access.index), parents, access.children_expected(scan), access.index)
        })
    }

    /// Where routes visit equally many parents: the one of a larger parent table, whose members
    /// have fewer children each.
    fn children_expected(&self, scan: &Scan) -> Reverse<u64> {
        let parents = self.route.parents.last().and_then(|key| scan.options.sizes.get(key.table));
        Reverse(parents.copied().unwrap_or(0))
    }

    /// How many parents it visits, as far as that is known: fewer are better, unknown is worst.
    fn parents_expected(&self, scan: &Scan) -> u64 {
        match self.parents.as_ref().map(|parents| &parents.source) {
            None => 0,
            Some(KeySource::Literal(tuples)) => tuples.len() as u64,
            Some(KeySource::Table { table, .. }) => {
                let known = scan.options.sizes.get(table).copied().unwrap_or(u64::MAX);
                self.few.map_or(known, |few| few.min(known))
            }
        }
    }

    fn by(scan: &Scan, filters: &[Expr], needed: &BTreeSet<usize>, index: usize, route: &'static Route) -> Self {
        let Some(innermost) = route.parents.last() else {
            return Self { index, route, parents: None, exact: Vec::new(), is_narrowed: false, few: None };
        };
        let relation = &scan.relation;
        let of_parent = OfParent { relation, route: index };
        let carried: BTreeSet<_> = needed.iter().filter_map(|&column| of_parent.column(column)).collect();
        let positions: Vec<_> = route.parents.iter().filter_map(|key| relation.position(key.column)).collect();
        let bounds: Vec<_> = positions.iter().map(|&position| keys::bound(filters, relation, position)).collect();
        let conditions = of_parent.conditions(filters);
        let is_narrowed = !conditions.is_empty() || bounds.iter().any(Option::is_some);
        let (source, exact) = literal_source(route, &bounds)
            .unwrap_or_else(|| (table_source(scan, route, &bounds, conditions), Vec::new()));
        let parameters = route.parents.iter().map(|key| key.parameter).zip(positions).collect();
        let (columns, carried) = (columns_of_parents(route), carried.into_iter().collect());
        let parents = Parents { parameters, source, table: innermost.table, columns, carried };
        Self { index, route, parents: Some(parents), exact, is_narrowed, few: of_parent.few(filters) }
    }
}

/// What a route takes from its parents' rows.
struct OfParent<'a> {
    relation: &'a Relation,
    route: usize,
}

impl OfParent<'_> {
    /// The parent's column that a column is.
    fn column(&self, position: usize) -> Option<&'static str> {
        match self.relation.columns()[position].origin(self.route) {
            Origin::OfParent(column) => Some(column),
            _ => None,
        }
    }

    /// The conjuncts about nothing but the parent, in the parent's terms.
    fn conditions(&self, filters: &[Expr]) -> Vec<Expr> {
        filters.iter().filter_map(|filter| self.condition(filter)).collect()
    }

    fn condition(&self, filter: &Expr) -> Option<Expr> {
        let columns = filter.column_refs();
        let of_parent = |column: &&Column| self.relation.position(&column.name).and_then(|at| self.column(at));
        if columns.is_empty() || !columns.iter().all(|column| of_parent(column).is_some()) {
            return None;
        }
        let renamed = filter.clone().transform_up(|part| {
            Ok(match &part {
                Expr::Column(column) => match of_parent(&column) {
                    Some(parents) => Transformed::yes(col(parents.to_lowercase())),
                    None => Transformed::no(part),
                },
                _ => Transformed::no(part),
            })
        });
        renamed.data().ok()
    }

    /// How many parents equalities of text leave, if there are any.
    fn few(&self, filters: &[Expr]) -> Option<u64> {
        let columns = self.relation.columns().iter().enumerate();
        let names = columns.filter(|(position, column)| self.column(*position).is_some() && !column.is_enum());
        let bounds = names.filter_map(|(position, _)| keys::bound(filters, self.relation, position));
        bounds.map(|bound| bound.values.len() as u64).min()
    }
}

/// The tuples that the statement spells out, where it binds every parent key.
fn literal_source(route: &Route, bounds: &[Option<Bound>]) -> Option<(KeySource, Vec<usize>)> {
    let bounds: Vec<_> = bounds.iter().map(Option::as_ref).collect::<Option<_>>()?;
    let lists: Vec<_> = bounds.iter().zip(route.parents).map(|(bound, key)| addressable(bound, key)).collect();
    let tuples = keys::combinations(&lists, TUPLES_MAX)?;
    let exact = bounds.iter().flat_map(|bound| bound.conjuncts.iter().copied()).collect();
    Some((KeySource::Literal(tuples), exact))
}

/// Keys that can name a parent: paths below a user also resolve logins, which are no keys.
fn addressable(bound: &Bound, key: &ParentKey) -> Vec<String> {
    let names_key = |value: &String| {
        if key.table == "Users" { keys::is_id(value) } else { keys::is_segment(value) }
    };
    bound.values.iter().filter(|value| names_key(value)).cloned().collect()
}

/// The columns with the keys in the table that lists the parents: with several levels, the innermost,
/// which has all keys.
fn columns_of_parents(route: &'static Route) -> Vec<&'static str> {
    let innermost = route.parents.last().map_or("", |key| key.table);
    let own = |key: &ParentKey| if key.table == innermost { key.table_column } else { key.column };
    route.parents.iter().map(own).collect()
}

/// The table that lists the parents, and which of them to ask for.
fn table_source(scan: &Scan, route: &'static Route, bounds: &[Option<Bound>], conditions: Vec<Expr>) -> KeySource {
    let innermost = route.parents.last().map_or("", |key| key.table);
    let columns = columns_of_parents(route);
    let mut filters: Vec<Expr> = columns
        .iter()
        .zip(bounds)
        .filter_map(|(column, bound)| bound.as_ref().map(|bound| is_one_of(column, &bound.values)))
        .collect();
    if scan.options.pushdown == Pushdown::Off {
        return KeySource::Table { table: innermost, columns, filters };
    }
    if let Some(stand_in) = stand_in(&scan.relation, innermost) {
        return KeySource::Table { table: stand_in, columns: vec!["Id"], filters };
    }
    filters.extend(conditions);
    filters.extend(childless(scan.relation.table(), innermost));
    KeySource::Table { table: innermost, columns, filters }
}

fn is_one_of(column: &str, values: &[String]) -> Expr {
    let values = values.iter().map(|value| lit(value.as_str())).collect();
    col(column.to_lowercase()).in_list(values, false)
}

/// A shorter table of just those parents that have children at all.
fn stand_in(relation: &Relation, parent: &str) -> Option<&'static str> {
    let table = oktant_catalog::table("AdminUsers")?;
    (relation.name() == "UserRoles" && parent == "Users").then_some(table.name)
}

/// A condition that parents with children fulfil, from counts that come with the parents. A count
/// that the org withholds says nothing.
fn childless(child: &Table, parent: &str) -> Option<Expr> {
    let counts_members = matches!(child.name, "GroupMembers" | "UserGroups");
    (counts_members && parent == "Groups").then(|| col("userscount").is_null().or(col("userscount").gt(lit(0_i32))))
}

/// The scan that lists the parents, as far as they are wanted: first their keys, then what their children take from
/// them. `None` if the catalogue lacks their table.
pub(crate) fn scan_of_parents(parents: &Parents, options: &Arc<ScanOptions>) -> Option<Scan> {
    let (table, columns, filters) = match &parents.source {
        KeySource::Table { table, columns, filters } => (*table, columns, filters.clone()),
        KeySource::Literal(tuples) => (parents.table, &parents.columns, any_of(parents, tuples)),
    };
    let relation = Arc::new(Relation::new(oktant_catalog::table(table)?, Vec::new()));
    let wanted = columns.iter().chain(&parents.carried);
    let projection = wanted.filter_map(|column| relation.position(column)).collect();
    let options = Arc::clone(options);
    Some(Scan { relation, projection, filters, limit: None, order: None, stands_for: None, options })
}

/// The conditions that find parents whose keys stand in the statement.
fn any_of(parents: &Parents, tuples: &[Vec<String>]) -> Vec<Expr> {
    let levels = parents.columns.iter().enumerate();
    let conditions = levels.map(|(level, column)| {
        let values: BTreeSet<&str> = tuples.iter().map(|tuple| tuple[level].as_str()).collect();
        col(column.to_lowercase()).in_list(values.into_iter().map(lit).collect(), false)
    });
    conditions.collect()
}
