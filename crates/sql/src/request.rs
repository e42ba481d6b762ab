//! What a scan asks for and how it will be answered: the language between planning and execution.
//!
//! `pushdown::plan(&Scan) -> Result<ScanPlan>` is pure. Execution calls it once with every conjunct
//! on the table, and again when an order is wanted, or when a join has delivered the values of a key:
//! those arrive as one more conjunct `column IN (…)`, and the cheaper plan is taken. Conjuncts that
//! the plan does not answer exactly come back in `residual`, and execution evaluates them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::Expr;
use oktant_base::Timestamp;
pub use oktant_client::properties::Consistency;

use crate::relation::Relation;

/// What the engine asks of a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The table.
    pub relation: Arc<Relation>,
    /// Positions of the columns to return. Empty when rows are only counted.
    pub projection: Vec<usize>,
    /// Conjuncts that rows must satisfy. Column names in them are in lower case; literals on enum
    /// columns are already folded to the member; other types are coerced.
    pub filters: Vec<Expr>,
    /// Rows that suffice, after the filters.
    pub limit: Option<usize>,
    /// Order wanted, if any: the first `limit` rows by it.
    pub order: Option<Order>,
    /// Where the statement names another table that this one stands for: the column there that is the key here.
    pub stands_for: Option<&'static str>,
    /// Settings of the connection and of the statement.
    pub options: Arc<ScanOptions>,
}

/// An order by one column; ties go by the table's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Position of the column.
    pub column: usize,
    /// Whether large values come first.
    pub descending: bool,
    /// Whether NULL comes first.
    pub nulls_first: bool,
}

/// Settings that planning depends on.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Whether predicates, order and limits go to the org at all.
    pub pushdown: Pushdown,
    /// Which of the org's stores answers for users and groups.
    pub consistency: Consistency,
    /// Whether `SELECT … FROM Users` includes users of status DEPROVISIONED.
    pub include_deprovisioned: bool,
    /// Whether an empty text counts as NULL.
    pub empty_string_as_null: bool,
    /// Upper bound of the page size, if the connection sets one.
    pub page_size: Option<u32>,
    /// When the statement began; the one `now` for all its scans.
    pub now: Timestamp,
    /// Rows that tables are known to have, by table name.
    pub sizes: BTreeMap<&'static str, u64>,
}

/// Whether planning may use the org's own evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pushdown {
    /// As much as is exact or a superset.
    #[default]
    On,
    /// As much as goes without expressions: keys, times and other parameters. For an org that refused one.
    Parameters,
    /// Full scans only (and parent keys, which child tables cannot do without): everything is
    /// evaluated locally.
    Off,
}

/// How a scan is answered.
#[derive(Debug, Clone)]
pub struct ScanPlan {
    /// Requests, each followed through all its pages; together they return every row, some of them
    /// perhaps twice (see `dedupe`). For a child table each is made once per tuple of `parents`.
    /// Empty when the predicate cannot hold: no request, no row.
    pub streams: Vec<RequestStream>,
    /// Where the parents' keys come from, for a child table.
    pub parents: Option<Parents>,
    /// Positions of the columns to decode, ascending: the projection, the columns of `residual`,
    /// and the key columns where rows must be recognised (`dedupe`, or `id` of a key lookup).
    pub columns: Vec<usize>,
    /// Conjuncts to evaluate on the rows that come back; without an entry the answer is exact.
    pub residual: Vec<Expr>,
    /// What the org evaluates, for reading, such as `status eq "ACTIVE"`; empty if nothing.
    pub pushed: String,
    /// Whether the streams may return a row twice, to be dropped by the table's key.
    pub dedupe: bool,
    /// Whether rows come back in the order asked for, ties included.
    pub ordered: bool,
    /// What it will cost.
    pub estimate: Estimate,
}

/// One request and its further pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestStream {
    /// Operation id.
    pub operation: &'static str,
    /// Index of the table's route, which says where columns come from (see `RelationColumn::origin`).
    pub route: usize,
    /// Path parameters known while planning; those of [`Parents`] are filled in later.
    pub path: Vec<(&'static str, String)>,
    /// Query parameters, not encoded.
    pub query: Vec<(String, String)>,
    /// Whether the answer is one object instead of a list: a key lookup.
    pub single: Option<KeyLookup>,
}

/// A read of one object by its key; 404 means that there is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLookup {
    /// Columns and the values they must have; an object with others is not a row, since some paths
    /// resolve more than keys.
    pub expect: Vec<(usize, String)>,
}

/// The parents of a child table.
#[derive(Debug, Clone)]
pub struct Parents {
    /// Path parameters and the positions of the columns they feed.
    pub parameters: Vec<(&'static str, usize)>,
    /// Where their values come from.
    pub source: KeySource,
    /// The table that lists them: with several levels, the innermost.
    pub table: &'static str,
    /// Its key columns, in the order of `parameters`.
    pub columns: Vec<&'static str>,
    /// Columns of that table which rows take from their parent, beside its keys.
    pub carried: Vec<&'static str>,
}

/// Where parent keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// They stand in the statement: one tuple per parent, in the order of `Parents::parameters`.
    Literal(Vec<Vec<String>>),
    /// Every row of a parent table that passes `filters`.
    Table {
        /// Its name.
        table: &'static str,
        /// Its key columns, in the order of `Parents::parameters`.
        columns: Vec<&'static str>,
        /// Conjuncts over the parent table's columns (lower case, unqualified) that spare parents
        /// without children.
        filters: Vec<Expr>,
    },
}

/// What a scan costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Requests that are needed at least.
    pub min: u64,
    /// Requests that suffice, if that is known.
    pub max: Option<u64>,
    /// Rate-limit bucket of most of them.
    pub bucket: &'static str,
    /// What the numbers rest on, in a few words.
    pub basis: String,
    /// A cheaper form of the statement, where there is one: completes "try …".
    pub cheaper: Option<String>,
}
