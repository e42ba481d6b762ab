//! What people type into formulas, dates and paths, fed to the readers of it: targets for fuzzing.
//!
//! Each target takes any bytes and must not panic; what it asserts besides must hold for all of them.

use oktant_base::{SeededEntropy, Timestamp};

use crate::convert::{Flags, Type, convert};
use crate::formula::{Language, evaluate};
use crate::{Tagged, Value, date, path};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("formulas", formulas), ("dates", dates), ("values", values)];

/// The text is a formula and an expression; what has a value has the same in parentheses.
pub fn formulas(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for language in [Language::Arithmetic, Language::Logic] {
        let value = |text: &str| evaluate(text, language, &SeededEntropy::new(1));
        if let Ok(Some(answer)) = value(&text) {
            assert!(!answer.number.is_nan(), "an answer is a number");
            // A comment would take the parenthesis in.
            let inside = value(&format!("({text}\n)")).ok().flatten().map(|answer| answer.number);
            // One level more may be one too many.
            assert!(inside.is_none_or(|inside| inside.to_bits() == answer.number.to_bits()), "{text}");
        }
    }
}

/// The first line is a format, the rest a text to read by it and without it.
pub fn dates(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (format, text) = text.split_once('\n').unwrap_or(("YYYY-MM-DDTHH:mm:ss.SSSZ", &text));
    let zone = date::zone(text);
    let now = Timestamp::from_timestamp(1_767_268_800, 0).unwrap_or_default();
    if let Ok(instant) = date::parse(text, format, now) {
        let _ = date::format(instant, format, zone);
    }
    if let Some(instant) = date::read(text) {
        let written = date::format(instant, "x", zone);
        assert_eq!(date::parse(&written, "x", now).map(|read| read.timestamp_millis()), Ok(instant.timestamp_millis()));
    }
}

/// The first line is a path, the rest a JSON value; both survive what is done with them.
pub fn values(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (at, json) = text.split_once('\n').unwrap_or(("a.0", &text));
    let Ok(value) = Value::from_json(json) else { return };
    let tagged = serde_json::to_string(&Tagged(&value)).expect("every value has a JSON text");
    let back: Tagged<Value> = serde_json::from_str(&tagged).expect("what was written can be read");
    assert_eq!(back.0, value);
    for target in [Type::Text, Type::Number, Type::Boolean, Type::Date, Type::Object, Type::list(Type::Text)] {
        let _ = convert(&value, &target, Flags::default());
    }
    if let Ok(set) = path::set(value, at, Value::Boolean(true)) {
        assert_eq!(path::get(&set, at), Some(&Value::Boolean(true)));
        assert_ne!(path::get(&path::remove(set, at), at), Some(&Value::Boolean(true)));
    }
}
