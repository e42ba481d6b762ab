//! `oktant api`.

use serde_json::Value;

use crate::support::{Org, check, oktant, program};

#[test]
fn an_operation_takes_its_parameters_by_name() {
    let org = Org::small();
    let shown =
        org.oktant(&["api", "listUsers", "--limit", "1", "--search", "profile.login eq \"admin@oktant.example\""]);
    assert!(shown.starts_with("exit: 0\n----- stdout -----\n[{\"id\":\"00u"), "{shown}");
    let request = &org.sandbox.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/api/v1/users"));
    assert!(request.query.contains("limit=1"), "{}", request.query);
}

#[test]
fn a_path_is_called_as_it_is() {
    let org = Org::small();
    let shown = org.oktant(&["api", "GET", "/api/v1/groups?limit=1", "--include"]);
    assert!(shown.contains("----- stderr -----\n200\n"), "{shown}");
    assert!(shown.contains("x-rate-limit-limit: "), "{shown}");
    assert_eq!(org.requests(), ["GET /api/v1/groups"]);
}

#[test]
fn every_page_becomes_one_document() {
    let org = Org::start(|builder| builder.users(25));
    for format in ["json", "jsonl"] {
        org.sandbox.clear_requests();
        let args = ["api", "--all", "listUsers", "--limit", "10", "--output", format];
        let output = org.command(&args).output().expect("runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let users: Vec<Value> = match format {
            "json" => serde_json::from_str(&text).expect("one document"),
            _ => text.lines().map(|line| serde_json::from_str(line).expect("a document per line")).collect(),
        };
        // Deprovisioned users are not listed, so that the number depends on the seed.
        assert!(users.len() > 20, "{text}");
        let ids: std::collections::HashSet<&str> = users.iter().filter_map(|user| user["id"].as_str()).collect();
        assert_eq!(ids.len(), users.len());
        assert_eq!(org.requests().len(), users.len().div_ceil(10));
    }
}

#[test]
fn a_body_comes_from_the_argument_a_file_or_standard_input() {
    let org = Org::small();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("group.json");
    std::fs::write(&file, r#"{"profile":{"name":"From a file"}}"#).expect("writes");
    let argument = org.oktant(&["api", "addGroup", "--data", r#"{"profile":{"name":"From an argument"}}"#]);
    let file = org.oktant(&["api", "addGroup", "--data", &format!("@{}", file.display())]);
    let input = org.oktant_reading(&["api", "POST", "/api/v1/groups", "-d", "-"], r#"{"profile":{"name":"Piped"}}"#);
    for (shown, name) in [(argument, "From an argument"), (file, "From a file"), (input, "Piped")] {
        assert!(shown.starts_with("exit: 0\n") && shown.contains(&format!("\"name\":\"{name}\"")), "{shown}");
    }
}

#[test]
fn a_dsn_on_the_command_line_beats_the_environment_wherever_it_stands() {
    let (environment, flagged) = (Org::small(), Org::small());
    let dsn = flagged.sandbox.dsn();
    let body = r#"{"profile":{"name":"Where to"}}"#;
    for args in [
        ["--dsn", &dsn, "addGroup", "--data", body].as_slice(),
        &["addGroup", "--dsn", &dsn, "--data", body],
        &["--dsn", &dsn, "POST", "/api/v1/groups", "--data", body],
    ] {
        flagged.sandbox.clear_requests();
        let shown = environment.oktant(&[&["api"], args].concat());
        assert_eq!(flagged.requests(), ["POST /api/v1/groups"], "{args:?}: {shown}");
    }
    assert_eq!(environment.requests(), Vec::<String>::new());
}

#[test]
fn mistakes_are_named() {
    let org = Org::small();
    check("api_unknown_operation", &org.oktant(&["api", "listUser"]));
    check("api_unknown_parameter", &org.oktant(&["api", "listUsers", "--limt", "3"]));
    check("api_missing_parameter", &org.oktant(&["api", "getUser"]));
    check("api_value_of_wrong_type", &org.oktant(&["api", "listUsers", "--limit", "many"]));
    check("api_missing_body", &org.oktant(&["api", "addGroup"]));
    check("api_broken_body", &org.oktant(&["api", "addGroup", "--data", "{name"]));
    check("api_missing_file", &org.oktant(&["api", "addGroup", "--data", "@nowhere.json"]));
    let pasted = org.oktant(&["api", "GET", "https://acme.okta.com/api/v1/users?limit=1"]);
    assert!(pasted.contains("hint: leave scheme and host out: /api/v1/users"), "{pasted}");
    let none = org.oktant(&["api", "--list", "zzz"]);
    assert!(none.contains("note: no operation contains zzz"), "{none}");
    for args in [&["api"][..], &["api", "getUser"], &["sql", "-o", "xml"], &["foo"], &["sandbox", "--users", "abc"]] {
        let shown = org.oktant(args);
        assert!(shown.contains("\n  hint: ") && !shown.contains("--dsn"), "{args:?}: {shown}");
    }
    assert_eq!(org.requests(), Vec::<String>::new());
    check("api_not_found", &org.oktant(&["api", "getUser", "--id", "00unobody"]));
    check("api_rejected", &org.oktant(&["api", "addGroup", "--data", r#"{"profile":{}}"#]));
    check("api_not_a_list", &org.oktant(&["api", "--all", "GET", "/api/v1/meta/schemas/user/default"]));
}

#[test]
fn every_page_shows_its_head_if_asked() {
    let org = Org::start(|builder| builder.users(25));
    let output = org.command(&["api", "--all", "--include", "listUsers", "--limit", "10"]).output().expect("runs");
    let heads = String::from_utf8(output.stderr).expect("text");
    let pages = org.requests().len();
    assert!(pages > 1 && output.status.success(), "{heads}");
    assert_eq!(heads.lines().filter(|line| line.trim() == "200").count(), pages, "{heads}");
    assert_eq!(heads.matches("x-okta-request-id: ").count(), pages, "{heads}");
}

#[test]
fn help_of_one_operation() {
    check("api_help", &oktant(&["api", "getUser", "--help"]));
}

#[test]
fn operations_are_listed() {
    check("api_list", &oktant(&["api", "--list", "group", "rule", "activate"]));
    let output = program(&["api", "--list", "--output", "json"]).output().expect("runs");
    let operations: Vec<Value> = serde_json::from_slice(&output.stdout).expect("one document");
    let users = operations.iter().find(|operation| operation["operation"] == "listUsers").expect("listUsers");
    assert_eq!(operations.len(), 732);
    assert_eq!(users["path"], "/api/v1/users");
    assert_eq!(users["scopes"], serde_json::json!(["okta.users.read"]));
}
