//! Expressions over one row.

use std::cmp::Ordering;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, UnaryOperator, Value as Literal, ValueWithSpan,
};

use super::functions::{call, is_bare};
use super::value::Value;
use super::{Scope, folded};
use crate::error::SnowflakeError;
use crate::result::{Column, ColumnType};
use crate::statement::show::like;

type Result<T> = std::result::Result<T, SnowflakeError>;

/// A row and the names of its columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) values: &'a [Value],
}

impl Record<'_> {
    /// No columns at all.
    pub(crate) const EMPTY: Record<'static> = Record { columns: &[], values: &[] };

    fn get(&self, name: &str) -> Option<Value> {
        let index = self.columns.iter().position(|column| column.name == name)?;
        self.values.get(index).cloned()
    }
}

/// The value of an expression. Its depth is bounded before it is parsed; the stack grows with it.
#[recursive::recursive]
pub(crate) fn evaluate(scope: &Scope, record: Record<'_>, expression: &Expr) -> Result<Value> {
    let value = |expression: &Expr| evaluate(scope, record, expression);
    let truth = |expression: &Expr| value(expression)?.truth();
    let negate =
        |truth: Option<bool>, negated: bool| truth.map_or(Value::Null, |truth| Value::Boolean(truth != negated));
    match expression {
        Expr::Nested(inner) => value(inner),
        Expr::Value(literal) => self::literal(scope, literal),
        Expr::Identifier(ident) => identifier(scope, record, ident),
        Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(ident) => identifier(scope, record, ident),
            None => Ok(Value::Null),
        },
        Expr::Function(function) => self::function(scope, record, function),
        Expr::UnaryOp { op, expr } => unary(*op, &value(expr)?),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => Ok(match (truth(left)?, truth(right)?) {
            (Some(false), _) | (_, Some(false)) => Value::Boolean(false),
            (Some(true), Some(true)) => Value::Boolean(true),
            _ => Value::Null,
        }),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => Ok(match (truth(left)?, truth(right)?) {
            (Some(true), _) | (_, Some(true)) => Value::Boolean(true),
            (Some(false), Some(false)) => Value::Boolean(false),
            _ => Value::Null,
        }),
        Expr::BinaryOp { left, op, right } => binary(&value(left)?, op, &value(right)?),
        Expr::IsNull(inner) => Ok(Value::Boolean(value(inner)? == Value::Null)),
        Expr::IsNotNull(inner) => Ok(Value::Boolean(value(inner)? != Value::Null)),
        Expr::IsTrue(inner) => Ok(Value::Boolean(truth(inner)? == Some(true))),
        Expr::IsFalse(inner) => Ok(Value::Boolean(truth(inner)? == Some(false))),
        Expr::InList { expr, list, negated } => {
            let wanted = value(expr)?;
            let mut found = Some(false);
            for item in list {
                match wanted.compare(&value(item)?)? {
                    Some(Ordering::Equal) => return Ok(Value::Boolean(!negated)),
                    None => found = None,
                    _ => {}
                }
            }
            Ok(negate(found, *negated))
        }
        Expr::Between { expr, negated, low, high } => {
            let (low, high) = (value(expr)?.compare(&value(low)?)?, value(expr)?.compare(&value(high)?)?);
            let within = low.zip(high).map(|(low, high)| low != Ordering::Less && high != Ordering::Greater);
            Ok(negate(within, *negated))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            let (text, pattern) = (value(expr)?, value(pattern)?);
            let known = text != Value::Null && pattern != Value::Null;
            Ok(negate(known.then(|| like(&text.text(), &pattern.text())), *negated))
        }
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            let (text, pattern) = (value(expr)?, value(pattern)?);
            let known = text != Value::Null && pattern != Value::Null;
            let matches = || like(&text.text().to_lowercase(), &pattern.text().to_lowercase());
            Ok(negate(known.then(matches), *negated))
        }
        Expr::Cast { kind, expr, data_type, .. } => {
            let value = value(expr)?;
            match cast(&value, data_type) {
                Err(_) if *kind == CastKind::TryCast => Ok(Value::Null),
                result => result,
            }
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let operand = operand.as_deref().map(value).transpose()?;
            for CaseWhen { condition, result } in conditions {
                let holds = match &operand {
                    Some(operand) => operand.compare(&value(condition)?)? == Some(Ordering::Equal),
                    None => truth(condition)? == Some(true),
                };
                if holds {
                    return value(result);
                }
            }
            else_result.as_deref().map_or(Ok(Value::Null), value)
        }
        Expr::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
            call(scope, "TRIM", &[value(expr)?])
        }
        other => Err(SnowflakeError::unsupported(&other.to_string())),
    }
}

fn literal(scope: &Scope, literal: &ValueWithSpan) -> Result<Value> {
    Ok(match &literal.value {
        Literal::Null => Value::Null,
        Literal::Boolean(value) => Value::Boolean(*value),
        Literal::Number(text, _) => {
            Value::parse_number(text).ok_or_else(|| SnowflakeError::invalid_argument(text, "number"))?
        }
        Literal::SingleQuotedString(text) => Value::Text(text.clone()),
        Literal::DollarQuotedString(text) => Value::Text(text.value.clone()),
        Literal::Placeholder(mark) => scope.bound(mark, literal.span.start)?,
        other => return Err(SnowflakeError::unsupported(&other.to_string())),
    })
}

fn identifier(scope: &Scope, record: Record<'_>, ident: &Ident) -> Result<Value> {
    let name = folded(ident);
    if let Some(value) = record.get(&name) {
        return Ok(value);
    }
    if ident.quote_style.is_none() && is_bare(&name) {
        return call(scope, &name, &[]);
    }
    let (line, pos) = (ident.span.start.line.max(1), ident.span.start.column.saturating_sub(1));
    Err(SnowflakeError::invalid_identifier(line, pos, &name))
}

/// The name of a function in upper case, without what stands before its last dot.
pub(crate) fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_uppercase());
    last.unwrap_or_default()
}

/// The arguments of a function by position: an unquoted word as the first one of `DATEADD` is its name.
pub(crate) fn positional(scope: &Scope, record: Record<'_>, function: &Function) -> Result<Vec<Value>> {
    let name = function_name(function);
    let arguments = match &function.args {
        FunctionArguments::None => return Ok(Vec::new()),
        FunctionArguments::List(list) => &list.args,
        FunctionArguments::Subquery(_) => return Err(SnowflakeError::unsupported("SUBQUERY AS AN ARGUMENT")),
    };
    let takes_part = matches!(name.as_str(), "DATEADD" | "TIMEADD" | "TIMESTAMPADD");
    let argument = |(index, argument): (usize, &FunctionArg)| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(ident))) if takes_part && index == 0 => {
            Ok(Value::Text(ident.value.clone()))
        }
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => evaluate(scope, record, expression),
        other => Err(SnowflakeError::unsupported(&other.to_string())),
    };
    arguments.iter().enumerate().map(argument).collect()
}

fn function(scope: &Scope, record: Record<'_>, function: &Function) -> Result<Value> {
    if let Some(value) = scope.effects.get(&function.to_string()) {
        return Ok(value.clone());
    }
    let name = function_name(function);
    if function.over.is_some() || function.filter.is_some() {
        return Err(SnowflakeError::unsupported(&format!("{name} OVER")));
    }
    call(scope, &name, &positional(scope, record, function)?)
}

fn unary(op: UnaryOperator, value: &Value) -> Result<Value> {
    match (op, value) {
        (_, Value::Null) | (UnaryOperator::Plus, _) => Ok(value.clone()),
        (UnaryOperator::Minus, Value::Number(digits, scale)) => Ok(Value::Number(-digits, *scale)),
        (UnaryOperator::Minus, Value::Real(real)) => Ok(Value::Real(-real)),
        (UnaryOperator::Not, value) => Ok(value.truth()?.map_or(Value::Null, |truth| Value::Boolean(!truth))),
        _ => Err(SnowflakeError::invalid_type(&value.text(), &op.to_string())),
    }
}

fn binary(left: &Value, op: &BinaryOperator, right: &Value) -> Result<Value> {
    let compare = |holds: fn(Ordering) -> bool| {
        Ok(left.compare(right)?.map_or(Value::Null, |ordering| Value::Boolean(holds(ordering))))
    };
    match op {
        BinaryOperator::Eq => compare(Ordering::is_eq),
        BinaryOperator::NotEq => compare(Ordering::is_ne),
        BinaryOperator::Lt => compare(Ordering::is_lt),
        BinaryOperator::LtEq => compare(Ordering::is_le),
        BinaryOperator::Gt => compare(Ordering::is_gt),
        BinaryOperator::GtEq => compare(Ordering::is_ge),
        _ if *left == Value::Null || *right == Value::Null => Ok(Value::Null),
        BinaryOperator::StringConcat => Ok(Value::Text(left.text() + &right.text())),
        BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide => {
            arithmetic(left, op, right)
        }
        other => Err(SnowflakeError::unsupported(&other.to_string())),
    }
}

fn arithmetic(left: &Value, op: &BinaryOperator, right: &Value) -> Result<Value> {
    let wrong = || SnowflakeError::invalid_type(&right.text(), &op.to_string());
    if let (Value::Number(a, x), Value::Number(b, y)) = (left, right)
        && *op != BinaryOperator::Divide
    {
        let scale = if *op == BinaryOperator::Multiply { x + y } else { *x.max(y) };
        let raised = |digits: i128, from: u8| digits.checked_mul(10_i128.checked_pow(u32::from(scale - from))?);
        let result = match op {
            BinaryOperator::Plus => raised(*a, *x).zip(raised(*b, *y)).and_then(|(a, b)| a.checked_add(b)),
            BinaryOperator::Minus => raised(*a, *x).zip(raised(*b, *y)).and_then(|(a, b)| a.checked_sub(b)),
            _ => a.checked_mul(*b),
        };
        return result.map(|digits| Value::Number(digits, scale)).ok_or_else(wrong);
    }
    let (a, b) = left.real().zip(right.real()).ok_or_else(wrong)?;
    match op {
        BinaryOperator::Plus => Ok(Value::Real(a + b)),
        BinaryOperator::Minus => Ok(Value::Real(a - b)),
        BinaryOperator::Multiply => Ok(Value::Real(a * b)),
        _ if b == 0.0 => Err(SnowflakeError::division_by_zero()),
        _ => Ok(Value::Real(a / b)),
    }
}

fn cast(value: &Value, to: &DataType) -> Result<Value> {
    if *value == Value::Null {
        return Ok(Value::Null);
    }
    let name = to.to_string().to_uppercase();
    let wrong = || SnowflakeError::invalid_argument(&value.text(), &name);
    let instant = || value.instant().ok_or_else(wrong);
    let base = name.split('(').next().unwrap_or_default().trim();
    Ok(match base {
        "VARCHAR" | "STRING" | "TEXT" | "CHAR" | "CHARACTER VARYING" => Value::Text(value.text()),
        "INT" | "INTEGER" | "BIGINT" | "NUMBER" | "NUMERIC" | "DECIMAL" | "SMALLINT" => match value {
            Value::Number(..) => value.clone(),
            other => Value::parse_number(other.text().trim()).ok_or_else(wrong)?,
        },
        "FLOAT" | "DOUBLE" | "REAL" | "DOUBLE PRECISION" => Value::Real(value.real().ok_or_else(wrong)?),
        "BOOLEAN" | "BOOL" => value.truth()?.map_or(Value::Null, Value::Boolean),
        "DATE" => Value::Date(instant()?.date_naive()),
        "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => Value::Timestamp(instant()?, ColumnType::TimestampLtz),
        "TIMESTAMP" | "TIMESTAMP_NTZ" | "DATETIME" => Value::Timestamp(instant()?, ColumnType::TimestampNtz),
        _ => return Err(SnowflakeError::unsupported(&format!("CAST TO {name}"))),
    })
}
