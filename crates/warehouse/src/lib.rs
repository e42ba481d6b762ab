//! A Snowflake account: users, roles, grants, security integrations and the SQL statements that manage them.
//!
//! [`Account::open`] opens an account on `SQLite` or `PostgreSQL`, [`Account::login`] begins a [`Session`], and
//! [`Session::execute`] runs statements with Snowflake's results, privileges and error numbers. Queries over
//! tables go to the [`QueryEngine`] that the account was given.
//!
//! ```
//! use std::sync::Arc;
//! use oktant_base::{OsEntropy, Secret, SystemClock};
//! use oktant_warehouse::{Account, AccountConfig, Login};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let config = AccountConfig::new("demo", Arc::new(SystemClock), Arc::new(OsEntropy));
//! let account = Account::open("sqlite::memory:", config).await?;
//! let setup = account.system_session().await?;
//! setup.execute("create user jane password = 'correct horse' default_role = accountadmin", &[]).await?;
//! setup.execute("grant role accountadmin to user jane", &[]).await?;
//!
//! let session = account.login(Login::new("jane", Secret::new("correct horse".to_owned()))).await?;
//! let result = session.execute("select current_role()", &[]).await?;
//! assert_eq!(result.rows, [[Some("ACCOUNTADMIN".to_owned())]]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod account;
mod engine;
mod error;
mod history;
mod model;
mod password;
mod privilege;
mod query;
mod result;
mod scim;
mod session;
mod statement;

pub use account::{Account, AccountConfig, Login, StandardScim};
pub use engine::{Binding, DATABASE, EngineQuery, QueryEngine, SCHEMA, TableColumn};
pub use error::{Error, SnowflakeError};
pub use model::policy::PolicyPrecedence;
pub use password::ScramVerifier;
pub use query::functions::SERVER_VERSION;
pub use result::{Column, ColumnType, Context, Rows, StatementResult, StatementType, TEXT_LENGTH_MAX};
pub use scim::ScimAccess;
pub use session::Session;
pub use statement::cursor::split_statements;
