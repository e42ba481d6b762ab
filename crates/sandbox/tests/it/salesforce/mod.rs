//! The Salesforce org over HTTP, as a stranger's client sees it.

mod errors;
mod faults;
mod identity;
mod oauth;
mod records;
mod resources;
mod several;

use std::sync::Arc;

use oktant_base::ManualClock;
use oktant_sandbox::{Salesforce, SalesforceBuilder, SalesforceSchema};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::support::NOW;

/// Where the API begins.
const DATA: &str = "/services/data/v62.0";

/// An org with a client that carries the administrator's token.
struct Sf {
    org: Salesforce,
    clock: Arc<ManualClock>,
    client: reqwest::Client,
    token: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    json: Value,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a whole body");
        Self { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// Status, code and message of an error of the REST API.
    fn error(&self) -> (u16, &str, &str) {
        let text = |name: &str| self.json[0][name].as_str().unwrap_or_default();
        (self.status.as_u16(), text("errorCode"), text("message"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("an id in {}", self.text)).to_owned()
    }
}

impl Sf {
    async fn start(settings: SalesforceBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().expect("a valid instant")));
        let org = settings.clock(clock.clone()).start().await.expect("a free port");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let token = org.announcement().access_token.clone();
        Self { org, clock, client, token }
    }

    async fn new() -> Self {
        Self::start(Salesforce::builder()).await
    }

    /// An org with an external id on contacts, one that is unique, and an object of its own.
    async fn custom() -> Self {
        let schema = SalesforceSchema::parse(
            r#"{ "objects": {
                "Contact": { "fields": { "Key__c": "string(20) external", "Badge__c": "string(20) external unique",
                    "Skills__c": "multipicklist restricted: Rust | Go | Ada" } },
                "Invoice__c": { "label": "Invoice", "fields": { "Account__c": "reference -> Account", "Total__c": "currency" } }
            } }"#,
        );
        Self::start(Salesforce::builder().schema(schema.unwrap())).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.org.url()) };
        self.client.request(Method::from_bytes(method.as_bytes()).expect("a method"), url)
    }

    async fn raw(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Sends to a path below [`DATA`], or to a whole one, with the token.
    async fn send(&self, method: &str, path: &str, body: impl Into<Option<Value>>) -> Answer {
        let path = if path.starts_with("/services") { path.to_owned() } else { format!("{DATA}{path}") };
        let mut request = self.request(method, &path).bearer_auth(&self.token);
        if let Some(body) = body.into() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.raw(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    async fn query(&self, text: &str) -> Answer {
        self.get(&format!("/query?q={}", encoded(text))).await
    }

    /// Creates a record and gives its id.
    async fn create(&self, object: &str, body: Value) -> String {
        let answer = self.send("POST", &format!("/sobjects/{object}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    /// The id of what has a name.
    async fn named(&self, object: &str, name: &str) -> String {
        let found = self.query(&format!("SELECT Id FROM {object} WHERE Name = '{name}'")).await;
        found.json["records"][0]["Id"]
            .as_str()
            .unwrap_or_else(|| panic!("{object} {name} in {}", found.text))
            .to_owned()
    }

    /// The body of a new user.
    async fn user_body(&self, username: &str, profile: &str) -> Value {
        json!({
            "Username": username, "LastName": "Lovelace", "FirstName": "Ada", "Email": username, "Alias": "ada",
            "ProfileId": self.named("Profile", profile).await, "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "de_DE",
            "LanguageLocaleKey": "de", "EmailEncodingKey": "UTF-8",
        })
    }

    async fn user(&self, username: &str, profile: &str) -> String {
        let body = self.user_body(username, profile).await;
        self.create("User", body).await
    }

    /// Posts a form without credentials.
    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.raw(self.request("POST", path).header("content-type", "application/x-www-form-urlencoded").body(body))
            .await
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
