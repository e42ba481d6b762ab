//! Values bound to a statement: `?`, `$1`, `:name` and `%(name)s`.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::Error;

/// The values of a statement's placeholders. They reach the plan as typed values; the text of the
/// statement never contains them.
#[derive(Debug, Clone, Default)]
pub enum Params {
    /// None.
    #[default]
    None,
    /// For `?`, in order, and for `$1`, `$2`, ….
    Positional(Vec<Param>),
    /// For `:name` and `%(name)s`.
    Named(Vec<(String, Param)>),
    /// Not known yet: the statement is only prepared, to learn its columns and the types of its
    /// placeholders `?` and `$1`, `$2`, …. The types given here stand; the others follow from where a
    /// placeholder is used.
    Open(Vec<Option<DataType>>),
}

/// One bound value.
#[derive(Debug, Clone)]
pub enum Param {
    /// A value.
    Value(ScalarValue),
    /// Several values for `IN ?` or `IN (?)`.
    List(Vec<ScalarValue>),
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Value(ScalarValue::Utf8(Some(text.to_owned())))
    }
}

impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self::Value(ScalarValue::Int64(Some(number)))
    }
}

/// The highest number of a placeholder: as many parameters as PostgreSQL's protocol counts.
const PARAMETERS_MAX: usize = 65_535;

/// Stands for a list without values until the statement is parsed: the grammar has no `IN ()`.
const NOTHING: &str = "$nothing";

/// Empties the lists that [`bind`] could not write. Nothing is in them, and everything is not in
/// them, NULL too.
pub(super) fn empty_lists(statement: &mut ast::Statement) -> Result<(), Error> {
    match ast::VisitMut::visit(statement, &mut EmptyLists) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct EmptyLists;

impl ast::VisitorMut for EmptyLists {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<Error> {
        match expr {
            ast::Expr::InList { list, .. } => list.retain(|item| !is_nothing(item)),
            other if is_nothing(other) => {
                let message = "a list without values can stand behind IN only".to_owned();
                return ControlFlow::Break(Error::Parameters { message });
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_nothing(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Value(value) if value.value == ast::Value::Placeholder(NOTHING.to_owned()))
}

/// Which value a placeholder stands for.
enum Reference {
    Next,
    Position(usize),
    Name(String),
}

/// What binding a statement's placeholders gives.
pub(super) struct Bound {
    /// The statement, its placeholders numbered `$1`, `$2`, ….
    pub(super) tokens: Vec<TokenWithSpan>,
    /// One value for each of them.
    pub(super) values: Vec<ScalarValue>,
    /// The parameter, counted from 1, that each value is of, if they are bound by position.
    pub(super) positions: Vec<usize>,
}

/// Numbers the placeholders and collects one value for each.
pub(super) fn bind(tokens: &[TokenWithSpan], params: &Params) -> Result<Bound, Error> {
    let mut binding = Binding { params, values: Vec::new(), positions: Vec::new(), taken: 0, highest: 0 };
    let mut bound = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let Some((reference, length)) = placeholder(&tokens[at..]) else {
            bound.push(token.clone());
            at += 1;
            continue;
        };
        let (position, param) = binding.look_up(&reference)?;
        binding.expand(position, &param, token, &mut bound)?;
        at += length;
    }
    binding.check_all_used()?;
    Ok(Bound { tokens: bound, values: binding.values, positions: binding.positions })
}

/// The placeholder at the start of `tokens`, and how many tokens it takes.
fn placeholder(tokens: &[TokenWithSpan]) -> Option<(Reference, usize)> {
    let token = |index: usize| tokens.get(index).map(|token| &token.token);
    let word = |index: usize| match token(index) {
        Some(Token::Word(word)) => Some(word.value.clone()),
        _ => None,
    };
    match token(0)? {
        Token::Placeholder(text) if text == "?" => Some((Reference::Next, 1)),
        Token::Placeholder(text) => match text[1..].parse() {
            Ok(position) => Some((Reference::Position(position), 1)),
            Err(_) => Some((Reference::Name(text[1..].to_owned()), 1)),
        },
        Token::Question => Some((Reference::Next, 1)),
        Token::Colon => word(1).map(|name| (Reference::Name(name), 2)),
        Token::Mod if token(1) == Some(&Token::LParen) && token(3) == Some(&Token::RParen) => {
            let conversion = word(4).filter(|conversion| conversion == "s");
            conversion.and_then(|_| word(2)).map(|name| (Reference::Name(name), 5))
        }
        _ => None,
    }
}

struct Binding<'a> {
    params: &'a Params,
    values: Vec<ScalarValue>,
    positions: Vec<usize>,
    taken: usize,
    highest: usize,
}

impl Binding<'_> {
    /// The parameter's position, 0 if it has a name, and its value.
    fn look_up(&mut self, reference: &Reference) -> Result<(usize, Param), Error> {
        let position = match reference {
            Reference::Next => {
                self.taken += 1;
                self.taken
            }
            Reference::Position(position) => *position,
            Reference::Name(_) => 0,
        };
        self.highest = self.highest.max(position);
        self.value(reference, position).map(|value| (position, value))
    }

    fn value(&self, reference: &Reference, position: usize) -> Result<Param, Error> {
        match (reference, self.params) {
            (Reference::Next | Reference::Position(_), Params::Positional(values)) => {
                let value = position.checked_sub(1).and_then(|index| values.get(index));
                value.cloned().ok_or_else(|| too_few(position, values.len()))
            }
            (Reference::Next | Reference::Position(1..=PARAMETERS_MAX), Params::Open(_)) => {
                Ok(Param::Value(ScalarValue::Null))
            }
            (Reference::Position(position), Params::Open(_)) => {
                Err(Error::Parameters { message: format!("there is no parameter ${position}") })
            }
            (Reference::Name(name), Params::Named(values)) => values
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| Error::Parameters { message: format!("parameter \"{name}\" has no value") }),
            (_, Params::None) => {
                Err(Error::Parameters { message: "the statement has placeholders, but no values are bound".to_owned() })
            }
            (Reference::Name(name), Params::Positional(_) | Params::Open(_)) => Err(Error::Parameters {
                message: format!("placeholder \"{name}\" needs values by name, but they are bound by position"),
            }),
            (_, Params::Named(_)) => Err(Error::Parameters {
                message: "the placeholders need values by position, but they are bound by name".to_owned(),
            }),
        }
    }

    /// Writes `$n` for a value, and `$n, $m` for a list, with parentheses unless it stands in some.
    fn expand(
        &mut self,
        position: usize,
        param: &Param,
        token: &TokenWithSpan,
        bound: &mut Vec<TokenWithSpan>,
    ) -> Result<(), Error> {
        let mut push = |new: Token| bound.push(TokenWithSpan { token: new, span: token.span });
        match param {
            Param::Value(value) => {
                push(Token::Placeholder(format!("${}", self.number(position, value))));
            }
            Param::List(values) => {
                // Doubled parentheses around a list are taken as one pair by the parser only if the
                // list has one item, so a list within parentheses gets none of its own.
                let enclosed = last(bound) == Some(&Token::LParen);
                if !enclosed && !last(bound).is_some_and(is_in) {
                    let message = "a list of values can stand behind IN only".to_owned();
                    return Err(Error::Parameters { message });
                }
                let mut push = |new: Token| bound.push(TokenWithSpan { token: new, span: token.span });
                if !enclosed {
                    push(Token::LParen);
                }
                if values.is_empty() {
                    push(Token::Placeholder(NOTHING.to_owned()));
                }
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        push(Token::Comma);
                    }
                    push(Token::Placeholder(format!("${}", self.number(position, value))));
                }
                if !enclosed {
                    push(Token::RParen);
                }
            }
        }
        Ok(())
    }

    /// The number of `value`, counted from 1. Equal values have the same: an expression with one in it
    /// then is the same wherever it stands, as `GROUP BY` needs. Open ones are equal if they are of one parameter.
    fn number(&mut self, position: usize, value: &ScalarValue) -> usize {
        let is_open = matches!(self.params, Params::Open(_));
        let mut known = self.values.iter().zip(&self.positions);
        let found = known.position(|(known, at)| known == value && (!is_open || *at == position));
        1 + found.unwrap_or_else(|| {
            self.positions.push(position);
            self.values.push(value.clone());
            self.values.len() - 1
        })
    }

    fn check_all_used(&self) -> Result<(), Error> {
        match self.params {
            Params::Positional(values) if values.len() > self.highest => Err(Error::Parameters {
                message: format!(
                    "the statement has {} placeholders, but {} values are bound",
                    self.highest,
                    values.len()
                ),
            }),
            _ => Ok(()),
        }
    }
}

fn last(tokens: &[TokenWithSpan]) -> Option<&Token> {
    tokens.iter().rev().map(|token| &token.token).find(|token| !matches!(token, Token::Whitespace(_)))
}

fn is_in(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.keyword == Keyword::IN)
}

fn too_few(position: usize, bound: usize) -> Error {
    Error::Parameters { message: format!("placeholder {position} has no value: {bound} values are bound") }
}

#[cfg(test)]
mod tests {
    use super::super::Statement;
    use super::*;

    fn list(items: &[&str]) -> Param {
        Param::List(items.iter().map(|item| ScalarValue::Utf8(Some((*item).to_owned()))).collect())
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the calls read better without references")]
    fn check(sql: &str, params: Params, text: &str, values: &[&str]) {
        let parsed = Statement::parse(sql, &params).unwrap();
        assert_eq!(parsed.query.to_string(), text);
        let bound: Vec<_> = parsed.values.iter().map(ToString::to_string).collect();
        assert_eq!(bound, values);
    }

    #[test]
    fn every_style_is_numbered() {
        let positional = || Params::Positional(vec!["x".into(), 5.into()]);
        check(
            "SELECT a FROM t WHERE a = ? LIMIT ?",
            positional(),
            "SELECT a FROM t WHERE a = $1 LIMIT $2",
            &["x", "5"],
        );
        check("SELECT $2, $1", positional(), "SELECT $1, $2", &["5", "x"]);
        let named = || Params::Named(vec![("Name".to_owned(), "x".into())]);
        check("SELECT 'a' || :Name::text", named(), "SELECT 'a' || $1::TEXT", &["x"]);
        check("SELECT 5 % 2 WHERE a = %(Name)s", named(), "SELECT 5 % 2 WHERE a = $1", &["x"]);
    }

    #[test]
    fn lists_expand_with_and_without_parentheses() {
        for sql in ["SELECT a IN ?", "SELECT a IN (?)"] {
            check(sql, Params::Positional(vec![list(&["x", "y"])]), "SELECT a IN ($1, $2)", &["x", "y"]);
        }
        check("SELECT a NOT IN ?", Params::Positional(vec![list(&[])]), "SELECT a NOT IN ()", &[]);
        check("SELECT a IN (?), ?", Params::Positional(vec![list(&[]), 1.into()]), "SELECT a IN (), $1", &["1"]);
        for items in [&[][..], &["x", "y"]] {
            let misplaced = Statement::parse("SELECT ? AS a", &Params::Positional(vec![list(items)]));
            assert!(matches!(misplaced, Err(Error::Parameters { .. })), "{misplaced:?}");
        }
    }

    #[test]
    fn equal_values_are_one_placeholder() {
        let named = Params::Named(vec![("a".to_owned(), "x".into())]);
        check("SELECT f(:a) GROUP BY f(:a)", named, "SELECT f($1) GROUP BY f($1)", &["x"]);
        let unlike = Params::Positional(vec!["5".into(), 5.into(), "5".into()]);
        check("SELECT f(?, ?) GROUP BY f(?)", unlike, "SELECT f($1, $2) GROUP BY f($1)", &["5", "5"]);
    }

    #[test]
    fn placeholders_inside_text_are_text() {
        check("SELECT '? :a %(b)s'", Params::None, "SELECT '? :a %(b)s'", &[]);
    }

    #[test]
    fn numbers_and_kinds_must_fit() {
        for (sql, params) in [
            ("SELECT ?", Params::None),
            ("SELECT ?, ?", Params::Positional(vec!["x".into()])),
            ("SELECT ?", Params::Positional(vec!["x".into(), "y".into()])),
            ("SELECT :a", Params::Positional(vec!["x".into()])),
            ("SELECT :a", Params::Named(vec![("b".to_owned(), "x".into())])),
            ("SELECT ?", Params::Named(vec![("b".to_owned(), "x".into())])),
            ("SELECT $0", Params::Positional(vec!["x".into()])),
        ] {
            assert!(matches!(Statement::parse(sql, &params), Err(Error::Parameters { .. })), "{sql}");
        }
    }
}
