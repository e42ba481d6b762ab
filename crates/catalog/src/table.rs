//! SQL tables: which operations serve them, what their columns are, what the org can evaluate.

use std::ops::BitOr;

/// One table of schema `okta`.
#[derive(Debug)]
pub struct Table {
    /// Name, such as `Users`.
    pub name: &'static str,
    /// Other names it answers to, such as `Apps` for `Applications`.
    pub aliases: &'static [&'static str],
    /// Access paths to the rows, the preferred one first; never empty.
    pub routes: &'static [Route],
    /// Operation that reads one row by its key, if any; its path parameters are the key columns in order.
    pub get: Option<&'static str>,
    /// Columns of the primary key.
    pub key: &'static [&'static str],
    /// OAuth scopes that reading needs.
    pub scopes: &'static [&'static str],
    /// Columns in order. Custom attributes come after them, from the org's schema.
    pub columns: &'static [Column],
    /// Which schema endpoint adds columns: `user`, `group`, or none.
    pub custom_attributes: Option<&'static str>,
    /// Tables whose rows this one's operations return whole, with the join columns: a covering scan.
    pub covers: &'static [(&'static str, &'static str)],
}

/// One way to list the rows of a table.
#[derive(Debug)]
pub struct Route {
    /// Operation id. One whose answer is not a list gives a single row.
    pub operation: &'static str,
    /// Path parameters and the columns that feed them; empty for a top-level list.
    pub parents: &'static [ParentKey],
    /// Largest page worth asking for; 0 where the operation takes no `limit`.
    pub page: u32,
    /// Query strings that together return every row of the table when nothing is pushed.
    /// One empty string for most; users need a second one for DEPROVISIONED.
    pub full_scan: &'static [&'static str],
    /// Query parameters that carry an expression, the preferred one first.
    pub expressions: &'static [Expression],
    /// Query parameters that carry the value of one column, such as `type` of policies.
    pub parameters: &'static [QueryParameter],
    /// The column bounded by `since` and `until`, if the operation has them.
    pub time_range: Option<TimeRange>,
    /// Whether `fields=` narrows the objects returned.
    pub fields: bool,
}

/// A path parameter fed by a column.
#[derive(Debug)]
pub struct ParentKey {
    /// Path parameter of the operation, such as `groupId`.
    pub parameter: &'static str,
    /// Column of this table, such as `GroupId`.
    pub column: &'static str,
    /// Table that lists the parents, such as `Groups`.
    pub table: &'static str,
    /// Its key column, such as `Id`.
    pub table_column: &'static str,
}

/// A query parameter that takes an expression.
#[derive(Debug)]
pub struct Expression {
    /// `filter` or `search`.
    pub parameter: &'static str,
    /// How text is compared.
    pub case: CaseRule,
    /// Whether `and`, `or` and parentheses work; otherwise one comparison only.
    pub compound: bool,
    /// Whether `not` works.
    pub negation: bool,
    /// Whether `sortBy` and `sortOrder` work with it.
    pub sort: bool,
}

/// How the org compares text in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseRule {
    /// By code point.
    Exact,
    /// Ignoring case, accents significant.
    Folded,
}

/// A query parameter that stands for `column = value`.
#[derive(Debug)]
pub struct QueryParameter {
    /// Its name, such as `type`.
    pub name: &'static str,
    /// The column it tests.
    pub column: &'static str,
    /// Values to go through when the statement gives none, for a required parameter; else empty.
    pub enumerate: &'static [&'static str],
}

/// A column bounded by two query parameters.
#[derive(Debug)]
pub struct TimeRange {
    /// The column, such as `Published`.
    pub column: &'static str,
    /// Parameter of the lower bound, inclusive.
    pub since: &'static str,
    /// Parameter of the upper bound, inclusive or not: re-check locally.
    pub until: &'static str,
    /// How far back the org keeps rows, in days; sent as `since` when the statement gives no bound.
    pub retention_days: u32,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Name, such as `ProfileFirstName`.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Type in SQL.
    pub data_type: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether INSERT and UPDATE refuse it.
    pub read_only: bool,
    /// Where the value comes from, one entry per route of the table, in their order.
    pub sources: &'static [Source],
    /// Name in expressions, such as `profile.firstName`; empty where it cannot be pushed.
    pub attribute: &'static str,
    /// Operators the org evaluates in `filter`.
    pub filter: Ops,
    /// Operators the org evaluates in `search`.
    pub search: Ops,
    /// Value of `expand` that the column needs, if any.
    pub expand: Option<&'static str>,
    /// Members of the enumeration, empty for other columns. Comparison ignores case.
    pub values: &'static [&'static str],
    /// Whether `SELECT *` leaves it out (`RawJson`, pseudo-columns).
    pub hidden: bool,
}

/// Where a column's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Member path inside the row's object; an empty path is the whole object as JSON. A segment that
    /// is a number is the position in an array.
    Path(&'static [&'static str]),
    /// The first of several member paths that is present.
    FirstOf(&'static [&'static [&'static str]]),
    /// Path parameter of the route's operation.
    Parent(&'static str),
    /// Last segment of the URL at this member path.
    UrlTail(&'static [&'static str]),
    /// Column of the table that lists the route's parents, such as the group's `ProfileName`: the value
    /// is in the parent's row.
    OfParent(&'static str),
    /// This route cannot tell it: a scan that needs the column takes another one.
    Absent,
    /// Input only: sent as the named query parameter.
    Input(&'static str),
}

/// Type of a column in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// VARCHAR.
    Text,
    /// TIMESTAMP(3) in UTC.
    Timestamp,
    /// DATE.
    Date,
    /// INTEGER, 32 bits.
    Integer,
    /// BIGINT, 64 bits.
    BigInt,
    /// DOUBLE.
    Double,
    /// BOOLEAN.
    Boolean,
    /// JSON text.
    Json,
}

/// A set of operators of Okta's expression language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ops(u16);

impl Ops {
    /// No operator.
    pub const NONE: Self = Self(0);
    /// `eq`
    pub const EQ: Self = Self(1);
    /// `ne`
    pub const NE: Self = Self(1 << 1);
    /// `sw`
    pub const SW: Self = Self(1 << 2);
    /// `co`
    pub const CO: Self = Self(1 << 3);
    /// `ew`
    pub const EW: Self = Self(1 << 4);
    /// `gt`
    pub const GT: Self = Self(1 << 5);
    /// `ge`
    pub const GE: Self = Self(1 << 6);
    /// `lt`
    pub const LT: Self = Self(1 << 7);
    /// `le`
    pub const LE: Self = Self(1 << 8);
    /// `pr`
    pub const PR: Self = Self(1 << 9);

    /// Whether every operator of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Ops {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}
