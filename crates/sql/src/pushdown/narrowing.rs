//! Which expression parameter of a route carries which conjuncts, and in how many requests.

use std::cmp::Ordering;

use datafusion::logical_expr::Expr;
use oktant_base::limits::{EXPRESSION_ENCODED_BYTES_MAX, EXPRESSION_TERMS_MAX};
use oktant_catalog::Route;

use super::expression::Expression;
use super::translate::{Class, Pushed, Selectivity, Translation, Translator};
use crate::request::{Consistency, Scan};

/// What a route's expression parameters do for a scan.
#[derive(Debug)]
pub(crate) enum Narrowing {
    /// No row satisfies the statement.
    Never,
    /// The org evaluates nothing.
    Open,
    /// A parameter carries conjuncts.
    Pushed(Carried),
}

/// Conjuncts that one parameter carries.
#[derive(Debug)]
pub(crate) struct Carried {
    /// The parameter.
    pub(crate) parameter: &'static oktant_catalog::Expression,
    /// Its value in each of the requests that together return the rows; never empty.
    pub(crate) batches: Vec<Expression>,
    /// The conjuncts that every row returned satisfies, by position.
    pub(crate) exact: Vec<usize>,
    /// How far the rows are narrowed down.
    pub(crate) selectivity: Selectivity,
}

/// A conjunct and its translation.
#[derive(Debug, Clone)]
struct Part {
    conjunct: usize,
    pushed: Pushed,
}

/// Finds the parameter of `route` that does most for `filters`.
pub(crate) fn narrow(scan: &Scan, index: usize, route: &'static Route, filters: &[Expr]) -> Narrowing {
    let mut best: Option<(&'static oktant_catalog::Expression, Vec<Part>)> = None;
    for parameter in by_preference(scan, route) {
        let translator = Translator {
            relation: &scan.relation,
            route: index,
            parameter,
            empty_string_as_null: scan.options.empty_string_as_null,
        };
        let Some(parts) = parts(&translator, filters) else { return Narrowing::Never };
        if best.as_ref().is_none_or(|(_, known)| is_better(&parts, known, prefers_exact(scan, route))) {
            best = Some((parameter, parts));
        }
    }
    match best {
        Some((parameter, parts)) if !parts.is_empty() => carried(scan, route, parameter, parts),
        _ => Narrowing::Open,
    }
}

/// The parameters that the connection's consistency allows, the preferred one first.
fn by_preference(scan: &Scan, route: &'static Route) -> Vec<&'static oktant_catalog::Expression> {
    let mut parameters: Vec<_> = route.expressions.iter().collect();
    match scan.options.consistency {
        Consistency::Auto if scan.order.is_some() => parameters.sort_by_key(|parameter| !parameter.sort),
        Consistency::Auto => {}
        Consistency::Strong => parameters.retain(|parameter| parameter.parameter == "filter"),
        Consistency::Search => parameters.sort_by_key(|parameter| parameter.parameter != "search"),
    }
    parameters
}

/// The conjuncts that the parameter can carry together; `None` when one of them is never true.
fn parts(translator: &Translator<'_>, filters: &[Expr]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for (conjunct, filter) in filters.iter().enumerate() {
        match translator.translate(filter) {
            Translation::Never => return None,
            Translation::Pushed(pushed) => parts.push(Part { conjunct, pushed }),
            Translation::Always | Translation::Local => {}
        }
    }
    if contradict(&parts, translator) {
        return None;
    }
    Some(translator.compatible(parts, |part| &part.pushed))
}

/// Whether the conjuncts leave some enumeration no member.
fn contradict(parts: &[Part], translator: &Translator<'_>) -> bool {
    let enumerations = translator.relation.columns().iter().filter(|column| column.is_enum());
    enumerations.into_iter().any(|column| {
        let mut lists = parts.iter().filter_map(|part| part.pushed.expression.equalities(&column.attribute));
        let Some(first) = lists.next() else { return false };
        lists.fold(first, |left, list| left.into_iter().filter(|member| list.contains(member)).collect()).is_empty()
    })
}

/// When an exact comparison is preferred among parameters that carry as many conjuncts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PrefersExact {
    Always,
    ForSingleValues,
    Never,
}

fn prefers_exact(scan: &Scan, route: &Route) -> PrefersExact {
    match scan.options.consistency {
        // Only the search sorts.
        Consistency::Auto if scan.order.is_some() => PrefersExact::Never,
        Consistency::Auto if route.fields => PrefersExact::ForSingleValues,
        Consistency::Auto => PrefersExact::Always,
        Consistency::Strong | Consistency::Search => PrefersExact::Never,
    }
}

/// More conjuncts are better. With as many, the parameter that compares exactly: its answer comes
/// from the primary store. Only where the list can also be projected (`fields`) is that given up
/// for the search, except for the look-up of a single value.
fn is_better(parts: &[Part], known: &[Part], prefers_exact: PrefersExact) -> bool {
    let worst = |parts: &[Part]| parts.iter().map(|part| part.pushed.class).max();
    let is_single_value = match parts {
        [part] => part.pushed.selectivity == Selectivity::Value && part.pushed.expression.terms() == 1,
        _ => false,
    };
    match parts.len().cmp(&known.len()) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => match prefers_exact {
            PrefersExact::Always => worst(parts) <= worst(known),
            PrefersExact::ForSingleValues => is_single_value && worst(parts) < worst(known),
            PrefersExact::Never => false,
        },
    }
}

fn carried(scan: &Scan, route: &Route, parameter: &'static oktant_catalog::Expression, parts: Vec<Part>) -> Narrowing {
    let batches_max = scan.options.sizes.get(scan.relation.name()).map(|rows| pages(*rows, route.page));
    let Some((batches, kept)) = batches(parts, batches_max) else { return Narrowing::Open };
    let exact = kept.iter().filter(|part| part.pushed.class == Class::Exact).map(|part| part.conjunct).collect();
    let selectivity = kept.iter().map(|part| part.pushed.selectivity).max().unwrap_or(Selectivity::Weak);
    Narrowing::Pushed(Carried { parameter, batches, exact, selectivity })
}

/// Pages that `rows` rows fill; an empty list is one page.
pub(crate) fn pages(rows: u64, page: u32) -> u64 {
    if page == 0 { 1 } else { rows.div_ceil(u64::from(page)).max(1) }
}

/// Splits the conjunction of `parts` so that each piece is short enough for one request, along
/// the longest alternative. Parts that do not fit are left out; the second value are those that
/// every request carries. `None` when nothing fits, or when more than `max` requests were needed.
fn batches(mut parts: Vec<Part>, max: Option<u64>) -> Option<(Vec<Expression>, Vec<Part>)> {
    let whole = Expression::all(parts.iter().map(|part| part.pushed.expression.clone()).collect())?;
    if fits(&whole) {
        return Some((vec![whole], parts));
    }
    parts.sort_by_key(|part| part.pushed.expression.encoded_len());
    let split = parts.iter().rposition(|part| matches!(part.pushed.expression, Expression::Any(_)));
    let split = split.map(|position| parts.remove(position));
    let mut common: Vec<Part> = Vec::new();
    for part in parts {
        let mut longer: Vec<_> = common.iter().map(|part| part.pushed.expression.clone()).collect();
        longer.push(part.pushed.expression.clone());
        if Expression::all(longer).is_some_and(|together| is_half(&together)) {
            common.push(part);
        }
    }
    let stem = || common.iter().map(|part| part.pushed.expression.clone()).collect::<Vec<_>>();
    let without_split = |common: Vec<Part>| Expression::all(stem()).map(|expression| (vec![expression], common));
    let Some(split) = split else { return without_split(common.clone()) };
    let Expression::Any(alternatives) = &split.pushed.expression else { return None };
    match pieces(alternatives, &stem()) {
        Some(batches) if max.is_none_or(|max| batches.len() as u64 <= max) => {
            common.push(split);
            Some((batches, common))
        }
        _ => without_split(common.clone()),
    }
}

/// As few expressions as possible that together say `stem and (alternative or …)`; `None` when
/// one alternative is too long by itself.
fn pieces(alternatives: &[Expression], stem: &[Expression]) -> Option<Vec<Expression>> {
    let join = |some: &[Expression]| {
        let mut parts = stem.to_vec();
        parts.push(Expression::any(some.to_vec())?);
        Expression::all(parts)
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < alternatives.len() {
        let longest = (start + 1..=alternatives.len().min(start + EXPRESSION_TERMS_MAX))
            .rev()
            .find_map(|end| join(&alternatives[start..end]).filter(fits).map(|piece| (piece, end)));
        let (piece, end) = longest?;
        pieces.push(piece);
        start = end;
    }
    Some(pieces)
}

fn fits(expression: &Expression) -> bool {
    expression.terms() <= EXPRESSION_TERMS_MAX && expression.encoded_len() <= EXPRESSION_ENCODED_BYTES_MAX
}

/// Whether it leaves room for as much again.
fn is_half(expression: &Expression) -> bool {
    expression.terms() <= EXPRESSION_TERMS_MAX / 2 && expression.encoded_len() <= EXPRESSION_ENCODED_BYTES_MAX / 2
}
