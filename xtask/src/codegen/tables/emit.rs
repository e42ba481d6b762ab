//! Writes tables as Rust statics.

use std::fmt::Write as _;

use super::super::emit::{GENERATED_BY, list, option, texts};
use super::super::overlay::{CaseRule, Expression};
use super::{Column, Operator, Route, Source, Table};

/// The source of `tables.rs`.
pub(crate) fn tables(tables: &[Table<'_>]) -> String {
    let mut out = format!(
        "// {GENERATED_BY}\n\n\
         use crate::build::column;\n\
         use crate::table::{{CaseRule, ColumnType, Expression, Ops, ParentKey, QueryParameter, Route, Source, Table, TimeRange}};\n\n\
         pub(crate) static TABLES: &[Table] = &[\n"
    );
    for table in tables {
        out.push_str(&self::table(table));
    }
    out.push_str("];\n");
    out
}

fn table(table: &Table<'_>) -> String {
    let entry = table.entry;
    let name = entry.name.get_ref();
    let aliases = texts(&entry.aliases);
    let routes = list(table.routes.iter().map(|route| self::route(route, table)));
    let get = option(entry.get.as_ref().map(|get| format!("{:?}", get.get_ref())));
    let key = list(entry.key.iter().map(|column| format!("{:?}", column.get_ref())));
    let scopes = texts(&table.scopes);
    let columns = list(table.columns.iter().map(column));
    let custom_attributes = option(entry.custom_attributes.as_ref().map(|endpoint| format!("{endpoint:?}")));
    let covers =
        list(entry.covers.iter().map(|cover| format!("({:?}, {:?})", cover.table.get_ref(), cover.column.get_ref())));
    format!(
        "Table {{ name: {name:?}, aliases: {aliases}, routes: {routes}, get: {get}, key: {key}, scopes: {scopes}, \
         columns: {columns}, custom_attributes: {custom_attributes}, covers: {covers} }},\n"
    )
}

fn route(route: &Route<'_>, table: &Table<'_>) -> String {
    let entry = route.entry;
    let parents = list(route.parents.iter().map(|parent| {
        let (listed, listed_column) = (parent.entry.table.get_ref(), &parent.entry.table_column);
        format!(
            "ParentKey {{ parameter: {:?}, column: {:?}, table: {listed:?}, table_column: {listed_column:?} }}",
            parent.parameter, parent.column
        )
    }));
    let full_scan = if entry.full_scan.is_empty() { "&[\"\"]".to_owned() } else { texts(&entry.full_scan) };
    let expressions = list(entry.expressions.iter().map(expression));
    let parameters = list(entry.parameters.iter().map(|parameter| {
        let column = table.columns.iter().find(|column| column.name == *parameter.column.get_ref());
        let values = column.filter(|_| parameter.enumerate).map_or(&[][..], |column| &column.values);
        format!(
            "QueryParameter {{ name: {:?}, column: {:?}, enumerate: {} }}",
            parameter.name.get_ref(),
            parameter.column.get_ref(),
            texts(values)
        )
    }));
    let time_range = option(entry.time_range.as_ref().map(|range| {
        format!(
            "TimeRange {{ column: {:?}, since: {:?}, until: {:?}, retention_days: {} }}",
            range.column.get_ref(),
            range.since,
            range.until,
            range.retention_days
        )
    }));
    format!(
        "Route {{ operation: {:?}, parents: {parents}, page: {}, full_scan: {full_scan}, expressions: {expressions}, \
         parameters: {parameters}, time_range: {time_range}, fields: {} }}",
        route.operation.id, route.page, entry.fields
    )
}

fn expression(expression: &Expression) -> String {
    let case = match expression.case {
        CaseRule::Exact => "Exact",
        CaseRule::Folded => "Folded",
    };
    let Expression { compound, negation, sort, .. } = expression;
    format!(
        "Expression {{ parameter: {:?}, case: CaseRule::{case}, compound: {compound}, negation: {negation}, \
         sort: {sort} }}",
        expression.parameter.get_ref()
    )
}

fn column(column: &Column) -> String {
    let sources = list(column.sources.iter().map(source));
    let mut out = format!("column({:?}, ColumnType::{:?}, {sources})", column.name, column.data_type);
    if !column.aliases.is_empty() {
        let _ = write!(out, ".aliases({})", texts(&column.aliases));
    }
    if !column.nullable {
        out.push_str(".not_null()");
    }
    if column.read_only {
        out.push_str(".read_only()");
    }
    if !column.attribute.is_empty() {
        let _ = write!(out, ".attribute({:?})", column.attribute);
    }
    for (parameter, operators) in [("filter", &column.filter), ("search", &column.search)] {
        if !operators.is_empty() {
            let _ = write!(out, ".{parameter}({})", self::operators(operators));
        }
    }
    if let Some(expand) = &column.expand {
        let _ = write!(out, ".expand({expand:?})");
    }
    if !column.values.is_empty() {
        let _ = write!(out, ".values({})", texts(&column.values));
    }
    if column.hidden {
        out.push_str(".hidden()");
    }
    out
}

fn operators(operators: &[Operator]) -> String {
    let mut names = operators.iter().map(|operator| format!("Ops::{}", operator.to_ascii_uppercase()));
    let first = names.next().unwrap_or_else(|| "Ops::NONE".to_owned());
    names.fold(first, |set, operator| format!("{set}.union({operator})"))
}

fn source(source: &Source) -> String {
    match source {
        Source::Path(path) => format!("Source::Path({})", texts(path)),
        Source::FirstOf(paths) => format!("Source::FirstOf({})", list(paths.iter().map(|path| texts(path)))),
        Source::Parent(parameter) => format!("Source::Parent({parameter:?})"),
        Source::UrlTail(path) => format!("Source::UrlTail({})", texts(path)),
        Source::OfParent(column) => format!("Source::OfParent({column:?})"),
        Source::Absent => "Source::Absent".to_owned(),
        Source::Input(parameter) => format!("Source::Input({parameter:?})"),
    }
}
