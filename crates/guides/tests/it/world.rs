//! The org that a snippet runs against, and what it finds beside `okta`.

use std::cell::RefCell;

use oktant_sdk::Method;
use oktant_sdk::models::Json;
use serde_json::{Value, json};

pub(crate) use oktant_sandbox::Sandbox;
pub(crate) use oktant_sdk::{Okta, Properties};

/// What the guide's Python tests furnish their org with, too.
const WORLD: &str = include_str!("../../../../docs/guides/sdk/world.json");
/// A JWK, of no use anywhere.
pub(crate) const PRIVATE_KEY: &str = include_str!("../../../client/src/auth/key/rsa_2048.json");

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) okta: Okta,
    pub(crate) org_url: String,
    pub(crate) token: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::builder().users(5).groups(2).seed(7).snowflake().start().await.unwrap();
        let okta = Okta::connect(&Properties::parse(&sandbox.dsn()).unwrap()).await.unwrap();
        for step in world()["org"].as_array().unwrap() {
            post(&okta, step["path"].as_str().unwrap(), step["body"].clone()).await.unwrap();
        }
        Self { org_url: sandbox.url(), token: sandbox.api_token().to_owned(), sandbox, okta }
    }
}

fn world() -> Value {
    serde_json::from_str(WORLD).unwrap()
}

async fn post(okta: &Okta, path: &str, body: Value) -> Result<Value, oktant_sdk::Error> {
    let answer = okta.request(Method::Post, path)?.json(&Json::from(body)).send_as::<Json>().await?;
    Ok(answer.to_value())
}

/// Makes a service app that [`PRIVATE_KEY`] belongs to, and answers its client id.
pub(crate) async fn service_app(okta: &Okta) -> Result<String, oktant_sdk::Error> {
    let key: Value = serde_json::from_str(PRIVATE_KEY).unwrap();
    let mut app = world()["service_app"].clone();
    let public = json!({"kty": key["kty"], "n": key["n"], "e": key["e"], "kid": "k1", "use": "sig"});
    app["settings"]["oauthClient"]["jwks"] = json!({"keys": [public]});
    let id = post(okta, "/api/v1/apps", app).await?["id"].as_str().unwrap().to_owned();
    let issuer = okta.org().properties().org.as_str().trim_end_matches('/');
    let grant = json!({"scopeId": "okta.users.read", "issuer": issuer});
    post(okta, &format!("/api/v1/apps/{id}/grants"), grant).await?;
    Ok(id)
}

/// The code that the org sent last.
pub(crate) async fn received(okta: &Okta) -> Result<String, oktant_sdk::Error> {
    let sent = okta.request(Method::Get, "/sandbox/outbox")?.send_as::<Json>().await?.to_value();
    Ok(sent.as_array().unwrap().last().unwrap()["code"].as_str().unwrap().to_owned())
}

thread_local! {
    static PRINTED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a line for [`printed`]: snippets print with it.
pub(crate) fn print(line: &str) {
    PRINTED.with_borrow_mut(|printed| {
        printed.push_str(line);
        printed.push('\n');
    });
}

/// What the snippet printed.
pub(crate) fn printed() -> String {
    PRINTED.take()
}
