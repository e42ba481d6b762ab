//! The words of a query.

use chrono::NaiveDate;
use oktant_base::Timestamp;

use super::error::SoqlError;
use crate::salesforce::store::parse_time;

/// One word, with the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) at: usize,
    /// As it is written.
    pub(super) text: &'a str,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Word,
    /// What stands between the quotes.
    Text,
    Number(f64),
    Date(NaiveDate),
    Time(Timestamp),
    Symbol,
    End,
}

/// Splits a query into its words; the last one is the end.
///
/// # Errors
///
/// `MALFORMED_QUERY` at what is no word.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, SoqlError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let first = rest.chars().next().unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, length) = next(rest, first, at, &tokens)?;
        let text = match kind {
            TokenKind::Text => &rest[1..length - 1],
            _ => &rest[..length],
        };
        tokens.push(Token { kind, at, text });
        at += length;
    }
    tokens.push(Token { kind: TokenKind::End, at: text.len(), text: "<EOF>" });
    Ok(tokens)
}

fn next(rest: &str, first: char, at: usize, before: &[Token<'_>]) -> Result<(TokenKind, usize), SoqlError> {
    if first.is_ascii_alphabetic() || first == '_' {
        return Ok((TokenKind::Word, run(rest, |letter| letter.is_ascii_alphanumeric() || letter == '_')));
    }
    if first == '\'' {
        return Ok((TokenKind::Text, quoted(rest, at)?));
    }
    let signed =
        (first == '-' || first == '+') && rest[1..].starts_with(|digit: char| digit.is_ascii_digit() || digit == '.');
    let after_dot = before.last().is_some_and(|token| token.kind == TokenKind::Word);
    if first.is_ascii_digit()
        || signed
        || (first == '.' && !after_dot && rest[1..].starts_with(|digit: char| digit.is_ascii_digit()))
    {
        return number_or_time(rest, at);
    }
    let two = rest.get(..2).filter(|two| ["!=", "<>", "<=", ">="].contains(two));
    match two {
        Some(_) => Ok((TokenKind::Symbol, 2)),
        None if "=<>(),.:".contains(first) => Ok((TokenKind::Symbol, 1)),
        None => Err(SoqlError::malformed(format!("unexpected token: '{first}'"), at)),
    }
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

/// The length of a text with its quotes.
fn quoted(text: &str, at: usize) -> Result<usize, SoqlError> {
    let mut letters = text.char_indices().skip(1);
    while let Some((position, letter)) = letters.next() {
        match letter {
            '\'' => return Ok(position + 1),
            '\\' => match letters.next() {
                Some((_, escaped)) if "'\"\\nNrRtTbBfF_%".contains(escaped) => {}
                _ => {
                    return Err(SoqlError::malformed("Illegal string literal: Invalid escape sequence", at + position));
                }
            },
            _ => {}
        }
    }
    Err(SoqlError::malformed("unexpected end of input: a string is not closed", at))
}

fn number_or_time(text: &str, at: usize) -> Result<(TokenKind, usize), SoqlError> {
    let length = run(text, |letter| letter.is_ascii_alphanumeric() || ":.+-".contains(letter));
    let word = &text[..length];
    let kind = if let Ok(day) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
        TokenKind::Date(day)
    } else if let Some(time) = parse_time(word) {
        TokenKind::Time(time)
    } else if let Ok(number) = word.parse::<f64>() {
        TokenKind::Number(number)
    } else {
        return Err(SoqlError::malformed(format!("unexpected token: '{word}'"), at));
    };
    Ok((kind, length))
}
