//! A service in the same process, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use oktant_base::{ManualClock, Secret, SeededEntropy};
use oktant_scim::memory::Memory;
use oktant_scim::{Limits, Profile, ScimClient, Settings, router};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub(crate) const OKTA: Profile = Profile::Snowflake { client: ScimClient::Okta };

const TOKEN: &str = "canary-token";
pub(crate) const BASE: &str = "http://scim.example/scim/v2";

/// A service mounted as a server would.
pub(crate) struct Service {
    app: Router,
    pub(crate) memory: Arc<Memory>,
    pub(crate) clock: Arc<ManualClock>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `Null` where there is none.
    pub(crate) body: Value,
}

impl Service {
    pub(crate) fn new(profile: Profile) -> Self {
        Self::limited(profile, Limits::default())
    }

    pub(crate) fn limited(profile: Profile, limits: Limits) -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(clock.clone(), Arc::new(SeededEntropy::new(1))));
        memory.add_token(Secret::new(TOKEN.to_owned()), profile);
        let settings = Settings { limits, ..Settings::new(Secret::new([7; 32]), clock.clone()) };
        let app = Router::new().nest_service("/scim/v2", router(memory.clone(), settings));
        Self { app, memory, clock }
    }

    pub(crate) fn advance(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    /// A request with the token; `path` is below the base URL.
    pub(crate) fn request(method: Method, path: &str, body: Option<&Value>) -> Request<Body> {
        let text = body.map(Value::to_string).unwrap_or_default();
        Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header(header::HOST, "scim.example")
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/scim+json")
            .body(Body::from(text))
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Self::request(Method::GET, path, None)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Self::request(Method::DELETE, path, None)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Self::request(Method::POST, path, Some(&body))).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Self::request(Method::PUT, path, Some(&body))).await
    }

    /// A PATCH of these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.send(Self::request(Method::PATCH, path, Some(&body))).await
    }

    /// A request with one header more, or another value of one.
    pub(crate) async fn with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        name: &str,
        value: &str,
    ) -> Answer {
        let mut request = Self::request(method, path, body);
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        self.send(request).await
    }

    /// Makes a user and gives the id.
    pub(crate) async fn user(&self, name: &str) -> String {
        self.post("/Users", user(name)).await.created()
    }

    /// Makes a group and gives the id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        self.post("/Groups", json!({ "schemas": [GROUP], "displayName": name, "members": members })).await.created()
    }

    /// Ids of the members of a group.
    pub(crate) async fn members(&self, id: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{id}")).await.is(200);
        let members = group.body["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }
}

impl Answer {
    /// Checks the status, and that a refusal is worded as SCIM does.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        if self.status >= 400 {
            assert_eq!(self.body["schemas"], json!([ERROR]));
            assert_eq!(self.body["status"], status.to_string());
            assert_ne!(self.body["detail"].as_str().unwrap_or_default(), "");
        }
        if !self.text.is_empty() {
            assert_eq!(self.headers[header::CONTENT_TYPE], "application/scim+json", "M1");
        }
        self
    }

    /// Checks a refusal.
    #[track_caller]
    pub(crate) fn refused(self, status: StatusCode, scim_type: &str) -> Self {
        let answer = self.is(status.as_u16());
        assert_eq!(answer.body["scimType"], scim_type, "{}", answer.text);
        answer
    }

    /// Checks a 400 of this type.
    #[track_caller]
    pub(crate) fn bad(self, scim_type: &str) -> Self {
        self.refused(StatusCode::BAD_REQUEST, scim_type)
    }

    #[track_caller]
    pub(crate) fn created(self) -> String {
        let answer = self.is(201);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// A member of the names of the resources of a list.
    #[track_caller]
    pub(crate) fn names(&self, attribute: &str) -> Vec<&str> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.resources().iter().map(|resource| resource[attribute].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn resources(&self) -> &Vec<Value> {
        self.body["Resources"].as_array().unwrap()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// The body of a user as Okta sends it.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "name": { "givenName": "Given", "familyName": "Family" },
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "displayName": "Given Family",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "canary-password",
        "active": true,
    })
}

/// A query in which everything but letters and digits is escaped.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::from("?")).extend_pairs(parameters).finish()
}
