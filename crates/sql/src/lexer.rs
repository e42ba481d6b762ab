//! Just enough of SQL's lexical rules to find where statements end, what they begin with, and to colour them.
//!
//! Never fails: an unclosed quote or comment runs to the end of the text and says so.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword or a bare identifier.
    Word,
    /// A quoted identifier.
    Quoted,
    /// A string literal.
    Text,
    /// A number.
    Number,
    /// A comment.
    Comment,
    /// White space.
    Space,
    /// Anything else, one character long.
    Symbol,
}

/// A piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text as written.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub start: usize,
    /// Whether its closing quote or comment mark is present; true for tokens without one.
    pub closed: bool,
}

/// Cuts `sql` into tokens; together they are the whole text.
pub fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &sql[start..];
        let first = rest.chars().next()?;
        let (kind, length, closed) = scan(rest, first);
        let token = Token { kind, text: &rest[..length], start, closed };
        start += length;
        Some(token)
    })
}

fn scan(rest: &str, first: char) -> (Kind, usize, bool) {
    let run = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    match first {
        _ if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len()), true),
        _ if rest.starts_with("/*") => block_comment(rest),
        '\'' => quoted(rest, Kind::Text, '\''),
        '"' | '`' => quoted(rest, Kind::Quoted, first),
        _ if first.is_whitespace() => (Kind::Space, run(char::is_whitespace), true),
        _ if first.is_ascii_digit() => (Kind::Number, run(|c| c.is_ascii_alphanumeric() || c == '.'), true),
        _ if is_word_part(first) => (Kind::Word, run(is_word_part), true),
        _ => (Kind::Symbol, first.len_utf8(), true),
    }
}

/// Whether `c` may stand in a bare identifier.
pub fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// A doubled quote stands for the quote itself.
fn quoted(rest: &str, kind: Kind, quote: char) -> (Kind, usize, bool) {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return (kind, at + 1, true);
        }
    }
    (kind, rest.len(), false)
}

/// Block comments nest, as in PostgreSQL.
fn block_comment(rest: &str) -> (Kind, usize, bool) {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(offset) = rest[at..].find(['/', '*']) {
        at += offset;
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (Kind::Comment, at, true);
            }
        } else {
            at += 1;
        }
    }
    (Kind::Comment, rest.len(), false)
}

/// The statements of a script, without their semicolons and without empty ones.
pub fn statements(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut has_content) = (0, false);
    for token in tokens(script) {
        if is_semicolon(token) {
            if has_content {
                statements.push(script[start..token.start].trim());
            }
            (start, has_content) = (token.start + 1, false);
        } else if !matches!(token.kind, Kind::Space | Kind::Comment) {
            has_content = true;
        }
    }
    if has_content {
        statements.push(script[start..].trim());
    }
    statements
}

/// Whether typed text ends with a semicolon that closes a statement.
pub fn is_complete(text: &str) -> bool {
    let mut last = None;
    for token in tokens(text) {
        if !token.closed {
            return false;
        }
        if !matches!(token.kind, Kind::Space | Kind::Comment) {
            last = Some(token);
        }
    }
    last.is_none_or(is_semicolon)
}

fn is_semicolon(token: Token<'_>) -> bool {
    token.kind == Kind::Symbol && token.text == ";"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_statements(script: &str, expected: &[&str]) {
        assert_eq!(statements(script), expected);
    }

    #[test]
    fn scripts_are_cut_at_semicolons_outside_quotes_and_comments() {
        check_statements("", &[]);
        check_statements(" ; -- nothing\n;", &[]);
        check_statements("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]);
        check_statements("SELECT 'a;b', \"c;d\", `e;f`;", &["SELECT 'a;b', \"c;d\", `e;f`"]);
        check_statements(
            "SELECT 'it''s;' /* ; /* ; */ ; */ ; SELECT 2 -- ;",
            &["SELECT 'it''s;' /* ; /* ; */ ; */", "SELECT 2 -- ;"],
        );
        check_statements("SELECT 'open; end", &["SELECT 'open; end"]);
    }

    #[track_caller]
    fn check_complete(text: &str, expected: bool) {
        assert_eq!(is_complete(text), expected, "{text}");
    }

    #[test]
    fn input_is_complete_at_a_closing_semicolon() {
        check_complete("SELECT 1", false);
        check_complete("SELECT 1;", true);
        check_complete("SELECT 1; -- done", true);
        check_complete("SELECT ';", false);
        check_complete("SELECT 1; /* more", false);
        check_complete("SELECT 1; SELECT", false);
        check_complete("  ", true);
    }

    #[test]
    fn tokens_cover_the_whole_text() {
        let sql = "SELECT \"Id\", 'ä''b', 1.5e3 FROM Users -- end\nWHERE a>=2 /* x";
        let joined: String = tokens(sql).map(|token| token.text).collect();
        assert_eq!(joined, sql);
        let kinds: Vec<Kind> = tokens("a 'b' \"c\" 1 --d").map(|token| token.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Word,
                Kind::Space,
                Kind::Text,
                Kind::Space,
                Kind::Quoted,
                Kind::Space,
                Kind::Number,
                Kind::Space,
                Kind::Comment
            ]
        );
    }
}
