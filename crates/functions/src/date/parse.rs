//! Dates read by format codes.
//!
//! # Source
//!
//! Moment, its forgiving mode: each code takes the first text that fits it, wherever in the rest it
//! stands; literals that are missing are no error.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta};
use oktant_base::Timestamp;

use super::format::{DAYS, MONTHS, Token, expand, tokens};
use crate::error::FunctionError;

/// The instant that a text says in a format. Without offset it is in UTC.
///
/// What is left out above the largest unit that the format names is as `now`, what is left out
/// below the smallest is the first.
///
/// # Errors
///
/// OKT4203 if nothing of the format is found in the text, if a part is out of range (13th month,
/// 30 February), or if the format has a code that cannot be read (weeks).
pub fn parse(text: &str, format: &str, now: Timestamp) -> Result<Timestamp, FunctionError> {
    let mut reader = Reader { rest: text, parts: Parts::default() };
    for token in tokens(&expand(format)) {
        match token {
            Token::Literal(literal) => reader.skip(literal),
            Token::Code(code) => reader.take(code)?,
        }
    }
    reader.parts.instant(now)
}

#[derive(Default)]
struct Parts {
    found: bool,
    instant: Option<Timestamp>,
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    weekday: Option<usize>,
    hour: Option<u32>,
    minute: u32,
    second: u32,
    millisecond: u32,
    afternoon: Option<bool>,
    offset_minutes: i32,
}

impl Parts {
    fn instant(self, now: Timestamp) -> Result<Timestamp, FunctionError> {
        if !self.found {
            return Err(FunctionError::invalid("start: nothing in the text fits the format"));
        }
        if let Some(instant) = self.instant {
            return Ok(instant);
        }
        let out_of_range = || FunctionError::invalid("start: the text names a date or time that does not exist");
        let date = self.date(now).ok_or_else(out_of_range)?;
        let whole = self.year.is_some() && self.month.is_some() && self.day.is_some();
        if whole && self.weekday.is_some_and(|day| day != date.weekday().num_days_from_sunday() as usize) {
            return Err(FunctionError::invalid("start: the day of the week does not fit the date"));
        }
        let (time, days) = self.time().ok_or_else(out_of_range)?;
        let local = date.and_time(time).and_utc().checked_add_signed(days);
        local
            .and_then(|local| local.checked_sub_signed(TimeDelta::minutes(self.offset_minutes.into())))
            .ok_or_else(out_of_range)
    }

    fn date(&self, now: Timestamp) -> Option<NaiveDate> {
        if let Some(day) = self.day_of_year {
            return NaiveDate::from_yo_opt(self.year.unwrap_or_else(|| now.year()), day);
        }
        if let (None, None, None, Some(weekday)) = (self.year, self.month, self.day, self.weekday) {
            // The day of this week, which begins on Sunday.
            let today = now.date_naive();
            let days = weekday as i64 - i64::from(today.weekday().num_days_from_sunday());
            return today.checked_add_signed(TimeDelta::days(days));
        }
        let year = self.year.unwrap_or_else(|| now.year());
        let named = |larger: bool, now: u32| if larger { 1 } else { now };
        let month = self.month.unwrap_or_else(|| named(self.year.is_some(), now.month()));
        let day = self.day.unwrap_or_else(|| named(self.year.is_some() || self.month.is_some(), now.day()));
        NaiveDate::from_ymd_opt(year, month, day)
    }

    /// The time, and what it adds to the date: 24:00 is the next day.
    fn time(&self) -> Option<(NaiveTime, TimeDelta)> {
        let hour = match (self.hour, self.afternoon) {
            (None, _) | (Some(12), Some(false)) => 0,
            (Some(hour), Some(true)) if hour < 12 => hour + 12,
            (Some(hour), _) => hour,
        };
        let at = |hour| NaiveTime::from_hms_milli_opt(hour, self.minute, self.second, self.millisecond);
        if hour == 24 {
            return at(0).filter(|time| *time == NaiveTime::MIN).map(|time| (time, TimeDelta::days(1)));
        }
        Some((at(hour)?, TimeDelta::zero()))
    }
}

struct Reader<'a> {
    rest: &'a str,
    parts: Parts,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, literal: &str) {
        if let Some(at) = self.rest.find(literal) {
            self.rest = &self.rest[at + literal.len()..];
        }
    }

    /// Takes a code's text out of the rest; what does not occur is left out.
    fn take(&mut self, code: &'static str) -> Result<(), FunctionError> {
        match code {
            "MMM" | "MMMM" => {
                let Some(word) = self.word() else { return Ok(()) };
                let month = MONTHS.iter().position(|name| begins_with(word, &name[..3]));
                self.parts.month = Some(month.ok_or_else(|| not_found("month"))? as u32 + 1);
            }
            "dd" | "ddd" | "dddd" => {
                let Some(word) = self.word() else { return Ok(()) };
                let day = DAYS.iter().position(|name| begins_with(word, &name[..2]));
                self.parts.weekday = Some(day.ok_or_else(|| not_found("day of the week"))?);
            }
            "a" | "A" => self.half(),
            "Z" | "ZZ" => self.offset()?,
            "X" => self.seconds(),
            "hmm" | "Hmm" => self.run_together(3, 4, 2),
            "hmmss" | "Hmmss" => self.run_together(5, 6, 4),
            // Names of zones are not read; the text is in UTC or names its offset.
            "z" | "zz" => {}
            "d" | "do" | "e" | "E" | "w" | "wo" | "ww" | "W" | "Wo" | "WW" | "gg" | "gggg" | "ggggg" | "GGGGG"
            | "GG" | "GGGG" | "Q" | "Qo" => {
                return Err(FunctionError::invalid(format!("format: the code {code} cannot be read")));
            }
            numeric => self.numeric(numeric),
        }
        Ok(())
    }

    fn numeric(&mut self, code: &str) {
        let (digits_max, signed) = match code {
            "Y" | "x" => (usize::MAX, true),
            "YYYYYY" | "YYYYY" => (6, true),
            "YYYY" => (4, false),
            "y" | "yy" | "yyy" | "yyyy" => (usize::MAX, false),
            "DDD" | "DDDo" | "DDDD" | "S" | "SS" | "SSS" => (3, false),
            _ if code.starts_with('S') => (usize::MAX, false),
            _ => (2, false),
        };
        let Some(text) = self.number(if code == "DDDD" { 3 } else { 1 }, digits_max, signed) else { return };
        let number: i64 = text.parse().unwrap_or(i64::MAX);
        let small = u32::try_from(number).unwrap_or(u32::MAX);
        let parts = &mut self.parts;
        match code {
            "x" => parts.instant = DateTime::from_timestamp_millis(number),
            "YY" => parts.year = Some(two_digit_year(number)),
            "YYYY" if text.len() == 2 => parts.year = Some(two_digit_year(number)),
            _ if code.starts_with(['Y', 'y']) => parts.year = Some(i32::try_from(number).unwrap_or(i32::MAX)),
            "M" | "MM" | "Mo" => parts.month = Some(small),
            "D" | "DD" | "Do" => parts.day = Some(small),
            "DDD" | "DDDo" | "DDDD" => parts.day_of_year = Some(small),
            "H" | "HH" | "h" | "hh" => parts.hour = Some(small),
            "k" | "kk" => parts.hour = Some(small % 24),
            "m" | "mm" => parts.minute = small,
            "s" | "ss" => parts.second = small,
            _ => parts.millisecond = (format!("0.{text}").parse::<f64>().unwrap_or(0.0) * 1000.0) as u32,
        }
        if matches!(code, "Do" | "Mo" | "DDDo") {
            let suffix = ["st", "nd", "rd", "th"].iter().find_map(|suffix| self.rest.strip_prefix(suffix));
            self.rest = suffix.unwrap_or(self.rest);
        }
    }

    /// The next run of digits, and what is taken of it.
    fn number(&mut self, digits_min: usize, digits_max: usize, signed: bool) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let mut start = 0;
        loop {
            start += bytes[start..].iter().position(u8::is_ascii_digit)?;
            let run = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if run < digits_min {
                start += run;
                continue;
            }
            let end = start + run.min(digits_max);
            let sign = usize::from(signed && start > 0 && matches!(bytes[start - 1], b'+' | b'-'));
            return Some(self.cut(start - sign, end));
        }
    }

    /// The part of the rest between two bytes; the rest goes on after it.
    fn cut(&mut self, start: usize, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.parts.found = true;
        &taken[start..]
    }

    /// The next run of letters, with the digits right before it: `13May` is no month.
    fn word(&mut self) -> Option<&'a str> {
        let letter = self.rest.find(char::is_alphabetic)?;
        let start = self.rest[..letter].trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let length = self.rest[letter..].find(|c: char| !c.is_alphabetic()).unwrap_or(self.rest.len() - letter);
        Some(self.cut(start, letter + length))
    }

    fn half(&mut self) {
        let Some(start) = self.rest.find(['a', 'A', 'p', 'P']) else { return };
        let after = self.rest[start + 1..].trim_start_matches('.');
        let after = after.strip_prefix(['m', 'M']).map_or(after, |after| after.strip_prefix('.').unwrap_or(after));
        let end = self.rest.len() - after.len();
        // By itself it says no time.
        self.parts.afternoon = Some(self.rest[start..].starts_with(['p', 'P']));
        self.rest = &self.rest[end..];
    }

    fn offset(&mut self) -> Result<(), FunctionError> {
        let two_digits =
            |at: usize| -> Option<i32> { self.rest.get(at..at + 2)?.parse().ok().filter(|number| *number >= 0) };
        for (at, c) in self.rest.char_indices() {
            match c {
                'Z' | 'z' => {
                    self.cut(at, at + 1);
                    return Ok(());
                }
                '+' | '-' if two_digits(at + 1).is_some() => {
                    let hours = two_digits(at + 1).unwrap_or(0);
                    let minutes_at = at + 3 + usize::from(self.rest[at + 3..].starts_with(':'));
                    let minutes = two_digits(minutes_at);
                    let total = hours * 60 + minutes.unwrap_or(0);
                    // From Baker Island to the Line Islands.
                    if minutes.is_some_and(|minutes| minutes > 59) || total > if c == '-' { 12 * 60 } else { 14 * 60 } {
                        return Err(FunctionError::invalid("start: no place on Earth has this offset"));
                    }
                    self.parts.offset_minutes = if c == '-' { -total } else { total };
                    self.cut(at, if minutes.is_some() { minutes_at + 2 } else { at + 3 });
                    return Ok(());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn seconds(&mut self) {
        let Some(whole) = self.number(1, usize::MAX, true) else { return };
        let rest = self.rest;
        let digits =
            rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count().min(3));
        let fraction = if digits > 0 { self.cut(0, digits + 1) } else { "" };
        let seconds: f64 = format!("{whole}{fraction}").parse().unwrap_or(f64::NAN);
        self.parts.instant = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64);
    }

    /// Hours and what follows them without separator: `1730`.
    fn run_together(&mut self, digits_min: usize, digits_max: usize, after_hour: usize) {
        let Some(text) = self.number(digits_min, digits_max, false) else { return };
        let (hour, after) = text.split_at(text.len() - after_hour);
        let number = |text: &str| text.parse().unwrap_or(u32::MAX);
        self.parts.hour = Some(number(hour));
        self.parts.minute = number(&after[..2]);
        self.parts.second = if after_hour == 4 { number(&after[2..]) } else { self.parts.second };
    }
}

fn begins_with(word: &str, name: &str) -> bool {
    word.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn not_found(what: &str) -> FunctionError {
    FunctionError::invalid(format!("start: the text has no {what} where the format wants one"))
}

fn two_digit_year(number: i64) -> i32 {
    number as i32 + if number > 68 { 1900 } else { 2000 }
}
