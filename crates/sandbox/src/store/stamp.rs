//! Times as Okta stores and prints them.

use std::num::NonZeroU32;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike};
use oktant_base::Timestamp;

/// A point in time with whole seconds, in four bytes, since the org keeps six of them per user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(NonZeroU32);

impl Stamp {
    /// Bytes of the printed form `2026-01-01T00:00:00.000Z`.
    const PRINTED: usize = 24;

    /// Rounds down to the second; times outside 1970 to 2106 are clamped.
    pub(crate) fn of(time: Timestamp) -> Self {
        Self::from_seconds(time.timestamp())
    }

    /// From Unix seconds, clamped to what fits.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        let clamped = u32::try_from(seconds.max(1)).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(clamped).unwrap_or(NonZeroU32::MIN))
    }

    /// Unix seconds.
    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.0.get())
    }

    /// The same instant in the workspace's time type.
    pub(crate) fn time(self) -> Timestamp {
        DateTime::from_timestamp(self.seconds(), 0).unwrap_or_default()
    }

    /// Appends the printed form without quotes. Written by hand because lists print five of these per row.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let time = self.time();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        digits(&mut text[0..4], time.year().unsigned_abs());
        digits(&mut text[5..7], time.month());
        digits(&mut text[8..10], time.day());
        digits(&mut text[11..13], time.hour());
        digits(&mut text[14..16], time.minute());
        digits(&mut text[17..19], time.second());
        out.extend_from_slice(&text);
    }

    /// The printed form.
    pub(crate) fn text(self) -> String {
        let mut out = Vec::with_capacity(Self::PRINTED);
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

fn digits(out: &mut [u8], mut value: u32) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// A time with real milliseconds, as the System Log prints it.
pub(crate) fn with_millis(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_form_agrees_with_chrono() {
        for seconds in [1, 951_782_400, 1_709_164_799, 1_798_761_599, 4_102_444_799] {
            let stamp = Stamp::from_seconds(seconds);
            assert_eq!(stamp.text(), with_millis(stamp.time()));
        }
    }
}
