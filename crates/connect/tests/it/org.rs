//! A Salesforce org of the sandbox with a connection to it, made as a person makes one.

use std::collections::BTreeMap;

use oktant_base::{Secret, SeededEntropy};
use oktant_connect::connection::{Auth, Connection, Connections, Secrets, SignIn};
use oktant_connect::manifest::Manifest;
use oktant_engine::{Actions, CardError, Outcome};
use oktant_sandbox::{Salesforce, SalesforceBuilder};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::common::{Bench, call, outputs};

pub(crate) const TOKEN: &str = "/services/oauth2/token";

/// Pages are seen as a browser sees them, which keeps a cookie and does not leave for another host.
fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn hidden(page: &str) -> &str {
    page.split_once("name=\"request\" value=\"").unwrap().1.split('"').next().unwrap()
}

/// Logs in and answers the consent page; gives the address that the browser is sent to.
pub(crate) async fn consent(org: &Salesforce, authorize: &Url, decision: &str) -> String {
    let (browser, known) = (browser(), org.announcement());
    let post = async |path: &str, fields: &[(&str, &str)], cookie: &str| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = browser.post(format!("{}{path}", org.url())).body(body).header("cookie", cookie);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    let page = browser.get(authorize.clone()).send().await.unwrap().text().await.unwrap();
    let fields = [("request", hidden(&page)), ("username", &known.user), ("password", &known.password)];
    let answer = post("/login", &fields, "").await;
    // Who agreed before is not asked again.
    if let Some(location) = answer.headers().get("location") {
        return location.to_str().unwrap().to_owned();
    }
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = answer.text().await.unwrap();
    let fields = [("request", hidden(&page)), ("decision", decision)];
    let answer = post("/setup/secur/RemoteAccessAuthorizationPage", &fields, &cookie).await;
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// A draft of a connection to the org by its connected app.
pub(crate) fn draft(connections: &Connections, org: &Salesforce, name: &str, auth: Auth) -> (Connection, Secrets) {
    let known = org.announcement();
    let mut settings: BTreeMap<String, String> = BTreeMap::from([
        ("domain".to_owned(), known.login_url.clone()),
        ("client_id".to_owned(), known.client_id.clone()),
    ]);
    Manifest::own()["salesforce"].derive(&mut settings).unwrap();
    let secret = ("client_secret".to_owned(), Secret::new(known.client_secret.clone()));
    (Connection { settings, ..connections.draft(name, "salesforce", auth) }, Secrets::of([secret]))
}

/// Makes the connection `sf` by consent, or authorises it anew.
pub(crate) async fn sign_in(bench: &Bench, org: &Salesforce) -> Connection {
    let connections = bench.connectors.connections();
    let (connection, secrets) = draft(connections, org, "sf", Auth::OauthCode);
    let sign_in = SignIn::new(connection, secrets, &SeededEntropy::new(3)).unwrap();
    let location = consent(org, sign_in.url(), "allow").await;
    let live = sign_in.pasted(connections, &location).await.unwrap();
    connections.put(live.connection, &live.secrets, true).await.unwrap()
}

pub(crate) struct Setting {
    pub(crate) bench: Bench,
    pub(crate) org: Salesforce,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        Self::with(Salesforce::builder()).await
    }

    pub(crate) async fn with(org: SalesforceBuilder) -> Self {
        let setting = Self { org: org.start().await.unwrap(), bench: Bench::new().await };
        sign_in(&setting.bench, &setting.org).await;
        setting
    }

    pub(crate) async fn attempt(
        &self,
        operation: &str,
        options: &[(&str, &str)],
        inputs: Value,
    ) -> Result<Outcome, CardError> {
        self.bench.connectors.call(call(&format!("salesforce2_29:{operation}"), "sf", options, inputs)).await
    }

    pub(crate) async fn run(&self, operation: &str, options: &[(&str, &str)], inputs: Value) -> Value {
        let outcome = self.attempt(operation, options, inputs).await;
        outputs(outcome.unwrap_or_else(|error| panic!("{operation}: {error:?}")))
    }

    pub(crate) async fn refused(&self, operation: &str, options: &[(&str, &str)], inputs: Value) -> CardError {
        self.attempt(operation, options, inputs).await.unwrap_err()
    }

    /// Makes a user; its id.
    pub(crate) async fn user(&self, username: &str, profile: &str) -> Value {
        self.run("createUser", &[], new_user(username, profile)).await["User.User ID"].clone()
    }

    /// How many requests the org had below a path.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.org.requests().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

pub(crate) fn new_user(username: &str, profile: &str) -> Value {
    json!({
        "User.FirstName": "Ann", "User.LastName": "O'Neil", "User.Username": username, "User.Email": username,
        "User.Profile Name": profile, "User.EmailEncodingKey": "UTF-8", "User.LocaleSidKey": "en_US",
        "User.LanguageLocaleKey": "en_US", "User.TimeZoneSidKey": "America/Los_Angeles", "User.Department": "",
    })
}

/// The record of an object in which a field has a value.
pub(crate) fn record(org: &Salesforce, object: &str, field: &str, value: &str) -> Option<Value> {
    org.records(object).into_iter().find(|record| record[field] == value)
}
