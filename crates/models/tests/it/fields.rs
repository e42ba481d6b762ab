//! Members, lists, maps and scalars.

use oktant_models::{
    Attributes, Extra, Field, Json, List, Map, Model, Number, PasswordCredential, Secret, Timestamp, User, UserProfile,
    UserStatus,
};

use crate::support::text;

#[test]
fn a_member_is_absent_null_or_a_value() {
    for (first_name, written) in [
        (Field::absent(), "{}"),
        (Field::default(), "{}"),
        (None.into(), "{}"),
        (Field::null(), r#"{"firstName":null}"#),
        ("Ada".into(), r#"{"firstName":"Ada"}"#),
        (String::from("Ada").into(), r#"{"firstName":"Ada"}"#),
        (Some(String::from("Ada")).into(), r#"{"firstName":"Ada"}"#),
    ] {
        let profile = UserProfile { first_name, ..Default::default() };
        assert_eq!(text(profile.write()), written);
        assert_eq!(UserProfile::read(written.as_bytes()).expect("JSON").value, profile);
    }
}

#[test]
fn states_are_told_apart_and_change() {
    let mut name: Field<String> = Field::null();
    assert!(name.is_null() && !name.is_absent() && name.is_none());
    *name = Some("Ada".into());
    assert!(!name.is_null() && !name.is_absent());
    assert_eq!(name.as_deref(), Some("Ada"));
    assert_eq!(
        format!("{name:?} {:?} {:?}", Field::<String>::null(), Field::<String>::absent()),
        "\"Ada\" null absent"
    );
    assert_eq!(name.into_option(), Some("Ada".to_owned()));
}

#[test]
fn a_member_that_was_null_once_is_absent_when_its_value_is_taken() {
    let mut name: Field<String> = Field::null();
    *name = Some("Ada".into());
    assert_eq!(name, Field::value("Ada".to_owned()));
    assert_eq!(name.take().as_deref(), Some("Ada"));
    assert!(name.is_absent());

    let mut profile = UserProfile { first_name: Field::null(), ..Default::default() };
    profile.set("firstName", "Ada");
    assert_eq!(profile.first_name, "Ada".into());
    profile.first_name.take();
    assert_eq!(text(profile.write()), "{}");
}

#[test]
fn models_are_built_in_place() {
    let user = User {
        status: UserStatus::Active.into(),
        profile: UserProfile { first_name: "Ada".into(), ..Default::default() }.into(),
        ..Default::default()
    };
    assert_eq!(text(user.write()), r#"{"profile":{"firstName":"Ada"},"status":"ACTIVE"}"#);
    assert_eq!(user.status.as_ref(), Some(&UserStatus::Active));
    assert_eq!(user.profile.as_ref().and_then(|profile| profile.first_name.as_deref()), Some("Ada"));
}

#[test]
fn own_members_are_read_and_written_by_name() {
    let read = br#"{"firstName":"Ada","badge":1815,"tags":["x", 24.0],"lastName":7}"#;
    let mut profile = UserProfile::read(read).expect("JSON").value;
    assert_eq!(profile.attr::<u32>("badge").expect("a number"), Some(1815));
    assert_eq!(profile.attr::<String>("nothing").expect("absent is fine"), None);
    assert!(profile.attr::<bool>("badge").is_err());
    assert_eq!(profile.get("tags").expect("there").as_str(), r#"["x", 24.0]"#);
    assert_eq!(profile.get("firstName"), Some(Json::from("Ada")));
    assert!(profile.last_name.is_absent());
    assert_eq!(profile.get("lastName"), Some(Json::from(7)));

    // A value set since takes the place of one that did not fit, and the other way round.
    profile.set("lastName", "Lovelace");
    profile.set("firstName", 5);
    profile.set("badge", Json::null());
    profile.set("middleName", Json::null());
    assert_eq!(profile.last_name.as_deref(), Some("Lovelace"));
    assert!(profile.first_name.is_absent() && profile.middle_name.is_null());
    assert_eq!(profile.remove("tags").expect("it was there").as_str(), r#"["x", 24.0]"#);
    assert_eq!(text(profile.write()), r#"{"lastName":"Lovelace","middleName":null,"badge":null,"firstName":5}"#);
}

#[test]
fn a_field_wins_over_a_value_that_did_not_fit() {
    let mut profile = UserProfile::read(br#"{"lastName":7}"#).expect("JSON").value;
    profile.last_name = "Lovelace".into();
    assert_eq!(text(profile.write()), r#"{"lastName":"Lovelace"}"#);
}

#[test]
fn extra_is_one_pointer_wide_and_keeps_order() {
    assert_eq!(size_of::<Extra>(), size_of::<usize>());
    let mut extra = Extra::EMPTY;
    extra.set("b", 1);
    extra.set("a", 2);
    extra.set("b", 3);
    assert_eq!(extra.iter().map(|(name, json)| format!("{name}{json}")).collect::<Vec<_>>(), ["b3", "a2"]);
    assert_eq!(extra.remove("b"), Some(3.into()));
    assert_eq!(extra.remove("b"), None);
    assert_eq!(extra.remove("a"), Some(2.into()));
    assert!(extra.is_empty());
}

#[test]
fn lists_keep_elements_that_do_not_fit_at_their_places() {
    for (json, items) in [
        (r#"[1,"a",null,"b",{"x":24.0}]"#, vec!["a", "b"]),
        (r#"["a"]"#, vec!["a"]),
        ("[]", vec![]),
        ("[null,null]", vec![]),
    ] {
        let list = List::<String>::read(json.as_bytes()).expect("an array").value;
        assert_eq!(*list, items);
        assert_eq!(text(list.write()), json);
        assert_eq!(list.clone(), list);
    }
    // What is added or taken away moves the others as little as it can.
    let mut list = List::<String>::read(br#"["a",1,"b"]"#).expect("an array").value;
    list.push("c".into());
    assert_eq!(text(list.write()), r#"["a",1,"b","c"]"#);
    list.clear();
    assert_eq!(text(list.write()), "[1]");
}

#[test]
fn maps_keep_values_that_do_not_fit() {
    let json = r#"{"a":"x","c":"y","b":1}"#;
    let mut map = Map::<String>::read(json.as_bytes()).expect("an object").value;
    assert_eq!(map.get("a").map(String::as_str), Some("x"));
    assert_eq!(text(map.write()), json);
    map.insert("b".into(), "z".into());
    assert_eq!(text(map.write()), r#"{"a":"x","c":"y","b":"z"}"#);
    let field: Field<Map<String>> = [("k", "v".to_owned())].into();
    assert_eq!(text(field.as_ref().expect("a map").write()), r#"{"k":"v"}"#);
}

#[test]
fn numbers_keep_their_kind_and_timestamps_their_text() {
    for json in ["24", "24.0", "-0.5", "9007199254740993", "12345678901234567890123", "0.10000000000000000001", "1E2"] {
        assert_eq!(text(Number::read(json.as_bytes()).expect("a number").value.write()), json);
    }
    assert_eq!(Number::from_f64(0.5).and_then(|number| number.to_f64()), Some(0.5));
    assert_eq!(Number::from_f64(f64::NAN), None);
    let huge = Number::read(b"1e999").expect("a number").value;
    assert_eq!((huge.as_str(), huge.to_f64(), huge.to_i64()), ("1e999", None, None));
    assert_eq!((Number::from(24).to_f64(), Number::from(24).to_i64()), (Some(24.0), Some(24)));
    let written = Timestamp::from("2021-06-14T15:06:10.000Z");
    let instant = written.to_utc().expect("an instant");
    assert_eq!(Timestamp::from(instant), written);
    assert_eq!(Timestamp::from("yesterday").to_utc(), None);
}

#[test]
fn secrets_are_written_but_never_shown() {
    let password = PasswordCredential { value: "hunter2".into(), ..Default::default() };
    assert_eq!(text(password.write()), r#"{"value":"hunter2"}"#);
    assert_eq!(format!("{password:?}"), "PasswordCredential { value: *** }");
    let misfit = PasswordCredential::read(br#"{"value":{"hunter":2}}"#).expect("an object").value;
    assert_eq!(format!("{misfit:?}"), "PasswordCredential { value: *** }");
    assert_eq!(text(misfit.write()), r#"{"value":{"hunter":2}}"#);
    // Also those that answers hold.
    let tokens = oktant_models::Client::read(br#"{"client_id":"c","client_secret":"hunter2"}"#).expect("JSON").value;
    assert_eq!(format!("{tokens:?}"), "Client { client_id: \"c\", client_secret: *** }");
    let secret: Field<Secret> = "hunter2".into();
    assert_eq!(format!("{secret:?}"), "***");
}

#[test]
fn enumerations_are_open_and_keep_their_text() {
    for (text, known) in [("ACTIVE", true), ("active", false), ("MOONLIGHTING", false)] {
        let status = UserStatus::from(text);
        assert_eq!(status.as_str(), text);
        assert_eq!(matches!(status, UserStatus::Other(_)), !known);
    }
    assert_eq!(UserStatus::from("active").folded(), UserStatus::Active);
    assert_eq!(UserStatus::from("moonlighting").folded().as_str(), "moonlighting");
}

#[test]
fn models_go_through_serde() {
    let user: User = serde_json::from_str(r#"{"id":"00u1","x":24.0,"status":"NEW"}"#).expect("a user");
    assert_eq!(user.id.as_deref(), Some("00u1"));
    assert_eq!(serde_json::to_string(&user).expect("JSON"), r#"{"id":"00u1","status":"NEW","x":24.0}"#);
    assert!(serde_json::from_str::<User>("[]").is_err());
}
