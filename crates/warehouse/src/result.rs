//! What a statement answers with: columns, cells, the kind of statement and the session's context.

use uuid::Uuid;

/// The type of a column, with the names that Snowflake's clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A number of `precision` digits, `scale` of them after the point. Cell: decimal digits.
    Fixed,
    /// A floating-point number. Cell: decimal text.
    Real,
    /// Text. Cell: the text.
    Text,
    /// A truth value. Cell: `1` or `0`.
    Boolean,
    /// A day. Cell: days since 1970.
    Date,
    /// A time of day. Cell: seconds with fraction.
    Time,
    /// An instant without a zone. Cell: seconds since 1970 with fraction.
    TimestampNtz,
    /// An instant, shown in the session's zone. Cell: seconds since 1970 with fraction.
    TimestampLtz,
    /// An instant with an offset. Cell: seconds since 1970 with fraction, blank, minutes of offset plus 1440.
    TimestampTz,
    /// Bytes. Cell: upper-case hexadecimal.
    Binary,
    /// Any JSON. Cell: JSON text.
    Variant,
    /// A JSON object. Cell: JSON text.
    Object,
    /// A JSON array. Cell: JSON text.
    Array,
}

impl ColumnType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Real => "real",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::TimestampNtz => "timestamp_ntz",
            Self::TimestampLtz => "timestamp_ltz",
            Self::TimestampTz => "timestamp_tz",
            Self::Binary => "binary",
            Self::Variant => "variant",
            Self::Object => "object",
            Self::Array => "array",
        }
    }
}

/// Characters that a text column can hold.
pub const TEXT_LENGTH_MAX: u32 = 16_777_216;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether a cell may be null.
    pub nullable: bool,
    /// Characters of a text, bytes of a binary.
    pub length: Option<u32>,
    /// Digits of a number.
    pub precision: Option<u8>,
    /// Digits after the point of a number, of the seconds of a time.
    pub scale: Option<u8>,
}

impl Column {
    /// A column of that type with the type's usual measures.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Self {
        let (length, precision, scale) = match column_type {
            ColumnType::Fixed => (None, Some(38), Some(0)),
            ColumnType::Text => (Some(TEXT_LENGTH_MAX), None, None),
            ColumnType::Binary => (Some(8_388_608), None, None),
            ColumnType::Time | ColumnType::TimestampNtz | ColumnType::TimestampLtz | ColumnType::TimestampTz => {
                (None, Some(0), Some(9))
            }
            _ => (None, None, None),
        };
        Self { name: name.into(), column_type, nullable: true, length, precision, scale }
    }

    /// A text column.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, ColumnType::Text)
    }
}

/// The kind of a statement, by the number that clients are told.
///
/// # Source
///
/// The numbers that Snowflake's open drivers compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum StatementType {
    /// A query.
    Select = 0x1000,
    /// `EXPLAIN`.
    Explain = 0x2000,
    /// `INSERT`, `UPDATE` and what changes rows.
    Dml = 0x3000,
    /// A command that is none of the others.
    System = 0x4000,
    /// `SET`, `ALTER SESSION`.
    AlterSession = 0x4100,
    /// `USE`.
    Use = 0x4300,
    /// `SHOW`.
    Show = 0x4400,
    /// `DESCRIBE`.
    Describe = 0x4500,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`.
    Transaction = 0x5000,
    /// `CREATE`, `ALTER`, `DROP`, `GRANT`, `REVOKE`.
    Ddl = 0x6000,
    /// Making a programmatic access token, which answers with rows.
    Token = 0x6244,
}

impl StatementType {
    /// The number on the wire.
    pub const fn id(self) -> u32 {
        self as u32
    }
}

/// What a session works with at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The current database.
    pub database: Option<String>,
    /// The current schema.
    pub schema: Option<String>,
    /// The current warehouse.
    pub warehouse: Option<String>,
    /// The primary role.
    pub role: Option<String>,
}

/// The answer to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementResult {
    /// The query's id.
    pub query_id: Uuid,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each cell as [`ColumnType`] says, or null.
    pub rows: Vec<Vec<Option<String>>>,
    /// The kind of statement.
    pub statement_type: StatementType,
    /// The session's context after the statement.
    pub context: Context,
    /// Number of placeholders in the statement.
    pub binds: usize,
}

/// Columns and rows, before they belong to a session's statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each cell as [`ColumnType`] says, or null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// No rows of these columns.
    pub fn of(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// No rows of these text columns.
    pub(crate) fn of_text(names: &[&str]) -> Self {
        Self::of(names.iter().map(|name| Column::text(*name)).collect())
    }

    /// One row with the column `status`, as every statement answers that only does something.
    pub(crate) fn status(text: impl Into<String>) -> Self {
        Self { columns: vec![Column::text("status")], rows: vec![vec![Some(text.into())]] }
    }
}
