use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::*;

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

#[track_caller]
fn check(text: &str, expected: Json) {
    let user = object(&json!({ "firstName": "Ada", "lastName": "Lovelace", "email": "ada@acme.example", "age": 36,
        "remote": true, "skills": ["maths", "engines"], "id": "00u1" }));
    let app_user = object(&json!({ "userName": "ada@acme.example", "role": "analyst" }));
    let scope = Scope { user: Some(&user), app_user: Some(&app_user), ..Scope::default() };
    let value = Expression::parse(text).and_then(|expression| {
        expression.evaluate(&scope).map_err(|error| ParseError { problem: error.to_string(), position: 0 })
    });
    assert_eq!(value.map(|value| value.to_json()), Ok(expected), "{text}");
}

#[track_caller]
fn refused(text: &str, problem: &str) {
    assert_eq!(Expression::parse(text).expect_err(text).to_string(), problem);
}

#[test]
fn values_are_read_joined_and_compared() {
    check("user.firstName", json!("Ada"));
    check("source.FIRSTNAME", json!("Ada"));
    check("user.getInternalProperty('id')", json!("00u1"));
    check("user.missing", json!(null));
    check("appuser.role + '-' + user.missing + 7", json!("analyst-7"));
    check("1 + 2 - 4", json!(-1));
    check("-user.age", json!(-36));
    check("user.skills[1]", json!("engines"));
    check("user.skills[9]", json!(null));
    check("user.age >= 18 AND !(user.lastName == \"Byron\")", json!(true));
    check("user.remote ? 'home' : 'office'", json!("home"));
    check("user.missing == null ? user.age < 40 ? 'young' : 'old' : 'x'", json!("young"));
    check("user.nickName ?: user.firstName", json!("Ada"));
    check("false or true && false", json!(false));
    check("'it\\'s' + \" \\\"so\\\"\"", json!("it's \"so\""));
}

#[test]
fn functions_do_what_okta_documents() {
    check("String.toUpperCase(user.lastName)", json!("LOVELACE"));
    check("String.toLowerCase(user.lastName)", json!("lovelace"));
    check("String.substringBefore(user.email, '@')", json!("ada"));
    check("String.substringBefore(user.email, '#')", json!("ada@acme.example"));
    check("String.substringAfter(user.email, '@')", json!("acme.example"));
    check("String.substringAfter(user.email, '#')", json!(""));
    check("String.substring(user.lastName, 1, 4)", json!("ove"));
    check("String.replace('banana', 'a', 'o')", json!("bonono"));
    check("String.replaceFirst('banana', 'a', 'o')", json!("bonana"));
    check("String.append('a', user.age)", json!("a36"));
    check("String.join(', ', user.lastName, user.missing, user.firstName)", json!("Lovelace, Ada"));
    check("String.len('Grüße')", json!(5));
    check("String.removeSpaces(' a b ')", json!("ab"));
    check("String.startsWith(user.email, 'ada')", json!(true));
    check("String.stringContains(user.email, 'acme')", json!(true));
    check("String.stringSwitch(appuser.role, 'PUBLIC', 'admin', 'SYSADMIN', 'analy', 'ANALYST')", json!("ANALYST"));
    check("String.stringSwitch('x', 'PUBLIC', 'admin', 'SYSADMIN')", json!("PUBLIC"));
    check("Arrays.contains(user.skills, 'maths')", json!(true));
    check("Arrays.size(user.skills)", json!(2));
    check("Arrays.isEmpty(user.missing)", json!(true));
}

#[test]
fn mistakes_name_their_place() {
    refused("", "an expression ends where a value is needed at character 1");
    refused("firstName", "unknown name firstName; texts stand in quotes at character 1");
    refused("user.", "a name is missing after user. at character 6");
    refused("String.toUpper('a')", "unknown function String.toUpper at character 1");
    refused("usr.firstName", "unknown object usr; there are user, source, appuser, app, group at character 1");
    refused("1 + String.len()", "String.len takes 1 argument, not 0 at character 5");
    refused("'open", "the text does not end at character 1");
    refused("(1", ") is missing at character 3");
    refused("1 2", "unexpected 2 at character 3");
    refused("user.a # 1", "unexpected # at character 8");
    refused("true ? 1", ": is missing at character 9");
}

#[test]
fn wrong_types_are_errors_of_the_one_object() {
    let evaluate = |text: &str| Expression::parse(text).expect(text).evaluate(&Scope::default());
    assert_eq!(evaluate("'a' ? 1 : 2").unwrap_err().to_string(), "? takes true or false, not a text");
    assert_eq!(evaluate("1 < 'a'").unwrap_err().to_string(), "< takes two texts or two numbers, not a text");
    assert_eq!(
        evaluate("String.substring('abc', 'x', 2)").unwrap_err().to_string(),
        "String.substring takes a number, not a text"
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(100_000 / 4), ")".repeat(100_000 / 4));
    refused(&deep, "an expression is nested at most 64 deep at character 65");
    assert!(Expression::parse(&"!".repeat(10_000)).is_err());
    assert!(Expression::parse(&"-".repeat(10_000)).is_err());
    assert!(Expression::parse(&vec!["1"; 10_000].join("+")).is_err());
    assert!(Expression::parse(&format!("user.a{}", "[0]".repeat(10_000))).is_err());
    assert!(Expression::parse(&"a".repeat(70_000)).is_err());
    let mut growing = "'aaaaaaaaaaaaaaaa'".to_owned();
    for _ in 0..10 {
        growing = format!("String.replace({growing}, 'a', 'aaaaaaaaaaaaaaaa')");
    }
    let error = Expression::parse(&growing).unwrap().evaluate(&Scope::default()).unwrap_err();
    assert_eq!(error, EvaluateError::TooLong);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z.'\"()?:+!<>=&|\\[\\], 0-9\\\\]{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            let _ = expression.evaluate(&Scope::default());
        }
    }

    #[test]
    fn a_quoted_text_gives_itself(text in "[^\\\\\"]{0,40}") {
        let value = Expression::parse(&format!("\"{text}\"")).unwrap().evaluate(&Scope::default()).unwrap();
        prop_assert_eq!(value, Value::from(text));
    }
}
