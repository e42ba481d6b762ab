//! Changes to a statement's words before it is parsed.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Spellings;

/// Reads `[name]` as a quoted name where a value cannot be indexed.
pub(super) fn with_brackets_as_quotes(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(mut token) = rest.next() {
        let quotes = token.token == Token::LBracket && !follows_a_value(&kept);
        let name = match rest.peek() {
            Some(TokenWithSpan { token: Token::Word(word), .. }) if quotes => Some(word.value.clone()),
            _ => None,
        };
        let Some(name) = name else {
            kept.push(token);
            continue;
        };
        let word = rest.next();
        if rest.next_if(|next| next.token == Token::RBracket).is_some() {
            token.token = Token::make_word(&name, Some('"'));
            kept.push(token);
        } else {
            kept.push(token);
            kept.extend(word);
        }
    }
    kept
}

fn follows_a_value(before: &[TokenWithSpan]) -> bool {
    let last = before.iter().rev().map(|token| &token.token).find(|token| !matches!(token, Token::Whitespace(_)));
    match last {
        Some(Token::Word(word)) => word.keyword == Keyword::NoKeyword || word.keyword == Keyword::ARRAY,
        Some(Token::RParen | Token::RBracket | Token::SingleQuotedString(_) | Token::Placeholder(_)) => true,
        _ => false,
    }
}

/// Puts every word into lower case and remembers how names were written.
pub(super) fn in_lower_case(mut tokens: Vec<TokenWithSpan>) -> (Vec<TokenWithSpan>, Spellings) {
    let mut spellings = Spellings::default();
    let mut after_as = false;
    for token in &mut tokens {
        match &mut token.token {
            Token::Word(word) => {
                let lower = word.value.to_lowercase();
                if after_as {
                    spellings.aliases.entry(lower.clone()).or_insert_with(|| word.value.clone());
                }
                // Keywords too: many of them, such as LOGIN, are names of columns to people.
                spellings.words.entry(lower.clone()).or_insert_with(|| word.value.clone());
                after_as = word.quote_style.is_none() && word.keyword == Keyword::AS;
                word.value = lower;
            }
            Token::Whitespace(_) => {}
            _ => after_as = false,
        }
    }
    (tokens, spellings)
}
