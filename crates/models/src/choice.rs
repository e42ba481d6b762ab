//! Open enumerations.

use crate::Choice;

/// Takes the value that a text stands for: the same spelling, or else none that is listed.
pub(crate) fn set(choice: &mut dyn Choice, text: &str) {
    let index = choice.values().iter().position(|value| *value == text);
    choice.select(index.ok_or(text));
}

/// Takes the listed value that differs from the text in case only.
pub(crate) fn fold(choice: &mut dyn Choice) {
    let text = choice.text();
    let index = choice.values().iter().position(|value| value.eq_ignore_ascii_case(text));
    if let Some(index) = index {
        choice.select(Ok(index));
    }
}
