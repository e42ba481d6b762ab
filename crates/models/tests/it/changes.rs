//! Updates say no more than what changed.

use oktant_models::{Application, Attributes, BookmarkApplication, Field, Model, User, UserCredentials, UserProfile};

const USER: &str = r#"{"id":"00u1","status":"ACTIVE","profile":{"firstName":"Ada","lastName":"L","badge":7,"tags":["a","b"]},"credentials":{"provider":{"type":"OKTA"}}}"#;

/// The update after a change of the user.
fn update(change: impl FnOnce(&mut User, &mut UserProfile)) -> Option<String> {
    let original = User::read(USER.as_bytes()).expect("a user").value;
    let mut user = original.clone();
    let mut profile = user.profile.as_deref().cloned().unwrap_or_default();
    let before = profile.clone();
    change(&mut user, &mut profile);
    if profile != before {
        user.profile = profile.into();
    }
    user.changes_since(&original).map(|json| json.to_string())
}

#[test]
fn only_changed_members_are_sent() {
    assert_eq!(update(|_, _| {}), None);
    for (change, expected) in [
        (
            (|_, profile| profile.first_name = "Eve".into()) as fn(&mut User, &mut UserProfile),
            r#"{"profile":{"firstName":"Eve"}}"#,
        ),
        (|_, profile| profile.first_name = Field::null(), r#"{"profile":{"firstName":null}}"#),
        (|_, profile| profile.title = Field::null(), r#"{"profile":{"title":null}}"#),
        (|_, profile| profile.set("badge", 8), r#"{"profile":{"badge":8}}"#),
        (|_, profile| profile.set("own", "x"), r#"{"profile":{"own":"x"}}"#),
        (|_, profile| profile.set("tags", serde_json::json!(["a"])), r#"{"profile":{"tags":["a"]}}"#),
        (|user, _| user.realm_id = "guo1".into(), "nothing"),
        (|user, _| user.credentials = UserCredentials::default().into(), "nothing"),
        (|user, _| user.credentials = Field::null(), r#"{"credentials":null}"#),
    ] {
        assert_eq!(update(change).unwrap_or_else(|| "nothing".to_owned()), expected);
    }
}

#[test]
fn changes_of_what_no_tree_can_hold_are_sent() {
    for (before, after) in [
        (r#""\ud800""#, r#""\ud801""#),
        ("1e999", "2e999"),
        ("12345678901234567890123", "12345678901234567890124"),
        (r#"{"x":["\ud800",1]}"#, r#"{"x":["\ud800",2]}"#),
    ] {
        let read = |badge: &str| {
            UserProfile::read(format!(r#"{{"badge":{badge},"title":{badge}}}"#).as_bytes()).expect("JSON").value
        };
        let update = read(after).changes_since(&read(before)).map(|json| json.to_string());
        assert_eq!(update, Some(format!(r#"{{"badge":{after},"title":{after}}}"#)));
        assert_eq!(read(before).changes_since(&read(before)), None);
    }
}

#[test]
fn what_is_absent_is_left_as_it_is() {
    assert_eq!(update(|_, profile| profile.first_name = Field::absent()), None);
    let original = User::read(USER.as_bytes()).expect("a user").value;
    let user = User {
        profile: UserProfile { last_name: "Lovelace".into(), ..Default::default() }.into(),
        ..Default::default()
    };
    let update = user.changes_since(&original).expect("a change");
    assert_eq!(update.as_str(), r#"{"profile":{"lastName":"Lovelace"}}"#);
}

#[test]
fn a_union_keeps_the_member_that_tells_its_form() {
    let original =
        Application::read(br#"{"signOnMode":"BOOKMARK","label":"x","name":"bookmark"}"#).expect("an object").value;
    let mut bookmark = original.as_bookmark().expect("a bookmark").clone();
    bookmark.label = "y".into();
    let update = Application::from(bookmark).changes_since(&original).expect("a change");
    assert_eq!(update.as_str(), r#"{"signOnMode":"BOOKMARK","label":"y"}"#);
    assert_eq!(original.changes_since(&original), None);

    let other = Application::read(br#"{"signOnMode":"SAML_2_0"}"#).expect("an object").value;
    let whole = Application::from(BookmarkApplication::default()).changes_since(&other).expect("a change");
    assert_eq!(whole.as_str(), r#"{"signOnMode":"BOOKMARK"}"#);
}
