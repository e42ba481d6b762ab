//! `TODAY`, `LAST_N_DAYS:7` and the like: days counted from today.

use chrono::{Datelike, Days, Months, NaiveDate};

/// A date literal by its name, with its number if it takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Period {
    when: When,
    unit: Unit,
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// The whole unit that lies this many before (negative) or after the current one.
    Whole(i64),
    /// The last n units. Of days, the current one belongs to them.
    Last,
    /// The n units that follow the current one.
    Next,
    /// The unit n ago.
    Ago,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

const UNITS: [(&str, Unit); 7] = [
    ("DAY", Unit::Day),
    ("WEEK", Unit::Week),
    ("MONTH", Unit::Month),
    ("FISCAL_QUARTER", Unit::Quarter),
    ("FISCAL_YEAR", Unit::Year),
    ("QUARTER", Unit::Quarter),
    ("YEAR", Unit::Year),
];

impl Period {
    /// Reads the name of a literal; `None` if it is not one. `count` stands behind the colon.
    pub(super) fn named(name: &str, count: Option<u32>) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let fixed = |when, unit| count.is_none().then_some(Self { when, unit, count: 0 });
        match name.as_str() {
            "YESTERDAY" => return fixed(When::Whole(-1), Unit::Day),
            "TODAY" => return fixed(When::Whole(0), Unit::Day),
            "TOMORROW" => return fixed(When::Whole(1), Unit::Day),
            "LAST_90_DAYS" => return count.is_none().then_some(Self { when: When::Last, unit: Unit::Day, count: 90 }),
            "NEXT_90_DAYS" => return count.is_none().then_some(Self { when: When::Next, unit: Unit::Day, count: 90 }),
            _ => {}
        }
        let unit = |name: &str| UNITS.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit);
        let units = |name: &str| unit(name.strip_suffix('S')?);
        let counted = |when, unit| count.map(|count| Self { when, unit, count });
        if let Some(unit) = name.strip_prefix("LAST_N_").and_then(units) {
            return counted(When::Last, unit);
        }
        if let Some(unit) = name.strip_prefix("NEXT_N_").and_then(units) {
            return counted(When::Next, unit);
        }
        if let Some(unit) = name.strip_prefix("N_").and_then(|rest| rest.strip_suffix("_AGO")).and_then(units) {
            return counted(When::Ago, unit);
        }
        let (when, rest) = [("LAST_", -1), ("THIS_", 0), ("NEXT_", 1)]
            .into_iter()
            .find_map(|(prefix, offset)| Some((When::Whole(offset), name.strip_prefix(prefix)?)))?;
        fixed(when, unit(rest).filter(|unit| *unit != Unit::Day)?)
    }

    /// The first day, and the first day that no longer belongs to it; `None` beyond the calendar.
    pub(super) fn days(self, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let start = self.unit.start(today)?;
        let unit = |offset: i64| self.unit.add(start, offset);
        let count = i64::from(self.count);
        match self.when {
            When::Whole(offset) => Some((unit(offset)?, unit(offset + 1)?)),
            When::Last if self.unit == Unit::Day => Some((unit(-count)?, unit(1)?)),
            When::Last => Some((unit(-count)?, start)),
            When::Next => Some((unit(1)?, unit(count + 1)?)),
            When::Ago => Some((unit(-count)?, unit(1 - count)?)),
        }
    }
}

impl Unit {
    /// The first day of the unit that a day lies in. Weeks begin on Sunday, as in the locale of the United States.
    fn start(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_sunday()))),
            Self::Month => day.with_day(1),
            Self::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        }
    }

    fn add(self, day: NaiveDate, count: i64) -> Option<NaiveDate> {
        let steps = count.unsigned_abs();
        let months = |each: u64| u32::try_from(steps.checked_mul(each)?).ok().map(Months::new);
        let days = |each: u64| steps.checked_mul(each).map(Days::new);
        let back = count < 0;
        match self {
            Self::Day | Self::Week => {
                let days = days(if self == Self::Day { 1 } else { 7 })?;
                if back { day.checked_sub_days(days) } else { day.checked_add_days(days) }
            }
            Self::Month | Self::Quarter | Self::Year => {
                let each = match self {
                    Self::Quarter => 3,
                    Self::Year => 12,
                    _ => 1,
                };
                let months = months(each)?;
                if back { day.checked_sub_months(months) } else { day.checked_add_months(months) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, count: Option<u32>, from: &str, until: &str) {
        // A Monday.
        let today = "2026-03-02".parse().unwrap();
        let days = Period::named(name, count).unwrap().days(today).unwrap();
        assert_eq!((days.0.to_string(), days.1.to_string()), (from.to_owned(), until.to_owned()), "{name}");
    }

    #[test]
    fn literals_are_ranges_of_days() {
        check("TODAY", None, "2026-03-02", "2026-03-03");
        check("yesterday", None, "2026-03-01", "2026-03-02");
        check("LAST_WEEK", None, "2026-02-22", "2026-03-01");
        check("THIS_MONTH", None, "2026-03-01", "2026-04-01");
        check("NEXT_QUARTER", None, "2026-04-01", "2026-07-01");
        check("LAST_FISCAL_YEAR", None, "2025-01-01", "2026-01-01");
        check("LAST_N_DAYS", Some(1), "2026-03-01", "2026-03-03");
        check("NEXT_N_DAYS", Some(2), "2026-03-03", "2026-03-05");
        check("LAST_90_DAYS", None, "2025-12-02", "2026-03-03");
        check("LAST_N_MONTHS", Some(2), "2026-01-01", "2026-03-01");
        check("N_WEEKS_AGO", Some(1), "2026-02-22", "2026-03-01");
        check("N_YEARS_AGO", Some(2), "2024-01-01", "2025-01-01");
    }

    #[test]
    fn others_are_none_and_the_calendar_ends() {
        assert!(Period::named("TODAYS", None).is_none() && Period::named("TODAY", Some(1)).is_none());
        assert!(Period::named("LAST_N_DAYS", None).is_none() && Period::named("LAST_DAY", None).is_none());
        let far = Period::named("LAST_N_YEARS", Some(u32::MAX)).unwrap();
        assert_eq!(far.days("2026-03-02".parse().unwrap()), None);
    }
}
