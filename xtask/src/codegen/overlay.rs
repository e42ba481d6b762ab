//! The overlay: facts that the descriptions lack or have wrong. Each entry says why it is there.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::Error;

/// `catalog/overlay.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overlay {
    /// Rate-limit buckets.
    #[serde(default)]
    pub bucket: Vec<Bucket>,
    /// Corrections of operations.
    #[serde(default)]
    pub operation: Vec<OperationPatch>,
    /// Corrections of schemas.
    #[serde(default)]
    pub schema: Vec<SchemaPatch>,
    /// Corrections of members of schemas.
    #[serde(default)]
    pub member: Vec<MemberPatch>,
    /// SQL tables.
    #[serde(default)]
    pub table: Vec<Table>,
    #[serde(skip)]
    text: String,
}

/// One rate-limit bucket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    /// Its name.
    pub id: Spanned<String>,
    /// What it covers: `GET /api/v1/users/{}`, or `/api/v1/apps/**` for a prefix with any method.
    pub routes: Vec<Spanned<String>>,
    /// Requests per minute by plan; absent where nothing is limited.
    pub per_minute: Option<PerMinute>,
    /// Why the entry is there.
    pub reason: String,
}

/// Requests per minute by plan.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerMinute {
    pub free: u32,
    pub one_app: u32,
    pub enterprise: u32,
    pub workforce: u32,
}

/// A correction of a schema: how its forms are told apart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaPatch {
    /// Name in the catalogue.
    pub name: Spanned<String>,
    /// The member that tells the forms apart, where the description names none.
    pub by: Option<String>,
    /// Values of that member and the schemas they stand for, all of them. A value that stands for
    /// several is told apart further by the members that are there.
    #[serde(default)]
    pub forms: Vec<(String, String)>,
    /// Whether nothing tells the forms apart, so that they are one object with the members of all.
    #[serde(default)]
    pub merged: bool,
    /// Why the entry is there.
    pub reason: String,
}

/// A correction of members of schemas.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberPatch {
    /// The members: `Schema.member`, or `member` wherever it occurs.
    pub names: Vec<Spanned<String>>,
    /// Whether they are secrets. Text that occurs in requests only is one unless this says otherwise.
    pub secret: bool,
    /// Why the entry is there.
    pub reason: String,
}

/// Corrections of one operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperationPatch {
    /// Operation id.
    pub id: Spanned<String>,
    /// Page size, as far as the description has it wrong.
    pub limit: Option<LimitPatch>,
    /// The list inside an object.
    pub wrapped: Option<Wrapped>,
    /// The scopes, all of them.
    pub scopes: Option<Vec<String>>,
    /// The status of success, where orgs answer with another than the description has.
    pub status: Option<u16>,
    /// Whether sending it twice has the effect of sending it once, where its method says otherwise.
    pub idempotent: Option<bool>,
    /// Why the entry is there.
    pub reason: String,
}

/// What is wrong about a page size. Parts that are absent stay as they are.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitPatch {
    pub min: Option<u32>,
    pub default: Option<u32>,
    pub max: Option<u32>,
}

/// A list that stands in a member of an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wrapped {
    /// The member.
    pub items: String,
    /// Whether the next page stands in the body at `_links.next.href`.
    #[serde(default)]
    pub next_in_body: bool,
}

/// One SQL table. Its columns are derived from the schema of its rows and corrected by `column`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Its name.
    pub name: Spanned<String>,
    /// Other names it answers to.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Access paths, the preferred one first.
    pub routes: Vec<Route>,
    /// Operation that reads one row by its key.
    pub get: Option<Spanned<String>>,
    /// Columns of the primary key.
    pub key: Vec<Spanned<String>>,
    /// Longest member path that becomes a column; deeper objects become JSON.
    #[serde(default = "default_depth")]
    pub depth: usize,
    /// Whether columns are derived from the rows' schema; otherwise `column` gives all of them.
    #[serde(default = "default_true")]
    pub derive: bool,
    /// Member paths of unions whose members are flattened together.
    #[serde(default)]
    pub merge: Vec<Spanned<String>>,
    /// Columns that come first, in this order.
    #[serde(default)]
    pub first: Vec<Spanned<String>>,
    /// Columns that are never NULL in practice.
    #[serde(default)]
    pub not_null: Vec<Spanned<String>>,
    /// Which schema endpoint adds columns.
    pub custom_attributes: Option<String>,
    /// Tables whose rows are returned whole, with the column that holds their key.
    #[serde(default)]
    pub covers: Vec<Cover>,
    /// Corrections and additions of columns.
    #[serde(default)]
    pub column: Vec<ColumnPatch>,
    /// Why the entry is there.
    pub reason: String,
}

fn default_depth() -> usize {
    2
}

fn default_true() -> bool {
    true
}

/// A table whose rows another one's operations return whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cover {
    pub table: Spanned<String>,
    pub column: Spanned<String>,
}

/// One way to list the rows of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// Operation id.
    pub operation: Spanned<String>,
    /// Where the path parameters come from, in the order of the path.
    #[serde(default)]
    pub parents: Vec<Parent>,
    /// Page size, where the largest one the operation takes is not the best.
    pub page: Option<u32>,
    /// Query strings that together return every row; one empty one by default.
    #[serde(default)]
    pub full_scan: Vec<String>,
    /// Query parameters that carry an expression.
    #[serde(default)]
    pub expressions: Vec<Expression>,
    /// Query parameters that carry the value of a column.
    #[serde(default)]
    pub parameters: Vec<QueryParameter>,
    /// The column bounded by two parameters.
    pub time_range: Option<TimeRange>,
    /// Whether `fields=` narrows the objects.
    #[serde(default)]
    pub fields: bool,
}

/// Where a path parameter comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parent {
    /// Table that lists the parents.
    pub table: Spanned<String>,
    /// Its key column; `Id` by default.
    #[serde(default = "default_id")]
    pub table_column: String,
    /// Column of this table; named after the parameter by default.
    pub column: Option<String>,
}

fn default_id() -> String {
    "Id".to_owned()
}

/// A query parameter that carries an expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expression {
    pub parameter: Spanned<String>,
    pub case: CaseRule,
    #[serde(default)]
    pub compound: bool,
    #[serde(default)]
    pub negation: bool,
    #[serde(default)]
    pub sort: bool,
}

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CaseRule {
    Exact,
    Folded,
}

/// A query parameter that stands for `column = value`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryParameter {
    pub name: Spanned<String>,
    pub column: Spanned<String>,
    /// Whether every value must be asked for when the statement gives none.
    #[serde(default)]
    pub enumerate: bool,
}

/// A column bounded by two query parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeRange {
    pub column: Spanned<String>,
    pub since: String,
    pub until: String,
    pub retention_days: u32,
}

/// A correction of columns, or a column that is added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnPatch {
    /// The columns; `*` at the end stands for any rest and leaves JSON columns out.
    pub names: Vec<Spanned<String>>,
    /// Removes them.
    #[serde(default)]
    pub drop: bool,
    /// Where the value comes from, one per route or one for all: a member path, or `first:a.b|c.d`,
    /// `parent:groupId`, `url:_links.source.href`, `input:q`, `of-parent:ProfileName`, `absent`.
    pub source: Option<Vec<Spanned<String>>>,
    /// Type in SQL.
    #[serde(rename = "type")]
    pub data_type: Option<ColumnType>,
    pub nullable: Option<bool>,
    pub read_only: Option<bool>,
    /// Name in expressions; the member path by default.
    pub attribute: Option<String>,
    /// Operators of `filter`, such as `eq sw`.
    pub filter: Option<Spanned<String>>,
    /// Operators of `search`.
    pub search: Option<Spanned<String>>,
    pub expand: Option<String>,
    pub values: Option<Vec<String>>,
    pub hidden: Option<bool>,
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The column that it follows; the end by default.
    pub after: Option<Spanned<String>>,
    /// Why the entry is there.
    pub reason: String,
}

/// Type of a column, as in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum ColumnType {
    Text,
    Timestamp,
    Date,
    Integer,
    BigInt,
    Double,
    Boolean,
    Json,
}

impl Overlay {
    /// Reads and parses a file. Keys that do not exist are errors.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = super::read(path)?;
        Self::parse(text).map_err(|source| Error::Toml { path: path.to_owned(), source: Box::new(source) })
    }

    /// Parses the overlay's text.
    pub(crate) fn parse(text: String) -> Result<Self, toml::de::Error> {
        let overlay: Self = toml::from_str(&text)?;
        Ok(Self { text, ..overlay })
    }

    /// A problem with the entry that a name belongs to.
    pub(crate) fn error<T>(&self, at: &Spanned<T>, problem: impl Into<String>) -> Error {
        let before = self.text.get(..at.span().start).unwrap_or_default();
        Error::Overlay { line: before.matches('\n').count() + 1, problem: problem.into() }
    }
}
