//! Comparing text without regard to case.

use std::cmp::Ordering;

/// The characters of `text` in lower case. Accents stay: they are significant.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// Orders two texts, ignoring case if told so.
pub(crate) fn compare(a: &str, b: &str, fold: bool) -> Ordering {
    if fold { folded(a).cmp(folded(b)) } else { a.cmp(b) }
}

/// Whether two texts are equal.
pub(crate) fn equal(a: &str, b: &str, fold: bool) -> bool {
    if !fold || (a.is_ascii() && b.is_ascii()) {
        return if fold { a.eq_ignore_ascii_case(b) } else { a == b };
    }
    folded(a).eq(folded(b))
}

/// Whether `text` starts with `prefix`.
pub(crate) fn starts_with(text: &str, prefix: &str, fold: bool) -> bool {
    if !fold {
        return text.starts_with(prefix);
    }
    let mut characters = folded(text);
    folded(prefix).all(|wanted| characters.next() == Some(wanted))
}

/// Whether `text` ends with `suffix`.
pub(crate) fn ends_with(text: &str, suffix: &str, fold: bool) -> bool {
    if fold { lower(text).ends_with(&lower(suffix)) } else { text.ends_with(suffix) }
}

/// Whether `text` contains `part`.
pub(crate) fn contains(text: &str, part: &str, fold: bool) -> bool {
    if fold { lower(text).contains(&lower(part)) } else { text.contains(part) }
}

/// Not [`str::to_lowercase`], which looks at neighbours of a final sigma and so breaks prefixes.
fn lower(text: &str) -> String {
    folded(text).collect()
}
