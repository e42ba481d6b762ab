//! How much stack the tree of a statement takes. Statements of too deep a tree are refused.
//!
//! The parser bounds how deep its calls go, not how deep a chain becomes that it reads in a loop: `1 + 1 + …` is a tree
//! as deep as it is long, and what visits, copies, evaluates or drops a tree goes as deep into the stack.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, TableFactor, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::Error;
use crate::stack::Stack;

/// Operators that a statement may have at most, sub-queries counted as such. Lists, as of `IN`, are flat: they may be
/// of any length.
const OPERATORS_MAX: usize = 500;

/// Tables that a statement may name at most: `FROM a, b, …` is a chain of joins, and planning one takes a time that
/// grows with the third power of its length.
const TABLES_MAX: usize = 64;

/// Operators and brackets up to which a tree is flat.
const OPERATORS_FLAT: usize = 32;

/// Tables up to which a chain of joins is flat.
const TABLES_FLAT: usize = 8;

/// What a tree made of these tokens takes, if it is not too deep.
pub(super) fn of_tokens(tokens: &[TokenWithSpan]) -> Result<Stack, Error> {
    let operators = tokens.iter().filter(|token| deepens(&token.token)).count();
    if operators > OPERATORS_MAX {
        return Err(Error::Unsupported {
            what: format!("a statement of more than {OPERATORS_MAX} operators"),
            instead: Some("x IN (…) in place of x = … OR x = …, or several statements".to_owned()),
        });
    }
    let brackets = tokens.iter().filter(|token| token.token == Token::LParen).count();
    Ok(if operators + brackets > OPERATORS_FLAT { Stack::DEEP } else { Stack::FLAT })
}

/// What the plan takes that joins the tables of a statement, if they are not too many.
pub(super) fn of_tables(statement: &ast::Statement) -> Result<Stack, Error> {
    let mut tables = Tables(0);
    if ast::Visit::visit(statement, &mut tables).is_break() {
        return Err(Error::Unsupported {
            what: format!("a statement of more than {TABLES_MAX} tables"),
            instead: Some("several statements".to_owned()),
        });
    }
    Ok(if tables.0 > TABLES_FLAT { Stack::DEEP } else { Stack::FLAT })
}

struct Tables(usize);

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 > TABLES_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Whether a token joins what stands before it to what comes after.
fn deepens(token: &Token) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_none() => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::XOR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::NOTNULL
                | Keyword::IN
                | Keyword::BETWEEN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::MATCH
                | Keyword::DIV
                | Keyword::MEMBER
                | Keyword::OVERLAPS
                | Keyword::OPERATOR
                | Keyword::AT
                | Keyword::COLLATE
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::MINUS
                | Keyword::INTERSECT
                | Keyword::SELECT
                | Keyword::PIVOT
                | Keyword::UNPIVOT
        ),
        Token::Word(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::LParen
        | Token::RParen
        | Token::RBracket
        | Token::RBrace
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::{Coded as _, codes};

    use super::TABLES_MAX;
    use crate::statement::{Params, Statement};

    #[test]
    fn long_chains_are_refused_before_there_is_a_tree() {
        for (operand, operator) in
            [("1", "+"), ("1", " AND "), ("'a'", "||"), ("SELECT 1", " UNION ALL "), ("1", "::int::")]
        {
            let sql = format!("SELECT {}", vec![operand; 100_000].join(operator));
            let error = Statement::parse(&sql, &Params::None).unwrap_err();
            assert_eq!(error.code(), codes::OKT3005, "{operator}");
            assert!(error.to_string().contains("operators"), "{error}");
        }
        let list = vec!["'a'"; 20_000].join(", ");
        Statement::parse(&format!("SELECT 1 FROM Users WHERE Id IN ({list})"), &Params::None).unwrap();
        let tables = vec!["Users"; TABLES_MAX + 1].join(", ");
        let error = Statement::parse(&format!("SELECT 1 FROM {tables}"), &Params::None).unwrap_err();
        assert!(error.to_string().contains("tables"), "{error}");
    }
}
