//! What a schedule means: points in time by cron in a time zone.

use chrono::DateTime;
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use oktant_base::Timestamp;

use crate::model::Schedule;

/// Points in time by cron in a time zone.
///
/// At the change to summer time, a time that does not exist is taken right after the gap; at the change back, a fixed
/// time is taken once, an interval goes on through both hours.
#[derive(Debug, Clone)]
pub struct Times {
    cron: Cron,
    zone: Tz,
}

/// A schedule that means no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct NoTime {
    /// The field of the schedule, by its name in sentences; `cron` where it is all of them together.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Times {
    /// The times of a schedule.
    ///
    /// # Errors
    ///
    /// [`NoTime`] if a field or the time zone is not understood, or if there is no such time.
    pub fn new(schedule: &Schedule) -> Result<Self, NoTime> {
        match Self::read(schedule) {
            Ok(times) => Ok(times),
            Err(mut problems) => Err(problems.swap_remove(0)),
        }
    }

    /// The times of a schedule, or everything that is wrong with it: one thing at least.
    pub(crate) fn read(schedule: &Schedule) -> Result<Self, Vec<NoTime>> {
        let fields = [
            ("seconds", &schedule.seconds, "0 to 59"),
            ("minutes", &schedule.minutes, "0 to 59"),
            ("hours", &schedule.hours, "0 to 23"),
            ("day of the month", &schedule.day_of_month, "1 to 31"),
            ("month", &schedule.month, "1 to 12"),
            ("day of the week", &schedule.day_of_week, "0 to 7"),
        ];
        let mut problems = Vec::new();
        for (place, (field, text, range)) in fields.into_iter().enumerate() {
            let mut alone = ["*"; 6];
            alone[place] = text;
            if parse(alone).is_err() {
                problems.push(NoTime { field, reason: format!("{text:?} is no cron field of {range}") });
            }
        }
        let zone = schedule.time_zone.parse::<Tz>().map_err(|_| {
            let reason =
                format!("{:?} is no name of the time zone database, such as Europe/Berlin", schedule.time_zone);
            problems.push(NoTime { field: "time zone", reason });
        });
        let (Ok(zone), true) = (zone, problems.is_empty()) else { return Err(problems) };
        let times = parse(fields.map(|(_, text, _)| text.as_str())).map(|cron| Self { cron, zone });
        let reason = match times {
            // Dates repeat after 400 years: what does not come after this instant never does.
            Ok(times) if times.after(DateTime::UNIX_EPOCH).is_some() => return Ok(times),
            Ok(_) => "it names no day that ever comes".to_owned(),
            Err(reason) => reason,
        };
        Err(vec![NoTime { field: "cron", reason }])
    }

    /// The first time after `instant`; `None` if there is none.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&instant.with_timezone(&self.zone), false);
        next.ok().map(|next| next.to_utc())
    }
}

fn parse(fields: [&str; 6]) -> Result<Cron, String> {
    // A blank would make two fields of one.
    if fields.iter().any(|field| field.is_empty() || field.contains(char::is_whitespace)) {
        return Err("a field is empty or has a blank in it".to_owned());
    }
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).sloppy_ranges(true).build();
    parser.parse(&fields.join(" ")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, time_zone: &str) -> Schedule {
        let [seconds, minutes, hours, day_of_month, month, day_of_week] =
            cron.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
        Schedule { seconds, minutes, hours, day_of_month, month, day_of_week, time_zone: time_zone.to_owned() }
    }

    #[test]
    fn what_means_no_time_is_refused_by_its_field() {
        for (cron, time_zone, expected) in [
            ("0 0 9 * * 1-5", "Asia/Tokio", "time zone"),
            ("0 0 9 * * *", "Europe/Berln", "time zone"),
            ("0 0 9 * * *", "", "time zone"),
            ("99 * * * * *", "UTC", "seconds"),
            ("0 0 25 * * *", "UTC", "hours"),
            ("0 0 9 * foo *", "UTC", "month"),
            ("0 0 0 31 2 *", "UTC", "cron"),
            ("0 0 0 31 4,6,9,11 *", "Asia/Tokyo", "cron"),
        ] {
            let problem = Times::new(&schedule(cron, time_zone)).unwrap_err();
            assert_eq!(problem.field, expected, "{cron} {time_zone}: {problem}");
        }
        assert_eq!(Times::read(&schedule("99 * 25 * * *", "Mars/Base")).unwrap_err().len(), 3);
    }

    #[test]
    fn what_comes_seldom_is_a_time() {
        let times = Times::new(&schedule("0 0 0 29 2 *", "UTC")).unwrap();
        let next = times.after("2026-11-26T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(next.to_string(), "2028-02-29 00:00:00 UTC");
        for cron in ["00 0 21 1 1-11/6 *", "00 0 2 * * 0,4", "0 0 9 ? JAN-MAR MON", "*/5 * * * * 7"] {
            Times::new(&schedule(cron, "US/Pacific")).unwrap_or_else(|problem| panic!("{cron}: {problem}"));
        }
    }
}
