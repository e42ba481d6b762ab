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

#[tokio::test]
async fn what_is_written_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let state = open(&config.state, "https://t.example").unwrap();
    let (user, group) = (state.new_key(), state.new_key());
    let sent = json!({ "userName": "ada", "name.givenName": null, "gone": "x" });
    let writes = vec![
        Write::User {
            key: user,
            okta_id: "00u1".to_owned(),
            scim_id: "s1".to_owned(),
            active: true,
            sent,
            answered: json!({ "name.givenName": "Ada" }),
        },
        Write::Group { key: group, okta_id: "00g1".to_owned(), scim_id: "g1".to_owned(), name: "Staff".to_owned() },
        Write::Members { group, add: vec![user, 99], remove: vec![] },
        Write::Members { group, add: vec![user], remove: vec![99] },
    ];
    state.write(writes).await.unwrap();
    let intent = Write::Intent {
        entry: state.new_entry(),
        run: 1,
        change: "create_user:00u2".to_owned(),
        object: "00u2".to_owned(),
        method: "POST".to_owned(),
        path: "/Users".to_owned(),
        intent: "{}".to_owned(),
        at: state.now(),
    };
    state.write(vec![intent]).await.unwrap();
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
