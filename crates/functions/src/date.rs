//! Dates: reading and writing their text, zones, and arithmetic of the calendar.

mod format;
mod parse;
mod read;

use chrono::{DateTime, Datelike, Days, Months, Timelike};
use chrono_tz::Tz;
use oktant_base::Timestamp;

use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::value::Value;

pub use format::format;
pub use parse::parse;
pub use read::read;

pub(crate) fn table() -> Vec<Function> {
    let shift = "start*: date, scale*: number, unit*: text";
    vec![
        pure("date:now", "Now", now)
            .gives(
                "date: date, iso: text, full: text, time: text, minute: number, hour: number, day: number, \
                 month: text, year: number, second: number, millisecond: number",
            )
            .note("In UTC. `month` is its name, `day` the day of the month."),
        pure("date:add", "Add", add)
            .takes(shift)
            .gives("output: date")
            .note("Units: milliseconds, seconds, minutes, hours, days, weeks, months, years. A month without that day ends earlier; parts of days and months are rounded.")
            .examples(&[
                (r#"{"start":"2024-01-31","scale":1,"unit":"months"}"#, r#"{"output":"2024-02-29T00:00:00.000Z"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","scale":1.5,"unit":"hours"}"#, r#"{"output":"2016-09-07T01:31:25.670Z"}"#),
            ]),
        pure("date:subtract", "Subtract", subtract)
            .takes(shift)
            .gives("output: date")
            .examples(&[
                (r#"{"start":"2024-03-31","scale":"1","unit":"month"}"#, r#"{"output":"2024-02-29T00:00:00.000Z"}"#),
                (r#"{"start":"2016-03-01","scale":90,"unit":"days"}"#, r#"{"output":"2015-12-02T00:00:00.000Z"}"#),
            ]),
        pure("date:fromISO", "Convert", convert)
            .takes("start*: date, format: text, zone: text")
            .gives("date: date, iso: text, epoch: text, unix: text, human: text, custom: text")
            .note("`epoch` counts seconds and `unix` milliseconds since 1970; `custom` is in the format and zone.")
            .examples(&[(
                r#"{"start":"2016-09-07T00:01:25.670Z","format":"M/D/Y","zone":"US/Pacific"}"#,
                r#"{"date":"2016-09-07T00:01:25.670Z","iso":"2016-09-07T00:01:25Z","epoch":"1473206485","unix":"1473206485670","human":"Wed, September 7th at 12:01 AM","custom":"9/6/2016"}"#,
            )]),
        pure("date:format", "Date to Text", date_to_text)
            .takes("start*: date, format*: text, zone: text")
            .gives("output: text")
            .note("Codes: D DD Do M MM MMM MMMM Y YY YYYY H HH h hh m mm s ss SSS a A Z ZZ z d ddd dddd x X and others of Moment; text in [brackets] and other characters stay. An unknown zone is UTC.")
            .examples(&[
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"M/D/Y","zone":"US/Pacific"}"#, r#"{"output":"9/6/2016"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"M/D/Y","zone":"Etc/UTC"}"#, r#"{"output":"9/7/2016"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"MM/DD/YY","zone":"US/Pacific"}"#, r#"{"output":"09/06/16"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"MM/DD/YY","zone":"Etc/UTC"}"#, r#"{"output":"09/07/16"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"yyyy-MM-DDTHH:mm:ss.SSS","zone":"US/Pacific"}"#, r#"{"output":"2016-09-06T17:01:25.670"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"yyyy-MM-DDTHH:mm:ss.SSS","zone":"Etc/UTC"}"#, r#"{"output":"2016-09-07T00:01:25.670"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"dddd, MMMM D, Y h:mm a z","zone":"US/Pacific"}"#, r#"{"output":"Tuesday, September 6, 2016 5:01 pm PDT"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"dddd, MMMM D, Y h:mm a z","zone":"Etc/UTC"}"#, r#"{"output":"Wednesday, September 7, 2016 12:01 am UTC"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"hh:mm a","zone":"US/Pacific"}"#, r#"{"output":"05:01 pm"}"#),
                (r#"{"start":"2016-09-07T00:01:25.670Z","format":"hh:mm a","zone":"Etc/UTC"}"#, r#"{"output":"12:01 am"}"#),
                (r#"{"start":"2016-09-07","format":"[on] Do, YYYY","zone":"America/Pacific"}"#, r#"{"output":"on 7th, 2016"}"#),
            ]),
        pure("date:diff", "Difference", diff)
            .takes("start*: date, end*: date")
            .gives("days: number, months: number, years: number, hours: number, minutes: number, seconds: number, milliseconds: number")
            .note("The whole difference in each unit, with fractions. The input `start` is shown as end date and `end` as start date; the result is positive if `start` is later.")
            .examples(&[(
                r#"{"start":"2016-09-08T12:00:00Z","end":"2016-09-07T00:00:00Z"}"#,
                r#"{"days":1.5,"months":0.04838709677419355,"years":0.004032258064516129,"hours":36,"minutes":2160,"seconds":129600,"milliseconds":129600000}"#,
            )]),
        pure("date:parse", "Text to Date", text_to_date)
            .takes("start*: text, format: text")
            .gives("output: date")
            .note("With the codes of Date to Text, in UTC. What the format leaves out above its largest unit is as now.")
            .examples(&[
                (r#"{"start":"1/2/2016","format":"D/M/Y"}"#, r#"{"output":"2016-02-01T00:00:00.000Z"}"#),
                (r#"{"start":"1/2/16","format":"M/D/YY"}"#, r#"{"output":"2016-01-02T00:00:00.000Z"}"#),
                (r#"{"start":"1473206485670","format":"x"}"#, r#"{"output":"2016-09-07T00:01:25.670Z"}"#),
                (r#"{"start":"Sep 7 2016 5:01 pm","format":"MMM D YYYY h:mm a"}"#, r#"{"output":"2016-09-07T17:01:00.000Z"}"#),
            ]),
        pure("date:unix", "UNIX", unix)
            .takes("start*: date")
            .gives("output: number")
            .note("Milliseconds since 1970.")
            .examples(&[(r#"{"start":"2016-09-07T00:01:25.670Z"}"#, r#"{"output":1473206485670}"#)]),
        pure("date:epoch", "EPOCH", epoch)
            .takes("start*: date")
            .gives("output: number")
            .note("Seconds since 1970.")
            .examples(&[(r#"{"start":"2016-09-07T00:01:25.670Z"}"#, r#"{"output":1473206485}"#)]),
        pure("date:iso", "ISO", iso)
            .takes("start*: date")
            .gives("output: text")
            .examples(&[(r#"{"start":"2016-09-07T02:01:25.670+02:00"}"#, r#"{"output":"2016-09-07T00:01:25.670Z"}"#)])
            .beyond_templates(),
    ]
}

/// An input that was converted to a date.
fn date(call: &Call<'_>, key: &str) -> Timestamp {
    call.value(key).as_date().unwrap_or_default()
}

/// The zone of a name, in any letter case; UTC for names that no zone has, as in Moment.
pub fn zone(name: &str) -> Tz {
    let name = name.trim();
    let any_case = || chrono_tz::TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
    name.parse().ok().or_else(any_case).unwrap_or(Tz::UTC)
}

fn short_iso(instant: Timestamp) -> String {
    format(instant, "YYYY-MM-DD[T]HH:mm:ss[Z]", Tz::UTC)
}

fn now(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let now = call.surroundings.clock.now();
    let written = |code| Value::from(format(now, code, Tz::UTC));
    let number = |number: u32| Value::from(f64::from(number));
    Ok([
        ("date", Value::date(now)),
        ("iso", short_iso(now).into()),
        ("full", written("dddd, MMMM D, YYYY h:mm A")),
        ("time", written("h:mm A")),
        ("minute", number(now.minute())),
        ("hour", number(now.hour())),
        ("day", number(now.day())),
        ("month", written("MMMM")),
        ("year", f64::from(now.year()).into()),
        ("second", number(now.second())),
        ("millisecond", number(now.timestamp_subsec_millis())),
    ]
    .into())
}

fn add(call: &Call<'_>) -> Result<Fields, FunctionError> {
    shifted(call, 1.0)
}

fn subtract(call: &Call<'_>) -> Result<Fields, FunctionError> {
    shifted(call, -1.0)
}

fn shifted(call: &Call<'_>, sign: f64) -> Result<Fields, FunctionError> {
    let by = sign * call.number("scale").unwrap_or_default();
    output(shift(date(call, "start"), by, call.text("unit"))?)
}

/// `instant` moved by an amount of a unit, of any case and number.
fn shift(instant: Timestamp, by: f64, unit: &str) -> Result<Timestamp, FunctionError> {
    let unit = unit.trim().to_ascii_lowercase();
    let moved = match unit.strip_suffix('s').unwrap_or(&unit) {
        "year" => move_months(instant, by * 12.0),
        "quarter" => move_months(instant, by * 3.0),
        "month" => move_months(instant, by),
        "week" => move_days(instant, by * 7.0),
        "day" => move_days(instant, by),
        "hour" => move_milliseconds(instant, by * 3_600_000.0),
        "minute" => move_milliseconds(instant, by * 60_000.0),
        "second" => move_milliseconds(instant, by * 1000.0),
        "millisecond" => move_milliseconds(instant, by),
        _ => {
            return Err(FunctionError::invalid("unit: there is no such unit of time")
                .hinted("one of milliseconds, seconds, minutes, hours, days, weeks, months, years"));
        }
    };
    moved.ok_or_else(|| FunctionError::invalid("scale: the result is beyond all dates"))
}

fn move_months(instant: Timestamp, by: f64) -> Option<Timestamp> {
    let count = Months::new(whole(by)?);
    if by < 0.0 { instant.checked_sub_months(count) } else { instant.checked_add_months(count) }
}

fn move_days(instant: Timestamp, by: f64) -> Option<Timestamp> {
    let count = Days::new(whole(by)?.into());
    if by < 0.0 { instant.checked_sub_days(count) } else { instant.checked_add_days(count) }
}

/// The size of a count, rounded; `None` if no calendar reaches that far.
fn whole(count: f64) -> Option<u32> {
    let rounded = count.abs().round();
    (rounded <= f64::from(u32::MAX)).then_some(rounded as u32)
}

fn move_milliseconds(instant: Timestamp, by: f64) -> Option<Timestamp> {
    // As JavaScript does: the sum of doubles, cut to whole milliseconds.
    let moved = (instant.timestamp_millis() as f64 + by).trunc();
    (moved.abs() < 1e17).then(|| DateTime::from_timestamp_millis(moved as i64)).flatten()
}

/// Formats, and texts to read by one, may be this long.
const FORMAT_BYTES_MAX: usize = 1_000;

/// A text input that is worked through code by code.
fn short<'a>(call: &Call<'a>, key: &str) -> Result<&'a str, FunctionError> {
    let text = call.text(key);
    if text.len() > FORMAT_BYTES_MAX {
        return Err(FunctionError::limit(format!("{key}: the text is longer than {FORMAT_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn convert(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let instant = date(call, "start");
    let milliseconds = instant.timestamp_millis();
    let custom = Some(short(call, "format")?).filter(|code| !code.is_empty());
    Ok([
        ("date", instant.into()),
        ("iso", short_iso(instant).into()),
        ("epoch", milliseconds.div_euclid(1000).to_string().into()),
        ("unix", milliseconds.to_string().into()),
        ("human", format(instant, "ddd, MMMM Do [at] h:mm A", Tz::UTC).into()),
        ("custom", custom.map(|code| format(instant, code, zone(call.text("zone")))).into()),
    ]
    .into())
}

fn date_to_text(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(format(date(call, "start"), short(call, "format")?, zone(call.text("zone"))))
}

fn diff(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (later, earlier) = (date(call, "start"), date(call, "end"));
    let milliseconds = (later.timestamp_millis() - earlier.timestamp_millis()) as f64;
    let months = months_between(earlier, later)
        .ok_or_else(|| FunctionError::invalid("start: the months around this date are beyond all dates"))?;
    Ok([
        ("days", (milliseconds / 86_400_000.0).into()),
        ("months", months.into()),
        ("years", (months / 12.0).into()),
        ("hours", (milliseconds / 3_600_000.0).into()),
        ("minutes", (milliseconds / 60_000.0).into()),
        ("seconds", (milliseconds / 1000.0).into()),
        ("milliseconds", milliseconds.into()),
    ]
    .into())
}

/// How many months lie between two instants: whole ones counted on the calendar from the instant
/// with the later day of the month, and the rest as a share of the month that it falls in.
///
/// # Source
///
/// Moment, `diff` in months.
fn months_between(from: Timestamp, to: Timestamp) -> Option<f64> {
    if to.day() < from.day() {
        return months_between(to, from).map(|months| 0.0 - months);
    }
    let whole = (from.year() - to.year()) * 12 + from.month() as i32 - to.month() as i32;
    let at = |months: i32| move_months(to, months.into()).map(|instant| instant.timestamp_millis() as f64);
    let (rest, anchor) = (from.timestamp_millis() as f64, at(whole)?);
    let month = if rest < anchor { anchor - at(whole - 1)? } else { at(whole + 1)? - anchor };
    Some(0.0 - (f64::from(whole) + (rest - anchor) / month))
}

fn text_to_date(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let (text, code) = (short(call, "start")?, short(call, "format")?);
    let instant = match code {
        "" => read(text).ok_or_else(|| FunctionError::invalid("start: the text is no date")),
        code => parse(text, code, call.surroundings.clock.now()),
    };
    output(instant?)
}

fn unix(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(date(call, "start").timestamp_millis() as f64)
}

fn epoch(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(date(call, "start").timestamp_millis().div_euclid(1000) as f64)
}

fn iso(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(crate::value::date_text(date(call, "start")))
}
