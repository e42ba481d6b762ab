use oktant_base::{Coded as _, SystemClock};
use serde_json::json;

use super::*;
use crate::config::{Config, Variables};
use crate::expression::Value;

fn config(folder: &Path) -> Config {
    let variables: Variables = [("T".to_owned(), "t".to_owned())].into();
    let text = "app = \"x\"\n[target]\nurl = \"https://t.example\"\ntoken_env = \"T\"";
    Config::parse(text, &folder.join("provision.toml"), &variables).expect("a file")
}

fn open(path: &Path, target: &str) -> Result<State, Error> {
    State::open(path, &[("application", "0oa1"), ("target", target)], Arc::new(SystemClock))
}

fn started(state: &State, run: i64) -> Write {
    Write::RunStarted { id: run, command: "apply", at: state.now(), first_entry: state.next_entry() }
}

/// A request that is about to be sent.
fn intent(state: &State, run: i64, okta_id: &str) -> Write {
    Write::Intent {
        entry: state.new_entry(),
        run,
        change: format!("create_user:{okta_id}"),
        object: okta_id.to_owned(),
        method: "POST".to_owned(),
        path: "/Users".to_owned(),
        intent: "{}".to_owned(),
        at: state.now(),
    }
}

/// The answer that ended a change.
fn ended(state: &State, run: i64, entry: i64) -> Write {
    Write::Outcome(Outcome {
        run,
        entry,
        change: "create_user:00u1".to_owned(),
        kind: "create_user",
        object: "ada".to_owned(),
        result: "done",
        reason: "created".to_owned(),
        at: state.now(),
        status: Some(201),
    })
}

fn finished(state: &State, run: i64, is_open: bool) -> Write {
    Write::RunFinished { id: run, outcome: String::new(), at: state.now(), is_open }
}

#[tokio::test]
async fn what_is_written_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let state = open(&config.state, "https://t.example").unwrap();
    let (user, group) = (state.new_key(), state.new_key());
    let sent = json!({ "userName": "ada", "name.givenName": null, "gone": "x" }).to_string();
    let writes = vec![
        Write::User {
            key: user,
            okta_id: "00u1".to_owned(),
            scim_id: "s1".to_owned(),
            active: true,
            sent,
            answered: json!({ "name.givenName": "Ada" }).to_string(),
        },
        Write::Group { key: group, okta_id: "00g1".to_owned(), scim_id: "g1".to_owned(), name: "Staff".to_owned() },
        Write::Members { group, add: vec![user, 99], remove: vec![] },
        Write::Members { group, add: vec![user], remove: vec![99] },
    ];
    state.write(writes).await.unwrap();
    state.write(vec![started(&state, 1), intent(&state, 1, "00u2")]).await.unwrap();
    state.close().await.unwrap();

    let state = open(&config.state, "https://t.example").unwrap();
    let applied = state.load(&config.mappings).unwrap();
    let ada = &applied.users["00u1"];
    assert_eq!((ada.key, &*ada.scim_id, ada.active), (user, "s1", true));
    assert_eq!(ada.sent[0], Some("ada".into()));
    assert_eq!((&ada.sent[1], &ada.sent[2]), (&None, &Some(Value::Null)));
    assert_eq!(ada.held(2), Some(&"Ada".into()));
    assert_eq!(applied.groups["00g1"].members, [user]);
    assert_eq!(applied.unanswered.len(), 1);
    assert_eq!(applied.unanswered[0].object, "00u2");
    assert!(state.new_key() > group && state.new_entry() > 1);
}

#[tokio::test]
async fn a_state_serves_one_run_and_one_target() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let first = open(&path, "https://a.example").unwrap();
    assert_eq!(open(&path, "https://a.example").unwrap_err().code().id(), "OKT6012");
    let peeked = State::peek(&path, &[("target", "https://a.example")], Arc::new(SystemClock)).unwrap();
    assert!(peeked.load(&config(folder.path()).mappings).unwrap().users.is_empty());
    assert_eq!(peeked.write(Vec::new()).await.unwrap_err().code().id(), "OKT6011");
    first.close().await.unwrap();
    let error = open(&path, "https://b.example").unwrap_err();
    assert_eq!(error.code().id(), "OKT6011");
    assert!(error.to_string().ends_with("it belongs to target https://a.example, not https://b.example"), "{error}");
    assert_eq!(open(&folder.path().join("no/where.db"), "x").unwrap_err().code().id(), "OKT6011");
    let nowhere = folder.path().join("none.db");
    let peeked = State::peek(&nowhere, &[], Arc::new(SystemClock)).unwrap();
    assert!(peeked.load(&config(folder.path()).mappings).unwrap().users.is_empty());
    assert!(!nowhere.exists());
}

/// A file of version 1: answers are columns of the journal, outcomes have an id of their own.
const VERSION_1: &str = "
    CREATE TABLE binding (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE users (key INTEGER PRIMARY KEY, okta_id TEXT NOT NULL UNIQUE, scim_id TEXT NOT NULL,
        active INTEGER NOT NULL, sent TEXT NOT NULL, answered TEXT NOT NULL) STRICT;
    CREATE TABLE groups (key INTEGER PRIMARY KEY, okta_id TEXT NOT NULL UNIQUE, scim_id TEXT NOT NULL,
        name TEXT NOT NULL) STRICT;
    CREATE TABLE members (group_key INTEGER NOT NULL, user_key INTEGER NOT NULL, PRIMARY KEY (group_key, user_key))
        STRICT, WITHOUT ROWID;
    CREATE TABLE runs (id INTEGER PRIMARY KEY, command TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
        outcome TEXT) STRICT;
    CREATE TABLE journal (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, change TEXT NOT NULL, object TEXT NOT NULL,
        method TEXT NOT NULL, path TEXT NOT NULL, intent TEXT NOT NULL, sent_at TEXT NOT NULL, status INTEGER,
        result TEXT, answered_at TEXT) STRICT;
    CREATE INDEX journal_open ON journal (id) WHERE result IS NULL;
    CREATE TABLE outcomes (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, change TEXT NOT NULL, kind TEXT NOT NULL,
        object TEXT NOT NULL, result TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL) STRICT;
    CREATE INDEX outcomes_run ON outcomes (run);
    INSERT INTO binding VALUES ('application', '0oa1'), ('target', 'https://t.example');
    INSERT INTO users VALUES (1, '00u1', 's1', 1, '{\"userName\":\"ada\"}', '{}');
    INSERT INTO runs VALUES (1, 'apply', '2026-01-01T00:00:00.000Z', NULL, NULL);
    INSERT INTO journal VALUES
        (1, 1, 'create_user:00u1', '00u1', 'POST', '/Users', '{}', '2026-01-01T00:00:00.000Z', 201, 'ok',
            '2026-01-01T00:00:00.100Z'),
        (2, 1, 'create_user:00u2', '00u2', 'POST', '/Users', '{}', '2026-01-01T00:00:00.000Z', NULL, NULL, NULL);
    INSERT INTO outcomes VALUES (1, 1, 'create_user:00u1', 'create_user', 'ada', 'done', 'created',
        '2026-01-01T00:00:00.100Z');
    PRAGMA user_version = 1;";

#[tokio::test]
async fn a_file_of_an_earlier_version_is_brought_up_to_date_by_whoever_opens_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    Connection::open(&config.state).unwrap().execute_batch(VERSION_1).unwrap();
    let held = lock(&config.state).unwrap();
    assert_eq!(history(&config.state).unwrap_err().code().id(), "OKT6012");
    drop(held);
    let peeked = State::peek(&config.state, &[("application", "0oa1")], Arc::new(SystemClock)).unwrap();
    assert_eq!(peeked.load(&config.mappings).unwrap().unanswered.len(), 1);
    assert_eq!(history(&config.state).unwrap().outcomes(1).unwrap()[0].reason, "created");

    let state = open(&config.state, "https://t.example").unwrap();
    let applied = state.load(&config.mappings).unwrap();
    assert_eq!(applied.users["00u1"].sent[0], Some("ada".into()));
    assert_eq!(applied.unanswered.iter().map(|open| open.entry).collect::<Vec<_>>(), [2]);
    assert_eq!(state.new_entry(), 3);
    let closing = Write::Answer { entry: 2, status: None, result: "unknown".to_owned(), at: state.now() };
    state.write(vec![closing]).await.unwrap();
    state.close().await.unwrap();
    let log = history(&config.state).unwrap();
    assert_eq!(log.outcomes(1).unwrap()[0].reason, "created");
    let state = open(&config.state, "https://t.example").unwrap();
    assert!(state.load(&config.mappings).unwrap().unanswered.is_empty());
}

/// What version 2 had in place of the runs' columns, in a file of today.
const VERSION_2: &str = "
    ALTER TABLE runs DROP COLUMN first_entry;
    ALTER TABLE runs DROP COLUMN is_open;
    ALTER TABLE outcomes DROP COLUMN status;
    CREATE TABLE open (entry INTEGER PRIMARY KEY) STRICT;
    INSERT INTO runs VALUES
        (2, 'apply', '2026-01-01T00:00:00.000Z', NULL, 'interrupted: 0 done'),
        (3, 'apply', '2026-01-02T00:00:00.000Z', '2026-01-02T00:00:01.000Z', '1 done'),
        (4, 'apply', '2026-01-03T00:00:00.000Z', '2026-01-03T00:00:01.000Z', 'stopped: the token'),
        (5, 'apply', '2026-01-04T00:00:00.000Z', '2026-01-04T00:00:01.000Z', '1 blocked');
    INSERT INTO journal VALUES
        (1, 1, 'create_user:a', 'a', 'POST', '/Users', '{}', '2025-01-01T00:00:00.000Z'),
        (2, 2, 'create_user:b', 'b', 'POST', '/Users', '{}', '2026-01-01T00:00:00.000Z'),
        (3, 3, 'create_user:c', 'c', 'POST', '/Users', '{}', '2026-01-02T00:00:00.000Z'),
        (4, 4, 'create_user:d', 'd', 'POST', '/Users', '{}', '2026-01-03T00:00:00.000Z');
    INSERT INTO answers VALUES (3, 201, 'ok', '2026-01-02T00:00:00.500Z');
    INSERT INTO open VALUES (1), (2), (4);
    PRAGMA user_version = 2;";

#[tokio::test]
async fn what_was_open_in_the_second_version_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    open(&config.state, "https://t.example").unwrap().close().await.unwrap();
    Connection::open(&config.state).unwrap().execute_batch(VERSION_2).unwrap();
    let state = open(&config.state, "https://t.example").unwrap();
    let open_ones = || -> Vec<String> {
        let unanswered = state.load(&config.mappings).unwrap().unanswered;
        unanswered.into_iter().map(|open| open.object).collect()
    };
    // The row of the first run was forgotten, the fourth one ended, and the fifth one sent nothing.
    assert_eq!(open_ones(), ["a", "b", "d"]);
    state.write(vec![started(&state, 6), intent(&state, 6, "e")]).await.unwrap();
    assert_eq!(open_ones(), ["a", "b", "d", "e"]);
    let runs = history(&config.state).unwrap().runs().unwrap();
    assert_eq!(runs.iter().map(|run| run.run).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn a_request_is_open_until_it_is_answered_or_its_change_ended() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let state = open(&config.state, "https://t.example").unwrap();
    let open_ones = || -> Vec<String> {
        let unanswered = state.load(&config.mappings).unwrap().unanswered;
        unanswered.into_iter().map(|open| open.object).collect()
    };
    let first = state.next_entry();
    let writes = vec![started(&state, 1), intent(&state, 1, "a"), intent(&state, 1, "b"), intent(&state, 1, "c")];
    state.write(writes).await.unwrap();
    assert_eq!(open_ones(), ["a", "b", "c"]);
    let answer = Write::Answer { entry: first + 1, status: None, result: "lost".to_owned(), at: state.now() };
    // An outcome that came from the first version may have the number of a request.
    let mut failed = ended(&state, 1, first + 2);
    if let Write::Outcome(outcome) = &mut failed {
        outcome.status = None;
    }
    state.write(vec![ended(&state, 1, first), answer, failed]).await.unwrap();
    assert_eq!(open_ones(), ["c"]);
    // The next run has open requests of its own; those of the first one stay open.
    state.write(vec![Write::RunsInterrupted, started(&state, 2), intent(&state, 2, "d")]).await.unwrap();
    assert_eq!(open_ones(), ["c", "d"]);
    // Its outcome is no answer to a request of the first run.
    let other = ended(&state, 2, first + 2);
    state.write(vec![other, finished(&state, 2, true)]).await.unwrap();
    assert_eq!(open_ones(), ["c", "d"]);
    state.write(vec![ended(&state, 2, first + 3), finished(&state, 2, false)]).await.unwrap();
    assert_eq!(open_ones(), ["c"]);
    let is_open = || {
        let query = "SELECT group_concat(id) FROM runs WHERE is_open";
        state.reader().unwrap().query_row(query, [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(is_open(), "1");
    let answer = Write::Answer { entry: first + 2, status: None, result: "lost".to_owned(), at: state.now() };
    state.write(vec![answer, started(&state, 3)]).await.unwrap();
    assert_eq!(is_open(), "3");
}

#[tokio::test]
async fn the_log_of_old_runs_is_forgotten_but_no_request_without_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let state = open(&config.state, "https://t.example").unwrap();
    for run in 1..=102 {
        let entry = state.next_entry();
        let writes = vec![
            started(&state, run),
            intent(&state, run, "00u1"),
            intent(&state, run, "00u2"),
            ended(&state, run, entry),
        ];
        state.write(writes).await.unwrap();
        // The first one is interrupted.
        if run > 1 {
            let answer = Write::Answer { entry: entry + 1, status: None, result: "lost".to_owned(), at: state.now() };
            state.write(vec![answer, finished(&state, run, false)]).await.unwrap();
        }
    }
    let count = |sql: &str| state.reader().unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM runs"), 101);
    assert_eq!(count("SELECT count(*) FROM journal"), 201);
    assert_eq!(count("SELECT count(*) FROM answers"), 100);
    assert_eq!(count("SELECT count(*) FROM outcomes"), 100);
    assert_eq!(state.load(&config.mappings).unwrap().unanswered.len(), 1);
}
