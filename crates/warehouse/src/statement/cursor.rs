//! Reading a statement token by token, with Snowflake's errors at the place where reading fails.

use std::fmt;

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::SnowflakeError;

/// The tokens of one statement and how far they are read.
#[derive(Debug)]
pub(crate) struct Cursor {
    tokens: Vec<TokenWithSpan>,
    next: usize,
    end: Location,
}

/// Splits a text into tokens, blanks and comments left out.
pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, SnowflakeError> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, sql).tokenize_with_location().map_err(|error| {
        let (line, pos) = place(error.location);
        SnowflakeError::syntax(line, pos, "<EOF>")
    })?;
    Ok(tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)).collect())
}

/// A token as an error shows it. In quotes of any kind, out of place, may be a password.
pub(crate) fn masked(token: &str) -> &str {
    if token.contains(['\'', '"', '`', '$']) { "'…'" } else { token }
}

/// Line from 1 and column from 0, as Snowflake counts.
fn place(location: Location) -> (u64, u64) {
    (location.line.max(1), location.column.saturating_sub(1))
}

impl Cursor {
    /// Reads a statement from its beginning; semicolons at the end are no part of it.
    pub(crate) fn new(sql: &str) -> Result<Self, SnowflakeError> {
        let mut tokens = tokenize(sql)?;
        let end = tokens.last().map_or_else(|| Location::new(1, 1), |token| token.span.end);
        while tokens.last().is_some_and(|token| token.token == Token::SemiColon) {
            tokens.pop();
        }
        Ok(Self { tokens, next: 0, end })
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.next == self.tokens.len()
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|token| &token.token)
    }

    /// Line and column of the next token.
    pub(crate) fn place(&self) -> (u64, u64) {
        place(self.tokens.get(self.next).map_or(self.end, |token| token.span.start))
    }

    /// The error that the next token must not stand here.
    pub(crate) fn unexpected(&self) -> SnowflakeError {
        let (line, pos) = self.place();
        let token = self.peek().map_or_else(|| "<EOF>".to_owned(), Token::to_string);
        SnowflakeError::syntax(line, pos, masked(&token))
    }

    /// Whether the next token, `ahead` tokens on, is this keyword in any letter case.
    fn is_word(&self, ahead: usize, keyword: &str) -> bool {
        let token = self.tokens.get(self.next + ahead).map(|token| &token.token);
        matches!(token, Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
    }

    /// The next token as a keyword in upper case, without reading it.
    pub(crate) fn peek_word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// Reads these keywords, separated by blanks, if all of them come next.
    pub(crate) fn eat(&mut self, keywords: &str) -> bool {
        let count = keywords.split(' ').count();
        let found = keywords.split(' ').enumerate().all(|(ahead, keyword)| self.is_word(ahead, keyword));
        if found {
            self.next += count;
        }
        found
    }

    /// Reads these keywords, which have to come next.
    pub(crate) fn expect(&mut self, keywords: &str) -> Result<(), SnowflakeError> {
        for keyword in keywords.split(' ') {
            if !self.eat(keyword) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// Reads a sign if it comes next.
    pub(crate) fn eat_sign(&mut self, sign: &Token) -> bool {
        let found = self.peek() == Some(sign);
        self.next += usize::from(found);
        found
    }

    /// Reads a sign, which has to come next.
    pub(crate) fn expect_sign(&mut self, sign: &Token) -> Result<(), SnowflakeError> {
        if self.eat_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Fails unless everything is read.
    pub(crate) fn expect_end(&self) -> Result<(), SnowflakeError> {
        if self.is_at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads any keyword and gives it in upper case.
    pub(crate) fn word(&mut self) -> Result<String, SnowflakeError> {
        let word = self.peek_word().ok_or_else(|| self.unexpected())?;
        self.next += 1;
        Ok(word)
    }

    /// Reads an identifier: upper case unless it is quoted. `IDENTIFIER('…')` names it by a text.
    pub(crate) fn name(&mut self) -> Result<String, SnowflakeError> {
        Ok(self.path()?.pop().unwrap_or_default())
    }

    /// Reads a name of one or several parts, `a.b.c`.
    pub(crate) fn path(&mut self) -> Result<Vec<String>, SnowflakeError> {
        if self.is_word(0, "IDENTIFIER")
            && self.tokens.get(self.next + 1).map(|token| &token.token) == Some(&Token::LParen)
        {
            self.next += 2;
            let path = name_in_text(&self.text()?).split('.').map(str::to_owned).collect();
            self.expect_sign(&Token::RParen)?;
            return short(path);
        }
        let mut path = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Word(word)) => path.push(match word.quote_style {
                    Some(_) => word.value.clone(),
                    None => word.value.to_uppercase(),
                }),
                _ => return Err(self.unexpected()),
            }
            self.next += 1;
            if !self.eat_sign(&Token::Period) {
                break;
            }
        }
        short(path)
    }

    /// The tokens of the whole statement.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().map(|token| &token.token)
    }

    /// Reads a text in quotes.
    pub(crate) fn text(&mut self) -> Result<String, SnowflakeError> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(text)) => text.clone(),
            Some(Token::DollarQuotedString(text)) => text.value.clone(),
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(text)
    }

    /// Whether a text in quotes comes next.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.peek(), Some(Token::SingleQuotedString(_) | Token::DollarQuotedString(_)))
    }

    /// Reads a whole number.
    pub(crate) fn number(&mut self) -> Result<i64, SnowflakeError> {
        let negative = self.eat_sign(&Token::Minus);
        let number = match self.peek() {
            Some(Token::Number(digits, _)) => digits.parse::<i64>().map_err(|_| self.unexpected())?,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(if negative { -number } else { number })
    }

    /// Whether a number comes next.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.peek(), Some(Token::Number(..) | Token::Minus))
    }

    /// Reads `[,] name = value` as often as it comes.
    pub(crate) fn properties(&mut self) -> Result<Vec<Property>, SnowflakeError> {
        let mut properties = Vec::new();
        while !self.is_at_end() {
            self.eat_sign(&Token::Comma);
            self.eat("WITH");
            if self.eat("TAG") {
                properties.push(Property { name: "TAG".to_owned(), value: PropertyValue::List(self.tags()?) });
                continue;
            }
            let name = self.word()?;
            self.expect_sign(&Token::Eq)?;
            properties.push(Property { name, value: self.property_value()? });
        }
        Ok(properties)
    }

    /// Reads `(a.b.tag = 'value', …)` or the same without parentheses, as `A.B.TAG:value`.
    fn tags(&mut self) -> Result<Vec<String>, SnowflakeError> {
        let enclosed = self.eat_sign(&Token::LParen);
        let mut tags = Vec::new();
        loop {
            let name = self.path()?.join(".");
            self.expect_sign(&Token::Eq)?;
            tags.push(format!("{name}:{}", self.text()?));
            if !self.eat_sign(&Token::Comma) {
                break;
            }
        }
        if enclosed {
            self.expect_sign(&Token::RParen)?;
        }
        Ok(tags)
    }

    fn property_value(&mut self) -> Result<PropertyValue, SnowflakeError> {
        if self.is_text() {
            return self.text().map(PropertyValue::Text);
        }
        if self.is_number() {
            return self.number().map(PropertyValue::Number);
        }
        if !self.eat_sign(&Token::LParen) {
            return Ok(PropertyValue::Name(self.path()?.join(".")));
        }
        let mut items = Vec::new();
        while !self.eat_sign(&Token::RParen) {
            items.push(if self.is_text() { self.text()? } else { self.name()? });
            if !self.eat_sign(&Token::Comma) {
                self.expect_sign(&Token::RParen)?;
                break;
            }
        }
        Ok(PropertyValue::List(items))
    }
}

/// A property of an object in a statement.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    /// In upper case.
    pub(crate) name: String,
    pub(crate) value: PropertyValue,
}

/// What a property is set to. Its `Debug` form is empty: it may be a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PropertyValue {
    Text(String),
    /// An identifier, folded as identifiers are; `TRUE`, `FALSE` and `NULL` are such.
    Name(String),
    Number(i64),
    List(Vec<String>),
}

impl fmt::Debug for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Property {
    fn invalid(&self, value: &str) -> SnowflakeError {
        SnowflakeError::invalid_property_value(value, &self.name)
    }

    /// The value as text; `NULL` is none.
    pub(crate) fn text(&self) -> Result<Option<String>, SnowflakeError> {
        match &self.value {
            PropertyValue::Name(name) if name == "NULL" => Ok(None),
            PropertyValue::Text(text) | PropertyValue::Name(text) => Ok(Some(text.clone())),
            PropertyValue::Number(number) => Ok(Some(number.to_string())),
            PropertyValue::List(_) => Err(self.invalid("(…)")),
        }
    }

    /// The name of an object, given as an identifier or inside a text; `NULL` and an empty text are none.
    pub(crate) fn object(&self) -> Result<Option<String>, SnowflakeError> {
        Ok(match &self.value {
            PropertyValue::Text(text) if text.is_empty() => None,
            PropertyValue::Text(text) => Some(name_in_text(text)),
            _ => self.text()?,
        })
    }

    pub(crate) fn boolean(&self) -> Result<bool, SnowflakeError> {
        let text = self.text()?.unwrap_or_default();
        match text.to_ascii_uppercase().as_str() {
            "TRUE" => Ok(true),
            "FALSE" => Ok(false),
            _ => Err(self.invalid(&text)),
        }
    }

    /// A whole number; `NULL` is none.
    pub(crate) fn number(&self) -> Result<Option<i64>, SnowflakeError> {
        let text = self.text()?;
        text.map(|text| text.parse().map_err(|_| self.invalid(&text))).transpose()
    }

    pub(crate) fn list(&self) -> Result<Vec<String>, SnowflakeError> {
        match &self.value {
            PropertyValue::List(items) => Ok(items.clone()),
            PropertyValue::Text(text) if text.is_empty() => Ok(Vec::new()),
            _ => Ok(self.text()?.into_iter().collect()),
        }
    }
}

/// An identifier inside a text: exact if it is in double quotes, else upper case.
///
/// # Source
///
/// Migration guide of Snowflake's Terraform provider, on network policies.
pub(crate) fn name_in_text(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(exact) => exact.replace("\"\"", "\""),
        None => text.to_uppercase(),
    }
}

/// A name as statements have to write it: quoted where it is no plain identifier in upper case.
pub(crate) fn quoted(name: &str) -> String {
    let plain =
        |index: usize, c: char| c == '_' || c.is_ascii_uppercase() || index > 0 && (c.is_ascii_digit() || c == '$');
    if !name.is_empty() && name.chars().enumerate().all(|(index, c)| plain(index, c)) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Characters that the name of an object may have at most, and what a user signs in with.
///
/// # Source
///
/// Snowflake documentation, "Object identifiers".
pub(crate) const NAME_LENGTH_MAX: usize = 255;

/// Whether a name is no longer than names may be.
pub(crate) fn is_short(name: &str) -> bool {
    name.chars().nth(NAME_LENGTH_MAX).is_none()
}

/// The path, unless one of its names is too long.
fn short(path: Vec<String>) -> Result<Vec<String>, SnowflakeError> {
    if path.iter().all(|name| is_short(name)) { Ok(path) } else { Err(SnowflakeError::name_too_long()) }
}

/// Splits a script into its statements, at the semicolons that stand outside texts and comments.
///
/// # Errors
///
/// A syntax error where a text or comment has no end.
pub fn split_statements(sql: &str) -> Result<Vec<String>, SnowflakeError> {
    let mut statements = Vec::new();
    let mut current: Option<(usize, usize)> = None;
    // Places come in order, so that one walk through the text meets all of them.
    let mut characters = sql.char_indices().peekable();
    let mut here = Location::new(1, 1);
    let mut offset = |place: Location| {
        while here < place
            && let Some((_, character)) = characters.next()
        {
            here = if character == '\n' {
                Location::new(here.line + 1, 1)
            } else {
                Location::new(here.line, here.column + 1)
            };
        }
        characters.peek().map_or(sql.len(), |(at, _)| *at)
    };
    for token in tokenize(sql)? {
        let (start, end) = (offset(token.span.start), offset(token.span.end));
        if token.token == Token::SemiColon {
            statements.extend(current.take().map(|(from, to)| sql[from..to].to_owned()));
        } else {
            current = Some((current.map_or(start, |(from, _)| from), end));
        }
    }
    statements.extend(current.map(|(from, to)| sql[from..to].to_owned()));
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_split_outside_texts_and_comments() {
        let script = "use role a; -- one; two\nselect ';', $$;$$ /* ; */ ;;\n select 'ä;' || 1";
        assert_eq!(split_statements(script).unwrap(), ["use role a", "select ';', $$;$$", "select 'ä;' || 1"]);
        assert!(split_statements("select 'open").is_err());
    }

    #[test]
    fn long_lines_are_split_in_one_walk() {
        let begun = std::time::Instant::now();
        let statements = split_statements(&"select 'ä';\t".repeat(50_000)).unwrap();
        assert_eq!((statements.len(), statements.last().map(String::as_str)), (50_000, Some("select 'ä'")));
        // From the beginning of the line for every token it takes minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn what_is_in_quotes_is_not_in_errors() {
        for secret in ["'hunter2'", "\"hunter2\"", "$$hunter2$$", "$x$hunter2$x$", "N'hunter2'", "X'40'", "`hunter2`"] {
            let error = Cursor::new(secret).and_then(|cursor| Err::<(), _>(cursor.unexpected())).unwrap_err();
            assert!(error.message.ends_with("unexpected ''…''.") && !error.message.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn names_have_an_end() {
        let longest = "ä".repeat(NAME_LENGTH_MAX);
        for (sql, fits) in [
            (format!("\"{longest}\""), true),
            (format!("\"{longest}ä\""), false),
            (format!("identifier('{longest}')"), true),
            (format!("identifier('{longest}x')"), false),
            (format!("a.{longest}x.b"), false),
        ] {
            assert_eq!(Cursor::new(&sql).unwrap().path().is_ok(), fits, "{sql}");
        }
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, expected) in [("ABC_1", "ABC_1"), ("okta", "\"okta\""), ("1A", "\"1A\""), ("A\"B", "\"A\"\"B\"")] {
            assert_eq!(quoted(name), expected);
            assert_eq!(Cursor::new(expected).unwrap().name().unwrap(), name);
        }
    }
}
