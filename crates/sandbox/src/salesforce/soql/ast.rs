//! A query as it is written.

use chrono::NaiveDate;
use oktant_base::Timestamp;

use super::period::Period;

/// `SELECT … FROM …`.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Query {
    pub(super) select: Vec<Item>,
    /// Object, or relationship in a query below another one.
    pub(in super::super) from: Path,
    /// Other names: of the object (an empty path) and of its parents.
    pub(super) aliases: Vec<(String, Vec<String>)>,
    pub(super) condition: Option<Condition>,
    pub(super) group: Vec<Expression>,
    pub(super) having: Option<Condition>,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    pub(super) all_rows: bool,
}

/// Names joined by dots, and where they begin in the text.
#[derive(Debug, Clone)]
pub(in super::super) struct Path {
    pub(in super::super) parts: Vec<String>,
    pub(super) at: usize,
}

/// Where it stands is no part of what it says.
impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

/// One thing that is selected.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    Expression { expression: Expression, alias: Option<String> },
    Fields { set: FieldSet, at: usize },
    Children(Box<Query>),
}

/// The argument of `FIELDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldSet {
    All,
    Standard,
    Custom,
}

/// What has a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Field(Path),
    /// `COUNT()` has no field.
    Aggregate(Aggregate, Option<Path>),
    Date(DateFunction, Path),
    Label(Path),
    Format(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateFunction {
    Year,
    Month,
    Quarter,
    DayInMonth,
    DayInWeek,
    DayInYear,
    DayOnly,
    HourInDay,
    WeekInMonth,
    WeekInYear,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare { left: Expression, operator: Operator, right: Literal },
    In { left: Expression, negated: bool, list: Vec<Literal> },
    InQuery { left: Expression, negated: bool, query: Box<Query> },
    Includes { left: Expression, excludes: bool, list: Vec<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// As written between the quotes, escapes and all: they mean more in a pattern.
    Text(String),
    Number(f64),
    Boolean(bool),
    Null,
    Date(NaiveDate),
    Time(Timestamp),
    Period(Period),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) by: Expression,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}
