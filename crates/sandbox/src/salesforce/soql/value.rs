//! What an expression comes to for a row: fields of the row and of its parents, and functions of them.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, Timelike};
use serde_json::Value;

use super::Scene;
use super::ast::{DateFunction, Expression, Path, Query};
use super::error::SoqlError;
use crate::salesforce::change::shown;
use crate::salesforce::schema::{Field, Kind, Object};
use crate::salesforce::store::{Row, parse_time};

/// A field of an object or of one of its parents.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    /// References to follow first.
    pub(super) steps: Vec<&'a Field>,
    pub(super) field: &'a Field,
    pub(super) at: usize,
}

impl Column<'_> {
    /// The value for a row; null if a parent is missing.
    pub(super) fn of<'r>(&self, scene: Scene<'r>, row: &'r Row) -> Cow<'r, Value> {
        let mut row = row;
        for step in &self.steps {
            match row.reference(&step.name).and_then(|id| scene.store.find(id)) {
                Some((_, parent)) => row = parent,
                None => return Cow::Owned(Value::Null),
            }
        }
        field_of(row, self.field)
    }

    /// The names of the relationships on the way, and of the field.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        let steps = self.steps.iter().filter_map(|step| step.relationship());
        steps.chain(std::iter::once(self.field.name.clone()))
    }
}

/// The value of a field of a row.
pub(super) fn field_of<'r>(row: &'r Row, field: &Field) -> Cow<'r, Value> {
    match field.name.as_str() {
        "Id" => Cow::Owned(row.id.as_str().into()),
        "IsDeleted" => Cow::Owned(row.deleted.into()),
        name => Cow::Borrowed(row.get(name)),
    }
}

/// Finds the field that a path names.
///
/// # Errors
///
/// `INVALID_FIELD` for what is not there.
pub(super) fn column<'a>(
    scene: Scene<'a>,
    object: &'a Object,
    query: &Query,
    path: &Path,
) -> Result<Column<'a>, SoqlError> {
    let (mut object, mut steps) = (object, Vec::new());
    let parts = expanded(object, query, path);
    let (last, relationships) = parts.split_last().map_or(("", &[][..]), |(last, rest)| (*last, rest));
    for name in relationships {
        let unknown = || {
            let message = format!(
                "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, \
                 be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe \
                 call for the appropriate names."
            );
            SoqlError::invalid_field(message, path.at)
        };
        let step = object.relationship(name).ok_or_else(unknown)?;
        object = step.targets.first().and_then(|target| scene.schema.object(target)).ok_or_else(unknown)?;
        steps.push(step);
    }
    let field = object.field(last).ok_or_else(|| {
        let message = format!(
            "No such column '{last}' on entity '{}'. If you are attempting to use a custom field, be sure to append the \
             '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
            object.name
        );
        SoqlError::invalid_field(message, path.at)
    })?;
    Ok(Column { steps, field, at: path.at })
}

/// The parts of a path without the name or alias of the object, and with what other aliases stand for.
fn expanded<'p>(object: &Object, query: &'p Query, path: &'p Path) -> Vec<&'p str> {
    let parts = path.parts.iter().map(String::as_str);
    let Some((first, rest)) = path.parts.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return parts.collect();
    };
    let alias = query.aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(first));
    let is_object = first.eq_ignore_ascii_case(&object.name) && object.relationship(first).is_none();
    match alias {
        None if is_object => rest.iter().map(String::as_str).collect(),
        None => parts.collect(),
        Some((_, stands_for)) => {
            let of_object = |name: &&String| {
                name.eq_ignore_ascii_case(&object.name)
                    || query.aliases.iter().any(|(alias, path)| path.is_empty() && alias.eq_ignore_ascii_case(name))
            };
            let skip = usize::from(stands_for.first().as_ref().is_some_and(of_object));
            stands_for.iter().skip(skip).chain(rest).map(String::as_str).collect()
        }
    }
}

/// An expression without an aggregate, with its field found.
#[derive(Debug, Clone)]
pub(super) enum Scalar<'a> {
    Field(Column<'a>),
    Date(DateFunction, Column<'a>),
    Format(Column<'a>),
}

impl<'a> Scalar<'a> {
    /// Finds the field of an expression.
    ///
    /// # Errors
    ///
    /// As [`column`]; an aggregate is none; a date function wants a date.
    pub(super) fn new(
        scene: Scene<'a>,
        object: &'a Object,
        query: &Query,
        expression: &Expression,
    ) -> Result<Self, SoqlError> {
        let column = |path| column(scene, object, query, path);
        match expression {
            Expression::Field(path) | Expression::Label(path) => Ok(Self::Field(column(path)?)),
            Expression::Format(path) => Ok(Self::Format(column(path)?)),
            Expression::Date(function, path) => {
                let column = column(path)?;
                let is_date = matches!(column.field.kind, Kind::Date | Kind::DateTime);
                let has_hours = *function != DateFunction::HourInDay || column.field.kind == Kind::DateTime;
                if !is_date || !has_hours {
                    let message = format!("field '{}' does not support this date function", column.field.name);
                    return Err(SoqlError::invalid_field(message, path.at));
                }
                Ok(Self::Date(*function, column))
            }
            Expression::Aggregate(_, path) => {
                let at = path.as_ref().map_or(0, |path| path.at);
                Err(SoqlError::malformed("Aggregate functions are not allowed here", at))
            }
        }
    }

    pub(super) fn column(&self) -> &Column<'a> {
        match self {
            Self::Field(column) | Self::Date(_, column) | Self::Format(column) => column,
        }
    }

    /// What kind of value it has.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Field(column) => column.field.kind,
            Self::Date(DateFunction::DayOnly, _) => Kind::Date,
            Self::Date(..) => Kind::Int,
            Self::Format(_) => Kind::String,
        }
    }

    pub(super) fn of<'r>(&self, scene: Scene<'r>, row: &'r Row) -> Cow<'r, Value> {
        match self {
            Self::Field(column) => column.of(scene, row),
            Self::Format(column) => {
                let value = column.of(scene, row);
                Cow::Owned(if value.is_null() { Value::Null } else { shown(&value).into() })
            }
            Self::Date(function, column) => {
                Cow::Owned(column.of(scene, row).as_str().map_or(Value::Null, |text| apply(*function, text)))
            }
        }
    }
}

/// A date function of a date or a time; times count in UTC.
fn apply(function: DateFunction, text: &str) -> Value {
    let time = parse_time(text);
    let day = time.map(|time| time.date_naive()).or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    let Some(day) = day else { return Value::Null };
    match function {
        DateFunction::Year => day.year().into(),
        DateFunction::Month => day.month().into(),
        DateFunction::Quarter => (day.month0() / 3 + 1).into(),
        DateFunction::DayInMonth => day.day().into(),
        DateFunction::DayInWeek => (day.weekday().num_days_from_sunday() + 1).into(),
        DateFunction::DayInYear => day.ordinal().into(),
        DateFunction::DayOnly => day.to_string().into(),
        DateFunction::HourInDay => time.map(|time| time.hour()).into(),
        DateFunction::WeekInMonth => (day.day0() / 7 + 1).into(),
        DateFunction::WeekInYear => (day.ordinal0() / 7 + 1).into(),
    }
}

/// Rows as they are passed on.
pub(super) type Matched<'a> = Vec<&'a Arc<Row>>;
