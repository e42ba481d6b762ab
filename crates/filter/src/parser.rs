//! Tokens to tree.

use oktant_base::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};

use crate::error::Error;
use crate::expression::{Expression, Literal, Operator};
use crate::lexer::{Kind, Lexer, Token};

/// Parses an expression.
///
/// Keywords and operators are taken in any letter case, attribute names as they are. `not` binds
/// tighter than `and`, which binds tighter than `or`.
///
/// # Errors
///
/// [`Error`] with the byte position. Never panics, whatever the text.
///
/// # Source
///
/// RFC 7644, 3.4.2.2, without value paths (`emails[type eq "work"]`), which Okta does not take.
pub fn parse(text: &str) -> Result<Expression, Error> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(Error::TooLong { bytes: text.len() });
    }
    let mut lexer = Lexer::new(text);
    let current = lexer.next()?;
    let mut parser = Parser { lexer, current, depth: 0 };
    let expression = parser.any_of()?;
    parser.expect(&Kind::End, "`and`, `or` or the end")?;
    Ok(expression)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    current: Token<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Token<'a>, Error> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn expect(&mut self, kind: &Kind<'a>, expected: &'static str) -> Result<(), Error> {
        if self.current.kind != *kind {
            return Err(Error::Expected { expected, position: self.current.position });
        }
        self.advance().map(drop)
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.current.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn any_of(&mut self) -> Result<Expression, Error> {
        let parts = self.list("or", Self::all_of)?;
        Ok(collapse(parts, Expression::Or))
    }

    fn all_of(&mut self) -> Result<Expression, Error> {
        let parts = self.list("and", Self::factor)?;
        Ok(collapse(parts, Expression::And))
    }

    fn list(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Result<Expression, Error>,
    ) -> Result<Vec<Expression>, Error> {
        let mut parts = vec![part(self)?];
        while self.at_keyword(keyword) {
            self.advance()?;
            parts.push(part(self)?);
        }
        Ok(parts)
    }

    fn factor(&mut self) -> Result<Expression, Error> {
        if self.at_keyword("not") {
            self.advance()?;
            return self.deeper(Self::factor).map(|inner| Expression::Not(Box::new(inner)));
        }
        if self.current.kind == Kind::Open {
            self.advance()?;
            let inner = self.deeper(Self::any_of)?;
            self.expect(&Kind::Close, "`)`")?;
            return Ok(inner);
        }
        self.comparison()
    }

    /// Runs `part` one level down.
    fn deeper(&mut self, part: fn(&mut Self) -> Result<Expression, Error>) -> Result<Expression, Error> {
        self.depth += 1;
        if self.depth > EXPRESSION_DEPTH_MAX {
            return Err(Error::TooDeep { position: self.current.position });
        }
        let expression = part(self)?;
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self) -> Result<Expression, Error> {
        let Token { kind: Kind::Word(attribute), .. } = self.current else {
            return Err(Error::Expected { expected: "an attribute", position: self.current.position });
        };
        self.advance()?;
        if self.at_keyword("pr") {
            self.advance()?;
            return Ok(Expression::Present(attribute.into()));
        }
        let operator = self.operator()?;
        let literal = self.literal()?;
        Ok(Expression::Compare { attribute: attribute.into(), operator, literal })
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        let position = self.current.position;
        let found = match self.current.kind {
            Kind::Word(word) => Operator::ALL.into_iter().find(|known| word.eq_ignore_ascii_case(known.as_str())),
            _ => None,
        };
        let operator = found.ok_or(Error::Expected { expected: "an operator", position })?;
        self.advance()?;
        Ok(operator)
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        let Token { kind, position } = self.advance()?;
        match kind {
            Kind::Text(text) => Ok(Literal::Text(text.into())),
            Kind::Number(number) => Ok(Literal::Number(number)),
            Kind::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            Kind::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            _ => Err(Error::Expected { expected: "a value", position }),
        }
    }
}

/// One part stands for itself.
fn collapse(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, printed: &str) {
        assert_eq!(parse(text).map(|expression| expression.to_string()).as_deref(), Ok(printed));
    }

    #[test]
    fn keywords_are_read_in_any_case_and_names_kept() {
        check(r#"profile.firstName EQ "A" AND Status PR"#, r#"profile.firstName eq "A" and Status pr"#);
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tightest() {
        check("a pr or b pr and not c pr", "a pr or b pr and not (c pr)");
        check("(a pr or b pr) and c pr", "(a pr or b pr) and c pr");
        check("((a pr))", "a pr");
    }

    #[test]
    fn values_are_strings_numbers_and_booleans() {
        check(r#"a eq "x\"\\é""#, r#"a eq "x\"\\é""#);
        check("a gt -1.5e2 or b eq TRUE", "a gt -150 or b eq true");
    }

    #[track_caller]
    fn refused(text: &str, position: usize) {
        let error = parse(text).expect_err("no expression");
        assert_eq!(error.position(), position, "{error}");
    }

    #[test]
    fn errors_say_where() {
        refused("", 0);
        refused("status", 6);
        refused("status is \"A\"", 7);
        refused("status eq", 9);
        refused("status eq \"A", 10);
        refused("status eq ACTIVE", 10);
        refused("status eq \"A\" status pr", 14);
        refused("(status pr", 10);
        refused("a eq 1x", 5);
        refused("a eq 'x'", 5);
        refused("a pr and", 8);
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let deep = format!("{}a pr{}", "(".repeat(EXPRESSION_DEPTH_MAX + 1), ")".repeat(EXPRESSION_DEPTH_MAX + 1));
        assert!(matches!(parse(&deep), Err(Error::TooDeep { .. })));
        let negated = format!("{}a pr", "not ".repeat(EXPRESSION_DEPTH_MAX + 1));
        assert!(matches!(parse(&negated), Err(Error::TooDeep { .. })));
        let long = format!("a eq \"{}\"", "x".repeat(EXPRESSION_BYTES_MAX));
        assert!(matches!(parse(&long), Err(Error::TooLong { .. })));
    }
}
