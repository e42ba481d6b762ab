//! One `SELECT` over no table or over rows that are at hand: filter, order, project, limit.

use std::cmp::Ordering;

use sqlparser::ast::{
    Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, LimitClause, OrderByExpr,
    OrderByKind, Query, Select, SelectItem,
};

use super::eval::{Record, evaluate, function_name};
use super::value::Value;
use super::{Scope, folded};
use crate::error::SnowflakeError;
use crate::result::{Column, Rows};

type Result<T> = std::result::Result<T, SnowflakeError>;

/// Answers a select over `source`, or over one row without columns.
pub(super) fn run(scope: &Scope, query: &Query, select: &Select, source: Option<Rows>) -> Result<Rows> {
    refuse_the_rest(query, select)?;
    let source = source.unwrap_or_else(|| Rows { columns: Vec::new(), rows: vec![Vec::new()] });
    let columns = source.columns;
    let read = |row: Vec<Option<String>>| -> Vec<Value> {
        let cells = columns.iter().zip(row);
        cells.map(|(column, cell)| Value::from_cell(cell.as_deref(), column.column_type)).collect()
    };
    let mut rows: Vec<Vec<Value>> = source.rows.into_iter().map(read).collect();
    if let Some(condition) = &select.selection {
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            let record = Record { columns: &columns, values: &row };
            if evaluate(scope, record, condition)?.truth()? == Some(true) {
                kept.push(row);
            }
        }
        rows = kept;
    }
    let items = items(select, &columns)?;
    if items.iter().any(|item| item.expression.is_some_and(is_count)) {
        let row = items.iter().map(|item| counted(scope, item, &columns, &rows)).collect::<Result<Vec<_>>>()?;
        return Ok(finish(&items, &columns, &[row]));
    }
    let mut projected = Vec::with_capacity(rows.len());
    for row in rows {
        let record = Record { columns: &columns, values: &row };
        let output = items.iter().map(|item| item.value(scope, record)).collect::<Result<Vec<_>>>()?;
        let keys = order_keys(scope, query, record, &items, &output)?;
        projected.push((keys, output));
    }
    sort(query, &mut projected)?;
    let mut output: Vec<Vec<Value>> = projected.into_iter().map(|(_, row)| row).collect();
    if select.distinct.is_some() {
        let mut seen: Vec<Vec<Value>> = Vec::new();
        output.retain(|row| {
            let new = !seen.contains(row);
            if new {
                seen.push(row.clone());
            }
            new
        });
    }
    let (skip, take) = limits(scope, query)?;
    let output: Vec<Vec<Value>> = output.into_iter().skip(skip).take(take).collect();
    Ok(finish(&items, &columns, &output))
}

/// Refuses what this select does not do, so that no clause is passed over in silence.
fn refuse_the_rest(query: &Query, select: &Select) -> Result<()> {
    let no_groups =
        matches!(&select.group_by, GroupByExpr::Expressions(by, modifiers) if by.is_empty() && modifiers.is_empty());
    for (present, clause) in [
        (!no_groups, "GROUP BY"),
        (select.having.is_some(), "HAVING"),
        (select.qualify.is_some(), "QUALIFY"),
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "INTO"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (matches!(select.distinct, Some(Distinct::On(_))), "DISTINCT ON"),
        (!query.pipe_operators.is_empty(), "PIPE"),
    ] {
        if present {
            return Err(SnowflakeError::unsupported(clause));
        }
    }
    Ok(())
}

/// A column of the answer.
struct Item<'a> {
    name: String,
    /// Absent for a column of the source that a wildcard names.
    expression: Option<&'a Expr>,
    source: Option<usize>,
}

impl Item<'_> {
    fn value(&self, scope: &Scope, record: Record<'_>) -> Result<Value> {
        match (self.expression, self.source) {
            (Some(expression), _) => evaluate(scope, record, expression),
            (None, Some(index)) => Ok(record.values[index].clone()),
            (None, None) => Ok(Value::Null),
        }
    }
}

fn items<'a>(select: &'a Select, columns: &[Column]) -> Result<Vec<Item<'a>>> {
    let mut items = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expression) => {
                items.push(Item { name: label(expression), expression: Some(expression), source: None });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                items.push(Item { name: folded(alias), expression: Some(expr), source: None });
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) if !columns.is_empty() => {
                let all = columns.iter().enumerate();
                items.extend(all.map(|(index, column)| Item {
                    name: column.name.clone(),
                    expression: None,
                    source: Some(index),
                }));
            }
            other => return Err(SnowflakeError::unsupported(&other.to_string())),
        }
    }
    Ok(items)
}

/// The name of a column without an alias: the column's own, else the text of the expression in upper case.
fn label(expression: &Expr) -> String {
    match expression {
        Expr::Identifier(ident) => folded(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
        other => other.to_string().to_uppercase(),
    }
}

fn as_count(expression: &Expr) -> Option<&Function> {
    match expression {
        Expr::Function(function) if function_name(function) == "COUNT" => Some(function),
        _ => None,
    }
}

fn is_count(expression: &Expr) -> bool {
    as_count(expression).is_some()
}

/// The value of an item in a query that counts: next to counts only what is the same for every row.
fn counted(scope: &Scope, item: &Item<'_>, columns: &[Column], rows: &[Vec<Value>]) -> Result<Value> {
    let Some(function) = item.expression.and_then(as_count) else {
        return item.value(scope, Record::EMPTY);
    };
    let argument = match &function.args {
        FunctionArguments::List(list) if list.args.len() == 1 && list.duplicate_treatment.is_none() => &list.args[0],
        _ => return Err(SnowflakeError::unsupported(&function.to_string())),
    };
    let count = match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => rows.len(),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => {
            let mut count = 0;
            for row in rows {
                let value = evaluate(scope, Record { columns, values: row }, expression)?;
                count += usize::from(value != Value::Null);
            }
            count
        }
        other => return Err(SnowflakeError::unsupported(&other.to_string())),
    };
    Ok(Value::Number(count as i128, 0))
}

fn ordering(query: &Query) -> Result<&[OrderByExpr]> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Ok(&[]),
        Some(OrderByKind::Expressions(by)) => Ok(by),
        Some(OrderByKind::All(_)) => Err(SnowflakeError::unsupported("ORDER BY ALL")),
    }
}

/// What a row is ordered by: an item by its name or number, else an expression over the source.
fn order_keys(
    scope: &Scope,
    query: &Query,
    record: Record<'_>,
    items: &[Item<'_>],
    output: &[Value],
) -> Result<Vec<Value>> {
    let key = |by: &OrderByExpr| {
        if let Expr::Identifier(ident) = &by.expr
            && let Some(index) = items.iter().position(|item| item.name == folded(ident))
        {
            return Ok(output[index].clone());
        }
        match evaluate(scope, record, &by.expr)? {
            Value::Number(number, 0) if matches!(by.expr, Expr::Value(_)) => {
                let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                let value = index.and_then(|index| output.get(index)).cloned();
                value.ok_or_else(|| SnowflakeError::invalid_argument(&number.to_string(), "ORDER BY"))
            }
            value => Ok(value),
        }
    };
    ordering(query)?.iter().map(key).collect()
}

fn sort(query: &Query, rows: &mut [(Vec<Value>, Vec<Value>)]) -> Result<()> {
    let by = ordering(query)?;
    let mut failure = None;
    rows.sort_by(|(a, _), (b, _)| {
        for ((a, b), by) in a.iter().zip(b).zip(by) {
            let descending = by.options.asc == Some(false);
            // Nulls count as the largest value unless it is said otherwise.
            let nulls_first = by.options.nulls_first.unwrap_or(descending);
            let ordering = match (a, b) {
                (Value::Null, Value::Null) => Ordering::Equal,
                (Value::Null, _) => {
                    if nulls_first {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
                }
                (_, Value::Null) => {
                    if nulls_first {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                }
                _ => match a.compare(b) {
                    Ok(ordering) => {
                        let ordering = ordering.unwrap_or(Ordering::Equal);
                        if descending { ordering.reverse() } else { ordering }
                    }
                    Err(error) => {
                        failure = Some(error);
                        Ordering::Equal
                    }
                },
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    });
    failure.map_or(Ok(()), Err)
}

/// How many rows to skip and how many to take.
fn limits(scope: &Scope, query: &Query) -> Result<(usize, usize)> {
    let count = |expression: &Expr| match evaluate(scope, Record::EMPTY, expression)? {
        Value::Null => Ok(usize::MAX),
        value => value
            .integer()
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| SnowflakeError::invalid_argument(&value.text(), "LIMIT")),
    };
    let fetch = query.fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()).map(count).transpose()?;
    let (skip, take) = match &query.limit_clause {
        None => (0, usize::MAX),
        Some(LimitClause::LimitOffset { limit, offset, .. }) => (
            offset.as_ref().map(|offset| count(&offset.value)).transpose()?.unwrap_or(0),
            limit.as_ref().map(count).transpose()?.unwrap_or(usize::MAX),
        ),
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => (count(offset)?, count(limit)?),
    };
    Ok((skip, fetch.unwrap_or(usize::MAX).min(take)))
}

fn finish(items: &[Item<'_>], columns: &[Column], rows: &[Vec<Value>]) -> Rows {
    let column = |(index, item): (usize, &Item<'_>)| {
        let named = match item.expression {
            None => item.source,
            Some(Expr::Identifier(ident)) => columns.iter().position(|column| column.name == folded(ident)),
            Some(_) => None,
        };
        if let Some(source) = named {
            return Column { name: item.name.clone(), ..columns[source].clone() };
        }
        let first = rows.iter().map(|row| &row[index]).find(|value| **value != Value::Null);
        first.unwrap_or(&Value::Null).column(item.name.clone())
    };
    let columns = items.iter().enumerate().map(column).collect();
    Rows { columns, rows: rows.iter().map(|row| row.iter().map(Value::cell).collect()).collect() }
}
