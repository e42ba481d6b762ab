//! Instants from text whose format is not given.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use oktant_base::Timestamp;

/// Longer text is no date.
const BYTES_MAX: usize = 100;

/// Names of months and days are taken in full and in three letters.
const DATES: &[&str] = &[
    "%Y-%m-%d",
    "%Y%m%d",
    "%G-W%V-%u",
    "%GW%V%u",
    "%Y-%j",
    "%Y-%m",
    "%Y",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%a %b %d %Y",
    "%a, %B %d, %Y",
    "%a, %d %b %Y",
];

const TIMES: &[&str] =
    &["%H:%M:%S%.f", "%H:%M", "%H", "%H%M%S%.f", "%H%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p"];

const SEPARATORS: &[&str] = &["T", "t", " at ", ", ", " "];

/// The instant of an ISO 8601 or RFC 2822 text, or of one of the common forms; UTC unless it names
/// an offset. Month comes before day where only slashes tell.
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > BYTES_MAX || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)) {
        return Some(instant.to_utc());
    }
    let (local, offset) = split_zone(text);
    let local = read_local(local)?;
    match offset {
        Some(offset) => offset.from_local_datetime(&local).single().map(|instant| instant.to_utc()),
        None => Some(Utc.from_utc_datetime(&local)),
    }
}

fn read_local(text: &str) -> Option<NaiveDateTime> {
    if let Some(date) = read_date(text) {
        return Some(date.and_time(NaiveTime::MIN));
    }
    SEPARATORS.iter().find_map(|separator| {
        // The separator may be inside the date as well, as in `Sep 7, 2016 0:01`.
        let (date, time) = text.rsplit_once(separator)?;
        let split = read_date(date.trim()).zip(read_time(time.trim()));
        let split = split.or_else(|| {
            // `12:01 AM` has a blank of its own.
            let (date, hour) = date.rsplit_once(separator)?;
            read_date(date.trim()).zip(read_time(&format!("{hour}{separator}{time}")))
        });
        split.map(|(date, time)| date.and_time(time))
    })
}

fn read_date(text: &str) -> Option<NaiveDate> {
    DATES.iter().find_map(|format| match *format {
        // chrono wants a whole date.
        "%Y-%m" if text.len() == 7 => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok(),
        "%Y" if text.len() == 4 => NaiveDate::parse_from_str(&format!("{text}-01-01"), "%Y-%m-%d").ok(),
        "%Y-%j" if text.len() != 8 => None,
        format => NaiveDate::parse_from_str(text, format).ok(),
    })
}

fn read_time(text: &str) -> Option<NaiveTime> {
    TIMES.iter().find_map(|format| match *format {
        "%H" if text.len() == 2 => NaiveTime::parse_from_str(&format!("{text}:00"), "%H:%M").ok(),
        "%I %p" | "%I%p" => {
            let (hour, half) = text.split_at_checked(text.len().checked_sub(2)?)?;
            NaiveTime::parse_from_str(&format!("{}:00 {half}", hour.trim()), "%I:%M %p").ok()
        }
        format => NaiveTime::parse_from_str(text, format).ok(),
    })
}

/// Cuts off what names the offset: `Z`, `UTC`, `GMT+0200`, `+02:00`, `+02`, and a comment in parentheses.
fn split_zone(text: &str) -> (&str, Option<FixedOffset>) {
    let text = match text.split_once('(') {
        Some((text, comment)) if comment.ends_with(')') => text.trim_end(),
        _ => text,
    };
    let zero = FixedOffset::east_opt(0);
    for name in ["Z", "z", " UTC", " GMT"] {
        if let Some(local) = text.strip_suffix(name) {
            return (local, zero);
        }
    }
    let Some(at) = text.rfind(['+', '-']).filter(|at| text[..*at].contains(':') || text[..*at].contains('T')) else {
        return (text, None);
    };
    let digits: String = text[at + 1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i32>(), Ok(0)),
        4 if digits.is_ascii() => (digits[..2].parse::<i32>(), digits[2..].parse::<i32>()),
        _ => return (text, None),
    };
    let (Ok(hours), Ok(minutes)) = (hours, minutes) else { return (text, None) };
    let seconds = (hours * 60 + minutes) * 60;
    let offset = FixedOffset::east_opt(if text[at..].starts_with('-') { -seconds } else { seconds });
    let local = text[..at].trim_end();
    if offset.is_none() { (text, None) } else { (local.strip_suffix("GMT").unwrap_or(local).trim_end(), offset) }
}
