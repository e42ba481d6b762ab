//! What is sent.

use oktant_sdk::models::{Json, UpdateUserRequest, UserProfile};
use oktant_sdk::{Certificate, Method, Upload};

use crate::script::{Answer, Script};

#[tokio::test]
async fn arguments_go_where_they_belong() {
    let script = Script::start([Answer::new(200, "{}"), Answer::new(204, "")]).await;
    let okta = script.okta().await;
    okta.users().get_user("a/b c@d").expand("blocks").header("x-mine", "1").query("more", "&").await.unwrap();
    let reply = okta.groups().assign_user_to_group("00g", "00u").await.unwrap();
    assert_eq!(reply.meta.status, 204);
    let asked = script.asked();
    assert_eq!(
        (asked[0].path.as_str(), asked[0].query.as_str()),
        ("/api/v1/users/a%2Fb%20c%40d", "expand=blocks&more=%26")
    );
    assert_eq!(asked[0].header("x-mine"), "1");
    assert_eq!((asked[1].method.as_str(), asked[1].header("content-length"), asked[1].body.as_str()), ("PUT", "0", ""));
    assert_eq!(asked[1].header("content-type"), "");
}

#[tokio::test]
async fn a_setter_called_twice_takes_the_last_value() {
    let script = Script::start([Answer::new(200, "[]")]).await;
    script.okta().await.users().list_users().limit(1).limit(2).await.unwrap();
    assert_eq!(script.asked()[0].query, "limit=2");
}

#[tokio::test]
async fn empty_values_are_sent_unless_told_otherwise() {
    let script = Script::start((0..4).map(|_| Answer::new(200, "{}"))).await;
    let okta = script.okta().await;
    let profile = UserProfile { first_name: "".into(), last_name: "L".into(), ..Default::default() };
    let body = UpdateUserRequest { profile: profile.into(), ..Default::default() };
    okta.users().update_user("u", &body).await.unwrap();
    okta.users().update_user("u", &body).drop_empty(true).await.unwrap();
    let dropping = okta.drop_empty(true);
    dropping.users().update_user("u", &body).await.unwrap();
    dropping.users().update_user("u", &body).drop_empty(false).await.unwrap();
    let bodies: Vec<_> = script.asked().into_iter().map(|asked| asked.body).collect();
    let (kept, dropped) = (r#"{"profile":{"firstName":"","lastName":"L"}}"#, r#"{"profile":{"lastName":"L"}}"#);
    assert_eq!(bodies, [kept, dropped, dropped, kept]);
}

#[tokio::test]
async fn bodies_that_are_not_json_have_their_types() {
    let script = Script::start((0..5).map(|_| Answer::new(200, "{}"))).await;
    let apps = script.okta().await.applications();
    apps.upload_application_logo("app", Upload::from(&b"\x89PNG\r\n\x1a\nx"[..])).await.unwrap();
    apps.publish_csr_from_application("app", "csr", &Certificate::pem("-----BEGIN")).await.unwrap();
    let csr = apps.get_csr_for_application("app", "csr").pkcs10().await.unwrap();
    assert_eq!(&csr[..], b"{}");
    let metadata = apps.preview_saml_metadata_for_application("app", "kid").await.unwrap();
    assert_eq!(metadata.as_str(), "{}");
    let asked = script.asked();
    assert!(asked[0].header("content-type").starts_with("multipart/form-data; boundary=oktant-"));
    assert!(
        asked[0].body.contains("form-data; name=\"file\"; filename=\"file.png\"\r\nContent-Type: image/png\r\n\r\n")
    );
    assert_eq!((asked[1].header("content-type"), asked[1].body.as_str()), ("application/x-pem-file", "-----BEGIN"));
    assert_eq!(asked[2].header("accept"), "application/pkcs10");
    assert_eq!((asked[3].header("accept"), asked[3].query.as_str()), ("text/xml", "kid=kid"));
}

#[tokio::test]
async fn the_last_body_is_the_one_that_is_sent() {
    let script = Script::start((0..2).map(|_| Answer::new(200, "{}"))).await;
    let okta = script.okta().await;
    let (json, file) = (Json::parse("{}").unwrap(), Upload::new("a.txt", "text/plain", "x"));
    let request = || okta.request(Method::Post, "/api/v1/new-thing").unwrap();
    request().json(&json).upload("file", &file).send().await.unwrap();
    request().upload("file", &file).json(&json).send().await.unwrap();
    let asked = script.asked();
    assert!(asked[0].header("content-type").starts_with("multipart/form-data"));
    assert_eq!((asked[1].header("content-type"), asked[1].body.as_str()), ("application/json", "{}"));
}

#[tokio::test]
async fn a_body_is_not_printed() {
    let script = Script::start([]).await;
    let okta = script.okta().await;
    let body = Json::parse(r#"{"credentials":{"password":{"value":"s3cret"}}}"#).unwrap();
    let request = okta.request(Method::Post, "/api/v1/users").unwrap().json(&body);
    let printed = format!("{request:?} {:?}", request.clone().list_of::<Json>());
    assert!(printed.contains("47 bytes of application/json"), "{printed}");
    let others = (Certificate::pem("s3cret"), Upload::new("a.txt", "text/plain", "s3cret"));
    let printed = format!("{printed} {others:?} {:?}", request.upload("file", &others.1));
    assert!(!printed.contains("s3cret"), "{printed}");
}

#[tokio::test]
async fn a_timeout_beyond_all_calendars_is_none() {
    let script = Script::start((0..2).map(|_| Answer::new(200, "{}"))).await;
    let okta = script.okta().await;
    for timeout in [std::time::Duration::MAX, std::time::Duration::from_secs(u64::MAX / 1000)] {
        okta.users().get_user("me").timeout(timeout).await.unwrap();
    }
}

#[tokio::test]
async fn anything_can_be_called() {
    let script =
        Script::start([Answer::new(200, r#"{"a":24.0}"#), Answer::new(200, "raw"), Answer::new(200, "[]")]).await;
    let okta = script.okta().await;
    let body = Json::parse(r#"{"b":1}"#).unwrap();
    let answer =
        okta.request(Method::Post, "/api/v1/new-thing?x=1").unwrap().json(&body).send_as::<Json>().await.unwrap();
    assert_eq!(answer.as_str(), r#"{"a":24.0}"#);
    let raw = okta.users().get_user("me").raw().await.unwrap();
    assert_eq!((&raw[..], raw.meta.status), (&b"raw"[..], 200));
    okta.operation("listGroupUsers")
        .unwrap()
        .arg("groupId", "00g")
        .unwrap()
        .arg("limit", "5")
        .unwrap()
        .raw()
        .await
        .unwrap();
    let asked = script.asked();
    assert_eq!((asked[0].query.as_str(), asked[0].body.as_str()), ("x=1", r#"{"b":1}"#));
    assert_eq!((asked[2].path.as_str(), asked[2].query.as_str()), ("/api/v1/groups/00g/users", "limit=5"));
}

#[cfg(feature = "blocking")]
#[test]
fn calls_block_without_a_runtime_of_ones_own() {
    use oktant_sdk::blocking;

    let script = blocking::wait(Script::start([
        Answer::new(200, r#"{"id":"1"}"#),
        Answer::page(r#"[{"id":"1"}]"#, "/api/v1/groups?after=1"),
        Answer::new(200, r#"[{"id":"2"}]"#),
    ]));
    let okta = blocking::connect(&script.properties()).unwrap();
    assert_eq!(okta.users().get_user("me").call().unwrap().id.as_deref(), Some("1"));
    let groups: Result<Vec<_>, _> = okta.groups().list_groups().iter().collect();
    assert_eq!(groups.unwrap().len(), 2);
}
