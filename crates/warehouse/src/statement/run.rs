//! Running a statement: what it needs, who may do it, and which family does it.

use std::net::IpAddr;

use oktant_base::{Secret, Timestamp};
use oktant_store::StoreError;
use sqlparser::tokenizer::Token;

use super::cursor::{self, Property, PropertyValue};
use super::{
    Change, ObjectKind, Shown, Statement, account, container, create, grant, integration, parse, policy, role, show,
    tables, token, usage, user,
};
use crate::account::Account;
use crate::engine::Binding;
use crate::error::SnowflakeError;
use crate::model::Tx;
use crate::password::ScramVerifier;
use crate::privilege::Authority;
use crate::query;
use crate::result::{Context, Rows, StatementResult, StatementType};
use crate::session::Session;

/// Whether a statement is run, or only asked for its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Execute,
    Describe,
}

/// What the families of statements work with: who asks, when, from where.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) account: Account,
    pub(crate) authority: Authority,
    pub(crate) now: Timestamp,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) context: Context,
}

impl Environment {
    pub(crate) async fn new(session: &Session, tx: Tx<'_>) -> Result<Self, StoreError> {
        let state = session.state();
        Ok(Self {
            account: session.account().clone(),
            authority: session.authority(tx).await?,
            now: session.account().now(),
            client_ip: state.client_ip,
            context: state.context,
        })
    }

    /// The same, from a transaction of its own.
    pub(crate) async fn of(session: &Session) -> Result<Self, StoreError> {
        Self::new(session, &mut *session.account().0.db.read().await?).await
    }

    /// Refuses unless the session may make what `privilege` on the account allows to make.
    pub(crate) fn require(&self, privilege: &str) -> Result<(), SnowflakeError> {
        self.authority.require(privilege, self.account.name())
    }
}

/// Runs one statement of a session.
pub(crate) async fn run(
    session: &Session,
    sql: &str,
    bindings: &[Binding],
    mode: Mode,
) -> Result<StatementResult, SnowflakeError> {
    session.check().await?;
    let statement = parse::parse(sql)?;
    let binds = placeholders(sql)?;
    if mode == Mode::Execute && bindings.len() < binds {
        return Err(SnowflakeError::bind_missing(bindings.len() + 1));
    }
    let statement_type = statement_type(&statement);
    let rows = match statement {
        Statement::Query(query) => query::run(session, sql, &query, bindings, mode).await?,
        // The engine may take its time: no transaction waits for it.
        Statement::Describe { kind: ObjectKind::Table, name } => tables::describe(session, &name, mode).await?,
        Statement::Show(show) if show.what == Shown::Columns => tables::show_columns(session, &show, mode).await?,
        Statement::Show(_) | Statement::Describe { .. } => read(session, statement, mode).await?,
        _ if mode == Mode::Describe => Rows { rows: Vec::new(), ..Rows::status("") },
        Statement::Use(usage) => usage::run(session, usage).await?,
        Statement::AlterSession | Statement::Transaction => executed(),
        _ => write(session, statement).await?,
    };
    let query_id = session.account().new_uuid();
    session.update(|state| state.last_query_id = Some(query_id));
    let context = session.context().await?;
    Ok(StatementResult { query_id, columns: rows.columns, rows: rows.rows, statement_type, context, binds })
}

/// Number of placeholders: of `?`, or the highest of `:1`, `:2`, ….
fn placeholders(sql: &str) -> Result<usize, SnowflakeError> {
    let tokens = cursor::tokenize(sql)?;
    let marks = tokens.iter().filter(|token| matches!(&token.token, Token::Placeholder(mark) if mark == "?")).count();
    let numbered = tokens.windows(2).filter_map(|pair| match (&pair[0].token, &pair[1].token) {
        (Token::Colon, Token::Number(digits, _)) => digits.parse::<usize>().ok(),
        _ => None,
    });
    let named = tokens.iter().filter_map(|token| match &token.token {
        Token::Placeholder(mark) => mark.strip_prefix(':').and_then(|digits| digits.parse().ok()),
        _ => None,
    });
    Ok(marks.max(numbered.chain(named).max().unwrap_or(0)))
}

fn statement_type(statement: &Statement) -> StatementType {
    match statement {
        Statement::Query(_) => StatementType::Select,
        Statement::Use(_) => StatementType::Use,
        Statement::Show(_) => StatementType::Show,
        Statement::Describe { .. } => StatementType::Describe,
        Statement::AlterSession => StatementType::AlterSession,
        Statement::Transaction => StatementType::Transaction,
        Statement::Token { .. } => StatementType::Token,
        _ => StatementType::Ddl,
    }
}

/// `SHOW` and `DESCRIBE`.
async fn read(session: &Session, statement: Statement, mode: Mode) -> Result<Rows, SnowflakeError> {
    let mut connection = session.account().0.db.read().await?;
    let tx = &mut *connection;
    let environment = Environment::new(session, tx).await?;
    let mut rows = match statement {
        Statement::Show(show) => show::run(tx, &environment, &show).await?,
        Statement::Describe { kind, name } => describe(tx, &environment, kind, &name).await?,
        _ => return Err(SnowflakeError::internal()),
    };
    if mode == Mode::Describe {
        rows.rows.clear();
    }
    Ok(rows)
}

async fn describe(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    name: &[String],
) -> Result<Rows, SnowflakeError> {
    let last = name.last().map(String::as_str).unwrap_or_default();
    match kind {
        ObjectKind::User => user::describe(tx, environment, last).await,
        ObjectKind::Integration => integration::describe(tx, environment, last).await,
        ObjectKind::NetworkPolicy => policy::describe(tx, environment, last).await,
        _ => Err(SnowflakeError::unsupported(&format!("DESCRIBE {}", kind.key()))),
    }
}

/// Runs a statement that changes the account, as one transaction.
async fn write(session: &Session, statement: Statement) -> Result<Rows, SnowflakeError> {
    // Here and not on a thread of its own: statements run on threads that may block, and must not wait for another.
    let verifier = password(&statement).map(|password| ScramVerifier::new(&password, session.account().entropy()));
    let own = session.clone();
    let account = session.account();
    let rows = account
        .0
        .db
        .write(move |tx| {
            Box::pin(async move {
                let environment = Environment::new(&own, &mut *tx).await?;
                change(tx, &environment, statement, verifier).await
            })
        })
        .await?;
    account.security_changed();
    Ok(rows)
}

/// The password in a statement, whose key is derived before the transaction, so that no one waits for it.
fn password(statement: &Statement) -> Option<Secret> {
    let properties: &[Property] = match statement {
        Statement::Create { kind: ObjectKind::User, properties, .. }
        | Statement::Alter { kind: ObjectKind::User, change: Change::Set(properties), .. } => properties,
        _ => return None,
    };
    let found = properties.iter().rfind(|property| property.name == "PASSWORD")?;
    match &found.value {
        PropertyValue::Text(text) => Some(Secret::new(text.clone())),
        _ => None,
    }
}

async fn change(
    tx: Tx<'_>,
    environment: &Environment,
    statement: Statement,
    verifier: Option<ScramVerifier>,
) -> Result<Rows, SnowflakeError> {
    match statement {
        Statement::Create { kind, mode, name, properties } => {
            create::run(tx, environment, kind, mode, &name, properties, verifier).await
        }
        Statement::Alter { kind, if_exists, name, change } => {
            let name = if kind == ObjectKind::User && name.is_empty() {
                environment.authority.user_name.clone()
            } else {
                name.last().cloned().unwrap_or_default()
            };
            match alter(tx, environment, kind, &name, change, verifier).await {
                Err(error) if if_exists && error == SnowflakeError::does_not_exist(kind.title(), &name) => {
                    Ok(executed())
                }
                result => result,
            }
        }
        Statement::Drop { kind, if_exists, name } => drop_object(tx, environment, kind, if_exists, &name).await,
        Statement::AlterAccount(change) => account::alter(tx, environment, change).await,
        Statement::Token { user, change } => token::run(tx, environment, user, change).await,
        Statement::Grant(grant) => grant::grant(tx, environment, grant).await,
        Statement::Revoke(grant) => grant::revoke(tx, environment, grant).await,
        _ => Err(SnowflakeError::internal()),
    }
}

/// Changes an object that has to exist.
pub(crate) async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    name: &str,
    change: Change,
    verifier: Option<ScramVerifier>,
) -> Result<Rows, SnowflakeError> {
    match kind {
        ObjectKind::User => user::alter(tx, environment, name, change, verifier).await,
        ObjectKind::Role => role::alter(tx, environment, name, change).await,
        ObjectKind::Integration => integration::alter(tx, environment, name, change).await,
        ObjectKind::NetworkPolicy => policy::alter(tx, environment, name, change).await,
        _ => Err(SnowflakeError::unsupported(&format!("ALTER {}", kind.key()))),
    }
}

/// Drops an object that has to exist.
pub(crate) async fn drop_one(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    path: &[String],
) -> Result<(), SnowflakeError> {
    let name = path.last().map(String::as_str).unwrap_or_default();
    match kind {
        ObjectKind::User => user::drop(tx, environment, name).await,
        ObjectKind::Role => role::drop(tx, environment, name).await,
        ObjectKind::Integration => integration::drop(tx, environment, name).await,
        ObjectKind::NetworkPolicy => policy::drop(tx, environment, name).await,
        _ => container::drop(tx, environment, kind, path).await,
    }
}

async fn drop_object(
    tx: Tx<'_>,
    environment: &Environment,
    kind: ObjectKind,
    if_exists: bool,
    name: &[String],
) -> Result<Rows, SnowflakeError> {
    let last = name.last().cloned().unwrap_or_default();
    match drop_one(tx, environment, kind, name).await {
        Ok(()) => Ok(Rows::status(format!("{last} successfully dropped."))),
        // 2003: it does not exist.
        Err(error) if if_exists && error.code == 2003 => {
            Ok(Rows::status(format!("Drop statement executed successfully ({last} already dropped).")))
        }
        Err(error) => Err(error),
    }
}

/// The status of everything that only says it worked.
pub(crate) fn executed() -> Rows {
    Rows::status("Statement executed successfully.")
}
