//! What failed calls say.

use std::time::Duration;

use oktant_base::Coded;
use oktant_sdk::models::UpdateUserRequest;
use oktant_sdk::{Error, Method, Okta};

use crate::script::{Answer, Script};

async fn refused(answer: Answer) -> Error {
    let script = Script::start([answer]).await;
    script.okta().await.users().get_user("me").await.unwrap_err()
}

#[tokio::test]
async fn errors_tell_what_they_are() {
    let body = r#"{"errorCode":"E0000007","errorSummary":"Not found: x (User)","errorId":"oae1","errorCauses":[{"errorSummary":"c"}]}"#;
    let error = refused(Answer::new(404, body)).await;
    assert!(error.is_not_found() && !error.is_conflict() && !error.is_retryable());
    assert_eq!((error.status(), error.api_code(), error.request_id()), (Some(404), Some("E0000007"), Some("req1")));
    let api = error.api().unwrap();
    assert_eq!((api.summary.as_str(), api.id.as_str(), api.causes.len()), ("Not found: x (User)", "oae1", 1));

    for (status, body, conflict, limited, retryable) in [
        (409, r#"{"errorCode":"E0000112"}"#, true, false, false),
        (412, r#"{"errorCode":"E0000060"}"#, true, false, false),
        (
            400,
            r#"{"errorCode":"E0000001","errorCauses":[{"errorSummary":"login: An object with this field already exists"}]}"#,
            true,
            false,
            false,
        ),
        (400, r#"{"errorCode":"E0000001","errorCauses":[{"errorSummary":"login: too short"}]}"#, false, false, false),
        (429, r#"{"errorCode":"E0000047"}"#, false, true, true),
        (503, "", false, false, true),
        (500, r#"{"errorCode":"E0000009"}"#, false, false, false),
    ] {
        let error = refused(Answer::new(status, body)).await;
        let seen = (error.is_conflict(), error.is_rate_limited(), error.is_retryable());
        assert_eq!(seen, (conflict, limited, retryable), "{status} {body}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_name_the_place() {
    for (body, message) in [
        ("[]", "the answer to GET /api/v1/users/me cannot be read: expected object, found array"),
        (
            "",
            "the answer to GET /api/v1/users/me cannot be read: the text is not JSON: EOF while parsing a value at line 1 column 0",
        ),
    ] {
        let error = refused(Answer::new(200, body)).await;
        assert_eq!(error.to_string(), message);
        assert_eq!((error.code().id(), error.request_id()), ("OKT2004", Some("req1")));
    }
}

#[tokio::test]
async fn a_write_that_is_answered_with_nothing_succeeded() {
    let script = Script::start([Answer::new(200, ""), Answer::new(204, "")]).await;
    let okta = script.okta().await;
    let user = okta.users().suspend_user("u").await.unwrap();
    assert_eq!(user.meta.status, 200);
    let user = okta.users().update_user("u", &UpdateUserRequest::default()).await.unwrap();
    assert_eq!(user.meta.warnings.len(), 1);
    assert_eq!(user.meta.warnings[0].to_string(), "$: required, but missing");
}

#[tokio::test]
async fn deviations_are_warnings_or_with_strictness_errors() {
    let answer = || Answer::new(200, r#"{"id":"1","status":7,"profile":{"login":"a"}}"#);
    let script = Script::start([answer(), answer()]).await;
    let okta = script.okta().await;
    let user = okta.users().get_user("me").await.unwrap();
    let warnings: Vec<_> = user.meta.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["$.status: expected text, found number"]);
    let error = okta.strict(true).users().get_user("me").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer to GET /api/v1/users/me cannot be read at $.status: expected text, found number"
    );
}

#[tokio::test]
async fn time_allowed_is_kept() {
    let script = Script::start([]).await;
    let error = script.okta().await.users().get_user("me").timeout(Duration::ZERO).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.code().id(), "OKT2002");
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn unknown_operations_and_arguments_are_told() {
    let okta: Okta = Script::start([]).await.okta().await;
    assert_eq!(okta.operation("listUser").unwrap_err().to_string(), "unknown operation \"listUser\"");
    let error = okta.operation("listUsers").unwrap().arg("limt", "1").unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean limit?"));
    assert_eq!(okta.request(Method::Get, "users").unwrap_err().code().id(), "OKT2016");
    assert_eq!(
        okta.operation("getUser").unwrap().send().await.unwrap_err().to_string(),
        "getUser: path parameter id is missing"
    );
}
