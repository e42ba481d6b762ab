//! `REST_EVENT_HISTORY`: the audit as a table.

use sqlparser::ast::{Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::eval::{Record, evaluate, function_name};
use super::information::must_exist;
use super::value::Value;
use super::{Scope, folded, path};
use crate::error::SnowflakeError;
use crate::model::container::INFORMATION_SCHEMA;
use crate::model::event::{self, Event, RETENTION};
use crate::result::{Column, ColumnType, Rows};
use crate::session::Session;
use crate::statement::run::{Environment, Mode};
use crate::statement::show::timestamp_cell;

const NAME: &str = "REST_EVENT_HISTORY";

/// Rows that the function gives unless asked otherwise, and at most.
///
/// # Source
///
/// Snowflake documentation, `REST_EVENT_HISTORY`.
const LIMIT_DEFAULT: i64 = 100;
const LIMIT_MAX: i64 = 10_000;

/// The parameters by position.
const PARAMETERS: [&str; 4] = ["REST_SERVICE_TYPE", "TIME_RANGE_START", "TIME_RANGE_END", "RESULT_LIMIT"];

/// The rows of a table function; there is but one.
pub(super) async fn rows(
    session: &Session,
    environment: &Environment,
    scope: &Scope,
    call: &Function,
    mode: Mode,
) -> Result<Rows, SnowflakeError> {
    if function_name(call) != NAME {
        return Err(SnowflakeError::unknown_function(&function_name(call)));
    }
    resolve(session, scope, call).await?;
    let [service, start, end, limit] = parameters(scope, call)?;
    match &service {
        Value::Text(service) if service.eq_ignore_ascii_case("scim") => {}
        other => return Err(SnowflakeError::invalid_argument(&other.text(), PARAMETERS[0])),
    }
    let oldest = environment.now - RETENTION;
    let instant = |value: &Value, default, parameter| match value {
        Value::Null => Ok(default),
        value => value
            .instant()
            .filter(|at| *at >= oldest)
            .ok_or_else(|| SnowflakeError::invalid_argument(&value.text(), parameter)),
    };
    let start = instant(&start, oldest, PARAMETERS[1])?;
    let end = instant(&end, environment.now, PARAMETERS[2])?;
    let limit = match &limit {
        Value::Null => LIMIT_DEFAULT,
        value => value
            .integer()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| SnowflakeError::invalid_argument(&value.text(), PARAMETERS[3]))?,
    };
    let mut rows = Rows::of(columns());
    if mode == Mode::Execute && environment.authority.is_account_admin() {
        session.account().0.audit.flush().await;
        let mut connection = session.account().0.db.read().await?;
        rows.rows = event::between(&mut *connection, start, end, limit).await?.into_iter().map(cells).collect();
    }
    Ok(rows)
}

/// The function is part of every database's `INFORMATION_SCHEMA`: that is current or named.
async fn resolve(session: &Session, scope: &Scope, call: &Function) -> Result<(), SnowflakeError> {
    let path = path(&call.name);
    let schema = path.iter().rev().nth(1).or(scope.context.schema.as_ref());
    let database = path.iter().rev().nth(2).or(scope.context.database.as_ref());
    let database = database.ok_or_else(SnowflakeError::no_current_database)?;
    if schema.map(String::as_str) != Some(INFORMATION_SCHEMA) {
        return Err(SnowflakeError::unknown_function(NAME));
    }
    must_exist(session, database).await
}

/// The arguments in the order of [`PARAMETERS`]; those without a name take the places that are left, in order.
fn parameters(scope: &Scope, call: &Function) -> Result<[Value; 4], SnowflakeError> {
    let mut values = [const { None::<Value> }; 4];
    let FunctionArguments::List(list) = &call.args else {
        return Ok([Value::Null, Value::Null, Value::Null, Value::Null]);
    };
    let value = |argument: &FunctionArgExpr| match argument {
        FunctionArgExpr::Expr(expression) => evaluate(scope, Record::EMPTY, expression),
        other => Err(SnowflakeError::unsupported(&other.to_string())),
    };
    let mut unnamed = Vec::new();
    let mut named = 0;
    for argument in &list.args {
        match argument {
            FunctionArg::Named { name, arg, .. } => {
                let name = folded(name);
                let index = PARAMETERS.iter().position(|parameter| *parameter == name);
                let index = index.ok_or_else(|| SnowflakeError::invalid_argument(&name, NAME))?;
                values[index] = Some(value(arg)?);
                named += 1;
            }
            FunctionArg::Unnamed(argument) => unnamed.push((named > 0, value(argument)?)),
            other @ FunctionArg::ExprNamed { .. } => return Err(SnowflakeError::unsupported(&other.to_string())),
        }
    }
    for (after_named, value) in unnamed {
        // After named arguments the documentation has a limit alone.
        let place = if after_named { Some(3) } else { values.iter().position(Option::is_none) };
        let place = place.filter(|place| values[*place].is_none());
        let place = place.ok_or_else(|| SnowflakeError::invalid_argument(&value.text(), NAME))?;
        values[place] = Some(value);
    }
    Ok(values.map(|value| value.unwrap_or(Value::Null)))
}

fn columns() -> Vec<Column> {
    let mut columns =
        vec![Column::new("EVENT_TIMESTAMP", ColumnType::TimestampLtz), Column::new("EVENT_ID", ColumnType::Fixed)];
    let texts = [
        "EVENT_TYPE",
        "ENDPOINT",
        "METHOD",
        "STATUS",
        "ERROR_CODE",
        "DETAILS",
        "CLIENT_IP",
        "ACTOR_NAME",
        "ACTOR_DOMAIN",
        "RESOURCE_NAME",
        "RESOURCE_DOMAIN",
    ];
    columns.extend(texts.map(Column::text));
    columns
}

fn cells(event: Event) -> Vec<Option<String>> {
    vec![
        Some(timestamp_cell(event.at)),
        Some(event.id.to_string()),
        Some("SCIM".to_owned()),
        Some(event.endpoint),
        Some(event.method),
        Some(event.status),
        event.error_code,
        Some(event.details),
        event.client_ip,
        event.actor_name,
        event.actor_domain,
        event.resource_name,
        event.resource_domain,
    ]
}
