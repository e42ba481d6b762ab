//! The shape of every answer: `success`, `code`, `message`, `data`, with HTTP status 200 also for errors.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use oktant_warehouse::{Column, Context, SnowflakeError, StatementResult, StatementType};
use serde_json::{Value, json};
use uuid::Uuid;

/// The query runs; its answer is fetched at `getResultUrl`.
pub(super) const IN_PROGRESS: &str = "333333";
/// The query runs although nobody waits for it.
pub(super) const DETACHED: &str = "333334";

/// Digits and characters of the type of the one row that several statements answer with.
const MULTIPLE: u32 = 0xA000;

/// An answer that went well.
pub(super) fn success(data: &Value) -> Response {
    Json(json!({"success": true, "code": null, "message": null, "data": data})).into_response()
}

/// An error, with what the client is to do about it where that is known.
pub(super) fn failure(error: &SnowflakeError, data: &Value) -> Response {
    Json(json!({"success": false, "code": error.code_text(), "message": error.message, "data": data})).into_response()
}

/// An error about a session rather than a statement.
pub(super) fn refused(error: &SnowflakeError) -> Response {
    failure(error, &Value::Null)
}

/// An error of a statement.
pub(super) fn failed_statement(error: &SnowflakeError, id: Uuid) -> Response {
    let data = json!({
        "errorCode": error.code_text(),
        "sqlState": error.sqlstate,
        "queryId": id.to_string(),
        "internalError": false,
        "age": 0,
        "line": error.line.map_or_else(|| Value::from(-1), Value::from),
        "pos": error.pos.map_or_else(|| Value::from(-1), Value::from),
        "type": if error.message.starts_with("SQL compilation error") { "COMPILATION" } else { "EXECUTION" },
    });
    failure(error, &data)
}

/// That a statement still runs. Clients ask again at the address named.
pub(super) fn running(code: &str, id: Uuid) -> Response {
    let message = match code {
        DETACHED => "Query execution in progress. Asynchronous query is detached.",
        _ => "Query execution in progress. Use provided query ID to perform query monitoring and management.",
    };
    let data = json!({
        "queryId": id.to_string(),
        "getResultUrl": format!("/queries/{id}/result"),
        "queryAbortsAfterSecs": 300,
        "progressDesc": null,
    });
    Json(json!({"success": true, "code": code, "message": message, "data": data})).into_response()
}

/// The rows of a statement.
pub(super) fn rows(result: &StatementResult, id: Uuid) -> Response {
    let mut data = answer(id, result.statement_type.id(), &result.columns, &result.rows, &result.context);
    data["numberOfBinds"] = json!(result.binds);
    success(&data)
}

/// That several statements have run: their ids, by which their own answers are fetched.
pub(super) fn several(statements: &[(Uuid, StatementType)], context: &Context, id: Uuid) -> Response {
    let columns = [Column::text("multiple statement execution")];
    let rows = [vec![Some("Multiple statements executed successfully.".to_owned())]];
    let mut data = answer(id, MULTIPLE, &columns, &rows, context);
    let joined = |texts: Vec<String>| Value::from(texts.join(","));
    data["resultIds"] = joined(statements.iter().map(|(id, _)| id.to_string()).collect());
    data["resultTypes"] = joined(statements.iter().map(|(_, kind)| kind.id().to_string()).collect());
    success(&data)
}

fn answer(id: Uuid, kind: u32, columns: &[Column], rows: &[Vec<Option<String>>], context: &Context) -> Value {
    json!({
        "queryId": id.to_string(),
        "sqlState": "00000",
        "statementTypeId": kind,
        "rowtype": columns.iter().map(|column| described(column, context)).collect::<Vec<_>>(),
        "rowset": rows,
        "queryResultFormat": "json",
        "total": rows.len(),
        "returned": rows.len(),
        "parameters": [],
        "numberOfBinds": 0,
        // No statement of the account inserts rows, which is the only kind that takes arrays.
        "arrayBindSupported": false,
        "finalDatabaseName": context.database,
        "finalSchemaName": context.schema,
        "finalWarehouseName": context.warehouse,
        "finalRoleName": context.role,
        "version": 1,
    })
}

fn described(column: &Column, context: &Context) -> Value {
    json!({
        "name": column.name,
        "type": column.column_type.name(),
        "nullable": column.nullable,
        "length": column.length,
        "byteLength": column.length,
        "precision": column.precision,
        "scale": column.scale,
        "database": context.database.as_deref().unwrap_or(""),
        "schema": context.schema.as_deref().unwrap_or(""),
        "table": "",
        "collation": null,
    })
}
