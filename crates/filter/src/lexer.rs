//! Text to tokens.

use crate::error::Error;

/// A token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Where it starts, in bytes.
    pub position: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// A name, keyword or operator.
    Word(&'a str),
    /// A text in double quotes, its escapes resolved.
    Text(String),
    /// A finite number.
    Number(f64),
    /// The end.
    End,
}

/// Reads tokens one by one.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// The next token; [`Kind::End`] at the end, again and again.
    ///
    /// # Errors
    ///
    /// A text or number that is none, or a character that begins no token.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and it fails")]
    pub fn next(&mut self) -> Result<Token<'a>, Error> {
        let rest = self.rest().trim_start();
        self.position = self.text.len() - rest.len();
        let position = self.position;
        let Some(first) = rest.chars().next() else { return Ok(Token { kind: Kind::End, position }) };
        let kind = match first {
            '(' => self.single(Kind::Open),
            ')' => self.single(Kind::Close),
            '[' => self.single(Kind::OpenBracket),
            ']' => self.single(Kind::CloseBracket),
            '"' => self.string()?,
            '-' | '0'..='9' => self.number()?,
            _ if is_word(first) => Kind::Word(self.take_while(is_word)),
            _ => return Err(Error::Expected { expected: "an attribute, a value or a parenthesis", position }),
        };
        Ok(Token { kind, position })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn single(&mut self, kind: Kind<'a>) -> Kind<'a> {
        self.position += 1;
        kind
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !accept(character)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// A JSON string: the language borrows its escapes.
    fn string(&mut self) -> Result<Kind<'a>, Error> {
        let position = self.position;
        let mut texts = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match texts.next() {
            Some(Ok(text)) => {
                self.position += texts.byte_offset();
                Ok(Kind::Text(text))
            }
            Some(Err(_)) | None => Err(Error::BadString { position }),
        }
    }

    fn number(&mut self) -> Result<Kind<'a>, Error> {
        let position = self.position;
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(Kind::Number).ok_or(Error::BadNumber { position })
    }
}

/// Characters of attribute names. `$`, `:` and `-` occur in SCIM schema URNs and header-like names.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '$' | ':' | '-')
}
