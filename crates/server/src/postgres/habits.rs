//! What clients of PostgreSQL send besides queries: transactions, settings, and functions about the
//! server itself.
//!
//! The engine only reads, so a transaction begins and ends without any effect, and settings are taken
//! note of by nobody. Clients send both without being asked to.

use oktant_sql::lexer::{self, Kind, Token};

use super::introspection::{self, Question};

/// The version of PostgreSQL whose manners these are.
pub(super) const SERVER_VERSION: &str = "16.6";

/// Settings that `SHOW` tells.
const SETTINGS: &[(&str, &str)] = &[
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
    ("search_path", "okta"),
    ("standard_conforming_strings", "on"),
    ("integer_datetimes", "on"),
    ("is_superuser", "off"),
    ("in_hot_standby", "off"),
    ("default_transaction_read_only", "on"),
    ("transaction_read_only", "on"),
    ("transaction_isolation", "read committed"),
    ("default_transaction_isolation", "read committed"),
    ("max_identifier_length", "63"),
    ("statement_timeout", "0"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
];

/// Settings that a client is told of when it has signed in.
pub(super) const ANNOUNCED: &[(&str, &str)] = &[
    ("server_version", SERVER_VERSION),
    ("server_encoding", "UTF8"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("integer_datetimes", "on"),
    ("standard_conforming_strings", "on"),
    ("is_superuser", "off"),
    ("in_hot_standby", "off"),
    ("default_transaction_read_only", "on"),
    ("search_path", "okta"),
];

/// What a statement asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// To begin a transaction.
    Begin,
    /// To end one; the tag of the answer.
    End(&'static str),
    /// Something without effect here; the tag of the answer.
    Nothing(&'static str),
    /// The value of a setting.
    Setting(&'static str, &'static str),
    /// Something about the tables.
    About(Question),
    /// An answer of the engine, to this text.
    Query(String),
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) user: &'a str,
    pub(super) database: &'a str,
}

/// Reads one statement.
pub(super) fn read(sql: &str, asker: Asker<'_>) -> Command {
    let tokens: Vec<Token<'_>> = lexer::tokens(sql).filter(|token| !is_blank(*token)).collect();
    let words: Vec<String> = tokens.iter().map(|token| token.text.to_uppercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["BEGIN", ..] | ["START", "TRANSACTION", ..] => Command::Begin,
        ["COMMIT" | "END", ..] => Command::End("COMMIT"),
        ["ROLLBACK" | "ABORT", rest @ ..] if !rest.contains(&"TO") => Command::End("ROLLBACK"),
        ["ROLLBACK", ..] => Command::Nothing("ROLLBACK"),
        ["SAVEPOINT", ..] => Command::Nothing("SAVEPOINT"),
        ["RELEASE", ..] => Command::Nothing("RELEASE"),
        ["SET", ..] => Command::Nothing("SET"),
        ["RESET", ..] => Command::Nothing("RESET"),
        ["DISCARD", "ALL"] => Command::Nothing("DISCARD ALL"),
        ["DEALLOCATE", "ALL"] | ["DEALLOCATE", "PREPARE", "ALL"] => Command::Nothing("DEALLOCATE ALL"),
        ["DEALLOCATE", ..] => Command::Nothing("DEALLOCATE"),
        ["LISTEN", ..] => Command::Nothing("LISTEN"),
        ["UNLISTEN", ..] => Command::Nothing("UNLISTEN"),
        ["SHOW", name @ ..] => match setting(name) {
            Some((name, value)) => Command::Setting(name, value),
            None => Command::Query(sql.to_owned()),
        },
        _ => match introspection::read(sql) {
            Some(question) => Command::About(question),
            None => Command::Query(with_functions(sql, asker)),
        },
    }
}

/// `SHOW TRANSACTION ISOLATION LEVEL` is spelled otherwise than the setting it shows.
fn setting(words: &[&str]) -> Option<(&'static str, &'static str)> {
    let name = match words {
        ["TRANSACTION", "ISOLATION", "LEVEL"] => "transaction_isolation".to_owned(),
        ["TIME", "ZONE"] => "timezone".to_owned(),
        [name] => name.to_lowercase(),
        _ => return None,
    };
    SETTINGS.iter().copied().find(|(known, _)| *known == name)
}

/// The statement with functions about server and session replaced by their values.
fn with_functions(sql: &str, asker: Asker<'_>) -> String {
    let tokens: Vec<Token<'_>> = lexer::tokens(sql).collect();
    let (mut written, mut depth, mut in_select_list) = (String::with_capacity(sql.len()), 0_usize, true);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some((name, value, length)) = function(&tokens[at..], asker) {
            written.push_str(&value);
            let next = tokens[at + length..].iter().find(|token| !is_blank(**token));
            let stands_alone = next.is_none_or(|next| next.text == "," || next.text.eq_ignore_ascii_case("FROM"));
            if depth == 0 && in_select_list && stands_alone {
                written.push_str(" AS ");
                written.push_str(name);
            }
            at += length;
            continue;
        }
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            word if depth == 0 && ["FROM", "WHERE", "UNION"].iter().any(|end| word.eq_ignore_ascii_case(end)) => {
                in_select_list = false;
            }
            _ => {}
        }
        written.push_str(token.text);
        at += 1;
    }
    written
}

/// The function at the start of `tokens`: its name, its value as SQL, and the tokens it takes.
fn function(tokens: &[Token<'_>], asker: Asker<'_>) -> Option<(&'static str, String, usize)> {
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    let is = |at: usize, expected: &str| text(at).is_some_and(|text| text.eq_ignore_ascii_case(expected));
    let qualified = is(0, "pg_catalog") && is(1, ".");
    let at = if qualified { 2 } else { 0 };
    let first = tokens.get(at).filter(|token| token.kind == Kind::Word)?;
    let called = is(at + 1, "(") && is(at + 2, ")");
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (name, value) = match (first.text.to_lowercase().as_str(), called) {
        ("version", true) => {
            ("version", literal(&format!("PostgreSQL {SERVER_VERSION} (Oktant {})", env!("CARGO_PKG_VERSION"))))
        }
        ("current_schema", _) => ("current_schema", literal("okta")),
        ("current_database", true) => ("current_database", literal(asker.database)),
        ("current_catalog", false) => ("current_catalog", literal(asker.database)),
        ("current_user", false) => ("current_user", literal(asker.user)),
        ("session_user", false) => ("session_user", literal(asker.user)),
        ("pg_is_in_recovery", true) => ("pg_is_in_recovery", "FALSE".to_owned()),
        _ => return None,
    };
    Some((name, value, at + if called { 3 } else { 1 }))
}

fn is_blank(token: Token<'_>) -> bool {
    matches!(token.kind, Kind::Space | Kind::Comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &Command) {
        assert_eq!(read(sql, Asker { user: "ann", database: "org" }), *expected, "{sql}");
    }

    #[test]
    fn what_needs_no_engine_is_known() {
        check("begin", &Command::Begin);
        check("/* x */ START TRANSACTION READ ONLY", &Command::Begin);
        check("end", &Command::End("COMMIT"));
        check("ROLLBACK", &Command::End("ROLLBACK"));
        check("ROLLBACK TO SAVEPOINT a", &Command::Nothing("ROLLBACK"));
        check("SET application_name = 'x'", &Command::Nothing("SET"));
        check("deallocate all", &Command::Nothing("DEALLOCATE ALL"));
        check("show transaction isolation level", &Command::Setting("transaction_isolation", "read committed"));
        check("SHOW TimeZone", &Command::Setting("timezone", "UTC"));
    }

    #[test]
    fn the_rest_is_the_engines() {
        for sql in ["SHOW TABLES", "SELECT Id FROM Users", "SELECT 'current_user', version FROM Apps"] {
            check(sql, &Command::Query(sql.to_owned()));
        }
    }

    #[test]
    fn functions_about_the_session_have_values() {
        let query = |sql: &str| Command::Query(sql.to_owned());
        check("select current_schema()", &query("select 'okta' AS current_schema"));
        check(
            "SELECT current_user, pg_catalog.current_database()",
            &query("SELECT 'ann' AS current_user, 'org' AS current_database"),
        );
        check("SELECT 1 FROM Users WHERE Login = current_user", &query("SELECT 1 FROM Users WHERE Login = 'ann'"));
        check("SELECT lower(current_user) x", &query("SELECT lower('ann') x"));
    }
}
