//! A random org and the same data in SQLite.

use std::collections::{BTreeMap, BTreeSet};

use oktant_client::Call;
use oktant_sandbox::Sandbox;
use oktant_sql::{Edges, Properties, Session};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_pcg::Pcg64;
use rusqlite::types::Value as SqliteValue;
use serde_json::{Value, json};

use super::dialect::Sqlite;
use super::model::{
    APP_GROUPS, APPLICATIONS, ASSIGNMENTS, Column, GROUP_APPS, GROUPS, Kind, MEMBERS, TABLES, Table, USER_GROUPS, USERS,
};

/// Texts that tell careless comparison from careful one: case, accents, wildcards, quotes, blanks.
pub(crate) const TEXTS: &[&str] = &[
    "a",
    "A",
    "abc",
    "ABC",
    "Abc",
    "ábc",
    "ÁBC",
    "straße",
    "STRASSE",
    "Sales",
    "sales",
    "SALES",
    "50%",
    "a_c",
    "axc",
    "O'Hara",
    "say \"hi\"",
    "back\\slash",
    " lead",
    "trail ",
    "ſmith",
    "smith",
    "Smith",
    "İstanbul",
    "istanbul",
    "née",
    "ΑΣ",
    "ας",
    "東京",
    "10",
    "9",
    "-1",
    "null",
    "NULL",
    "true",
];

/// The values that a column has in the org, by table and column.
pub(crate) type Values = BTreeMap<(&'static str, &'static str), Vec<String>>;

/// A sandbox, a session on it, and its data in SQLite.
pub(crate) struct TestOrg {
    pub(crate) sandbox: Sandbox,
    pub(crate) session: Session,
    pub(crate) sqlite: Sqlite,
    pub(crate) values: Values,
}

impl TestOrg {
    pub(crate) async fn start(seed: u64, random: &mut Pcg64) -> Self {
        let (users, groups) = (random.random_range(0..60), random.random_range(0..9));
        let sandbox = Sandbox::builder().users(users).groups(groups).seed(seed).start().await.unwrap();
        let properties = Properties::parse(&sandbox.dsn()).unwrap();
        let session = Session::connect(&properties, Edges::system()).await.unwrap();
        disturb(&session, &sandbox, random).await;
        let objects = objects(&session, &sandbox).await;
        let sqlite = Sqlite::new();
        let mut values = Values::new();
        for table in TABLES {
            load(&sqlite, table, &objects[table.name], &mut values);
        }
        Self { sandbox, session, sqlite, values }
    }
}

/// Gives users and groups values that a generator of believable people would not.
async fn disturb(session: &Session, sandbox: &Sandbox, random: &mut Pcg64) {
    let truth = sandbox.truth();
    let mut changed = 0;
    for user in &truth.users {
        let text = |random: &mut Pcg64| (*TEXTS.choose(random).unwrap()).to_owned();
        let profile = json!({
            "firstName": text(random),
            "nickName": text(random),
            "department": if random.random_ratio(1, 5) { Value::Null } else { json!(text(random)) },
            "city": if random.random_ratio(1, 6) { json!("") } else { json!(text(random)) },
            "employeeNumber": text(random),
            "managerId": if random.random_ratio(1, 5) { Value::Null } else { truth.users.choose(random).unwrap()["id"].clone() },
        });
        if random.random_ratio(2, 3) {
            let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
            // A deprovisioned user refuses; others must not.
            changed += u32::from(write(session, "POST", &path, &json!({ "profile": profile })).await);
        }
    }
    assert!(truth.users.len() < 10 || changed > 0, "no user could be changed");
    for number in 0..random.random_range(0..4) {
        let name = format!("{} {number}", TEXTS.choose(random).unwrap());
        let profile = json!({ "name": name, "description": TEXTS.choose(random).unwrap() });
        assert!(write(session, "POST", "/api/v1/groups", &json!({ "profile": profile })).await, "{name}");
    }
}

/// Whether the org accepted a write.
async fn write(session: &Session, method: &str, path: &str, body: &Value) -> bool {
    let call = Call::path(method, path).unwrap().json(body);
    session.org().send(call).await.is_ok()
}

/// The rows of each table as objects.
async fn objects(session: &Session, sandbox: &Sandbox) -> BTreeMap<&'static str, Vec<Value>> {
    let truth = sandbox.truth();
    let users: BTreeMap<_, _> = truth.users.iter().map(|user| (user["id"].as_str().unwrap(), user)).collect();
    let groups: BTreeMap<_, _> = truth.groups.iter().map(|group| (group["id"].as_str().unwrap(), group)).collect();
    let membership = |group: &str, user: &str| json!({ "group": groups[group], "user": users[user] });
    let members: Vec<_> = truth.memberships.iter().map(|member| membership(&member.group, &member.user)).collect();
    let with_count = |group: &Value| {
        let mut group = group.clone();
        let id = &group["id"];
        group["usersCount"] = json!(truth.memberships.iter().filter(|member| member.group == *id).count());
        group
    };
    let group_assignments = group_assignments(session, &truth.applications).await;
    BTreeMap::from([
        (USER_GROUPS.name, members.clone()),
        (MEMBERS.name, members),
        (GROUPS.name, truth.groups.iter().map(with_count).collect()),
        (GROUP_APPS.name, group_assignments.clone()),
        (APP_GROUPS.name, group_assignments),
        (ASSIGNMENTS.name, assignments(session, &truth.applications).await),
        (APPLICATIONS.name, truth.applications),
        (USERS.name, truth.users),
    ])
}

/// The users of every app, which the sandbox derives from groups.
async fn assignments(session: &Session, applications: &[Value]) -> Vec<Value> {
    let of_app = |app: &Value, user: Value| json!({ "app": app["id"], "user": user });
    children(session, applications, "users?limit=500", of_app).await
}

/// The groups of every app.
async fn group_assignments(session: &Session, applications: &[Value]) -> Vec<Value> {
    let of_app =
        |app: &Value, assignment: Value| json!({ "app": app, "group": assignment["id"], "assignment": assignment });
    children(session, applications, "groups?limit=200", of_app).await
}

async fn children(
    session: &Session,
    applications: &[Value],
    list: &str,
    of_app: impl Fn(&Value, Value) -> Value,
) -> Vec<Value> {
    let mut found = Vec::new();
    for app in applications {
        let path = format!("/api/v1/apps/{}/{list}", app["id"].as_str().unwrap());
        let reply = session.org().send(Call::get(&path).unwrap()).await.unwrap();
        let children: Vec<Value> = serde_json::from_slice(&reply.body).unwrap();
        found.extend(children.into_iter().map(|child| of_app(app, child)));
    }
    found
}

fn load(sqlite: &Sqlite, table: &Table, objects: &[Value], values: &mut Values) {
    let columns: Vec<String> = table.columns.iter().map(declaration).collect();
    let rows: Vec<Vec<SqliteValue>> =
        objects.iter().map(|object| table.columns.iter().map(|column| cell(column, object)).collect()).collect();
    sqlite.create(table.name, &columns, &rows);
    for (position, column) in table.columns.iter().enumerate() {
        let seen: BTreeSet<String> = rows
            .iter()
            .filter_map(|row| match &row[position] {
                SqliteValue::Null | SqliteValue::Blob(_) => None,
                SqliteValue::Integer(number) => Some(number.to_string()),
                SqliteValue::Real(number) => Some(number.to_string()),
                SqliteValue::Text(text) => Some(text.clone()),
            })
            .collect();
        values.insert((table.name, column.name), seen.into_iter().collect());
    }
}

fn declaration(column: &Column) -> String {
    let rest = match column.kind {
        Kind::Member => "TEXT COLLATE NOCASE",
        Kind::Integer | Kind::Boolean => "INTEGER",
        Kind::Real => "REAL",
        Kind::Key | Kind::Text | Kind::Ascii | Kind::Instant | Kind::Day => "TEXT",
    };
    format!("{} {rest}", column.name)
}

fn cell(column: &Column, object: &Value) -> SqliteValue {
    match object.pointer(column.pointer) {
        None | Some(Value::Null) => SqliteValue::Null,
        Some(Value::Bool(truth)) => SqliteValue::Integer(i64::from(*truth)),
        Some(Value::String(text)) => SqliteValue::Text(text.clone()),
        Some(Value::Number(number)) if column.kind == Kind::Integer => SqliteValue::Integer(number.as_i64().unwrap()),
        Some(Value::Number(number)) => SqliteValue::Real(number.as_f64().unwrap()),
        Some(other) => panic!("{} is {other}", column.name),
    }
}
