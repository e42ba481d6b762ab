//! Conditions made ready for rows: fields found, values checked and brought into the form in which they are compared.

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;
use oktant_base::Timestamp;
use serde_json::Value;

use super::Scene;
use super::ast::{Literal, Operator};
use super::error::SoqlError;
use super::parser::{escaped, unescape};
use crate::salesforce::id::Id;
use crate::salesforce::schema::{Field, Kind};
use crate::salesforce::store::stamp;

/// A condition over values of type `E`: expressions of a row, or of a group.
#[derive(Debug)]
pub(super) enum Test<E> {
    All(Vec<Test<E>>),
    Any(Vec<Test<E>>),
    Not(Box<Test<E>>),
    Compare(E, Operator, Operand),
    In {
        left: E,
        negated: bool,
        values: HashSet<String>,
        null: bool,
    },
    Includes {
        left: E,
        excludes: bool,
        sets: Vec<Vec<String>>,
    },
    Like(E, Pattern),
    /// A period of days in a list.
    Within {
        left: E,
        negated: bool,
        ranges: Vec<(String, String)>,
    },
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Null,
    /// Folded as [`fold`] does.
    Text(String),
    Number(f64),
    Boolean(bool),
    /// From the first one on, up to and without the second one, in the form in which values are stored.
    Range(String, String),
}

impl<E> Test<E> {
    /// Whether it holds; `value` gives what an expression comes to.
    pub(super) fn holds(&self, value: &dyn Fn(&E) -> Value) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(value)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Self::Not(test) => !test.holds(value),
            Self::Compare(left, operator, operand) => compare(&value(left), *operator, operand),
            Self::In { left, negated, values, null } => {
                let found = match value(left) {
                    Value::Null => *null,
                    other => values.contains(&key(&other)),
                };
                found != *negated
            }
            Self::Within { left, negated, ranges } => {
                let value = value(left);
                let inside = |text: &str| ranges.iter().any(|(from, until)| *text >= **from && *text < **until);
                value.as_str().is_some_and(inside) != *negated
            }
            Self::Includes { left, excludes, sets } => {
                let value = value(left);
                let chosen: Vec<String> =
                    value.as_str().into_iter().flat_map(|text| text.split(';')).map(fold).collect();
                sets.iter().any(|set| set.iter().all(|wanted| chosen.contains(wanted))) != *excludes
            }
            Self::Like(left, pattern) => value(left).as_str().is_some_and(|text| pattern.matches(&fold(text))),
        }
    }
}

fn compare(value: &Value, operator: Operator, operand: &Operand) -> bool {
    let order = match (value, operand) {
        (Value::Null, Operand::Null) => return operator == Operator::Equal,
        (_, Operand::Null) | (Value::Null, _) => return operator == Operator::NotEqual,
        (Value::String(text), Operand::Range(from, until)) => {
            if text < from {
                Some(Ordering::Less)
            } else if text < until {
                Some(Ordering::Equal)
            } else {
                Some(Ordering::Greater)
            }
        }
        (Value::String(text), Operand::Text(wanted)) => Some(fold(text).cmp(wanted)),
        (Value::Number(number), Operand::Number(wanted)) => {
            number.as_f64().and_then(|number| number.partial_cmp(wanted))
        }
        (Value::Bool(value), Operand::Boolean(wanted)) => Some(value.cmp(wanted)),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Like => false,
    }
}

/// Text in the form in which it is compared: case does not count. It need not for ids either: their long form is
/// made so that no two of them differ in case alone.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// A value as a member of a set.
pub(super) fn key(value: &Value) -> String {
    match value {
        Value::String(text) => fold(text),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// The right side for a field, checked against its type.
///
/// # Errors
///
/// `INVALID_FIELD` if the field's type has no such values.
pub(super) fn operand(
    scene: Scene<'_>,
    kind: Kind,
    name: &str,
    literal: &Literal,
    at: usize,
) -> Result<Operand, SoqlError> {
    let wrong = || {
        let quoted = if matches!(literal, Literal::Text(_)) {
            "should not be enclosed in quotes"
        } else {
            "should be enclosed in quotes"
        };
        let message =
            format!("value of filter criterion for field '{name}' must be of type {} and {quoted}", kind.name());
        SoqlError::invalid_field(message, at)
    };
    if literal == &Literal::Null {
        return Ok(Operand::Null);
    }
    match (kind, literal) {
        (Kind::Boolean, Literal::Boolean(value)) => Ok(Operand::Boolean(*value)),
        (kind, Literal::Number(number)) if kind.is_number() => Ok(Operand::Number(*number)),
        (Kind::Date, Literal::Date(day)) => days(*day, day.succ_opt(), at),
        (Kind::Date, Literal::Period(period)) => match period.days(today(scene)) {
            Some((from, until)) => days(from, Some(until), at),
            None => Err(beyond(at)),
        },
        (Kind::DateTime, Literal::Time(time)) => {
            Ok(Operand::Range(stamp(*time), stamp(*time + TimeDelta::milliseconds(1))))
        }
        (Kind::DateTime, Literal::Period(period)) => {
            let (from, until) = period.days(today(scene)).ok_or_else(|| beyond(at))?;
            Ok(Operand::Range(stamp(midnight(scene.zone, from)), stamp(midnight(scene.zone, until))))
        }
        (kind, Literal::Text(raw)) if kind.is_id() => {
            let text = unescape(raw);
            match Id::parse(&text) {
                Some(id) => Ok(Operand::Text(fold(id.as_str()))),
                None if text.is_empty() => Ok(Operand::Null),
                None => Err(SoqlError::plain("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"))),
            }
        }
        (Kind::Boolean | Kind::Date | Kind::DateTime, _) => Err(wrong()),
        (kind, Literal::Text(raw)) if !kind.is_number() => {
            let text = unescape(raw);
            Ok(if text.is_empty() { Operand::Null } else { Operand::Text(fold(&text)) })
        }
        _ => Err(wrong()),
    }
}

fn days(from: NaiveDate, until: Option<NaiveDate>, at: usize) -> Result<Operand, SoqlError> {
    let until = until.ok_or_else(|| beyond(at))?;
    Ok(Operand::Range(from.to_string(), until.to_string()))
}

fn beyond(at: usize) -> SoqlError {
    SoqlError::malformed("the date is beyond the calendar", at)
}

fn today(scene: Scene<'_>) -> NaiveDate {
    scene.now.with_timezone(&scene.zone).date_naive()
}

/// The first instant of a day in a zone, also where its clocks skip midnight.
fn midnight(zone: Tz, day: NaiveDate) -> Timestamp {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let local = zone.from_local_datetime(&midnight).earliest();
    let local = local.or_else(|| zone.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest());
    local.map_or_else(|| midnight.and_utc(), |time| time.to_utc())
}

/// Whether conditions may name a field.
///
/// # Errors
///
/// `INVALID_FIELD` for long texts.
pub(super) fn check_filter(field: &Field, at: usize) -> Result<(), SoqlError> {
    if field.can_filter() {
        return Ok(());
    }
    Err(SoqlError::invalid_field(format!("field '{}' can not be filtered in a query call", field.name), at))
}

/// The pattern of `LIKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    One,
    Many,
    Letter(char),
}

impl Pattern {
    /// Reads a pattern as it stands between the quotes.
    pub(super) fn new(raw: &str) -> Self {
        let mut pieces = Vec::new();
        let mut letters = raw.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => pieces.push(Piece::Many),
                '_' => pieces.push(Piece::One),
                '\\' => pieces.extend(escaped(letters.next().unwrap_or('\\')).to_lowercase().map(Piece::Letter)),
                other => pieces.extend(other.to_lowercase().map(Piece::Letter)),
            }
        }
        Self(pieces)
    }

    /// The pattern of a folded word in which `*` and `?` stand for letters, as in a search.
    pub(in super::super) fn of_wildcards(word: &str) -> Self {
        let piece = |letter| match letter {
            '*' => Piece::Many,
            '?' => Piece::One,
            other => Piece::Letter(other),
        };
        Self(word.chars().map(piece).collect())
    }

    /// Whether a folded text fits. Goes back to the last `%` only, so the time is bounded by the product of both lengths.
    pub(in super::super) fn matches(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        let (mut piece, mut letter) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        while letter < letters.len() {
            match self.0.get(piece) {
                Some(Piece::Many) => {
                    back = Some((piece, letter));
                    piece += 1;
                }
                Some(Piece::One) => (piece, letter) = (piece + 1, letter + 1),
                Some(Piece::Letter(wanted)) if *wanted == letters[letter] => (piece, letter) = (piece + 1, letter + 1),
                _ => {
                    let Some((many, from)) = back else { return false };
                    back = Some((many, from + 1));
                    (piece, letter) = (many + 1, from + 1);
                }
            }
        }
        self.0[piece..].iter().all(|rest| *rest == Piece::Many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_the_reference() {
        let like = |pattern: &str, text: &str| Pattern::new(pattern).matches(&fold(text));
        assert!(like("App%", "Appleton") && like("app_e", "APPLE") && like("%", "") && like("%b%d", "abcd"));
        assert!(!like("App%", "Bappl") && !like("_", "") && !like("a", "ab"));
        assert!(like(r"100\%", "100%") && !like(r"100\%", "1000") && like(r"a\_b", "a_b") && !like(r"a\_b", "axb"));
    }
}
