//! How an org is opened, and what is set for all of its calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use oktant_base::Coded;
use oktant_sdk::config::{Loader, Surroundings};
use oktant_sdk::{Error, Okta};
use serde_json::json;

use crate::script::{Answer, Script};

const USER: &str = r#"{"id":"00u1"}"#;

/// The org as a configuration with a cache names it.
async fn cached(script: &Script) -> Okta {
    let yaml = json!({"okta": {"client": {"orgUrl": script.url(), "token": "t0ken", "cache": {"enabled": true}},
        "testing": {"testingDisableHttpsCheck": true}}});
    let files = BTreeMap::from([("/p/okta.yaml".into(), yaml.to_string().into_bytes())]);
    let around = Surroundings { directory: "/p".into(), files: Arc::new(files), ..Surroundings::none() };
    Okta::from_config(&Loader::new(around)).await.unwrap()
}

#[tokio::test]
async fn a_configuration_opens_an_org() {
    let script = Script::start([Answer::new(200, USER)]).await;
    let user = cached(&script).await.users().get_user("me").await.unwrap();
    assert_eq!(user.id.as_deref(), Some("00u1"));
    assert_eq!(script.asked()[0].header("authorization"), "SSWS t0ken");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_whole() {
    let values = json!({"orgUrl": "https://acme.okta.com", "rateLimit": {"maxRetries": -1}});
    let error = Okta::from_config(&Loader::new(Surroundings::none()).values(values)).await.unwrap_err();
    assert!(matches!(error, Error::Client(oktant_client::Error::Config(_))), "{error:?}");
    assert!(error.to_string().contains("maxRetries") && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn headers_of_all_calls_give_way_to_those_of_one() {
    let script = Script::start([Answer::new(200, USER), Answer::new(200, USER)]).await;
    let okta = script.okta().await;
    okta.set_header("x-team", "all").unwrap();
    okta.users().get_user("me").await.unwrap();
    okta.users().get_user("me").header("x-team", "one").await.unwrap();
    let seen: Vec<_> = script.asked().iter().map(|asked| asked.header("x-team").to_owned()).collect();
    assert_eq!(seen, ["all", "one"]);
    let refused = okta.set_header("authorization", "SSWS other").unwrap_err();
    assert!(refused.to_string().contains("cannot be replaced"), "{refused}");
}

#[tokio::test]
async fn calls_choose_whether_the_cache_answers() {
    let answers = ["00u1", "00u2", "00u3", "00u4"].map(|id| Answer::new(200, format!(r#"{{"id":"{id}"}}"#)));
    let script = Script::start(answers).await;
    let users = cached(&script).await.users();
    let mut seen = Vec::new();
    for request in [
        users.get_user("me"),
        users.get_user("me"),
        users.get_user("me").no_cache(),
        users.get_user("me"),
        users.get_user("me").refresh(),
        users.get_user("me"),
    ] {
        let user = request.await.unwrap();
        seen.push((user.id.as_deref().unwrap_or_default().to_owned(), user.meta.from_cache));
    }
    let expected = [("00u1", false), ("00u1", true), ("00u2", false), ("00u1", true), ("00u3", false), ("00u3", true)];
    assert_eq!(seen, expected.map(|(id, kept)| (id.to_owned(), kept)));
}

#[tokio::test]
async fn clearing_the_cache_forgets_what_was_kept() {
    let script = Script::start([Answer::new(200, USER), Answer::new(200, USER)]).await;
    let okta = cached(&script).await;
    okta.users().get_user("me").await.unwrap();
    okta.clear_cache().await;
    assert!(!okta.users().get_user("me").await.unwrap().meta.from_cache);
}

#[tokio::test]
async fn rate_limits_are_those_that_the_org_reported() {
    let answer = Answer::new(200, USER)
        .header("x-rate-limit-limit", "600")
        .header("x-rate-limit-remaining", "598")
        .header("x-rate-limit-reset", "4102444800");
    let script = Script::start([answer]).await;
    let okta = script.okta().await;
    assert!(okta.reported_rate_limits().is_empty());
    okta.users().get_user("me").await.unwrap();
    let limits: Vec<_> = okta.reported_rate_limits().iter().map(|limit| (limit.limit, limit.remaining)).collect();
    assert_eq!(limits, [(600, 598)]);
}
