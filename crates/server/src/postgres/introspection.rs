//! Questions about tables as psql and drivers put them to `pg_catalog`, which the engine does not have.
//!
//! Recognised by what they ask for, not word by word: psql changes its statements from release to
//! release, but not the columns it needs. A question that is not recognised goes to the engine, whose
//! error tells that `information_schema` knows the same.
//!
//! # Source
//!
//! What psql 15 to 17 sends for `\d`, `\dt`, `\dn`, `\l`, `\df` and `\d NAME` (seen with `psql -E`); psycopg 2 and 3
//! asking for the type `hstore` when SQLAlchemy connects.

use std::collections::HashMap;

use oktant_catalog::ColumnType;
use oktant_sql::lexer::{self, Kind, Token};
use oktant_sql::{Error, Session, TableInfo};
use regex_lite::Regex;

/// The number of the first table; those before it are PostgreSQL's own.
const FIRST_NUMBER: usize = 16_384;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Which relations there are whose name fits a pattern, as `\dt` lists them.
    Listing(Option<String>),
    /// Number and schema of relations whose name fits a pattern.
    Numbers(Option<String>),
    /// What is special about the relation with this number. Little is.
    Relation(usize),
    /// The columns of the relation with this number.
    Columns(usize),
    /// Which schemas there are.
    Schemas,
    /// Which databases there are.
    Databases,
    /// Which functions there are: the engine's are not told here.
    Functions,
    /// Something that there is none of, with so many columns.
    Nothing(usize),
}

/// Columns and rows, all of text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// What a statement asks, if it is about `pg_catalog` and known.
pub(super) fn read(sql: &str) -> Option<Question> {
    let tokens: Vec<Token<'_>> =
        lexer::tokens(sql).filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment)).collect();
    let words: HashMap<String, usize> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| matches!(token.kind, Kind::Word | Kind::Quoted))
        .map(|(at, token)| (token.text.to_lowercase(), at))
        .collect();
    let has = |all: &[&str]| all.iter().all(|word| words.contains_key(*word));
    let number = |column: &str| literal_after(&tokens, column)?.parse().ok();
    if !tokens.first()?.text.eq_ignore_ascii_case("SELECT") {
        return None;
    }
    let listed_kinds = literals_after(&tokens, "relkind");
    if has(&["pg_class", "\"schema\"", "\"name\"", "\"type\""]) {
        let tables = listed_kinds.iter().any(|kind| kind == "r");
        return Some(if tables { Question::Listing(literal_after(&tokens, "relname")) } else { Question::Nothing(4) });
    }
    if has(&["pg_class", "oid", "nspname", "relname"]) && !has(&["pg_publication"]) && !has(&["pg_statistic_ext"]) {
        return Some(Question::Numbers(literal_after(&tokens, "relname")));
    }
    if has(&["pg_class", "relchecks", "relkind", "relhasindex"]) {
        return number("oid").map(Question::Relation);
    }
    if has(&["pg_attribute", "attname", "format_type", "attrelid"]) {
        return number("attrelid").map(Question::Columns);
    }
    if has(&["pg_namespace", "\"name\"", "\"owner\""]) {
        return Some(Question::Schemas);
    }
    if has(&["pg_database", "datname", "\"name\""]) {
        return Some(Question::Databases);
    }
    if has(&["pg_proc", "proname", "\"name\""]) {
        return Some(Question::Functions);
    }
    let absent =
        ["pg_inherits", "pg_policy", "pg_statistic_ext", "pg_publication", "pg_type", "pg_index", "pg_trigger"];
    absent.iter().any(|table| has(&[table])).then(|| Question::Nothing(width(&tokens)))
}

/// The first text that follows a word before the next comma or keyword of the same level.
fn literal_after(tokens: &[Token<'_>], word: &str) -> Option<String> {
    literals_after(tokens, word).into_iter().next()
}

/// The texts that follow a word as operands: `word = 'a'`, `word IN ('a', 'b')`, `word ~ '…'`.
fn literals_after(tokens: &[Token<'_>], word: &str) -> Vec<String> {
    let places = tokens.iter().enumerate().filter(|(_, token)| token.text.eq_ignore_ascii_case(word));
    let operands = |(at, _): (usize, &Token<'_>)| {
        let mut found = Vec::new();
        for token in &tokens[at + 1..] {
            match token.kind {
                Kind::Text => found.push(token.text.trim_matches('\'').replace("''", "'")),
                Kind::Symbol if "=~!()<>".contains(token.text) || token.text == "." => {}
                Kind::Symbol if token.text == "," && !found.is_empty() => {}
                Kind::Word
                    if ["in", "operator", "pg_catalog"].iter().any(|known| token.text.eq_ignore_ascii_case(known)) => {}
                _ => break,
            }
        }
        found
    };
    places.map(operands).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Columns of the outermost `SELECT`.
fn width(tokens: &[Token<'_>]) -> usize {
    let (mut depth, mut commas) = (0_usize, 0);
    for token in tokens {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => commas += 1,
            word if depth == 0 && word.eq_ignore_ascii_case("FROM") => break,
            _ => {}
        }
    }
    commas + 1
}

/// The names of an answer's columns.
pub(super) fn columns(question: &Question) -> Vec<String> {
    let names: &[&str] = match question {
        Question::Listing(_) => &["Schema", "Name", "Type", "Owner"],
        Question::Numbers(_) => &["oid", "nspname", "relname"],
        Question::Relation(_) => &[
            "relchecks",
            "relkind",
            "relhasindex",
            "relhasrules",
            "relhastriggers",
            "relrowsecurity",
            "relforcerowsecurity",
            "relhasoids",
            "relispartition",
            "options",
            "reltablespace",
            "reloftype",
            "relpersistence",
            "relreplident",
            "amname",
        ],
        Question::Columns(_) => {
            &["attname", "format_type", "default", "attnotnull", "attcollation", "attidentity", "attgenerated"]
        }
        Question::Schemas => &["Name", "Owner"],
        Question::Databases => &["Name", "Owner", "Encoding"],
        Question::Functions => &["Schema", "Name", "Result data type", "Argument data types", "Type"],
        Question::Nothing(width) => return (1..=*width).map(|number| format!("column{number}")).collect(),
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Answers a question about the tables that the session may read.
pub(super) async fn answer(question: &Question, engine: &Session) -> Result<Answer, Error> {
    let infos = engine.tables();
    let tables: Vec<(usize, &TableInfo)> =
        infos.iter().enumerate().map(|(index, table)| (FIRST_NUMBER + index, table)).collect();
    let fitting = |pattern: &Option<String>| {
        let pattern = pattern.as_deref().and_then(|pattern| Regex::new(&format!("(?i){pattern}")).ok());
        let fits = move |(_, table): &(usize, &TableInfo)| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(&table.name))
        };
        tables.clone().into_iter().filter(fits).collect::<Vec<_>>()
    };
    let named = |number: &usize| tables.iter().find(|(known, _)| known == number).map(|(_, table)| *table);
    let rows = match question {
        Question::Listing(pattern) => {
            let row = |(_, table): (usize, &TableInfo)| texts(&[&table.schema, &table.name, "table", "okta"]);
            fitting(pattern).into_iter().map(row).collect()
        }
        Question::Numbers(pattern) => {
            let row = |(number, table): (usize, &TableInfo)| texts(&[&number.to_string(), &table.schema, &table.name]);
            fitting(pattern).into_iter().map(row).collect()
        }
        Question::Relation(number) => {
            let plain = ["0", "r", "f", "f", "f", "f", "f", "f", "f", "", "0", "", "p", "d", "okta"];
            named(number).map(|_| texts(&plain)).into_iter().collect()
        }
        Question::Columns(number) => match named(number) {
            Some(table) => engine
                .columns(&table.full_name())
                .await?
                .iter()
                .filter(|column| !column.hidden)
                .map(described)
                .collect(),
            None => Vec::new(),
        },
        Question::Schemas => {
            let mut schemas: Vec<&str> = infos.iter().map(|table| table.schema.as_str()).collect();
            schemas.push("okta");
            schemas.sort_unstable();
            schemas.dedup();
            schemas.into_iter().map(|schema| texts(&[schema, "okta"])).collect()
        }
        Question::Databases => vec![texts(&["okta", "okta", "UTF8"])],
        Question::Functions | Question::Nothing(_) => Vec::new(),
    };
    Ok(Answer { columns: columns(question), rows })
}

fn described(column: &oktant_sql::ColumnInfo) -> Vec<Option<String>> {
    let not_null = if column.nullable { "f" } else { "t" };
    let mut row = texts(&[&column.name, type_name(column.data_type)]);
    row.extend([None, Some(not_null.to_owned()), None, Some(String::new()), Some(String::new())]);
    row
}

const fn type_name(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Text | ColumnType::Json => "text",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::Date => "date",
        ColumnType::Integer => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Double => "double precision",
        ColumnType::Boolean => "boolean",
    }
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: Option<&Question>) {
        assert_eq!(read(sql).as_ref(), expected, "{sql}");
    }

    #[test]
    fn questions_of_psql_are_known() {
        let listing = "SELECT n.nspname as \"Schema\", c.relname as \"Name\", CASE c.relkind WHEN 'r' THEN 'table' END as \
            \"Type\", pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\" FROM pg_catalog.pg_class c LEFT JOIN \
            pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN (KINDS) AND n.nspname <> 'pg_catalog' \
            AND n.nspname !~ '^pg_toast' PATTERN AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2";
        let all = listing.replace("KINDS", "'r','p','v',''").replace("PATTERN", "");
        check(&all, Some(&Question::Listing(None)));
        let pattern = "AND c.relname OPERATOR(pg_catalog.~) '^(us.*)$' COLLATE pg_catalog.default";
        let some = listing.replace("KINDS", "'r','p',''").replace("PATTERN", pattern);
        check(&some, Some(&Question::Listing(Some("^(us.*)$".to_owned()))));
        check(&listing.replace("KINDS", "'v',''").replace("PATTERN", ""), Some(&Question::Nothing(4)));
        let numbers = format!(
            "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid \
             = c.relnamespace WHERE {} ORDER BY 2, 3",
            pattern.trim_start_matches("AND ")
        );
        check(&numbers, Some(&Question::Numbers(Some("^(us.*)$".to_owned()))));
        check(
            "SELECT c.relchecks, c.relkind, c.relhasindex FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class tc ON \
             (c.reltoastrelid = tc.oid) WHERE c.oid = '16390'",
            Some(&Question::Relation(16_390)),
        );
        check(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a WHERE \
             a.attrelid = '16390' AND a.attnum > 0",
            Some(&Question::Columns(16_390)),
        );
        check(
            "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE c.oid = \
             i.inhparent AND i.inhrelid = '16390'",
            Some(&Question::Nothing(1)),
        );
    }

    #[test]
    fn databases_and_functions_are_asked_for() {
        check(
            "SELECT d.datname as \"Name\", pg_catalog.pg_get_userbyid(d.datdba) as \"Owner\" FROM \
             pg_catalog.pg_database d ORDER BY 1",
            Some(&Question::Databases),
        );
        check(
            "SELECT n.nspname as \"Schema\", p.proname as \"Name\" FROM pg_catalog.pg_proc p LEFT JOIN \
             pg_catalog.pg_namespace n ON n.oid = p.pronamespace ORDER BY 1, 2, 4",
            Some(&Question::Functions),
        );
    }

    #[test]
    fn a_driver_may_look_for_a_type() {
        check(
            "SELECT typname AS name, oid, typarray AS array_oid FROM pg_type t WHERE t.oid = to_regtype($1)",
            Some(&Question::Nothing(3)),
        );
    }

    #[test]
    fn other_statements_are_not_questions() {
        for sql in ["SELECT Id FROM Users", "SELECT 'pg_type'", "SHOW TABLES", ""] {
            check(sql, None);
        }
    }
}
