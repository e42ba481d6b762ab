//! What is tolerated, and what is said about it.

use oktant_models::{Error, List, Model, User, UserSchema};

/// The warnings about a user, as text.
fn warnings(json: &str) -> Vec<String> {
    let decoded = User::read(json.as_bytes()).expect("an object");
    decoded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn deviations_become_warnings_with_their_place() {
    for (json, expected) in [
        (r#"{"id":"00u1","activated":null}"#, None),
        (r#"{"profile":{"ownMember":1}}"#, None),
        (r#"{"id":7}"#, Some("$.id: expected text, found number")),
        (r#"{"id":null}"#, Some("$.id: null")),
        (r#"{"status":"MOONLIGHTING"}"#, Some("$.status: unknown value \"MOONLIGHTING\"")),
        (r#"{"profile":[]}"#, Some("$.profile: expected object, found array")),
        (r#"{"profile":{"login":true}}"#, Some("$.profile.login: expected text, found boolean")),
        (r#"{"moon":1}"#, Some("$.moon: unknown member")),
        (r#"{"x.y":1}"#, Some("$[\"x.y\"]: unknown member")),
    ] {
        assert_eq!(warnings(json), Vec::from_iter(expected), "{json}");
    }
}

#[test]
fn a_required_member_that_is_missing_is_a_warning() {
    let decoded = oktant_models::BookmarkApplication::read(br#"{"signOnMode":"BOOKMARK"}"#).expect("an object");
    let texts: Vec<_> = decoded.warnings.iter().map(ToString::to_string).collect();
    assert!(texts.contains(&"$.label: required, but missing".to_owned()), "{texts:?}");
}

#[test]
fn a_bad_element_never_loses_the_list() {
    let json = r#"[{"id":"1"},"not a user",{"id":"2"}]"#;
    let decoded = List::<User>::read(json.as_bytes()).expect("an array");
    assert_eq!(decoded.value.iter().filter_map(|user| user.id.as_deref()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(decoded.warnings.len(), 1);
    assert_eq!(decoded.warnings[0].to_string(), "$[1]: expected object, found text");
    assert_eq!(decoded.value.write(), json.as_bytes());
}

#[test]
fn only_what_is_not_json_or_of_another_kind_is_an_error() {
    for json in ["", "{", "<html>", "{\"id\":}", "{\"a\":1}}", "\u{feff}{}"] {
        assert!(matches!(User::read(json.as_bytes()), Err(Error::Syntax(_))), "{json}");
    }
    assert!(matches!(User::read(b"{\"id\":\"\xff\"}"), Err(Error::Syntax(_))));
    let error = User::read(b"[]").expect_err("another kind");
    assert_eq!(error.to_string(), "expected object, found array");
    assert!(matches!(List::<User>::read(b"{}"), Err(Error::Kind { .. })));
}

#[test]
fn strict_reading_refuses_deviations() {
    assert!(User::read_strict(br#"{"id":"00u1"}"#).is_ok());
    let error = User::read_strict(br#"{"id":7,"moon":1}"#).expect_err("two deviations");
    assert!(matches!(&error, Error::Deviations(found) if found.len() == 2), "{error:?}");
}

#[test]
fn text_that_no_string_can_hold_is_kept() {
    let json = r#"{"id":"\ud800","status":"\udfff"}"#;
    let user = User::read(json.as_bytes()).expect("an object").value;
    assert!(user.id.is_absent());
    assert_eq!(String::from_utf8(user.write()).expect("JSON"), json);
}

#[test]
fn what_no_tree_can_hold_is_an_error_in_other_formats_and_not_null() {
    for id in [r#""\ud800""#, "1e999"] {
        let user = User::read(format!(r#"{{"id":{id}}}"#).as_bytes()).expect("an object").value;
        assert!(serde_json::to_string(&user).is_err(), "{id}");
        assert!(serde_json::to_value(&user).is_err(), "{id}");
    }
}

#[test]
fn what_is_deeper_than_the_stack_allows_is_kept() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let user = format!(r#"{{"_embedded":{{"x":{deep}}},"id":{deep}}}"#);
    let decoded = User::read(user.as_bytes()).expect("an object");
    assert!(decoded.value.write() == user.as_bytes());
    assert!(UserSchema::read(format!(r#"{{"definitions":{deep}}}"#).as_bytes()).is_ok());
}
