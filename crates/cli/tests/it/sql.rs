//! `oktant sql` without a person at the keyboard.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use oktant_sandbox::{Effect, Fault};

use crate::support::{Org, check, shown};

const QUERY: &str =
    "SELECT ProfileLogin, Status, Created, Activated FROM Users WHERE Status = 'Active' ORDER BY ProfileLogin LIMIT 3";

#[test]
fn each_format() {
    let org = Org::small();
    for format in ["table", "json", "jsonl", "csv", "markdown", "vertical"] {
        check(&format!("sql_{format}"), &org.oktant(&["sql", "--output", format, "-c", QUERY]));
    }
    check(
        "sql_empty_table",
        &org.oktant(&["sql", "-c", "SELECT Id, Status FROM Users WHERE Status = 'STAGED' AND 1 = 0"]),
    );
    check("sql_empty_json", &org.oktant(&["sql", "-o", "json", "-c", "SELECT Id FROM Users WHERE Id = 'nobody'"]));
}

#[test]
fn an_enumeration_ignores_case_and_asks_the_org() {
    let org = Org::small();
    org.oktant(&["sql", "-c", "SELECT Id FROM users WHERE status = 'active'"]);
    let requests = org.sandbox.requests();
    let users: Vec<_> = requests.iter().filter(|request| request.path == "/api/v1/users").collect();
    assert_eq!(users.len(), 1);
    assert!(users[0].query.contains("ACTIVE"), "{}", users[0].query);
}

#[test]
fn statements_come_from_a_file_or_standard_input() {
    let org = Org::small();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("queries.sql");
    std::fs::write(&file, "SELECT 1 AS a; -- the first\nSELECT 'x;y' AS b;\n").expect("writes");
    let from_file = org.oktant(&["sql", file.to_str().expect("text")]);
    check("sql_two_statements", &from_file);
    let from_input = org.oktant_reading(&["sql"], "SELECT 1 AS a;\nSELECT 'x;y' AS b");
    assert_eq!(from_input, from_file);
}

#[test]
fn a_file_is_written_whole_in_the_format_of_its_name() {
    let org = Org::small();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, start) in [("a.csv", "Id,Status\n00u"), ("a.jsonl", "{\"Id\":\"00u"), ("a.parquet", "PAR1")] {
        let path = folder.path().join(name);
        let shown = org.oktant(&["sql", "-c", "SELECT Id, Status FROM Users", "--out", path.to_str().expect("text")]);
        assert_eq!(shown, "exit: 0\n");
        let bytes = std::fs::read(&path).expect("a file");
        assert!(bytes.starts_with(start.as_bytes()), "{name}");
    }
}

#[test]
fn mistakes_are_named_and_cost_no_request_for_rows() {
    let org = Org::small();
    check("sql_unknown_column", &org.oktant(&["sql", "-c", "SELECT ProfileFirstNam FROM Users"]));
    check("sql_unknown_table", &org.oktant(&["sql", "-c", "SELECT Id FROM Userz"]));
    for (sql, said) in [
        (
            "SELECT ProfileFirstName FROM Users WHERE ProfileFirstName = \"Ada\"",
            "write 'Ada': double quotes are for names",
        ),
        ("SELECT Zzz FROM Users", "DESCRIBE Users lists the columns"),
        ("DESCRIBE Nope", "unknown table \"Nope\""),
        ("SELECT foo(1)", "as the message says"),
    ] {
        let shown = org.oktant(&["sql", "-c", sql]);
        assert!(shown.contains(said), "{sql}: {shown}");
    }
    check("sql_syntax", &org.oktant(&["sql", "-c", "SELEC 1"]));
    check("sql_write", &org.oktant(&["sql", "-c", "DELETE FROM Users"]));
    check("sql_nothing", &org.oktant(&["sql", "-c", " ; "]));
    check("sql_several_as_json", &org.oktant(&["sql", "-o", "json", "-c", "SELECT 1; SELECT 2"]));
    check("sql_missing_file", &org.oktant(&["sql", "nowhere.sql"]));
    check("sql_missing_folder", &org.oktant(&["sql", "-c", "SELECT 1", "--out", "nowhere/rows.csv"]));
    let requests = org.requests();
    assert!(!requests.contains(&"GET /api/v1/users".to_owned()), "{requests:?}");
}

#[test]
fn explain_shows_the_requests_without_making_them() {
    let org = Org::small();
    check("sql_explain", &org.oktant(&["sql", "-c", "EXPLAIN SELECT Id FROM Users WHERE Status = 'ACTIVE'"]));
    assert!(!org.requests().contains(&"GET /api/v1/users".to_owned()));
}

/// One list: faults count the pages of lists that are read side by side together.
const ONE_LIST: &str = "SELECT Id FROM Users WHERE Status <> 'DEPROVISIONED'";

/// An org in which the third page of users meets `effect`.
fn torn_org(effect: Effect) -> Org {
    let fault = Fault { method: None, path: "/api/v1/users".to_owned(), request: 1, page: Some(3), times: 0, effect };
    Org::start(|builder| builder.users(900).faults([fault]))
}

#[test]
fn a_result_that_breaks_off_never_looks_whole() {
    let org = torn_org(Effect::Status { status: 403, reset_seconds: 1 });
    for format in ["json", "jsonl", "csv", "parquet", "table", "markdown"] {
        let output = org.command(&["sql", "-o", format, "-c", ONE_LIST]).output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{format}: {error}");
        assert!(error.contains("error[OKT2014]") && error.contains("hint: "), "{format}: {error}");
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        match format {
            "json" => assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "{last}"),
            "jsonl" => assert!(serde_json::from_str::<serde_json::Value>(last).is_err(), "{last}"),
            "csv" => assert_eq!(text.matches('"').count() % 2, 1, "{last}"),
            "parquet" => assert!(!output.stdout.ends_with(b"PAR1")),
            _ => assert!(text.is_empty() || last.contains("incomplete"), "{format}: {last}"),
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.csv");
    check("sql_torn_file", &org.oktant(&["sql", "-c", ONE_LIST, "--out", path.to_str().expect("text")]));
    assert_eq!(folder.path().read_dir().expect("readable").count(), 0);
}

#[cfg(unix)]
#[test]
fn a_result_that_is_interrupted_never_looks_whole() {
    // Time stands still, so the page never comes.
    let org = torn_org(Effect::Slow { milliseconds: 1_000 });
    for format in ["csv", "jsonl"] {
        let mut child = org
            .command(&["sql", "-o", format, "-c", ONE_LIST])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        for _ in 0..100 {
            stdout.read_line(&mut text).expect("rows of the first page");
        }
        let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("runs");
        assert!(interrupted.success());
        stdout.read_to_string(&mut text).expect("the rest");
        assert_eq!(child.wait().expect("ends").code(), Some(130));
        let last = text.lines().last().unwrap_or_default();
        assert!(last.contains("incomplete: OKT3010"), "{format}: {last}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_error() {
    let org = Org::start(|builder| builder.users(2_000));
    let mut child = org
        .command(&["sql", "-o", "csv", "-c", "SELECT Id, Profile FROM Users"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    drop(child.stdout.take());
    assert_eq!(shown(&child.wait_with_output().expect("ends")), "exit: 0\n");
}

#[test]
fn a_file_name_that_tells_no_format_is_refused() {
    let org = Org::small();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.xlsx");
    let path = path.to_str().expect("text");
    check("sql_unknown_ending", &org.oktant(&["sql", "-c", "SELECT 1", "--out", path]));
    assert_eq!(org.oktant(&["sql", "-c", "SELECT 1", "-o", "csv", "--out", path]), "exit: 0\n");
}

#[test]
fn tables_are_discovered_without_the_shell() {
    let org = Org::small();
    let tables = org.oktant(&["sql", "-o", "csv", "-c", ".tables"]);
    assert!(tables.contains("\nUsers,Id,okta.users.read\n"), "{tables}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tables.csv");
    assert_eq!(org.oktant(&["sql", "-c", ".tables", "--out", path.to_str().expect("text")]), "exit: 0\n");
    assert!(std::fs::read_to_string(&path).expect("a file").contains("\nUsers,Id,okta.users.read\n"));
    check("sql_inspect", &org.oktant(&["sql", "-o", "csv", "-c", ".inspect GroupMembers"]));
    check("sql_command_of_the_shell", &org.oktant(&["sql", "-c", ".timing on"]));
    check("sql_comment_first", &org.oktant(&["sql", "-c", "-- one\nSELECT 1 AS a"]));
}

#[test]
fn what_a_statement_hardly_means_is_said_on_standard_error() {
    let org = Org::small();
    check("sql_unknown_value", &org.oktant(&["sql", "-c", "SELECT Id FROM Users WHERE Status = 'Actve'"]));
    check("sql_text_against_number", &org.oktant(&["sql", "-c", "SELECT Id FROM Users WHERE Id = 42"]));
    check("sql_unknown_show", &org.oktant(&["sql", "-c", "SHOW GRANTS"]));
}

#[test]
fn a_request_that_is_repeated_for_long_is_spoken_of() {
    let effect = Effect::Status { status: 503, reset_seconds: 0 };
    let fault = Fault { method: None, path: "/api/v1/users".to_owned(), request: 1, page: None, times: 4, effect };
    let org = Org::live(|builder| builder.users(5).faults([fault]));
    let shown = org.oktant(&["sql", "-o", "csv", "-c", "SELECT count(*) FROM Users WHERE Status = 'ACTIVE'"]);
    assert!(shown.starts_with("exit: 0\n"), "{shown}");
    assert_eq!(shown.matches("note: status 503 to GET /api/v1/users, tried").count(), 1, "{shown}");
}
