//! Tests of flows against the sandbox: what acts there for real, and what a case says itself.

use std::path::Path;

use crate::support::oktant;

const LOOK_UP: &str = "flow: Look up
trigger: {type: endpoint, security: open, inputs: {body/login: text}}
steps:
  - id: read
    card: okta:readUser
    connection: okta
    with: {User/ID or Login *: '${trigger.body/login}'}
  - id: note
    card: stash:createRow
    options: {stash: !table seen}
    with: {Fields/Login: '${trigger.body/login}'}
  - id: wait
    card: control:wait
    with: {delay: 3, unit: day}
  - id: find
    card: stash:searchRows2
    options: {stash: !table seen, resultSet: all-new}
    with:
      Filter/Where Expression:
        - Login = ${trigger.body/login}
    outputs: {Result/Rows: list-of-object}
  - id: count
    card: oktant:sql
    with: {Query/SQL *: 'SELECT COUNT(*) AS n FROM Users'}
    outputs: {Result/Count: number}
  - id: tell
    card: slack:sendMessageToChannel2
    connection: slack
    options: {channel: '#people'}
    with: {Message/Text *: '${read.Profile Properties/firstName} is here'}
  - id: return
    card: control:return
    with: {states: '${count.Result/Count}'}
";

const TESTS: &str = "flow: look_up
cases:
  - name: everything but Slack is there
    against: sandbox
    before:
      - okta: POST /api/v1/users?activate=true
        body: {profile: {login: ann@acme.example, email: ann@acme.example, firstName: Ann, lastName: Lee}}
        as: ann
    given: {body/login: '${ann.profile.login}'}
    calls:
      - {step: read, card: 'okta:readUser', gives: {System Properties/ID: '${ann.id}'}}
      - {step: note, card: 'stash:createRow'}
      - {step: find, card: 'stash:searchRows2', gives: {Result/Rows: [{Login: ann@acme.example}]}}
      - {step: count, card: 'oktant:sql', gives: {Result/Rows: [{n: 2}]}}
      - {step: tell, card: 'slack:sendMessageToChannel2', with: {Message/Text: Ann is here}, gives: {}}
    returns: {states: 1}
";

const TABLES: &str = "seen:
  name: Seen
  columns: {Login: text}
";

fn told(folder: &Path, tests: &str) -> String {
    std::fs::write(folder.join("flows/look_up.test.yaml"), tests).expect("writes");
    oktant(&["flow", "test", &folder.display().to_string()])
}

#[test]
fn orgs_tables_and_sql_are_real_and_other_services_are_played() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::create_dir(folder.join("flows")).expect("a folder");
    std::fs::write(folder.join("flows/look_up.flow.yaml"), LOOK_UP).expect("writes");
    std::fs::write(folder.join("tables.yaml"), TABLES).expect("writes");
    let right = "exit: 0\n----- stdout -----\nok\tlook_up\teverything but Slack is there\n";
    assert_eq!(told(folder, TESTS), right);

    for (from, to, expected) in [
        (
            ", gives: {}}",
            ", fails: {message: channel_not_found}}",
            "it ended failed and not succeeded: channel_not_found",
        ),
        ("n: 2", "n: 3", "count gave Result/Rows ["),
        ("      - {step: note, card: 'stash:createRow'}\n", "", "note (stash:createRow) was called"),
    ] {
        assert!(TESTS.contains(from), "{from}");
        let told = told(folder, &TESTS.replacen(from, to, 1));
        assert!(told.starts_with("exit: 1") && told.contains(expected), "{expected} in {told}");
    }
    let when = TESTS.replacen(
        "    given: {body/login: '${ann.profile.login}'}\n",
        "    when: [{okta: GET /api/v1/users/me}]\n",
        1,
    );
    let told_of = told(folder, &when);
    assert!(told_of.contains("no event starts the flow: start it by `given`"), "{told_of}");
    let nowhere = TESTS.replacen("okta: POST /api/v1/users", "github: POST /users", 1);
    let told_of = told(folder, &nowhere);
    assert!(told_of.contains("OKT4103") && told_of.contains("github"), "{told_of}");
}
