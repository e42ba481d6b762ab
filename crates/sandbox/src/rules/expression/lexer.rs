//! Text to tokens.

use super::SyntaxError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Text(String),
    Number(f64),
    /// A name, possibly dotted.
    Name(String),
    /// Punctuation or an operator.
    Mark(&'static str),
    End,
}

/// Longer marks first, so that `==` is not read as something shorter.
const MARKS: [&str; 16] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", "[", "]", ",", "?", ":"];

/// All tokens with their positions; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            position += first.len_utf8();
            continue;
        }
        let (token, length) = token(rest, first).ok_or(SyntaxError(position))?;
        tokens.push((token, position));
        position += length;
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

fn token(rest: &str, first: char) -> Option<(Token, usize)> {
    match first {
        '"' | '\'' => string(rest, first),
        '0'..='9' | '-' => {
            let end = rest[1..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |end| end + 1);
            Some((Token::Number(rest[..end].parse().ok()?), end))
        }
        _ if first.is_alphabetic() || first == '_' => {
            let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            Some((Token::Name(rest[..end].to_owned()), end))
        }
        _ => {
            let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark))?;
            Some((Token::Mark(mark), mark.len()))
        }
    }
}

fn string(rest: &str, quote: char) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => text.push(characters.next()?.1),
            _ if character == quote => return Some((Token::Text(text), index + 1)),
            _ => text.push(character),
        }
    }
    None
}
