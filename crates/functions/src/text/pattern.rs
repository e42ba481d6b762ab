//! Regular expressions of JavaScript's dialect, with a limit on backtracking.

use fancy_regex::{NoExpand, Regex, RegexBuilder};

use crate::error::FunctionError;
use crate::registry::{BYTES_MAX, too_large};

/// Longer patterns are refused.
const PATTERN_BYTES_MAX: usize = 10_000;

/// Steps that a pattern may go back before it is given up; a fraction of a second.
const BACKTRACK_MAX: usize = 1_000_000;

/// The regular expression of a pattern.
///
/// # Errors
///
/// OKT4203 if it is no pattern, OKT4204 if it is too long.
pub(super) fn compile(pattern: &str, case_sensitive: bool) -> Result<Regex, FunctionError> {
    build(&translate(pattern), case_sensitive)
}

/// A regular expression that matches what any of the patterns does.
pub(super) fn compile_any(patterns: &[&str], case_sensitive: bool) -> Result<Regex, FunctionError> {
    // Each by itself first, so that none can close another's parenthesis.
    let parts = patterns.iter().map(|pattern| compile(pattern, true).map(|_| format!("(?:{})", translate(pattern))));
    build(&parts.collect::<Result<Vec<_>, _>>()?.join("|"), case_sensitive)
}

/// A regular expression that matches a plain text.
pub(super) fn compile_plain(text: &str, case_sensitive: bool) -> Result<Regex, FunctionError> {
    build(&fancy_regex::escape(text), case_sensitive)
}

fn build(pattern: &str, case_sensitive: bool) -> Result<Regex, FunctionError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(FunctionError::limit(format!("the pattern is longer than {PATTERN_BYTES_MAX} bytes")));
    }
    let built = RegexBuilder::new(pattern).case_insensitive(!case_sensitive).backtrack_limit(BACKTRACK_MAX).build();
    built.map_err(|_| FunctionError::invalid("the pattern is not a regular expression"))
}

/// The error of a match that was given up.
pub(super) fn too_slow(_: fancy_regex::Error) -> FunctionError {
    FunctionError::limit("the pattern takes too long on this text")
        .hinted("avoid nested repetitions such as (a+)+, lookaround and back references")
}

/// `text` with every or the first match replaced by plain text.
pub(super) fn replace(pattern: &Regex, text: &str, replacement: &str, global: bool) -> Result<String, FunctionError> {
    let limit = usize::from(!global);
    if !replacement.is_empty() && replacement.len().saturating_mul(text.len() + 1) > BYTES_MAX {
        let matches = pattern.find_iter(text).take(if global { usize::MAX } else { 1 }).count();
        if matches * replacement.len() + text.len() > BYTES_MAX {
            return Err(too_large());
        }
    }
    pattern.try_replacen(text, limit, NoExpand(replacement)).map(Into::into).map_err(too_slow)
}

/// What `\s` stands for, inside brackets.
const BLANKS: &str = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";

/// What `\b` stands for: where a letter of `\w` and another character, or an end, meet.
const BOUNDARY: &str = "(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))";

/// JavaScript's classes are ASCII but for blanks, and its brackets know no set operations.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match (characters.next(), in_class) {
                (Some('d'), true) => translated.push_str("0-9"),
                (Some('d'), false) => translated.push_str("[0-9]"),
                (Some('D'), false) => translated.push_str("[^0-9]"),
                (Some('w'), true) => translated.push_str("0-9A-Za-z_"),
                (Some('w'), false) => translated.push_str("[0-9A-Za-z_]"),
                (Some('W'), false) => translated.push_str("[^0-9A-Za-z_]"),
                (Some('s'), true) => translated.push_str(BLANKS),
                (Some('s'), false) => translated.extend(["[", BLANKS, "]"]),
                (Some('S'), false) => translated.extend(["[^", BLANKS, "]"]),
                (Some('b'), false) => translated.push_str(BOUNDARY),
                (Some('/'), _) => translated.push('/'),
                (Some(other), _) => translated.extend(['\\', other]),
                (None, _) => translated.push('\\'),
            },
            '[' if in_class => translated.push_str("\\["),
            '&' | '~' if in_class => translated.extend(['\\', c]),
            '.' if !in_class => translated.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '[' => {
                let negated = characters.next_if_eq(&'^').is_some();
                // An empty class is no character, and its negation any.
                if characters.next_if_eq(&']').is_some() {
                    translated.push_str(if negated { r"[\s\S]" } else { r"[^\s\S]" });
                    continue;
                }
                in_class = true;
                translated.push_str(if negated { "[^" } else { "[" });
            }
            ']' => {
                in_class = false;
                translated.push(']');
            }
            other => translated.push(other),
        }
    }
    translated
}
