//! The client against the sandbox org.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use oktant_base::{Clock, Coded, ManualClock, codes};
use oktant_client::{Browser, Call, Edges, Error, Org, Properties};
use oktant_sandbox::Sandbox;
use serde_json::Value;
use url::Url;

use crate::fake::{NoBrowser, free_port};

/// Reads a whole list of users; gives their number.
async fn read_users(org: &Org) -> Result<usize, Error> {
    let mut pages = org.pages(Call::operation("listUsers")?.arg("limit", "200")?);
    let mut users = 0;
    while let Some(page) = pages.next().await {
        users += serde_json::from_slice::<Vec<Value>>(&page?.body).expect("an array").len();
    }
    Ok(users)
}

#[tokio::test]
async fn a_list_takes_as_many_requests_as_it_has_pages() {
    let sandbox = Sandbox::builder().users(450).groups(3).start().await.unwrap();
    let org = Org::connect(&Properties::parse(&sandbox.dsn()).unwrap(), Edges::system()).await.unwrap();
    let users = read_users(&org).await.unwrap();
    assert!(users > 400, "{users}");
    assert_eq!(sandbox.requests().len(), users.div_ceil(200));
    assert_eq!(org.ledger().entries().len(), sandbox.requests().len());
    assert!(!org.rate_limits().is_empty());
}

/// A person at a browser without scripts: opens the page, fills the form in, follows the way back.
#[derive(Debug)]
struct Person {
    login: String,
    password: String,
}

impl Browser for Person {
    fn open(&self, url: &Url) {
        let (url, login, password) = (url.clone(), self.login.clone(), self.password.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(fill_in(url, login, password));
        });
    }
}

async fn fill_in(url: Url, login: String, password: String) {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let page = browser.get(url.clone()).send().await.unwrap().text().await.unwrap();
    let (_, rest) = page.split_once("name=\"request\" value=\"").expect("a login form");
    let (request, _) = rest.split_once('"').unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("request", request), ("username", &login), ("password", &password)])
        .finish();
    let post = browser.post(url.join("/signin").unwrap()).header("content-type", "application/x-www-form-urlencoded");
    let answer = post.body(form).send().await.unwrap();
    let back = answer.headers()["location"].to_str().unwrap();
    assert!(browser.get(back).send().await.unwrap().status().is_success());
}

fn properties(sandbox: &Sandbox, folder: &tempfile::TempDir, extra: &str) -> Properties {
    let text = format!(
        "BaseURL={};InitiateOAuth=GETANDREFRESH;Scope=okta.users.read offline_access;OAuthSettingsLocation={};\
         CallbackURL=http://localhost:{};{extra}",
        sandbox.url(),
        folder.path().join("OAuthSettings.txt").display(),
        free_port(),
    );
    Properties::parse(&text).expect("properties")
}

#[tokio::test]
async fn a_person_signs_in_once_and_stays_signed_in() {
    let sandbox = Sandbox::builder().users(5).start().await.unwrap();
    let confidential = format!("OAuthClientId={};OAuthClientSecret={}", sandbox.client_id(), sandbox.client_secret());
    let public = format!("AuthScheme=OAuthPKCE;OAuthClientId={}", sandbox.native_client_id());
    for client in [confidential, public] {
        let folder = tempfile::tempdir().unwrap();
        let person = Person { login: sandbox.admin_login().to_owned(), password: sandbox.admin_password().to_owned() };
        let edges = Edges { browser: Arc::new(person), ..Edges::system() };
        let org = Org::connect(&properties(&sandbox, &folder, &client), edges).await.unwrap();
        assert!(read_users(&org).await.unwrap() > 0);

        // The settings file is enough from here on, also once the access token has ended.
        let edges = Edges { browser: Arc::new(NoBrowser), ..Edges::system() };
        let again = Org::connect(&properties(&sandbox, &folder, &client), edges).await.unwrap();
        assert!(read_users(&again).await.unwrap() > 0);
        sandbox.expire_tokens();
        assert!(read_users(&again).await.unwrap() > 0);
        assert!(read_users(&org).await.unwrap() > 0, "the other connection takes up the refreshed token");

        let error = again.send(Call::operation("listGroups").unwrap()).await.unwrap_err();
        assert_eq!(error.code(), codes::OKT1013);
        assert!(error.to_string().contains("okta.groups.read"), "{error}");
    }
}

/// The scopes that reading all tables takes.
fn read_scopes() -> std::collections::BTreeSet<&'static str> {
    oktant_catalog::tables().iter().flat_map(|table| table.scopes).copied().collect()
}

#[tokio::test]
async fn the_documented_connection_string_works_word_for_word() {
    let sandbox = Sandbox::builder().users(5).groups(2).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("OAuthSettings.txt");
    let dsn = format!(
        "okta:///?Domain={}&InitiateOAuth=GETANDREFRESH&OAuthSettingsLocation={}",
        sandbox.url().trim_start_matches("http://"),
        settings.display()
    );
    let properties = Properties::parse(&dsn).unwrap();
    let person = Person { login: sandbox.admin_login().to_owned(), password: sandbox.admin_password().to_owned() };
    let bare = Edges { variables: Arc::default(), ..Edges::system() };
    let edges = Edges { browser: Arc::new(person), ..bare.clone() };
    let org = Org::connect(&properties, edges).await.unwrap();
    assert!(read_users(&org).await.unwrap() > 0);
    org.send(Call::operation("listGroups").unwrap()).await.unwrap();

    let kept: Value = serde_json::from_slice(&std::fs::read(&settings).unwrap()).unwrap();
    assert_eq!(kept["client_id"], oktant_base::SANDBOX_CLIENT_ID);
    let granted: Vec<&str> = kept["scope"].as_str().unwrap().split(' ').collect();
    assert!(granted.contains(&"offline_access"), "{granted:?}");
    let missing: Vec<_> = read_scopes().into_iter().filter(|scope| !granted.contains(scope)).collect();
    assert!(missing.is_empty(), "{missing:?}");

    // From here on the settings file is enough.
    sandbox.expire_tokens();
    let again = Org::connect(&properties, Edges { browser: Arc::new(NoBrowser), ..bare }).await.unwrap();
    assert!(read_users(&again).await.unwrap() > 0);
}

#[tokio::test]
async fn service_apps_sign_in_with_and_without_proofs() {
    let text = include_str!("../../src/auth/key/rsa_2048.json").replace(['\n', ' '], "");
    let key: Value = serde_json::from_str(&text).unwrap();
    let public = serde_json::json!({"kty": "RSA", "n": key["n"], "e": key["e"], "kid": "k1", "use": "sig"});
    let builder = Sandbox::builder().users(5).service_app_key(serde_json::from_value(public).unwrap());
    let sandbox = builder.start().await.unwrap();
    let dsn = |client: &str, extra: &str| {
        let url = sandbox.url();
        let text = format!(
            "BaseURL={url};OAuthClientId={client};Scope=okta.users.read;OAuthJWTKeyId=k1;OAuthJWTCert='{text}';{extra}"
        );
        Properties::parse(&text).unwrap()
    };
    let bound = sandbox.bound_service_client_id();
    for properties in [dsn(sandbox.service_client_id(), ""), dsn(bound, "DPoP=true")] {
        let org = Org::connect(&properties, Edges::system()).await.unwrap();
        assert!(read_users(&org).await.unwrap() > 0);
        sandbox.expire_tokens();
        assert!(read_users(&org).await.unwrap() > 0, "a new token is asked for");
    }
    let error = Org::connect(&dsn(bound, ""), Edges::system()).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT1015);
    assert!(error.hint().is_some_and(|hint| hint.contains("DPoP=true")), "{error}");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_by_the_clock() {
    let clock = Arc::new(ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap()));
    let sandbox = Sandbox::builder().users(5).clock(clock.clone()).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let person = Person { login: sandbox.admin_login().to_owned(), password: sandbox.admin_password().to_owned() };
    let edges = Edges { clock: clock.clone(), browser: Arc::new(person), ..Edges::system() };
    let client = format!("AuthScheme=OAuthPKCE;OAuthClientId={}", sandbox.native_client_id());
    let org = Org::connect(&properties(&sandbox, &folder, &client), edges).await.unwrap();
    read_users(&org).await.unwrap();
    clock.advance(Duration::from_secs(3550));
    sandbox.clear_requests();
    read_users(&org).await.unwrap();
    let statuses: Vec<u16> = sandbox.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 200], "a refresh and a page, no refusal at {}", clock.now());
}
