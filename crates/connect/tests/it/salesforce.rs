//! Salesforce cards against a small service that keeps users, ends tokens and fails on demand.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Form, Json, Router};
use oktant_connect::Error;
use oktant_connect::connection::{Auth, Secrets, SignIn};
use oktant_engine::{Actions, ErrorKind, Idempotency};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::common::{Bench, call, connections, outputs, serve};

#[derive(Debug, Default)]
struct Org {
    /// The access token that is valid now.
    token: u32,
    /// The refresh token that is valid now; 0 for none.
    refresh: u32,
    refreshes: u32,
    users: BTreeMap<String, Value>,
    /// Answers to give before anything is done.
    faults: Vec<(u16, Option<&'static str>)>,
    /// Users are made, but the answer says otherwise.
    lose_answers: bool,
    licenses: usize,
}

type Shared = Arc<Mutex<Org>>;

fn refused(status: u16, code: &str, message: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!([{"errorCode": code, "message": message}]))).into_response()
}

#[expect(clippy::result_large_err, reason = "the refusal is the answer")]
fn admitted(org: &mut Org, headers: &HeaderMap) -> Result<(), Response> {
    if let Some((status, retry_after)) = org.faults.pop() {
        let mut response = refused(status, "SERVER_UNAVAILABLE", "try later");
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", seconds.parse().unwrap());
        }
        return Err(response);
    }
    let expected = format!("Bearer at{}", org.token);
    match headers.get("authorization") {
        Some(given) if given == expected.as_str() => Ok(()),
        _ => Err(refused(401, "INVALID_SESSION_ID", "Session expired or invalid")),
    }
}

async fn token(State(org): State<Shared>, headers: HeaderMap, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let mut org = org.lock();
    let is_client = form.get("client_secret").is_some_and(|secret| secret == "s3cret-client");
    let valid = match form["grant_type"].as_str() {
        "refresh_token" => org.refresh > 0 && form["refresh_token"] == format!("rt{}", org.refresh),
        "authorization_code" => form["code"] == "aPrx==" && form["code_verifier"].len() >= 43,
        _ => false,
    };
    if !valid || !is_client {
        let body = json!({"error": "invalid_grant", "error_description": "expired access/refresh token"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    org.token += 1;
    org.refresh += 1;
    org.refreshes += 1;
    let host = headers["host"].to_str().unwrap();
    let body = json!({
        "access_token": format!("at{}", org.token), "refresh_token": format!("rt{}", org.refresh),
        "instance_url": format!("http://{host}"), "id": format!("http://{host}/id/00D/005"), "token_type": "Bearer",
    });
    Json(body).into_response()
}

async fn query(
    State(org): State<Shared>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let mut org = org.lock();
    if let Err(response) = admitted(&mut org, &headers) {
        return response;
    }
    let soql = &query["q"];
    let text = soql.split('\'').nth(1).unwrap_or_default();
    let records: Vec<Value> = if soql.contains("FROM Profile") {
        [("Chatter Free User", "00e1"), ("Standard User", "00e2")]
            .iter()
            .filter(|(name, _)| *name == text)
            .map(|(_, id)| json!({"Id": id}))
            .collect()
    } else if soql.contains("FROM UserLogin") {
        vec![json!({"Id": "0Yw1", "IsFrozen": false})]
    } else {
        org.users.values().filter(|user| user["Username"] == text).cloned().collect()
    };
    Json(json!({"totalSize": records.len(), "done": true, "records": records})).into_response()
}

async fn create(State(org): State<Shared>, headers: HeaderMap, Json(mut user): Json<Value>) -> Response {
    let mut org = org.lock();
    if let Err(response) = admitted(&mut org, &headers) {
        return response;
    }
    if org.users.values().any(|known| known["Username"] == user["Username"]) {
        return refused(400, "DUPLICATE_USERNAME", "Duplicate Username");
    }
    if org.users.len() >= org.licenses {
        return refused(400, "LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded");
    }
    let id = format!("005{:03}", org.users.len());
    user["Id"] = json!(id);
    user["IsActive"] = json!(true);
    org.users.insert(id.clone(), user);
    if org.lose_answers {
        return (StatusCode::BAD_GATEWAY, "lost").into_response();
    }
    (StatusCode::CREATED, Json(json!({"id": id, "success": true, "errors": []}))).into_response()
}

async fn change(
    State(org): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(changes): Json<Value>,
) -> Response {
    let mut org = org.lock();
    if let Err(response) = admitted(&mut org, &headers) {
        return response;
    }
    let Some(user) = org.users.get_mut(&id) else {
        return refused(404, "NOT_FOUND", "The requested resource does not exist");
    };
    user["IsActive"] = changes["IsActive"].clone();
    StatusCode::NO_CONTENT.into_response()
}

struct Setting {
    bench: Bench,
    org: Shared,
    url: String,
}

fn settings(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("authorize_url", format!("{url}/services/oauth2/authorize")),
        ("token_url", format!("{url}/services/oauth2/token")),
        ("client_id", "3MVG9".to_owned()),
        ("instance_url", url.to_owned()),
        ("scope", "full refresh_token".to_owned()),
    ]
}

impl Setting {
    async fn new() -> Self {
        let org = Shared::new(Mutex::new(Org { token: 1, refresh: 1, licenses: 10, ..Org::default() }));
        let router = Router::new()
            .route("/services/oauth2/token", post(token))
            .route(
                "/services/oauth2/userinfo",
                get(|| async { Json(json!({"preferred_username": "admin@acme.example"})) }),
            )
            .route("/services/data/v62.0/query", get(query))
            .route("/services/data/v62.0/sobjects/User", post(create))
            .route("/services/data/v62.0/sobjects/User/{id}", patch(change))
            .with_state(org.clone());
        let url = serve(router).await;
        let bench = Bench::new().await;
        let settings = settings(&url);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let secrets = [("client_secret", "s3cret-client"), ("access_token", "at1"), ("refresh_token", "rt1")];
        bench.connect("sf", "salesforce", Auth::OauthCode, &settings, &secrets).await;
        Self { bench, org, url }
    }

    fn new_user() -> Value {
        json!({
            "User.FirstName": "Ann", "User.LastName": "O'Neil", "User.Username": "ann@acme.example",
            "User.Email": "ann@acme.example", "User.Profile Name": "Chatter Free User", "User.EmailEncodingKey": "UTF-8",
            "User.LocaleSidKey": "en_US", "User.LanguageLocaleKey": "en_US", "User.TimeZoneSidKey": "America/Los_Angeles",
            "User.Department": "",
        })
    }

    async fn create(&self) -> Result<Value, oktant_engine::CardError> {
        self.bench.connectors.call(call("salesforce2_29:createUser", "sf", &[], Self::new_user())).await.map(outputs)
    }

    async fn search(&self) -> Value {
        let search = call(
            "salesforce2_29:searchUsers",
            "sf",
            &[("searchBy", "Username")],
            json!({"Query.keyword": "ann@acme.example"}),
        );
        outputs(self.bench.connectors.call(search).await.unwrap())
    }
}

#[tokio::test]
async fn a_user_is_searched_created_deactivated_and_activated() {
    let setting = Setting::new().await;
    let found = setting.search().await;
    assert_eq!(found["Result.User ID"], Value::Null, "no match gives empty outputs: {found}");
    let made = setting.create().await.unwrap();
    assert_eq!(made, json!({"User.User ID": "005000"}));
    let stored = setting.org.lock().users["005000"].clone();
    assert_eq!(stored["ProfileId"], "00e1");
    assert_eq!(stored["Alias"], "ann@acme");
    assert_eq!(stored["LastName"], "O'Neil");
    assert_eq!(
        stored.get("Profile Name").or_else(|| stored.get("Department")),
        None,
        "empty and resolved inputs are not sent"
    );
    let found = setting.search().await;
    assert_eq!(
        (&found["Result.User ID"], &found["Result.Is Active?"], &found["Result.Is Frozen?"]),
        (&json!("005000"), &json!(true), &json!(false))
    );
    for (operation, active) in [("deactivateUser", false), ("activateUser", true)] {
        let changed = call(&format!("salesforce2_29:{operation}"), "sf", &[], json!({"User.User ID": "005000"}));
        assert_eq!(
            outputs(setting.bench.connectors.call(changed).await.unwrap()),
            json!({"Response.Status Code": 204})
        );
        assert_eq!(setting.org.lock().users["005000"]["IsActive"], json!(active));
    }
    assert_eq!(setting.bench.connectors.test("sf").await.unwrap().account(), Some("admin@acme.example"));
}

#[tokio::test]
async fn refusals_show_the_services_own_words() {
    let setting = Setting::new().await;
    setting.org.lock().licenses = 0;
    let error = setting.create().await.unwrap_err();
    assert_eq!(error.message, "Bad Request: License Limit Exceeded");
    assert_eq!((error.status, error.kind), (Some(400), ErrorKind::Refused));
    assert!(setting.org.lock().users.is_empty());
    let mut inputs = Setting::new_user();
    inputs["User.Profile Name"] = json!("Wizard");
    let error = setting.bench.connectors.call(call("salesforce2_29:createUser", "sf", &[], inputs)).await.unwrap_err();
    assert_eq!(error.message, "there is no profile \"Wizard\"");
}

#[tokio::test]
async fn an_ended_token_is_renewed_once_for_many_runs_and_rotation_is_kept() {
    let setting = Setting::new().await;
    setting.org.lock().token = 7;
    let searches = (0..20).map(|_| setting.search());
    for found in futures::future::join_all(searches).await {
        assert_eq!(found["Result.User ID"], Value::Null);
    }
    assert_eq!(setting.org.lock().refreshes, 1, "one renewal for 20 runs");
    // The rotated refresh token is what the next renewal uses.
    setting.org.lock().token = 70;
    setting.search().await;
    let org = setting.org.lock();
    assert_eq!((org.refreshes, org.refresh), (2, 3));
}

#[tokio::test]
async fn two_processes_that_share_a_store_renew_once() {
    let setting = Setting::new().await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("flows.db").display());
    let benches = [Bench::over(connections(&url).await), Bench::over(connections(&url).await)];
    let settings = settings(&setting.url);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let secrets = [("client_secret", "s3cret-client"), ("access_token", "at1"), ("refresh_token", "rt1")];
    benches[0].connect("sf", "salesforce", Auth::OauthCode, &settings, &secrets).await;
    setting.org.lock().token = 9;
    let search =
        || call("salesforce2_29:searchUsers", "sf", &[("searchBy", "Username")], json!({"Query.keyword": "x"}));
    let searches = (0..10).map(|number| benches[number % 2].connectors.call(search()));
    for outcome in futures::future::join_all(searches).await {
        outcome.unwrap();
    }
    assert_eq!(setting.org.lock().refreshes, 1, "one renewal for both");
    let bytes = std::fs::read(folder.path().join("flows.db")).unwrap();
    for secret in ["s3cret-client", "at10", "rt2"] {
        assert!(
            !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "{secret} lies in the database"
        );
    }
}

#[tokio::test]
async fn a_revoked_refresh_token_breaks_the_connection_until_it_is_made_again() {
    let setting = Setting::new().await;
    {
        let mut org = setting.org.lock();
        (org.token, org.refresh) = (5, 0);
    }
    let error = setting.create().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    assert!(
        error.message.contains("connection \"sf\" is broken") && error.message.contains("--replace"),
        "{}",
        error.message
    );
    let known = setting.bench.connectors.connections().get("sf").await.unwrap();
    assert!(known.broken.as_deref().unwrap().contains("expired access/refresh token"));
    // It is not asked again, and named as what it is.
    let before = setting.org.lock().refreshes;
    assert_eq!(setting.create().await.unwrap_err().kind, ErrorKind::Connection);
    assert_eq!(setting.org.lock().refreshes, before);
    let settings = settings(&setting.url);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let again = setting.bench.connect("sf", "salesforce", Auth::OauthCode, &settings, &[("access_token", "at5")]).await;
    assert_eq!(again.id, known.id, "cards stay bound");
    setting.create().await.unwrap();
}

#[tokio::test]
async fn limits_and_outages_are_waited_out_and_nothing_is_doubled() {
    let setting = Setting::new().await;
    setting.org.lock().faults = vec![(503, Some("0")), (429, Some("0"))];
    setting.create().await.unwrap();
    assert_eq!(setting.org.lock().users.len(), 1);
    // Longer than a card waits by itself: the engine is told how long.
    setting.org.lock().faults = vec![(429, Some("600"))];
    let error = setting.create().await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (ErrorKind::RateLimited, Some(600)));
    assert_eq!(setting.org.lock().users.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_before_the_user_is_made_again() {
    let setting = Setting::new().await;
    let info = setting.bench.connectors.describe("salesforce2_29:createUser").unwrap();
    assert_eq!(info.idempotency, Idempotency::SearchFirst);
    let new_user = || call("salesforce2_29:createUser", "sf", &[], Setting::new_user());
    assert_eq!(setting.bench.connectors.search_first(new_user()).await.unwrap(), None);
    setting.org.lock().lose_answers = true;
    assert_eq!(setting.create().await.unwrap_err().kind, ErrorKind::OutcomeUnknown);
    let found = setting.bench.connectors.search_first(new_user()).await.unwrap().unwrap();
    assert_eq!(outputs(found), json!({"User.User ID": "005000"}));
}

#[tokio::test]
async fn a_code_that_was_copied_from_another_browser_makes_a_connection() {
    let setting = Setting::new().await;
    let connections = setting.bench.connectors.connections();
    let mut draft = connections.draft("new", "salesforce", Auth::OauthCode);
    draft.settings = settings("http://127.0.0.1:1").into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    draft.settings.insert("token_url".to_owned(), format!("{}/services/oauth2/token", setting.url));
    draft.settings.remove("instance_url");
    let secrets = || Secrets::of([("client_secret".to_owned(), oktant_base::Secret::new("s3cret-client".to_owned()))]);
    let sign_in = SignIn::new(draft.clone(), secrets(), &oktant_base::SeededEntropy::new(1)).unwrap();
    assert!(sign_in.url().query().unwrap().contains("code_challenge_method=S256"));
    let live = sign_in.pasted(connections, "aPrx==\n").await.unwrap();
    assert_eq!(live.connection.setting("instance_url"), Some(setting.url.as_str()));
    let sign_in = SignIn::new(draft, secrets(), &oktant_base::SeededEntropy::new(2)).unwrap();
    let error = sign_in.pasted(connections, "wrong").await.unwrap_err();
    assert!(matches!(error, Error::OAuth { .. }), "{error}");
}

#[tokio::test]
async fn a_custom_action_stays_on_the_instance() {
    let setting = Setting::new().await;
    let custom = |address: &str| {
        call(
            "salesforce:customAPIAction",
            "sf",
            &[("requestType", "GET")],
            json!({"Request.Relative URL": address, "Request.Query": {"q": "SELECT Id FROM User"}}),
        )
    };
    let answer = outputs(setting.bench.connectors.call(custom("/services/data/v62.0/query")).await.unwrap());
    assert_eq!((&answer["Response.Status Code"], &answer["Response.Body"]["done"]), (&json!(200), &json!(true)));
    let elsewhere = serve(Router::new().fallback(|| async { "elsewhere" })).await;
    let error = setting.bench.connectors.call(custom(&format!("{elsewhere}/x"))).await.unwrap_err();
    assert!(error.message.contains("is not on"), "{}", error.message);
}

#[tokio::test]
async fn an_empty_or_dotted_id_addresses_nothing() {
    let setting = Setting::new().await;
    for id in ["", ".", ".."] {
        let change = call("salesforce2_29:deactivateUser", "sf", &[], json!({"User.User ID": id}));
        let error = setting.bench.connectors.call(change).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input, "{id}: {}", error.message);
    }
}
