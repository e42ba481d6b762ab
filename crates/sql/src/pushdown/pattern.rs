//! What a `LIKE` pattern says about the values it matches.

/// A `LIKE` pattern: literal texts and the wildcards between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// One more than there are wildcards; empty where two of them meet, or one stands at an end.
    runs: Vec<String>,
    /// `%` and `_`, in order.
    wildcards: String,
}

/// `%` and `_` are wildcards unless this stands before them.
const ESCAPE: char = '\\';

impl Pattern {
    /// Reads a pattern; `None` for another escape character than the backslash, which the
    /// engine does not evaluate either, and for a pattern that ends inside an escape.
    pub(crate) fn parse(pattern: &str, escape: Option<char>) -> Option<Self> {
        if escape.is_some_and(|escape| escape != ESCAPE) {
            return None;
        }
        let mut parsed = Self { runs: vec![String::new()], wildcards: String::new() };
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' | '_' => {
                    parsed.wildcards.push(c);
                    parsed.runs.push(String::new());
                }
                ESCAPE => parsed.runs.last_mut()?.push(chars.next()?),
                literal => parsed.runs.last_mut()?.push(literal),
            }
        }
        Some(parsed)
    }

    /// The text it stands for, where it has no wildcard.
    pub(crate) fn whole(&self) -> Option<String> {
        self.wildcards.is_empty().then(|| self.runs.concat())
    }

    /// The literal text every match starts with.
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.runs.first().map(String::as_str).filter(|run| !run.is_empty())
    }

    /// The literal text every match ends with.
    pub(crate) fn suffix(&self) -> Option<&str> {
        self.runs.last().map(String::as_str).filter(|run| !run.is_empty())
    }

    /// Literal texts that every match contains.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().map(String::as_str).filter(|run| !run.is_empty())
    }

    /// Whether a value matches exactly when it starts with [`Self::prefix`].
    pub(crate) fn is_prefix_only(&self) -> bool {
        self.wildcards == "%" && self.suffix().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pattern: &str) -> Pattern {
        Pattern::parse(pattern, None).unwrap()
    }

    #[test]
    fn prefix_ends_at_the_first_wildcard() {
        for (pattern, prefix, suffix, prefix_only) in [
            ("abc%", Some("abc"), None, true),
            ("a_c%", Some("a"), None, false),
            ("ab%cd", Some("ab"), Some("cd"), false),
            ("%abc", None, Some("abc"), false),
            ("%abc%", None, None, false),
            ("abc_", Some("abc"), None, false),
            (r"a\%b%", Some("a%b"), None, true),
            (r"a\\%", Some(r"a\"), None, true),
            (r"a\%", Some("a%"), Some("a%"), false),
            ("%", None, None, true),
        ] {
            let parsed = parse(pattern);
            assert_eq!(
                (parsed.prefix(), parsed.suffix(), parsed.is_prefix_only()),
                (prefix, suffix, prefix_only),
                "{pattern}"
            );
        }
    }

    #[test]
    fn pattern_without_wildcard_is_its_text() {
        assert_eq!(parse("abc").whole().as_deref(), Some("abc"));
        assert_eq!(parse(r"a\_c").whole().as_deref(), Some("a_c"));
        assert_eq!(parse("").whole().as_deref(), Some(""));
        assert_eq!(parse("a_c").whole(), None);
    }

    #[test]
    fn foreign_or_dangling_escapes_are_not_understood() {
        assert_eq!(Pattern::parse("a!%", Some('!')), None);
        assert_eq!(Pattern::parse(r"abc\", None), None);
        assert!(Pattern::parse("abc%", Some('\\')).is_some());
    }
}
