//! What a text literal must be spelled like, so that a server that ignores case finds every
//! value that a case-mapping SQL comparison finds.
//!
//! The org compares character by character, accents count; how it folds the rarest characters is
//! not documented. SQL's `lower` and `upper` map whole strings and may change their length (`ß`
//! becomes `SS`), and some characters have an upper case without being its lower case (`ı`, `ſ`).
//! A row that only such a mapping finds would be lost, so these spellings are asked for as well,
//! or the text is cut before a character in doubt.
//!
//! # Source
//! Unicode Standard, `SpecialCasing.txt` (unconditional mappings) and `UnicodeData.txt`.

/// How a SQL comparison treats the case of the column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Casing {
    /// As it stands: `=`, `LIKE`.
    Kept,
    /// Ignored: `ILIKE`.
    Ignored,
    /// The value is put through `lower` first.
    Lower,
    /// The value is put through `upper` first.
    Upper,
}

/// Most spellings that are asked for; beyond it the comparison stays local.
const SPELLINGS_MAX: usize = 8;

/// Lower-case ASCII texts and the single characters whose upper case is the same as theirs,
/// although they are not their lower case.
const UPPER_TWINS: &[(&str, char)] = &[
    ("s", 'ſ'),
    ("i", 'ı'),
    ("ss", 'ß'),
    ("ff", 'ﬀ'),
    ("fi", 'ﬁ'),
    ("fl", 'ﬂ'),
    ("ffi", 'ﬃ'),
    ("ffl", 'ﬄ'),
    ("st", 'ﬅ'),
    ("st", 'ﬆ'),
];

/// The same for comparisons that ignore case: one character for one.
const FOLD_TWINS: &[(&str, char)] = &[("s", 'ſ')];

/// What is known about the values that satisfy a comparison with a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spellings {
    /// Each of them folds to one of these.
    Known(Vec<String>),
    /// There are none.
    Nothing,
    /// They cannot be listed.
    Unknown,
}

/// The spellings of the values that equal `text` after `casing`.
pub(crate) fn of_whole(text: &str, casing: Casing) -> Spellings {
    match casing {
        Casing::Kept => Spellings::Known(vec![text.to_owned()]),
        Casing::Ignored if text.chars().all(folds_alike_everywhere) => with_twins(text, FOLD_TWINS),
        Casing::Lower if text.to_lowercase() != text => Spellings::Nothing,
        Casing::Lower if text.chars().all(is_lowered_singly) => Spellings::Known(vec![text.to_owned()]),
        Casing::Upper if text.contains(|c: char| c.is_ascii_lowercase()) => Spellings::Nothing,
        Casing::Upper if text.is_ascii() => with_twins(text, UPPER_TWINS),
        Casing::Ignored | Casing::Lower | Casing::Upper => Spellings::Unknown,
    }
}

/// The spellings of the longest useful start of the values that start with `prefix` after `casing`.
pub(crate) fn of_prefix(prefix: &str, casing: Casing) -> Spellings {
    match casing {
        Casing::Kept => first_part(prefix, |c| c != CAPITAL_SIGMA),
        Casing::Ignored => match first_part(prefix, folds_alike_everywhere) {
            Spellings::Known(parts) => longest_with_twins(&parts.concat()),
            other => other,
        },
        Casing::Lower if prefix.to_lowercase() != prefix => Spellings::Unknown,
        Casing::Lower => match first_part(prefix, is_lowered_singly) {
            Spellings::Known(parts) => parts.iter().map(|part| without_last_i(part)).collect(),
            other => other,
        },
        // A prefix of the mapped value may end inside a character of the value itself: `S` of `ß`.
        Casing::Upper => Spellings::Unknown,
    }
}

/// The longest piece of a text that occurs in a value after `casing` and has one spelling only.
pub(crate) fn of_part(part: &str, casing: Casing) -> Option<&str> {
    let is_plain = |c: char| match casing {
        Casing::Kept => c != CAPITAL_SIGMA,
        Casing::Ignored => folds_alike_everywhere(c) && !c.eq_ignore_ascii_case(&'s'),
        Casing::Lower => c != 'i' && is_lowered_singly(c) && c.to_lowercase().eq([c]),
        Casing::Upper => false,
    };
    part.split(|c| !is_plain(c)).max_by_key(|piece| piece.chars().count()).filter(|piece| !piece.is_empty())
}

/// The part of a text at its end that has one spelling only.
pub(crate) fn of_suffix(suffix: &str, casing: Casing) -> Option<&str> {
    let end = suffix.rsplit(|c: char| of_part(c.encode_utf8(&mut [0; 4]), casing).is_none()).next()?;
    (!end.is_empty()).then_some(end)
}

/// `İ` is an `i` and a combining dot in lower case, so an `i` at the end of a part may be half
/// of one.
fn without_last_i(part: &str) -> &str {
    part.strip_suffix('i').unwrap_or(part)
}

impl<'a> FromIterator<&'a str> for Spellings {
    fn from_iter<T: IntoIterator<Item = &'a str>>(parts: T) -> Self {
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect();
        if parts.is_empty() { Self::Unknown } else { Self::Known(parts) }
    }
}

/// Its lower case depends on whether a letter follows, so the start of a value may fold
/// differently alone than inside the value.
const CAPITAL_SIGMA: char = 'Σ';

fn first_part(text: &str, keep: impl Fn(char) -> bool) -> Spellings {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    std::iter::once(&text[..end]).collect()
}

/// Whether every notion of "ignoring case" treats the character alike: ASCII and the letters of
/// Latin-1. Elsewhere, SQL's regular-expression folding and the org's may differ.
fn folds_alike_everywhere(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{C0}'..='\u{FF}')
}

/// Whether a character of a lower-cased text comes from one character of the same folding.
/// Final sigma depends on its neighbours, and the combining dot may come from `İ`.
fn is_lowered_singly(c: char) -> bool {
    !matches!(c, 'ς' | '\u{307}')
}

/// The longest start of `text` that is worth asking for in all its spellings.
fn longest_with_twins(text: &str) -> Spellings {
    let ends = text.char_indices().map(|(start, c)| start + c.len_utf8()).rev();
    let spellings = ends.map(|end| with_twins(&text[..end], FOLD_TWINS));
    spellings.into_iter().find(|spellings| *spellings != Spellings::Unknown).unwrap_or(Spellings::Unknown)
}

/// Every spelling of `text`, in lower case where it is ASCII, with some parts replaced by twins.
fn with_twins(text: &str, twins: &[(&str, char)]) -> Spellings {
    let lower = text.to_ascii_lowercase();
    let mut done: Vec<String> = Vec::new();
    let mut open = vec![(String::new(), lower.as_str())];
    while let Some((written, rest)) = open.pop() {
        if done.len() + open.len() >= SPELLINGS_MAX {
            return Spellings::Unknown;
        }
        let Some(next) = rest.chars().next() else {
            done.push(written);
            continue;
        };
        for (twin_of, twin) in twins {
            if let Some(after) = rest.strip_prefix(twin_of) {
                open.push((format!("{written}{twin}"), after));
            }
        }
        open.push((format!("{written}{next}"), &rest[next.len_utf8()..]));
    }
    Spellings::Known(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(spellings: &[&str]) -> Spellings {
        Spellings::Known(spellings.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn upper_asks_for_characters_that_only_upper_unites() {
        assert_eq!(of_whole("PARK", Casing::Upper), known(&["park"]));
        assert_eq!(of_whole("PARIS", Casing::Upper), known(&["paris", "pariſ", "parıs", "parıſ"]));
        assert_eq!(of_whole("SS", Casing::Upper), known(&["ss", "sſ", "ß", "ſs", "ſſ"]));
        assert_eq!(of_whole("MISSISSIPPI", Casing::Upper), Spellings::Unknown);
        assert_eq!(of_whole("Park", Casing::Upper), Spellings::Nothing);
    }

    #[test]
    fn lower_of_a_value_has_no_capitals() {
        assert_eq!(of_whole("josé", Casing::Lower), known(&["josé"]));
        assert_eq!(of_whole("José", Casing::Lower), Spellings::Nothing);
        assert_eq!(of_whole("οδος", Casing::Lower), Spellings::Unknown);
    }

    #[test]
    fn prefixes_stop_before_characters_that_fold_by_context() {
        assert_eq!(of_prefix("ΑΣΑ", Casing::Kept), known(&["Α"]));
        assert_eq!(of_prefix("joς", Casing::Ignored), known(&["jo"]));
        assert_eq!(of_prefix("sin", Casing::Ignored), known(&["sin", "ſin"]));
        assert_eq!(of_prefix("straße", Casing::Lower), known(&["straße"]));
        assert_eq!(of_prefix("heidi", Casing::Lower), known(&["heid"]));
        assert_eq!(of_prefix("STR", Casing::Upper), Spellings::Unknown);
    }

    #[test]
    fn parts_are_the_longest_of_one_spelling() {
        assert_eq!(of_part("smith", Casing::Kept), Some("smith"));
        assert_eq!(of_part("smith", Casing::Ignored), Some("mith"));
        assert_eq!(of_part("heinrich", Casing::Lower), Some("ch"));
        assert_eq!(of_part("smith", Casing::Upper), None);
        assert_eq!(of_suffix("jones.com", Casing::Ignored), Some(".com"));
        assert_eq!(of_suffix("Jones", Casing::Ignored), None);
    }

    /// Every character whose upper case is ASCII is either folded to it or listed as a twin.
    #[test]
    fn twins_are_complete() {
        for c in '\0'..=char::MAX {
            let upper: String = c.to_uppercase().collect();
            if !upper.is_ascii() || c.is_ascii() {
                continue;
            }
            let lower = upper.to_ascii_lowercase();
            assert!(UPPER_TWINS.contains(&(lower.as_str(), c)), "{c} maps to {upper}");
        }
    }
}
