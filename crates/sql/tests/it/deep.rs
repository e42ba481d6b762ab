//! Statements whose trees are deep run on threads of any stack, or are refused; they never end the process.

use std::thread;

use oktant_base::{Coded as _, codes};
use oktant_sql::{Error, Params};

use crate::support::{Fixture, run_on};

/// A stack as small as threads have it that others make, in bytes.
const SMALL: usize = 512 * 1024;

/// Operators that a statement may have at most.
const OPERATORS_MAX: usize = 500;

/// Tables that a statement may name at most.
const TABLES_MAX: usize = 64;

/// Operators and tables of the largest statement that is given no stack of its own.
const FLAT: (usize, usize) = (32, 8);

/// Levels that the parser goes down for every kind of tree.
const LEVELS: usize = 45;

/// Runs statements on an org of one user, on a thread with a small stack and in a runtime whose threads have small
/// ones, too: how many rows each has.
fn on_small_stacks(statements: Vec<String>) -> Vec<Result<usize, Error>> {
    let servers = tokio::runtime::Runtime::new().unwrap();
    let fixture = servers.block_on(Fixture::new(0, 0));
    let session = fixture.session.clone();
    let run = move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_stack_size(SMALL).enable_all().build().unwrap();
        let count = |sql| runtime.block_on(run_on(&session, sql, Params::None)).map(|answer| answer.rows.len());
        statements.iter().map(|sql| count(sql)).collect()
    };
    thread::Builder::new().stack_size(SMALL).spawn(run).unwrap().join().unwrap()
}

/// Asserts that each statement runs.
fn run(statements: &[String]) {
    for (sql, rows) in statements.iter().zip(on_small_stacks(statements.to_vec())) {
        assert!(rows.is_ok(), "{rows:?}: {}", sql.chars().take(100).collect::<String>());
    }
}

/// Asserts that each statement is refused.
fn refuse(statements: &[String]) {
    for (sql, rows) in statements.iter().zip(on_small_stacks(statements.to_vec())) {
        let code = rows.err().map(|error| error.code());
        assert_eq!(code, Some(codes::OKT3005), "{}", sql.chars().take(100).collect::<String>());
    }
}

/// A chain of each kind that the parser reads in a loop, of as many operators as given: what comes before, a link,
/// what comes after, the operators of a link and of the rest.
fn chains(operators: usize) -> Vec<String> {
    let chains = [
        ("SELECT 1", "+1", "", 1, 1),
        ("SELECT Status", "||Status", " FROM Users", 1, 1),
        ("SELECT 1", "::int", "", 1, 1),
        ("SELECT 1", " IS NULL", "", 1, 1),
        ("SELECT 1 WHERE TRUE", " = TRUE", "", 1, 1),
        ("SELECT Id FROM Users WHERE TRUE", " AND ProfileLogin IS NOT NULL", "", 3, 1),
        ("SELECT Id FROM Users WHERE FALSE", " OR ProfileLogin = 'a'", "", 2, 1),
        ("SELECT Id FROM Users WHERE Status = 'ACTIVE'", " OR lower(ProfileLogin) LIKE '%a'", "", 2, 2),
        ("SELECT CASE", " WHEN Status = 'ACTIVE' THEN 1", " END FROM Users", 1, 1),
        ("SELECT 1", " UNION ALL SELECT 1", "", 2, 1),
        ("SELECT 1", " UNION SELECT 1", "", 2, 1),
        ("SELECT 1", " EXCEPT SELECT 2", "", 2, 1),
        ("SELECT Status FROM Users UNION ALL SELECT Status", "||Status", " FROM Users ORDER BY 1", 1, 3),
    ];
    let of = |(before, link, after, each, rest): (&str, &str, &str, usize, usize)| {
        format!("{before}{}{after}", link.repeat((operators - rest) / each))
    };
    chains.map(of).into()
}

/// Trees as deep as given that the parser reads by calling itself.
fn nested(levels: usize) -> Vec<String> {
    let trees = [
        ("SELECT ", "(", "1", ")", ""),
        ("SELECT ", "lower(", "Status", ")", " FROM Users"),
        ("SELECT ", "NOT ", "TRUE", "", ""),
        ("SELECT ", "CASE WHEN Status = 'A' THEN 1 ELSE ", "2", " END", " FROM Users"),
        ("", "SELECT * FROM (", "SELECT Id FROM Users", ")", ""),
    ];
    trees
        .map(|(before, open, inner, close, after)| {
            format!("{before}{}{inner}{}{after}", open.repeat(levels), close.repeat(levels))
        })
        .into()
}

/// Joins of as many tables as given.
fn joins(tables: usize) -> Vec<String> {
    let others = |link: fn(usize) -> String| (1..tables).map(link).collect::<String>();
    vec![
        format!("SELECT count(*) FROM Users u0{}", others(|n| format!(", Users u{n}"))),
        format!("SELECT count(*) FROM Users u0{}", others(|n| format!(" JOIN Users u{n} ON u{n}.Id = u0.Id"))),
        format!(
            "SELECT u0.Id FROM Users u0{}",
            others(|n| format!(" LEFT JOIN Users u{n} ON u{n}.Id = u{}.Id", n - 1))
        ),
    ]
}

#[test]
fn chains_of_as_many_operators_as_are_accepted_run_on_any_stack() {
    run(&chains(OPERATORS_MAX));
    run(&chains(FLAT.0));
}

#[test]
fn trees_as_deep_as_the_parser_goes_run_on_any_stack() {
    run(&nested(LEVELS));
    // What else there is takes the engine long before it takes much stack.
    run(&[
        format!("SELECT Profile{} FROM Users", "->'a'".repeat(60)),
        format!("SELECT Id FROM Users{}{}", " WHERE Id IN (SELECT Id FROM Users".repeat(5), ")".repeat(5)),
        format!("SELECT {}1{}", "(SELECT 1 + ".repeat(5), ")".repeat(5)),
        format!("SELECT Id FROM Users{}", " UNION ALL SELECT Id FROM Users".repeat(TABLES_MAX - 1)),
    ]);
}

#[test]
fn joins_of_as_many_tables_as_are_accepted_run_on_any_stack() {
    // All three take the engine its time.
    let [cross, inner, left] = [0, 1, 2];
    run(&[joins(TABLES_MAX).swap_remove(left)]);
    run(&[joins(TABLES_MAX / 2).swap_remove(cross), joins(TABLES_MAX / 2).swap_remove(inner)]);
    run(&joins(FLAT.1));
}

#[test]
fn a_deep_statement_is_explained_prepared_and_dropped_on_any_stack() {
    let deep = chains(OPERATORS_MAX).swap_remove(1);
    run(&[format!("EXPLAIN VERBOSE {deep}"), format!("EXPLAIN ANALYZE {deep}")]);
    let unknown = deep.replace("FROM Users", "FROM Nothing");
    assert_eq!(on_small_stacks(vec![unknown]).remove(0).unwrap_err().code(), codes::OKT3002);
}

#[test]
fn one_more_is_refused() {
    // The first ones have links of one operator.
    refuse(&chains(OPERATORS_MAX + 1)[..5]);
    refuse(&joins(TABLES_MAX + 1));
    refuse(&nested(100)[..2]);
}
