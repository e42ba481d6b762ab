//! `oktant flow` with the templates that come with the program.

use crate::support::oktant;

#[test]
fn templates_are_listed_and_become_projects_that_are_in_order() {
    let listed = oktant(&["flow", "templates", "--output", "jsonl"]);
    let names: Vec<String> = listed
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|template| template["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names.len(), 8, "{listed}");
    for name in names {
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join("flows").display().to_string();
        let template = format!("template:{name}");
        let imported = oktant(&["flow", "import", &template, "--into", &into]);
        assert!(imported.starts_with("exit: 0") && !imported.contains("finding"), "{imported}");
        assert_eq!(oktant(&["flow", "validate", &into]), "exit: 0\n", "{name}");
        assert_eq!(oktant(&["flow", "fmt", "--check", &into]), "exit: 0\n", "{name}");
        assert_eq!(oktant(&["flow", "diff", &template, &into]), "exit: 0\n", "{name}");
    }
}

/// The case, in which another user is assigned as well, some time later.
fn twice_started(case: &str) -> String {
    let user = "      - okta: POST /api/v1/users?activate=true
        body: {profile: {login: bob@acme.example, email: bob@acme.example, firstName: Bob, lastName: Orr}}
        as: bob
";
    let assigned = "      - okta: POST /api/v1/apps/${app.id}/users
        body: {id: '${bob.id}', scope: USER, credentials: {userName: bob@acme.example.crm}}
";
    let meanwhile = "      - okta: GET /api/v1/users/${ann.id}\n".repeat(60);
    let case = case.replacen("    when:", &format!("{user}    when:"), 1);
    case.replacen("    calls:", &format!("{meanwhile}{assigned}    calls:"), 1)
}

#[test]
fn templates_are_put_together_in_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().display().to_string();
    for name in
        ["daily-access-report", "create-salesforce-user", "deactivate-inactive-users", "temporary-group-membership"]
    {
        let imported = oktant(&["flow", "import", &format!("template:{name}"), "--into", &into]);
        assert!(imported.starts_with("exit: 0") && !imported.contains("finding"), "{name}: {imported}");
    }
    assert_eq!(oktant(&["flow", "validate", &into]), "exit: 0\n");
    let file = folder.path().join("connections.yaml");
    let connections = std::fs::read_to_string(&file).expect("connections");
    for name in ["mail:\n", "okta:\n", "salesforce:\n"] {
        assert_eq!(connections.matches(name).count(), 1, "{connections}");
    }
    // What people have written stays, unless they ask for what is imported.
    let own = format!("# Ours\n{}", connections.replace("module: smtp", "module: mail"));
    std::fs::write(&file, &own).expect("writes");
    let again = |force: &[&str]| {
        oktant(&[&["flow", "import", "template:daily-access-report", "--into", &into], force].concat())
    };
    let refused = again(&[]);
    assert!(refused.contains("OKT4001") && refused.contains("says something else of \"mail\""), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).expect("connections"), own);
    assert!(again(&["--force"]).starts_with("exit: 0"));
    assert_eq!(std::fs::read_to_string(&file).expect("connections"), format!("# Ours\n{connections}"));
}

#[test]
fn the_tests_of_a_template_pass_against_the_sandbox_and_fail_where_the_flow_does_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().display().to_string();
    oktant(&["flow", "import", "template:create-salesforce-user", "--into", &into]);
    let told = oktant(&["flow", "test", &into]);
    let ok = |name: &str| format!("ok\tcreate_salesforce_user\t{name}\n");
    let names = [
        "whoever is assigned gets a user with the profile of their department",
        "another application makes no user",
        "no licence is left",
    ];
    assert_eq!(told, format!("exit: 0\n----- stdout -----\n{}", names.map(ok).concat()));

    let file = folder.path().join("flows/create_salesforce_user.test.yaml");
    let right = std::fs::read_to_string(&file).expect("a file");
    let first = right.find("  - name: another").map_or(&*right, |end| &right[..end]);
    for (text, from, to, expected) in [
        (
            first,
            "Name: Marketing User}",
            "Name: Standard User}",
            "create was given User/Profile Name \"Marketing User\"",
        ),
        (first, "department: Marketing}", "department: Sales}", "read_user gave Profile Properties/department"),
        (first, "Result/User ID: null", "Result/UserID: null", "find gave no Result/UserID"),
        (first, "Name: Ann Lee", "Name: Ann Chen", "answered {"),
        (first, "'${ann.id}'", "'${bob.id}'", "${bob.id} is nothing that an earlier request"),
        (
            &right,
            "code: LICENSE_LIMIT_EXCEEDED}\n    ends",
            "code: NOT_THIS}\n    ends",
            "with code LICENSE_LIMIT_EXCEEDED",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&file, text.replacen(from, to, 1)).expect("writes");
        let told = oktant(&["flow", "test", &file.display().to_string()]);
        assert!(told.starts_with("exit: 1") && told.contains(expected), "{expected} in {told}");
    }
    let twice = twice_started(first);
    std::fs::write(&file, twice).expect("writes");
    let told = oktant(&["flow", "test", &file.display().to_string()]);
    assert!(told.contains("\n  it was started 2 times; `when` is to start it once\n"), "{told}");
    assert!(!told.contains("was given"), "calls of the second run are not those of the first: {told}");
    std::fs::write(&file, right.replacen("    against: sandbox\n", "", 1)).expect("writes");
    let told = oktant(&["flow", "test", &file.display().to_string()]);
    assert!(told.contains("OKT4103") && told.contains("`before` is for cases with `against: sandbox`"), "{told}");
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let shown = oktant(&["flow", "show", "template:make-coffee"]);
    assert!(
        shown.contains("there is no template \"make-coffee\"") && shown.contains("oktant flow templates"),
        "{shown}"
    );
}
