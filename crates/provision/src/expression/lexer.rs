//! Words, numbers, texts and signs.

use super::ParseError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(f64),
    Text(String),
    Sign(&'static str),
    End,
}

/// Longer signs before those they begin with.
const SIGNS: &[&str] =
    &["==", "!=", "<=", ">=", "&&", "||", "?:", "<", ">", "!", "+", "-", "?", ":", "(", ")", "[", "]", ",", "."];

/// Splits a text into tokens, each with its position in characters from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, ParseError> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let position = at + 1;
        if character.is_whitespace() {
            at += 1;
        } else if matches!(character, '"' | '\'') {
            let (text, next) = quoted(&characters, at)?;
            found.push((Token::Text(text), position));
            at = next;
        } else if character.is_ascii_digit() {
            let end = end_of(&characters, at, |c| c.is_ascii_digit() || c == '.');
            let digits: String = characters[at..end].iter().collect();
            let problem = || ParseError { problem: format!("{digits} is no number"), position };
            found.push((Token::Number(digits.parse().map_err(|_| problem())?), position));
            at = end;
        } else if character.is_alphabetic() || character == '_' {
            let end = end_of(&characters, at, |c| c.is_alphanumeric() || c == '_');
            found.push((Token::Word(characters[at..end].iter().collect()), position));
            at = end;
        } else {
            let sign = SIGNS.iter().find(|sign| sign.chars().eq(characters[at..].iter().copied().take(sign.len())));
            let sign = sign.ok_or_else(|| ParseError { problem: format!("unexpected {character}"), position })?;
            found.push((Token::Sign(sign), position));
            at += sign.len();
        }
    }
    found.push((Token::End, characters.len() + 1));
    Ok(found)
}

fn end_of(characters: &[char], start: usize, belongs: impl Fn(char) -> bool) -> usize {
    start + characters[start..].iter().take_while(|character| belongs(**character)).count()
}

/// A text in single or double quotes with backslash escapes; gives what follows it, too.
fn quoted(characters: &[char], start: usize) -> Result<(String, usize), ParseError> {
    let quote = characters[start];
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        match characters.get(at) {
            None => return Err(ParseError { problem: "the text does not end".to_owned(), position: start + 1 }),
            Some(&character) if character == quote => return Ok((text, at + 1)),
            Some('\\') => {
                let escaped = characters.get(at + 1).copied().unwrap_or('\\');
                text.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                at += 2;
            }
            Some(&character) => {
                text.push(character);
                at += 1;
            }
        }
    }
}
