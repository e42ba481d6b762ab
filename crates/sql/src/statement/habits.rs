//! Statements that people know from elsewhere, put into the words of a query.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, LimitClause, ObjectName, Query, Select, SetExpr, Top, TopQuantity, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::precedence::Precedence;
use crate::Error;
use crate::attached::{self, Entry};
use crate::catalogs::DEFAULT_SCHEMA;
use crate::session::known_table;

/// `SHOW TABLES`, `DESCRIBE table` and `SHOW COLUMNS FROM table` as queries; `TOP 5` as `LIMIT 5`.
pub(super) fn as_query(statement: ast::Statement, attached: &[Entry]) -> Result<ast::Statement, Error> {
    match &statement {
        ast::Statement::ShowTables { .. } => {
            query("SELECT table_schema, table_name FROM information_schema.tables ORDER BY table_schema, table_name")
        }
        ast::Statement::ExplainTable { table_name, .. } => columns_of(table_name, attached),
        ast::Statement::ShowColumns { show_options, .. } => {
            match show_options.show_in.as_ref().and_then(|place| place.parent_name.as_ref()) {
                Some(table) => columns_of(table, attached),
                None => Ok(statement),
            }
        }
        _ => {
            let mut statement = statement;
            let _ = VisitMut::visit(&mut statement, &mut TopAsLimit);
            let _ = VisitMut::visit(&mut statement, &mut Precedence);
            Ok(statement)
        }
    }
}

fn columns_of(table: &ObjectName, attached: &[Entry]) -> Result<ast::Statement, Error> {
    let parts: Vec<&str> = table.0.iter().filter_map(|part| part.as_ident()).map(|part| part.value.as_str()).collect();
    let beside = |schema: &str, name: &str| attached::find(attached, schema, name).map(|entry| &entry.table);
    let (schema, name) = match parts.as_slice() {
        [.., schema @ ("sys" | "information_schema"), name] => (*schema, (*name).to_owned()),
        [.., schema, name] if let Some(table) = beside(schema, name) => (table.schema_name(), table.name.clone()),
        [.., name] if let Some(table) = beside(DEFAULT_SCHEMA, name) => (DEFAULT_SCHEMA, table.name.clone()),
        [.., name] => (DEFAULT_SCHEMA, known_table(name)?.name.to_owned()),
        [] => (DEFAULT_SCHEMA, String::new()),
    };
    let schema = schema.replace('\'', "''");
    let name = name.replace('\'', "''");
    query(&format!(
        "SELECT column_name, data_type, is_nullable, is_key FROM information_schema.columns \
         WHERE table_schema = '{schema}' AND table_name = '{name}' AND NOT is_hidden ORDER BY ordinal_position"
    ))
}

fn query(sql: &str) -> Result<ast::Statement, Error> {
    let mut parsed = Parser::parse_sql(&GenericDialect {}, sql).map_err(|error| super::syntax(&error))?;
    parsed.pop().ok_or_else(|| Error::Internal { message: format!("no statement in {sql}") })
}

struct TopAsLimit;

impl VisitorMut for TopAsLimit {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_mut()
            && query.limit_clause.is_none()
            && let Some(rows) = rows_of_top(select)
        {
            select.top = None;
            let limit = ast::Expr::Value(Value::Number(rows.to_string(), false).into());
            query.limit_clause =
                Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by: Vec::new() });
        }
        ControlFlow::Continue(())
    }
}

/// The rows of a `TOP` that means what `LIMIT` does.
fn rows_of_top(select: &Select) -> Option<u64> {
    match &select.top {
        Some(Top { with_ties: false, percent: false, quantity: Some(TopQuantity::Constant(rows)) }) => Some(*rows),
        _ => None,
    }
}
