//! `oktant provision` into an account of `oktant serve`.

use serde_json::{Value, json};

use crate::line::{Line, application};
use crate::sandbox::Running;
use crate::support::{Org, program, shown};

/// People and groups of an org by name.
struct Staff {
    org: Org,
}

impl Staff {
    fn new() -> Self {
        Self { org: Org::live(|builder| builder.users(0)) }
    }

    fn id(&self, method: &str, path: &str, body: &Value) -> String {
        self.org.api(method, path, body)["id"].as_str().expect("an id").to_owned()
    }

    fn group(&self, name: &str) -> String {
        self.id("POST", "/api/v1/groups", &json!({ "profile": { "name": name } }))
    }

    fn person(&self, name: &str, groups: &[&str]) -> String {
        let login = format!("{name}@acme.example");
        let profile = json!({ "login": login, "email": login, "firstName": name, "lastName": "Doe" });
        self.id("POST", "/api/v1/users?activate=true", &json!({ "profile": profile, "groupIds": groups }))
    }
}

const NESTED: &str = "[groups.nested]\nEngineering = [\"Backend\"]\n[snowflake]\ndefault_secondary_roles = \"'ALL'\"";

#[test]
fn users_and_groups_live_their_life_in_an_account() {
    let staff = Staff::new();
    let (engineering, backend, analysts) =
        (staff.group("Engineering"), staff.group("Backend"), staff.group("Analysts"));
    let ada = staff.person("ada", &[&analysts]);
    staff.person("bob", &[&analysts, &engineering]);
    let eve = staff.person("eve", &[&backend]);
    let groups = [engineering, backend.clone(), analysts.clone()];
    application(&staff.org, "Snowflake", &groups);
    let line = Line::new(&staff.org, "Snowflake", NESTED);

    assert!(line.run(&["check"]).starts_with("exit: 0\n"));
    let plan = line.run(&["plan"]);
    assert!(plan.starts_with("exit: 2\n") && plan.contains("3 add_members, 3 create_group, 3 create_user"), "{plan}");
    line.settle(&[]);
    assert_eq!(line.active(), ["ada@acme.example", "bob@acme.example", "eve@acme.example"].map(str::to_owned).into());
    assert_eq!(line.members("Analysts"), ["ada@acme.example", "bob@acme.example"]);
    assert_eq!(line.members("Engineering"), ["bob@acme.example", "eve@acme.example"], "nested groups are flattened");
    let there = line.user("ada@acme.example");
    assert_eq!(
        (&*there["display_name"], &*there["first_name"], &*there["email"]),
        ("ada Doe", "ada", "ada@acme.example")
    );
    assert_eq!((&*there["has_password"], &*there["default_secondary_roles"]), ("false", "[\"ALL\"]"));

    // A password, for those only who are asked for.
    let set = line.run_reading(&["apply", "--yes", "--set-password", "ada@acme.example"], "Compil3r-1952-xyz\n");
    assert!(set.starts_with("exit: 0\n") && set.contains("set_password") && !set.contains("Compil3r"), "{set}");
    assert!(line.opens("ada@acme.example", "Compil3r-1952-xyz") && !line.opens("ada@acme.example", "another"));
    assert_eq!(line.user("bob@acme.example")["has_password"], "false");

    // A renamed group is the same role with the same grants; a renamed user is the same user with the same password.
    line.ask("grant usage on database okta to role \"Analysts\"");
    staff.org.api("PUT", &format!("/api/v1/groups/{analysts}"), &json!({ "profile": { "name": "Data Analysts" } }));
    let profile = json!({ "profile": { "login": "ada.king@acme.example", "lastName": "King" } });
    staff.org.api("POST", &format!("/api/v1/users/{ada}"), &profile);
    line.settle(&[]);
    let grants = line.ask("show grants to role \"Data Analysts\"");
    assert!(grants.iter().any(|grant| grant["privilege"] == "USAGE" && grant["name"] == "OKTA"), "{grants:?}");
    assert_eq!(line.members("Data Analysts"), ["ada.king@acme.example", "bob@acme.example"]);
    assert!(line.opens("ada.king@acme.example", "Compil3r-1952-xyz"));

    // Out, and back as the same user.
    let before = line.user("eve@acme.example")["created_on"].clone();
    staff.org.api("POST", &format!("/api/v1/users/{eve}/lifecycle/deactivate"), &Value::Null);
    // The two memberships that go with the account are not counted by the safeguard.
    line.settle(&[]);
    assert_eq!(line.user("eve@acme.example")["disabled"], "true");
    assert_eq!(line.members("Engineering"), ["bob@acme.example"]);
    staff.org.api("POST", &format!("/api/v1/users/{eve}/lifecycle/activate?sendEmail=false"), &Value::Null);
    staff.org.api("PUT", &format!("/api/v1/groups/{backend}/users/{eve}"), &Value::Null);
    line.settle(&[]);
    let back = line.user("eve@acme.example");
    assert_eq!((&*back["disabled"], &back["created_on"]), ("false", &before));
    assert_eq!(line.members("Engineering"), ["bob@acme.example", "eve@acme.example"]);
}

#[test]
fn what_an_administrator_changes_in_the_account_is_drift() {
    let staff = Staff::new();
    let (analysts, readers) = (staff.group("Analysts"), staff.group("Readers"));
    for name in ["ada", "bob", "eve"] {
        staff.person(name, &[&analysts, &readers]);
    }
    application(&staff.org, "Snowflake", &[analysts, readers]);
    let line = Line::new(&staff.org, "Snowflake", "");
    line.settle(&[]);
    let name = |login: &str| format!("\"{}\"", line.user(login)["name"].replace('"', "\"\""));
    let (ada, bob) = (name("ada@acme.example"), name("bob@acme.example"));
    for sql in [
        format!("alter user {ada} set display_name = 'Someone Else'"),
        format!("alter user {bob} set disabled = true"),
        format!("revoke role \"Analysts\" from user {ada}"),
        "grant role \"Analysts\" to user some_user".to_owned(),
    ] {
        line.ask(&sql);
    }
    let drift = line.run(&["drift"]);
    assert!(drift.starts_with("exit: 2\n") && drift.contains("\"ada Doe\" -> \"Someone Else\""), "{drift}");
    for object in ["ada@acme.example", "bob@acme.example", "Analysts"] {
        assert!(drift.contains(object), "{object}: {drift}");
    }
    line.settle(&["--force"]);
    assert_eq!(line.user("ada@acme.example")["display_name"], "ada Doe");
    assert_eq!(line.user("bob@acme.example")["disabled"], "false");
    assert_eq!(line.members("Analysts"), ["ada@acme.example", "bob@acme.example", "eve@acme.example"]);

    // What was dropped is made anew.
    for sql in [format!("drop user {ada}"), "drop role \"Readers\"".to_owned()] {
        line.ask(&sql);
    }
    assert!(line.run(&["drift"]).starts_with("exit: 2\n"));
    line.settle(&[]);
    assert_eq!(line.members("Readers"), ["ada@acme.example", "bob@acme.example", "eve@acme.example"]);
}

#[test]
fn a_mass_deactivation_needs_force() {
    let staff = Staff::new();
    let analysts = staff.group("Analysts");
    let ids: Vec<String> = (0..5).map(|number| staff.person(&format!("user{number}"), &[&analysts])).collect();
    application(&staff.org, "Snowflake", &[analysts]);
    let line = Line::new(&staff.org, "Snowflake", "");
    line.settle(&[]);
    for id in &ids {
        staff.org.api("POST", &format!("/api/v1/users/{id}/lifecycle/deactivate"), &Value::Null);
    }
    let before = line.writes();
    let stopped = line.run(&["apply", "--yes"]);
    assert!(stopped.starts_with("exit: 1\n") && stopped.contains("5 of 5 users would be deactivated"), "{stopped}");
    assert_eq!((line.writes(), line.active().len()), (before, 5));
    line.settle(&["--force"]);
    assert!(line.active().is_empty() && line.members("Analysts").is_empty());
}

#[test]
fn what_belongs_to_another_role_is_blocked_with_the_statement_that_helps() {
    let staff = Staff::new();
    let (taken, free) = (staff.group("Taken"), staff.group("Free"));
    for name in ["ada", "bob"] {
        staff.person(name, &[&taken, &free]);
    }
    application(&staff.org, "Snowflake", &[taken, free]);
    let line = Line::new(&staff.org, "Snowflake", "");
    line.ask("create user \"ADA@ACME.EXAMPLE\" display_name = 'As it was'");
    line.ask("create role \"Taken\"");
    let applied = line.run(&["apply", "--yes"]);
    assert!(applied.starts_with("exit: 1\n"), "{applied}");
    let log = line.run(&["log"]);
    let hint = "GRANT OWNERSHIP ON USER \"ADA@ACME.EXAMPLE\" TO ROLE OKTA_PROVISIONER";
    assert!(log.contains(hint) && log.contains("Taken"), "{log}");
    assert_eq!(line.members("Free"), ["bob@acme.example"], "nobody else waits");
    // As the hint says; a role cannot be taken over, so it makes way.
    line.ask(hint);
    line.ask("drop role \"Taken\"");
    line.settle(&[]);
    assert_eq!(line.user("ada@acme.example")["display_name"], "ada Doe");
    assert_eq!(line.members("Taken"), ["ada@acme.example", "bob@acme.example"]);
}

#[test]
fn a_sandbox_provisions_into_the_account_beside_it() {
    let mut sandbox = Running::start(&["sandbox", "--users", "12", "--groups", "2"]);
    let announced = sandbox.announcement();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (dsn, target) = (text(&announced["dsn"]), &announced["snowflake"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("provision.toml");
    let run = |args: &[&str]| {
        let mut command = program(args);
        command.env("OKTANT_DSN", &dsn).env("SCIM_TOKEN", text(&target["scim_token"]));
        command.output().expect("runs")
    };
    let apps: Value = serde_json::from_slice(&run(&["api", "GET", "/api/v1/apps"]).stdout).expect("applications");
    let app = text(&apps[0]["id"]);
    let settings = format!("app = \"{app}\"\n[target]\nurl = {}\ntoken_env = \"SCIM_TOKEN\"\n", target["scim_url"]);
    std::fs::write(&file, settings).expect("writes");
    let provision =
        |args: &[&str]| shown(&run(&[&["provision"], args, &["--file", file.to_str().expect("text")]].concat()));
    let plan = provision(&["plan"]);
    assert!(plan.starts_with("exit: 2\n") && plan.contains("create_user"), "{plan}");
    assert!(provision(&["apply", "--yes"]).starts_with("exit: 0\n"));
    for again in ["plan", "drift"] {
        let shown = provision(&[again]);
        assert!(shown.starts_with("exit: 0\n"), "{again}: {shown}");
    }
}
