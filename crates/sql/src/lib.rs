//! SQL over an org: tables, predicate pushdown and request planning on DataFusion.
//!
//! ```no_run
//! # async fn example() -> Result<(), oktant_sql::Error> {
//! use futures::TryStreamExt;
//! use oktant_sql::{Edges, Params, Properties, Session};
//!
//! let properties = Properties::parse("okta:///?Domain=acme.okta.com&APIToken=00abc").expect("a valid DSN");
//! let session = Session::connect(&properties, Edges::system()).await?;
//! let rows = session.query("SELECT Id FROM Users WHERE Status = ?", Params::Positional(vec!["Active".into()])).await?;
//! let batches: Vec<_> = rows.try_collect().await?;
//! # Ok(())
//! # }
//! ```

mod access;
mod attached;
mod catalogs;
mod collation;
mod context;
mod decode;
mod discovery;
mod error;
mod explain;
mod feed;
mod fold;
mod joins;
mod json;
mod json_text;
mod keys;
pub mod lexer;
mod mapping;
mod nearest;
mod node;
mod notes;
mod order;
mod pages;
pub mod pushdown;
mod reader;
mod refusal;
pub mod relation;
pub mod request;
mod rows;
mod scan;
mod session;
mod stack;
mod statement;
mod table;
mod turns;

pub use access::Readable;
pub use attached::{Accepts, Attached, AttachedColumn, AttachedTable, Cell, Comparison, Condition, Pages, Read, Test};
pub use catalogs::DEFAULT_SCHEMA;
pub use error::{Cause, Error};
pub use json_text::json_text;
pub use oktant_client::{Edges, Properties};
pub use request::Pushdown;
pub use rows::{Prepared, Rows};
pub use session::{ColumnInfo, Session, TableInfo};
pub use statement::{Param, Params};
