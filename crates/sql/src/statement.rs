//! From the text of a statement to a syntax tree that the engine can plan.
//!
//! Names are compared ignoring case, quoted or not. Every word is therefore put into lower case
//! before parsing: inside the engine there is one spelling only, and scopes, aliases and common
//! table expressions need no rules of their own. [`Statement::display`] gives names back in the
//! spelling of the model or of the statement.

mod habits;
mod labels;
mod parameters;
mod precedence;
mod size;
mod tokens;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, Query, SetExpr, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::Error;
use crate::attached::Entry;
use crate::stack::{OnStack, Stack};

pub use parameters::{Param, Params};

fn quoted_word(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(word) if word.quote_style == Some('"') => Some(word.value.to_lowercase()),
        _ => None,
    }
}

/// Nesting of a statement that the parser accepts.
const DEPTH_MAX: usize = 100;

/// A parsed statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// The query, names in lower case, placeholders numbered `$1`, `$2`, ….
    pub(crate) query: Box<ast::Statement>,
    /// Whether it stood behind `EXPLAIN`, and whether it is to run for it.
    pub(crate) explain: Option<Explain>,
    /// One value per placeholder.
    pub(crate) values: Vec<ScalarValue>,
    /// Types of the parameters while their values are open, see [`Params::Open`].
    pub(crate) open: Option<OpenParameters>,
    /// Every word, in lower case.
    pub(crate) words: HashSet<String>,
    /// Words in double quotes, in lower case.
    quoted: HashSet<String>,
    spellings: Spellings,
    /// What the depth of its tree takes.
    pub(crate) stack: Stack,
}

/// Parameters that have no values yet.
#[derive(Debug, Clone)]
pub(crate) struct OpenParameters {
    /// Types that the caller gave, by position.
    declared: Vec<Option<DataType>>,
    /// The parameter, counted from 1, that each placeholder is of.
    positions: Vec<usize>,
}

impl OpenParameters {
    /// The type of each parameter, where a placeholder's type follows from its use as `inferred` tells,
    /// and is text if nothing tells.
    pub(crate) fn types(&self, inferred: impl Fn(usize) -> Option<DataType>) -> Vec<DataType> {
        let count = self.positions.iter().copied().max().unwrap_or(0).max(self.declared.len());
        let used = |position: usize| {
            let places = self.positions.iter().enumerate().filter(move |(_, at)| **at == position);
            places.map(|(index, _)| index + 1).find_map(&inferred)
        };
        let of = |position: usize| self.declared.get(position - 1).cloned().flatten().or_else(|| used(position));
        (1..=count).map(|position| of(position).unwrap_or(DataType::Utf8)).collect()
    }

    /// A NULL of the right type for each placeholder.
    pub(crate) fn nulls(&self, types: &[DataType]) -> Vec<ScalarValue> {
        let null = |position: &usize| {
            let data_type = position.checked_sub(1).and_then(|index| types.get(index));
            data_type.and_then(|data_type| ScalarValue::try_from(data_type).ok()).unwrap_or(ScalarValue::Null)
        };
        self.positions.iter().map(null).collect()
    }
}

/// A kind of `EXPLAIN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Explain {
    /// `EXPLAIN ANALYZE`: run the statement and show what it took.
    pub(crate) analyze: bool,
    /// `EXPLAIN VERBOSE`: show the engine's plans too.
    pub(crate) verbose: bool,
}

/// How words were written.
#[derive(Debug, Clone, Default)]
struct Spellings {
    /// Words that follow `AS`: names that the statement gives.
    aliases: HashMap<String, String>,
    /// All words, as first written.
    words: HashMap<String, String>,
}

impl Spellings {
    /// Text with its words as the statement wrote them.
    fn restore(&self, text: &str) -> String {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let spelled = |word: &str| self.words.get(word).cloned().unwrap_or_else(|| word.to_owned());
        text.split_inclusive(|character| !is_word(character))
            .map(|part| match part.char_indices().next_back() {
                Some((at, last)) if !is_word(last) => spelled(&part[..at]) + &part[at..],
                _ => spelled(part),
            })
            .collect()
    }
}

impl Statement {
    /// Parses one statement about an org's own tables and binds its parameters.
    #[cfg(test)]
    pub(crate) fn parse(sql: &str, params: &Params) -> Result<OnStack<Self>, Error> {
        Self::parse_beside(sql, params, &[])
    }

    /// Parses one statement and binds its parameters. `attached` are tables that it may describe, besides the org's.
    pub(crate) fn parse_beside(sql: &str, params: &Params, attached: &[Entry]) -> Result<OnStack<Self>, Error> {
        let tokens =
            Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| syntax(&error.into()))?;
        let tokens = tokens::with_brackets_as_quotes(tokens);
        let stack = size::of_tokens(&tokens)?;
        let statement = stack.run(|| Self::of_tokens(&tokens, params, attached, stack))?;
        Ok(statement.stack.holds(statement))
    }

    fn of_tokens(tokens: &[TokenWithSpan], params: &Params, attached: &[Entry], stack: Stack) -> Result<Self, Error> {
        let parameters::Bound { tokens, values, positions } = parameters::bind(tokens, params)?;
        let open = match params {
            Params::Open(declared) => Some(OpenParameters { declared: declared.clone(), positions }),
            _ => None,
        };
        let quoted = tokens.iter().filter_map(quoted_word).collect();
        let (tokens, spellings) = tokens::in_lower_case(tokens);
        let words = tokens.iter().filter_map(word).collect();
        let first = tokens.iter().find_map(word);
        let mut statements = Parser::new(&GenericDialect {})
            .with_recursion_limit(DEPTH_MAX)
            .with_tokens_with_locations(tokens)
            .parse_statements()
            .map_err(|error| match first.as_deref().map(str::to_uppercase) {
                // Wrong or not, it would be refused.
                Some(verb) if is_write(&verb) => Error::ReadOnly { verb },
                _ => syntax(&error).spelled(|text| spellings.restore(text)),
            })?;
        let statement = match (statements.pop(), statements.is_empty()) {
            (Some(statement), true) => statement,
            (None, _) => return Err(Error::Syntax { message: "the statement is empty".to_owned() }),
            (Some(_), false) => {
                return Err(Error::Unsupported { what: "more than one statement at a time".to_owned(), instead: None });
            }
        };
        let stack = stack.max(size::of_tables(&statement)?);
        let (query, explain) = unwrap_explain(statement);
        let mut query =
            habits::as_query(query, attached).map_err(|error| error.spelled(|text| spellings.restore(text)))?;
        parameters::empty_lists(&mut query)?;
        check_reads_only(&query)?;
        Ok(Self { query: Box::new(query), explain, values, open, words, quoted, spellings, stack })
    }

    /// Whether the statement has the word, given in lower case, in double quotes.
    pub(crate) fn is_quoted(&self, word: &str) -> bool {
        self.quoted.contains(word)
    }

    /// A name or the text of an expression in the spelling of the statement's aliases, of the model
    /// (`model` maps lower case to it), or of the statement, in this order.
    pub(crate) fn display(&self, text: &str, model: &HashMap<String, String>) -> String {
        if let Some(name) = self.spelling(text, model) {
            return name.to_owned();
        }
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_word) {
            shown.push_str(&rest[..start]);
            let word = &rest[start..];
            let end = word.find(|character| !is_word(character)).unwrap_or(word.len());
            let word = &word[..end];
            // Names of functions stay as the engine writes them.
            let spelled = if rest[start + end..].starts_with('(') { None } else { self.spelling(word, model) };
            shown.push_str(spelled.unwrap_or(word));
            rest = &rest[start + end..];
        }
        shown.push_str(rest);
        shown
    }

    /// Texts of the outermost expressions that have no name of their own, by their place in a result
    /// of `width` columns: the engine's names for them show its types.
    pub(crate) fn texts_of_columns(&self, width: usize) -> Vec<Option<String>> {
        labels::texts_of_columns(&self.query, width)
    }

    /// Whether the statement gives this name, in lower case, to something by `AS`.
    pub(crate) fn names_itself(&self, name: &str) -> bool {
        self.spellings.aliases.contains_key(name)
    }

    fn spelling<'a>(&'a self, word: &str, model: &'a HashMap<String, String>) -> Option<&'a str> {
        let places = [self.spellings.aliases.get(word), model.get(word), self.spellings.words.get(word)];
        places.into_iter().flatten().map(String::as_str).next()
    }
}

fn word(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    }
}

fn syntax(error: &ParserError) -> Error {
    match error {
        ParserError::RecursionLimitExceeded => {
            Error::Unsupported { what: format!("nesting deeper than {DEPTH_MAX} levels"), instead: None }
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            Error::Syntax { message: format!("the statement cannot be parsed: {}", lower_first(message)) }
        }
    }
}

/// The message in the manner of ours.
pub(crate) fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn unwrap_explain(statement: ast::Statement) -> (ast::Statement, Option<Explain>) {
    match statement {
        ast::Statement::Explain { analyze, verbose, statement, .. } => (*statement, Some(Explain { analyze, verbose })),
        other => (other, None),
    }
}

/// Refuses everything but queries, also inside of queries.
fn check_reads_only(statement: &ast::Statement) -> Result<(), Error> {
    let ast::Statement::Query(_) = statement else { return Err(refusal(statement)) };
    match ast::Visit::visit(statement, &mut Writes) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn refusal(statement: &ast::Statement) -> Error {
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or("the statement").to_uppercase();
    match verb.as_str() {
        verb if is_write(verb) => Error::ReadOnly { verb: verb.to_owned() },
        "SHOW" => {
            let instead = "SHOW TABLES, DESCRIBE Users, or SELECT * FROM sys.sys_connection_props".to_owned();
            Error::Unsupported { what: text, instead: Some(instead) }
        }
        _ => Error::Unsupported { what: verb, instead: None },
    }
}

const WRITES: [&str; 13] = [
    "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "TRUNCATE", "CALL", "EXEC", "EXECUTE", "COPY",
    "REPLACE",
];

fn is_write(verb: &str) -> bool {
    WRITES.contains(&verb)
}

/// Finds writes within a query.
struct Writes;

impl Visitor for Writes {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        match query.body.as_ref() {
            SetExpr::Insert(write) | SetExpr::Update(write) | SetExpr::Delete(write) | SetExpr::Merge(write) => {
                ControlFlow::Break(refusal(write))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<Error> {
        match select.into {
            Some(_) => ControlFlow::Break(Error::ReadOnly { verb: "SELECT INTO".to_owned() }),
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::{Coded, codes};

    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let parsed = Statement::parse(sql, &Params::None).unwrap();
        assert_eq!(parsed.query.to_string(), expected);
    }

    #[test]
    fn every_quoting_means_the_same_name() {
        check(r#"SELECT "Users"."Id" AS "Users_Id" FROM "Users""#, r#"SELECT "users"."id" AS "users_id" FROM "users""#);
        check("select [Id], [Users].[Status] from [Users]", r#"SELECT "id", "users"."status" FROM "users""#);
        check("SELECT `Id` FROM Users", "SELECT `id` FROM users");
        check("SELECT list[1], 'A' FROM Users", "SELECT list[1], 'A' FROM users");
    }

    #[test]
    fn names_come_back_as_the_model_or_the_alias_spells_them() {
        let model = HashMap::from([("id".to_owned(), "Id".to_owned()), ("created".to_owned(), "Created".to_owned())]);
        let parsed = Statement::parse("SELECT id, max(CREATED), Status AS staTus FROM Users", &Params::None).unwrap();
        assert_eq!(parsed.display("id", &model), "Id");
        assert_eq!(parsed.display("max(users.created)", &model), "max(Users.Created)");
        assert_eq!(parsed.display("status", &model), "staTus");
    }

    #[test]
    fn only_queries_are_accepted() {
        for (sql, code) in [
            ("INSERT INTO Users (Id) VALUES ('a')", codes::OKT3009),
            ("DELETE FROM Users", codes::OKT3009),
            ("SELECT Id INTO t FROM Users", codes::OKT3009),
            ("WITH t AS (DELETE FROM Users) SELECT 1", codes::OKT3009),
            ("CREATE TABLE t (a int)", codes::OKT3009),
            ("CREATE TABLE t (index BIGINT, order TEXT)", codes::OKT3009),
            ("SELECT 1; SELECT 2", codes::OKT3005),
            ("BEGIN", codes::OKT3005),
            ("SHOW timezone", codes::OKT3005),
            ("DESCRIBE nothing", codes::OKT3002),
            ("SELEC 1", codes::OKT3001),
            ("SELECT 'a", codes::OKT3001),
            ("", codes::OKT3001),
        ] {
            let error = Statement::parse(sql, &Params::None).unwrap_err();
            assert_eq!(error.code().id(), code.id(), "{sql}: {error}");
        }
        let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(Statement::parse(&deep, &Params::None).unwrap_err().code().id(), "OKT3005");
    }

    #[test]
    fn habits_of_other_shells_are_queries() {
        check(
            "SHOW TABLES",
            "SELECT table_schema, table_name FROM information_schema.tables ORDER BY table_schema, table_name",
        );
        let described = "SELECT column_name, data_type, is_nullable, is_key FROM information_schema.columns \
            WHERE table_schema = 'okta' AND table_name = 'Users' AND NOT is_hidden ORDER BY ordinal_position";
        for sql in ["DESCRIBE users", "DESC okta.Users", "SHOW COLUMNS FROM Users"] {
            check(sql, described);
        }
        check("SELECT TOP 5 Id FROM Users", "SELECT id FROM users LIMIT 5");
    }

    #[test]
    fn errors_spell_names_as_written() {
        let error =
            Statement::parse("SELECT Id FROM Users WHERE ProfileLogin ProfileEmail", &Params::None).unwrap_err();
        assert!(error.to_string().contains("ProfileEmail"), "{error}");
    }

    #[test]
    fn explain_is_taken_off() {
        let parsed = Statement::parse("EXPLAIN ANALYZE SELECT 1", &Params::None).unwrap();
        assert_eq!(parsed.explain, Some(Explain { analyze: true, verbose: false }));
        assert_eq!(parsed.query.to_string(), "SELECT 1");
    }
}
