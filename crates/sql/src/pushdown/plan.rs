//! From a scan to its requests.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use datafusion::logical_expr::{Expr, col, lit};
use oktant_catalog::{ColumnType, Ops, QueryParameter, Route, TimeRange};

use super::access::Access;
use super::estimate;
use super::expression::{Expression, Literal, Operator};
use super::keys;
use super::literal::iso_instant;
use super::narrowing::{Carried, Narrowing, narrow};
use super::projection;
use super::time_range::TimeBounds;
use crate::relation::Origin;
use crate::request::{Consistency, Estimate, Order, Pushdown, RequestStream, Scan, ScanPlan};

/// Query parameters of one request.
type Query = Vec<(String, String)>;

/// Decides which requests answer a scan.
///
/// Every row that satisfies the scan's filters is among the rows that the requests return;
/// what they return too much is told by the plan's `residual` and `dedupe`.
pub fn plan(scan: &Scan) -> ScanPlan {
    Planner::new(scan).plan()
}

pub(super) struct Planner<'a> {
    pub(super) scan: &'a Scan,
    pub(super) filters: Vec<Expr>,
    exact: BTreeSet<usize>,
    pushed: Vec<String>,
}

/// What a top-level list or one parent's list is asked.
struct Questions {
    queries: Vec<Query>,
    sorted: bool,
    narrowed: Option<Carried>,
}

impl<'a> Planner<'a> {
    fn new(scan: &'a Scan) -> Self {
        let mut filters = scan.filters.clone();
        filters.extend(excluded_status(scan));
        Self { scan, filters, exact: BTreeSet::new(), pushed: Vec::new() }
    }

    fn plan(mut self) -> ScanPlan {
        let inputs = self.inputs();
        if inputs.is_empty() {
            return self.nothing();
        }
        // What stands for a parameter of the list is not a property of one object.
        if inputs.iter().all(Vec::is_empty)
            && let Some(plan) = self.lookup()
        {
            return plan;
        }
        let mut needed = projection::mentioned(&self.filters, &self.scan.relation);
        needed.extend(&self.scan.projection);
        let Some(access) = Access::choose(self.scan, &self.filters, &needed) else { return self.nothing() };
        self.exact.extend(&access.exact);
        let Some(questions) = self.questions(&access, inputs) else { return self.nothing() };
        self.assemble(access, questions)
    }

    /// Values of input-only columns, which are no part of a row and so are settled by being sent:
    /// one entry per combination to ask for.
    fn inputs(&mut self) -> Vec<Query> {
        let mut combinations = vec![Query::new()];
        for (position, column) in self.scan.relation.columns().iter().enumerate() {
            let Some(Origin::Input(parameter)) = column.origins.first() else { continue };
            let Some(bound) = keys::bound(&self.filters, &self.scan.relation, position) else { continue };
            self.pushed.push(format!("{parameter}={}", bound.values.join("|")));
            self.exact.extend(bound.conjuncts);
            combinations = with_each(&combinations, parameter, &bound.values);
        }
        combinations
    }

    fn questions(&mut self, access: &Access, inputs: Vec<Query>) -> Option<Questions> {
        let route = access.route;
        let fixed = match &route.time_range {
            Some(range) => self.time_range(range)?,
            None => Query::new(),
        };
        let alternatives = self.parameters(route, inputs)?;
        let (mut queries, mut sorted, narrowed) = match self.narrowing(access) {
            Narrowing::Never => return None,
            Narrowing::Open => (full_scan(route, &[]), false, None),
            Narrowing::Pushed(carried) => self.narrowed_queries(route, carried),
        };
        if narrowed.is_none()
            && self.scan.options.pushdown == Pushdown::On
            && let Some(query) = self.sorted_scan(route)
        {
            (queries, sorted) = (vec![query], true);
        }
        let queries: Vec<Query> = queries
            .iter()
            .flat_map(|query| alternatives.iter().map(|values| [&fixed, values, query].map(Vec::as_slice).concat()))
            .collect();
        // Each of several lists has an order of its own.
        sorted &= queries.len() == 1;
        Some(Questions { queries, sorted, narrowed })
    }

    /// The requests for what a parameter carries, whether their rows are sorted, and what is
    /// carried, unless a plain list says the same.
    fn narrowed_queries(&mut self, route: &Route, carried: Carried) -> (Vec<Query>, bool, Option<Carried>) {
        self.exact.extend(&carried.exact);
        if let Some(left_out) = self.left_to_list(route, &carried) {
            return (full_scan(route, &left_out), false, None);
        }
        self.pushed.push(describe(&carried));
        let (queries, sorted) = self.expression_queries(route, &carried);
        (queries, sorted, Some(carried))
    }

    fn narrowing(&self, access: &Access) -> Narrowing {
        match self.scan.options.pushdown {
            Pushdown::Off | Pushdown::Parameters => Narrowing::Open,
            Pushdown::On => narrow(self.scan, access.index, access.route, &self.filters),
        }
    }

    /// `since` and `until`, always both: a query without `until` never ends. `None` when no
    /// instant lies between them.
    fn time_range(&mut self, range: &TimeRange) -> Option<Query> {
        let bounds = match (self.scan.options.pushdown, self.scan.relation.position(range.column)) {
            (Pushdown::On | Pushdown::Parameters, Some(position)) => {
                TimeBounds::of(&self.filters, &self.scan.relation, position)
            }
            _ => TimeBounds::default(),
        };
        let now = self.scan.options.now;
        let latest = now.timestamp_millis();
        let oldest = (now - TimeDelta::days(i64::from(range.retention_days))).timestamp_millis();
        let since = bounds.since.map_or(oldest, |since| since.max(oldest));
        let until = bounds.until.map_or(latest, |until| until.min(latest));
        if since >= until {
            return None;
        }
        let (since, until) = (iso_instant(since)?, iso_instant(until)?);
        if bounds != TimeBounds::default() {
            self.pushed.push(format!("{}={since}, {}={until}", range.since, range.until));
        }
        Some(vec![(range.since.to_owned(), since), (range.until.to_owned(), until)])
    }

    /// The combinations, each with every combination of the values of parameters that stand for a
    /// column.
    fn parameters(&mut self, route: &Route, mut combinations: Vec<Query>) -> Option<Vec<Query>> {
        for parameter in route.parameters {
            let values = self.parameter_values(parameter)?;
            if !values.is_empty() {
                combinations = with_each(&combinations, parameter.name, &values);
            }
        }
        Some(combinations)
    }

    /// The values to ask for, none if the parameter can be left out; `None` if no value can match.
    fn parameter_values(&mut self, parameter: &QueryParameter) -> Option<Vec<String>> {
        let relation = &self.scan.relation;
        let all: Vec<String> = parameter.enumerate.iter().map(ToString::to_string).collect();
        let bound = match (self.scan.options.pushdown, relation.position(parameter.column)) {
            (Pushdown::On | Pushdown::Parameters, Some(position)) => keys::bound(&self.filters, relation, position),
            _ => None,
        };
        let Some(bound) = bound else { return Some(all) };
        let column = relation.column(parameter.column)?;
        let values: Vec<String> = bound
            .values
            .iter()
            .filter_map(|value| if column.is_enum() { column.member(value) } else { Some(value.as_str()) })
            .filter(|value| !value.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        if values.is_empty() {
            return None;
        }
        if all.is_empty() && values.len() > 1 {
            return Some(all);
        }
        self.pushed.push(format!("{}={}", parameter.name, values.join("|")));
        Some(values)
    }

    /// Where the conjuncts carried say no more than that the rows of a further stream of the full
    /// scan are unwanted, the streams to leave out: a plain list is the better answer then.
    fn left_to_list(&self, route: &Route, carried: &Carried) -> Option<Vec<(String, String)>> {
        if carried.batches.len() != 1 || carried.exact.is_empty() || self.scan.order.is_some() {
            return None;
        }
        let streams = route.full_scan.iter().map(|stream| parse_query(stream));
        let (attribute, left_out) = streams.into_iter().find_map(|query| restriction(route, &query))?;
        let allowed = carried.batches[0].equalities(&attribute)?;
        let column = self.scan.relation.columns().iter().find(|column| column.attribute == attribute)?;
        let is_rest = column.values.iter().all(|member| *member == left_out || allowed.contains(&member.as_str()));
        (is_rest && !allowed.contains(&left_out.as_str())).then(|| vec![(attribute, left_out)])
    }

    fn expression_queries(&self, route: &Route, carried: &Carried) -> (Vec<Query>, bool) {
        let sort = self.sort(route, carried.parameter, carried.batches.len());
        let sorted = !sort.is_empty();
        let query = |expression: &Expression| {
            let mut query = vec![(carried.parameter.parameter.to_owned(), expression.to_string())];
            query.extend(sort.clone());
            query.extend(common_parameters(route));
            query
        };
        (carried.batches.iter().map(query).collect(), sorted)
    }

    /// A search for every row, for the sake of its order.
    fn sorted_scan(&self, route: &Route) -> Option<Query> {
        let order = self.scan.order?;
        if self.scan.options.consistency == Consistency::Strong {
            return None;
        }
        let parameter = route.expressions.iter().find(|parameter| parameter.sort)?;
        let sort = self.sort(route, parameter, 1);
        let column = &self.scan.relation.columns()[order.column];
        if sort.is_empty() || !column.search.contains(Ops::GE) {
            return None;
        }
        let epoch = Literal::Text(iso_instant(0)?);
        let all = Expression::compare(&column.attribute, Operator::Ge, epoch);
        let mut query = vec![(parameter.parameter.to_owned(), all.to_string())];
        query.extend(sort);
        query.extend(common_parameters(route));
        Some(query)
    }

    /// `sortBy` and `sortOrder`, where the org's order is the one wanted: by an instant that every
    /// row has, of rows that need no further test, few enough to be worth it.
    fn sort(&self, route: &Route, parameter: &oktant_catalog::Expression, requests: usize) -> Query {
        let Some(Order { column, descending, .. }) = self.scan.order else { return Query::new() };
        let column = &self.scan.relation.columns()[column];
        let is_sortable = parameter.sort
            && column.data_type == ColumnType::Timestamp
            && !column.nullable
            && !column.attribute.is_empty()
            && route.parents.is_empty();
        if !is_sortable || requests != 1 || self.scan.limit.is_none() || self.exact.len() != self.filters.len() {
            return Query::new();
        }
        let direction = if descending { "desc" } else { "asc" };
        vec![("sortBy".to_owned(), column.attribute.clone()), ("sortOrder".to_owned(), direction.to_owned())]
    }

    fn assemble(self, access: Access, questions: Questions) -> ScanPlan {
        let residual = self.residual();
        let dedupe = self.may_repeat(&access, questions.queries.len());
        let keys = if dedupe { self.scan.relation.key() } else { Vec::new() };
        let columns = self.columns(&residual, &keys);
        let page = self.page(access.route, residual.is_empty());
        let streams: Vec<_> = questions
            .queries
            .into_iter()
            .map(|query| RequestStream {
                operation: access.route.operation,
                route: access.index,
                path: Vec::new(),
                query: self.with_shape(query, &access, &columns, page),
                single: None,
            })
            .collect();
        let estimate = estimate::of(self.scan, &access, &streams, questions.narrowed.as_ref(), residual.is_empty());
        ScanPlan {
            streams,
            parents: access.parents,
            columns,
            residual,
            pushed: self.pushed.join("; "),
            dedupe,
            ordered: questions.sorted,
            estimate,
        }
    }

    /// Whether a row may come twice: from two lists, or from two pages of one while objects come and go.
    fn may_repeat(&self, access: &Access, lists: usize) -> bool {
        let key = self.scan.relation.key();
        // What happened stays where it is, and would be much to remember.
        let may_shift = access.route.page > 0 && access.parents.is_none() && access.route.time_range.is_none();
        !key.is_empty() && (lists > 1 || (may_shift && key.len() == 1))
    }

    /// Adds what shapes the answer: projection, embedded objects and page size.
    fn with_shape(&self, mut query: Query, access: &Access, columns: &[usize], page: u32) -> Query {
        let relation = &self.scan.relation;
        let is_filtered = query.iter().any(|(name, _)| name == "filter");
        // Whether `fields` works beside `filter` is not documented.
        let is_projected = access.route.fields && !is_filtered && self.scan.options.pushdown == Pushdown::On;
        if is_projected && let Some(fields) = projection::fields(relation, access.index, columns) {
            query.push(("fields".to_owned(), fields));
        }
        if let Some(expand) = projection::expand(relation, columns) {
            query.push(("expand".to_owned(), expand));
        }
        if page > 0 {
            query.push(("limit".to_owned(), page.to_string()));
        }
        query
    }

    /// The page size: no larger than the rows wanted, where every row returned is one of them.
    fn page(&self, route: &Route, is_exact: bool) -> u32 {
        if route.page == 0 {
            return 0;
        }
        let least = oktant_catalog::operation(route.operation)
            .and_then(|operation| operation.limit)
            .and_then(|limit| limit.min)
            .unwrap_or(1)
            .max(1);
        let wanted = self.scan.options.page_size.unwrap_or(u32::MAX);
        let is_wanted = is_exact && self.scan.options.pushdown == Pushdown::On;
        let rows = self.scan.limit.filter(|_| is_wanted).and_then(|limit| u32::try_from(limit).ok());
        route.page.min(wanted).min(rows.unwrap_or(u32::MAX)).max(least)
    }

    pub(super) fn residual(&self) -> Vec<Expr> {
        let rest = self.filters.iter().enumerate().filter(|(position, _)| !self.exact.contains(position));
        rest.map(|(_, filter)| filter.clone()).collect()
    }

    pub(super) fn columns(&self, residual: &[Expr], keys: &[usize]) -> Vec<usize> {
        let mut columns = projection::mentioned(residual, &self.scan.relation);
        columns.extend(&self.scan.projection);
        columns.extend(keys);
        columns.extend(self.scan.order.map(|order| order.column));
        columns.into_iter().collect()
    }

    pub(super) fn satisfied(&mut self, conjuncts: &[usize]) {
        self.exact.extend(conjuncts);
    }

    /// The plan for a statement that no row satisfies.
    pub(super) fn nothing(&self) -> ScanPlan {
        ScanPlan {
            streams: Vec::new(),
            parents: None,
            columns: self.columns(&[], &[]),
            residual: Vec::new(),
            pushed: String::new(),
            dedupe: false,
            ordered: true,
            estimate: Estimate {
                min: 0,
                max: Some(0),
                bucket: estimate::bucket(self.scan.relation.routes().first()),
                basis: "no row can satisfy the predicate".to_owned(),
                cheaper: None,
            },
        }
    }
}

/// Every combination with every value of the parameter.
fn with_each(combinations: &[Query], parameter: &str, values: &[String]) -> Vec<Query> {
    let with = |known: &Query, value: &String| {
        let mut query = known.clone();
        query.push((parameter.to_owned(), value.clone()));
        query
    };
    combinations.iter().flat_map(|known| values.iter().map(move |value| with(known, value))).collect()
}

/// The requests that return every row but those with the values of `left_out`.
fn full_scan(route: &Route, left_out: &[(String, String)]) -> Vec<Query> {
    let streams: Vec<Query> = route
        .full_scan
        .iter()
        .map(|stream| parse_query(stream))
        .filter(|query| !restriction(route, query).is_some_and(|rows| left_out.contains(&rows)))
        .collect();
    if streams.is_empty() { vec![Query::new()] } else { streams }
}

/// With `IncludeDeprovisioned=false`, the rows that only a further stream of the full scan returns
/// are no part of the table, whichever request would find them: conditions that all others fulfil.
pub(crate) fn excluded_status(scan: &Scan) -> Vec<Expr> {
    if scan.options.include_deprovisioned {
        return Vec::new();
    }
    let streams = scan.relation.routes().iter().flat_map(|route| route.full_scan.iter().map(move |text| (route, text)));
    let restrictions = streams.filter_map(|(route, text)| restriction(route, &parse_query(text)));
    let excluded = restrictions.filter_map(|(attribute, value)| {
        let column = scan.relation.columns().iter().find(|column| column.attribute == attribute)?;
        Some(col(column.name.to_lowercase()).not_eq(lit(value)))
    });
    excluded.collect()
}

/// What the expression of a stream of a full scan restricts it to: an attribute and its value.
fn restriction(route: &Route, query: &Query) -> Option<(String, String)> {
    let is_expression = |name: &str| route.expressions.iter().any(|parameter| parameter.parameter == name);
    let (_, expression) = query.iter().find(|(name, _)| is_expression(name))?;
    let (attribute, value) = expression.split_once(" eq ")?;
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    Some((attribute.to_owned(), value.to_owned()))
}

/// Parameters of the first stream of a full scan that carry no expression: they say which rows
/// the list has, so they go with every expression too.
fn common_parameters(route: &Route) -> Query {
    let first = route.full_scan.first().map(|stream| parse_query(stream)).unwrap_or_default();
    let is_expression = |name: &str| route.expressions.iter().any(|parameter| parameter.parameter == name);
    first.into_iter().filter(|(name, _)| !is_expression(name)).collect()
}

fn parse_query(text: &str) -> Query {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn describe(carried: &Carried) -> String {
    match carried.batches.as_slice() {
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more of this form)", rest.len()),
        [] => String::new(),
    }
}
