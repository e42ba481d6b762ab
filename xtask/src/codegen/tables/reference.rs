//! Prints the reference page of the tables.

use std::fmt::Write as _;

use super::super::emit::GENERATED_BY;
use super::super::overlay::ColumnType;
use super::{Column, Route, Source, Table};

const INTRODUCTION: &str = "\
# Tables

Every table of schema `okta`, with the requests that read it. A table whose request has a path parameter is read
once per parent: give the parent's key, or join the parent table. `Pushed` says which operators the org evaluates
by itself (`f` in `filter`, `s` in `search`); everything else is evaluated here, with the same result.
Columns in *italics* are hidden: `SELECT *` leaves them out. Users and groups have a further column for each
custom attribute of the org.
";

/// The page `docs/reference/tables.md`.
pub(crate) fn page(tables: &[Table<'_>]) -> String {
    let mut out = format!("<!-- {GENERATED_BY} -->\n\n{INTRODUCTION}");
    for table in tables {
        section(&mut out, table);
    }
    out
}

fn section(out: &mut String, table: &Table<'_>) {
    let entry = table.entry;
    let _ = write!(out, "\n## {}\n\n", entry.name.get_ref());
    if !entry.aliases.is_empty() {
        let _ = writeln!(out, "- Also called: {}", entry.aliases.join(", "));
    }
    for route in &table.routes {
        let _ = writeln!(out, "- Read by: {}", served_by(route));
    }
    let key: Vec<_> = entry.key.iter().map(|column| column.get_ref().as_str()).collect();
    let _ = writeln!(out, "- Key: {}", if key.is_empty() { "none, a single row".to_owned() } else { key.join(", ") });
    let _ = writeln!(out, "- Scope: {}", table.scopes.join(", "));
    out.push_str("\n| Column | Type | NULL | Read-only | Value | Pushed |\n|---|---|---|---|---|---|\n");
    for column in &table.columns {
        row(out, column);
    }
}

fn served_by(route: &Route<'_>) -> String {
    let mut text = format!("`{} {}`", route.operation.method.to_ascii_uppercase(), route.operation.path);
    if route.page > 0 {
        let _ = write!(text, ", pages of {}", route.page);
    }
    if !route.parents.is_empty() {
        let parents: Vec<_> = route
            .parents
            .iter()
            .map(|parent| {
                format!("{} from {}.{}", parent.column, parent.entry.table.get_ref(), parent.entry.table_column)
            })
            .collect();
        let _ = write!(text, "; {}", parents.join(", "));
    }
    text
}

fn row(out: &mut String, column: &Column) {
    let name = if column.hidden { format!("*{}*", column.name) } else { column.name.clone() };
    let names = [name].into_iter().chain(column.aliases.iter().cloned()).collect::<Vec<_>>().join(" or ");
    let yes_no = |flag: bool| if flag { "yes" } else { "no" };
    let _ = writeln!(
        out,
        "| {names} | {} | {} | {} | {} | {} |",
        sql_type(column.data_type),
        yes_no(column.nullable),
        yes_no(column.read_only),
        value(column),
        pushed(column)
    );
}

fn value(column: &Column) -> String {
    let mut texts: Vec<_> = column.sources.iter().map(source).collect();
    texts.dedup();
    let mut text = texts.join(", then ");
    if let Some(expand) = &column.expand {
        let _ = write!(text, " with `expand={expand}`");
    }
    text
}

fn source(source: &Source) -> String {
    match source {
        Source::Path(path) if path.is_empty() => "the whole object".to_owned(),
        Source::Path(path) => format!("`{}`", path.join(".")),
        Source::FirstOf(paths) => {
            let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.join("."))).collect();
            paths.join(" or ")
        }
        Source::Parent(parameter) => format!("path parameter `{parameter}`"),
        Source::UrlTail(path) => format!("id at the end of `{}`", path.join(".")),
        Source::OfParent(column) => format!("`{column}` of the parent"),
        Source::Absent => "not on this path".to_owned(),
        Source::Input(parameter) => format!("input only, sent as `{parameter}`"),
    }
}

fn pushed(column: &Column) -> String {
    let sets = [("f", &column.filter), ("s", &column.search)];
    let sets: Vec<_> = sets
        .into_iter()
        .filter(|(_, operators)| !operators.is_empty())
        .map(|(mark, operators)| format!("{mark}: {}", operators.join(" ")))
        .collect();
    sets.join("; ")
}

fn sql_type(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Text => "VARCHAR",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Date => "DATE",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Double => "DOUBLE",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Json => "JSON",
    }
}
