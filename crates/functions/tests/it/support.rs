//! Running functions from JSON.

use oktant_base::{ManualClock, SeededEntropy};
use oktant_functions::{Fields, Flags, FunctionError, Name, Surroundings, Type, Value, find};

/// The time of every test.
pub(crate) const NOW: &str = "2026-11-25T22:15:30.123Z";

/// The value of a JSON text.
pub(crate) fn json(text: &str) -> Value {
    Value::from_json(text).expect("a JSON text")
}

/// The fields of a JSON object; `group/key` is a field of a group.
pub(crate) fn fields(object: &Value) -> Fields {
    let entries = object.as_object().expect("an object of fields");
    entries.iter().map(|(name, value)| (name_of(name), value.clone())).collect()
}

/// The name that a text such as `group/key` stands for.
fn name_of(text: &str) -> Name {
    text.split_once('/').map_or_else(|| text.into(), |(group, key)| Name::grouped(group, key))
}

/// Runs the function of a key; every name of `wanted` is an output of the card.
pub(crate) fn run(key: &str, inputs: &Value, wanted: &[&str]) -> Result<Value, FunctionError> {
    let clock = ManualClock::at(NOW.parse().expect("an instant"));
    let surroundings = Surroundings { clock: &clock, entropy: &SeededEntropy::new(7) };
    let wanted: Vec<_> = wanted.iter().map(|name| (name_of(name), Type::Any)).collect();
    let outputs = find(key)?.run(&fields(inputs), &wanted, surroundings, Flags::default())?;
    Ok(Value::object(outputs.into_iter().map(|(name, value)| (name.key, value))))
}
