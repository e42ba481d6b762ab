use oktant_base::Coded as _;

use super::*;

fn parse(text: &str) -> Result<Config, Error> {
    let variables = [("TOKEN", " s3cret\n"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::parse(text, Path::new("/etc/acme/provision.toml"), &variables.into())
}

const LEAST: &str = r#"
app = "Snowflake"
[target]
url = "https://acme.snowflakecomputing.com/scim/v2"
token_env = "TOKEN"
"#;

#[test]
fn the_least_file_gives_the_defaults() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.target.token.expose(), "s3cret");
    assert_eq!(config.state, Path::new("/etc/acme/provision.db"));
    let paths: Vec<_> = config.mappings.iter().map(|mapping| mapping.path.to_string()).collect();
    let expected = [
        "userName",
        "externalId",
        "name.givenName",
        "name.familyName",
        "displayName",
        "emails[type eq \"work\"].value",
    ];
    assert_eq!(paths, expected);
    assert!(config.groups.mappings && config.groups.rename && !config.groups.adopt);
    assert_eq!(config.groups.batch, 200);
    let limits =
        Safeguards { deactivate_percent: 20.0, remove_members_percent: 20.0, delete_groups_percent: 20.0, floor: 1 };
    assert_eq!(config.safeguards, limits);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let config = parse(
        r#"
        app = "0oa1"
        state = "/var/lib/oktant/state.db"
        [target]
        url = "https://acme.snowflakecomputing.com/scim/v2/"
        token_env = "TOKEN"
        token_issued = 2026-06-01
        token_lifetime_days = 90
        kind = "snowflake"
        update = "put"
        read = "lookup"
        [users]
        user_name = "String.toUpperCase(appuser.userName)"
        match = ["userName", "email"]
        suspended = "deactivate"
        on_unassign = "delete"
        password = "random"
        [mappings]
        "displayName" = { expression = "user.nickName", apply = "create", drift = "keep" }
        "title" = "user.title"
        "externalId" = ""
        [snowflake]
        run_as_role = "PROVISIONER"
        default_role = "String.toUpperCase(appuser.role)"
        [groups]
        mappings = false
        names = ["Analysts"]
        foreign_members = "keep"
        on_unlink = "delete"
        [groups.nested]
        Engineering = ["Backend", "Frontend"]
        "#,
    )
    .unwrap();
    assert_eq!(config.target.token_issued.unwrap().to_rfc3339(), "2026-06-01T00:00:00+00:00");
    assert_eq!(
        (config.target.kind, config.target.update, config.target.read),
        (Kind::Snowflake, Update::Put, Read::Lookup)
    );
    assert_eq!(config.mappings[0].expression.text(), "String.toUpperCase(appuser.userName)");
    let shown = |index: usize| config.mappings[index].path.to_string();
    assert_eq!(shown(5), "title");
    assert_eq!(shown(6), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:defaultRole");
    let display = config.mappings.iter().find(|mapping| mapping.path.is("displayName")).unwrap();
    assert_eq!((display.apply, display.drift), (Apply::Create, DriftPolicy::Keep));
    assert!(config.users.delete && config.users.match_email && config.users.random_password);
    assert_eq!(config.groups.nested["Engineering"], ["Backend", "Frontend"]);
}

#[track_caller]
fn refused(text: &str, code: &str, message: &str) {
    let error = parse(text).expect_err(text);
    let shown = format!("{error}");
    assert_eq!(error.code().id(), code, "{shown}");
    assert!(shown.contains(message), "{shown}");
}

#[test]
fn mistakes_are_named() {
    refused("app = 1", "OKT6001", "invalid type: integer `1`, expected a string");
    refused(&format!("{LEAST}\n[targets]"), "OKT6001", "unknown field `targets`");
    refused(&LEAST.replace("TOKEN", "NOWHERE"), "OKT6001", "target.token_env names NOWHERE, which is not set");
    refused(&LEAST.replace("TOKEN", "EMPTY"), "OKT6001", "target.token_env names EMPTY, which is empty");
    refused(&LEAST.replace("token_env = \"TOKEN\"", ""), "OKT6001", "target has no token");
    refused(&LEAST.replace("token_env = \"TOKEN\"", "token_file = \"no\""), "OKT6001", "cannot read /etc/acme/no");
    refused(&LEAST.replace("acme.", "ac_me."), "OKT6004", "underscore");
    refused(&format!("{LEAST}\n[mappings]\ntitle = \"user.\""), "OKT6002", "mapping of title: a name is missing");
    refused(&format!("{LEAST}\n[mappings]\n\"a b\" = \"user.x\""), "OKT6002", "no attribute of a SCIM resource");
    refused(&format!("{LEAST}\n[mappings]\nactive = \"true\""), "OKT6002", "it follows from the assignment");
    refused(&format!("{LEAST}\n[groups]\nbatch = 0"), "OKT6001", "groups.batch = 0");
    refused(&format!("{LEAST}\n[safeguards]\ndeactivate_percent = 120"), "OKT6001", "is not in 0 to 100");
}
