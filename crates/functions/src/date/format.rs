//! Dates written by format codes.
//!
//! # Source
//!
//! Moment, format codes of its English locale, which the documented examples agree with.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Offset, Timelike};
use chrono_tz::{OffsetName, Tz};
use oktant_base::Timestamp;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Codes that begin with each other stand longest first.
const CODES: &[&str] = &[
    "YYYYYY",
    "YYYYY",
    "YYYY",
    "YY",
    "Y",
    "yyyy",
    "yyy",
    "yy",
    "y",
    "Qo",
    "Q",
    "MMMM",
    "MMM",
    "MM",
    "Mo",
    "M",
    "DDDD",
    "DDDo",
    "DDD",
    "DD",
    "Do",
    "D",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "e",
    "E",
    "ww",
    "wo",
    "w",
    "WW",
    "Wo",
    "W",
    "GGGGG",
    "GGGG",
    "GG",
    "ggggg",
    "gggg",
    "gg",
    "hmmss",
    "hmm",
    "hh",
    "h",
    "Hmmss",
    "Hmm",
    "HH",
    "H",
    "kk",
    "k",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "a",
    "A",
    "x",
    "X",
    "ZZ",
    "Z",
    "zz",
    "z",
];

/// Codes that stand for others.
const SHORTHANDS: &[(&str, &str)] = &[
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

/// A piece of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A code of [`CODES`].
    Code(&'static str),
    /// Text that stands for itself.
    Literal(&'a str),
}

/// A format without shorthands. Those in brackets and after a backslash stay.
pub(super) fn expand(format: &str) -> String {
    let mut expanded = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let shorthand = |text: &str| SHORTHANDS.iter().find(|(short, _)| text.starts_with(short));
        let kept = match first {
            '[' => bracketed(rest).map_or(1, |text| text.len() + 2),
            '\\' => 1 + shorthand(&rest[1..]).map_or(0, |(short, _)| short.len()),
            _ => match shorthand(rest) {
                Some((short, long)) => {
                    expanded.push_str(long);
                    rest = &rest[short.len()..];
                    continue;
                }
                None => first.len_utf8(),
            },
        };
        let (text, after) = rest.split_at(kept);
        expanded.push_str(text);
        rest = after;
    }
    expanded
}

/// What stands in the brackets that a text begins with.
fn bracketed(text: &str) -> Option<&str> {
    let (inner, _) = text.strip_prefix('[')?.split_once(']')?;
    (!inner.contains('[')).then_some(inner)
}

/// The pieces of a format without shorthands.
pub(super) fn tokens(format: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some(text) = bracketed(rest) {
            found.push(Token::Literal(text));
            rest = &rest[text.len() + 2..];
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            let character = || escaped.chars().next().map_or(0, char::len_utf8);
            let length = code_at(escaped).map_or_else(character, str::len);
            found.push(Token::Literal(&escaped[..length]));
            rest = &escaped[length..];
        } else if let Some(code) = code_at(rest) {
            found.push(Token::Code(code));
            rest = &rest[code.len()..];
        } else {
            let (literal, after) = rest.split_at(first.len_utf8());
            found.push(Token::Literal(literal));
            rest = after;
        }
    }
    found
}

/// The code that a text begins with.
fn code_at(text: &str) -> Option<&'static str> {
    CODES.iter().find(|code| text.starts_with(**code)).copied()
}

/// The text of an instant in a format and zone. Characters that are no code stay as they are.
pub fn format(instant: Timestamp, format: &str, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    let mut text = String::new();
    for token in tokens(&expand(format)) {
        match token {
            Token::Literal(literal) => text.push_str(literal),
            Token::Code(code) => text.push_str(&field(&local, code)),
        }
    }
    text
}

fn field(local: &DateTime<Tz>, code: &str) -> String {
    let year = local.year();
    let month = local.month0() as usize;
    let weekday = local.weekday().num_days_from_sunday();
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    let (_, hour12) = local.hour12();
    match code {
        "Y" if year > 9999 => format!("+{year}"),
        "Y" | "YYYY" if year < 0 => format!("-{:04}", -year),
        "Y" | "YYYY" | "yyyy" => format!("{year:04}"),
        "YYYYY" => format!("{year:05}"),
        "YYYYYY" => format!("{year:+07}"),
        "yyy" => format!("{year:03}"),
        "y" => year.to_string(),
        "YY" | "yy" => format!("{:02}", year % 100),
        "Q" => (month / 3 + 1).to_string(),
        "Qo" => ordinal(month as u32 / 3 + 1),
        "MMMM" => MONTHS[month].into(),
        "MMM" => MONTHS[month][..3].into(),
        "MM" => format!("{:02}", month + 1),
        "Mo" => ordinal(local.month()),
        "M" => local.month().to_string(),
        "DDDD" => format!("{:03}", local.ordinal()),
        "DDDo" => ordinal(local.ordinal()),
        "DDD" => local.ordinal().to_string(),
        "DD" => format!("{:02}", local.day()),
        "Do" => ordinal(local.day()),
        "D" => local.day().to_string(),
        "dddd" => DAYS[weekday as usize].into(),
        "ddd" => DAYS[weekday as usize][..3].into(),
        "dd" => DAYS[weekday as usize][..2].into(),
        "do" => ordinal(weekday),
        "d" | "e" => weekday.to_string(),
        "E" => local.weekday().number_from_monday().to_string(),
        "ww" => format!("{:02}", us_week(local).1),
        "wo" => ordinal(us_week(local).1),
        "w" => us_week(local).1.to_string(),
        "ggggg" => format!("{:05}", us_week(local).0),
        "gggg" => format!("{:04}", us_week(local).0),
        "gg" => format!("{:02}", us_week(local).0 % 100),
        "WW" => format!("{:02}", local.iso_week().week()),
        "Wo" => ordinal(local.iso_week().week()),
        "W" => local.iso_week().week().to_string(),
        "GGGGG" => format!("{:05}", local.iso_week().year()),
        "GGGG" => format!("{:04}", local.iso_week().year()),
        "GG" => format!("{:02}", local.iso_week().year() % 100),
        "hmmss" => format!("{hour12}{minute:02}{second:02}"),
        "hmm" => format!("{hour12}{minute:02}"),
        "hh" => format!("{hour12:02}"),
        "h" => hour12.to_string(),
        "Hmmss" => format!("{hour}{minute:02}{second:02}"),
        "Hmm" => format!("{hour}{minute:02}"),
        "HH" => format!("{hour:02}"),
        "H" => hour.to_string(),
        "kk" => format!("{:02}", (hour + 23) % 24 + 1),
        "k" => ((hour + 23) % 24 + 1).to_string(),
        "mm" => format!("{minute:02}"),
        "m" => minute.to_string(),
        "ss" => format!("{second:02}"),
        "s" => second.to_string(),
        "a" => if hour < 12 { "am" } else { "pm" }.into(),
        "A" => if hour < 12 { "AM" } else { "PM" }.into(),
        "x" => local.timestamp_millis().to_string(),
        "X" => local.timestamp().to_string(),
        "Z" => offset(local, ":"),
        "ZZ" => offset(local, ""),
        "z" | "zz" => {
            // Zones without letters are named by their offset, short if it is in whole hours.
            let unnamed = || offset(local, "").trim_end_matches("00").to_owned();
            local.offset().abbreviation().map_or_else(unnamed, Into::into)
        }
        // Digits of the second; those beyond milliseconds are zeros.
        fractions => {
            let mut digits = format!("{:03}", local.timestamp_subsec_millis());
            while digits.len() < fractions.len() {
                digits.push('0');
            }
            digits[..fractions.len()].into()
        }
    }
}

fn ordinal(number: u32) -> String {
    let suffix = match (number % 10, number % 100 / 10) {
        (1..=3, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

fn offset(local: &DateTime<Tz>, separator: &str) -> String {
    let minutes = local.offset().fix().local_minus_utc() / 60;
    let mut text = String::from(if minutes < 0 { "-" } else { "+" });
    // Writing to a text cannot fail.
    let _ = write!(text, "{:02}{separator}{:02}", minutes.abs() / 60, minutes.abs() % 60);
    text
}

/// Year and week where weeks begin on Sunday and the first is that of 1 January.
fn us_week(local: &DateTime<Tz>) -> (i32, u32) {
    let date = local.date_naive();
    // The year of the week is that of its Saturday.
    let saturday = date + chrono::Days::new(6 - u64::from(date.weekday().num_days_from_sunday()));
    (saturday.year(), (saturday.ordinal() - 1) / 7 + 1)
}
