//! Custom authorization servers: what they contain, their keys, and the tokens that they hand out
//! under their policies.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{Answer, Org};

const SERVERS: &str = "/api/v1/authorizationServers";

/// A server with a scope, a claim, and one rule for one grant type.
struct Server {
    path: String,
    id: String,
    rule: String,
}

async fn server(org: &Org, grant: &str) -> Server {
    let body = json!({ "name": "Shop", "description": "for a test", "audiences": ["api://shop"] });
    let made = org.expect(201, "POST", SERVERS, Some(body)).await.json;
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("{SERVERS}/{id}");
    org.expect(201, "POST", &format!("{path}/scopes"), Some(json!({ "name": "orders.read" }))).await;
    let claim = json!({ "name": "tier", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": "\"gold\"",
        "status": "ACTIVE", "alwaysIncludeInToken": true, "conditions": { "scopes": ["orders.read"] } });
    org.expect(201, "POST", &format!("{path}/claims"), Some(claim)).await;
    let policy = json!({ "type": "OAUTH_AUTHORIZATION_POLICY", "name": "All", "description": "all", "priority": 1,
        "status": "ACTIVE", "conditions": { "clients": { "include": ["ALL_CLIENTS"] } } });
    let policy = org.expect(201, "POST", &format!("{path}/policies"), Some(policy)).await.json;
    let rules = format!("{path}/policies/{}/rules", policy["id"].as_str().unwrap());
    let rule = json!({ "type": "RESOURCE_ACCESS", "name": "One", "priority": 1, "status": "ACTIVE",
        "conditions": { "people": { "groups": { "include": ["EVERYONE"] } }, "grantTypes": { "include": [grant] },
            "scopes": { "include": ["orders.read"] } },
        "actions": { "token": { "accessTokenLifetimeMinutes": 5, "refreshTokenWindowMinutes": 60 } } });
    let rule = org.expect(201, "POST", &rules, Some(rule)).await.json;
    Server { rule: format!("{rules}/{}", rule["id"].as_str().unwrap()), path, id }
}

/// An application of a kind with a secret; gives its id and its secret.
async fn client(org: &Org, kind: &str, grants: &[&str]) -> (String, String) {
    let body = json!({ "name": "oidc_client", "label": "Client", "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "client_secret_post" } },
        "settings": { "oauthClient": { "application_type": kind, "grant_types": grants, "response_types": ["code", "token"],
            "redirect_uris": ["http://localhost/callback"] } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json;
    let own = &app["credentials"]["oauthClient"];
    (own["client_id"].as_str().unwrap().to_owned(), own["client_secret"].as_str().unwrap().to_owned())
}

async fn form(org: &Org, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = fields.iter().fold(url::form_urlencoded::Serializer::new(String::new()), |mut out, (name, value)| {
        out.append_pair(name, value);
        out
    });
    let request = org.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    org.raw(request.body({
        let mut body = body;
        body.finish()
    }))
    .await
}

/// The claims of a token, checked with the keys that the server publishes.
async fn claims(org: &Org, id: &str, token: &str) -> Value {
    let keys = org.raw(org.request("GET", &format!("/oauth2/{id}/v1/keys"))).await.json;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("a published key")).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_new_server_has_the_system_scopes_and_claims() {
    let org = Org::empty().await;
    let Server { path, id, .. } = server(&org, "password").await;
    let scopes = org.get(&format!("{path}/scopes")).await;
    let system = ["openid", "profile", "email", "address", "phone", "offline_access", "device_sso"];
    assert_eq!(scopes.column("/name")[..7], system);
    let claims = org.get(&format!("{path}/claims")).await;
    assert_eq!(claims.json.as_array().unwrap().iter().filter(|claim| claim["system"] == true).count(), 19);
    let discovery = org.raw(org.request("GET", &format!("/oauth2/{id}/.well-known/openid-configuration"))).await.json;
    let issuer = format!("{}/oauth2/{id}", org.sandbox.url());
    assert_eq!(
        (&discovery["issuer"], &discovery["token_endpoint"]),
        (&json!(issuer), &json!(format!("{issuer}/v1/token")))
    );
    assert_eq!(discovery["scopes_supported"], json!(system));
    let unknown = org.raw(org.request("GET", "/oauth2/ausnone/.well-known/openid-configuration")).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "E0000007"));
}

#[tokio::test]
async fn rotation_makes_the_next_key_sign_and_keeps_the_old_one_for_checking() {
    let org = Org::empty().await;
    let Server { path, .. } = server(&org, "password").await;
    let before = org.get(&format!("{path}/credentials/keys")).await;
    assert_eq!(before.column("/status"), ["ACTIVE", "NEXT"]);
    let rotate = format!("{path}/credentials/lifecycle/keyRotate");
    org.expect(400, "POST", &rotate, Some(json!({ "use": "enc" }))).await;
    let after = org.expect(200, "POST", &rotate, Some(json!({ "use": "sig" }))).await;
    assert_eq!(after.column("/status"), ["ACTIVE", "NEXT", "EXPIRED"]);
    assert_eq!(after.json[0]["kid"], before.json[1]["kid"]);
    assert_eq!(after.json[0]["n"], before.json[1]["n"]);
    assert_eq!(after.json[2]["kid"], before.json[0]["kid"]);
    assert_eq!(org.get(&path).await.json["credentials"]["signing"]["kid"], after.json[0]["kid"]);
}

#[tokio::test]
async fn client_credentials_give_what_a_rule_allows() {
    let org = Org::empty().await;
    let Server { id, path, rule } = server(&org, "client_credentials").await;
    let (client, secret) = client(&org, "service", &["client_credentials"]).await;
    let token = format!("/oauth2/{id}/v1/token");
    let fields = |scope| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("client_secret", secret.as_str()),
            ("scope", scope),
        ]
    };
    let given = form(&org, &token, &fields("orders.read")).await;
    assert_eq!((given.status.as_u16(), &given.json["expires_in"]), (200, &json!(300)), "{}", given.json);
    let access = given.json["access_token"].as_str().unwrap();
    let found = claims(&org, &id, access).await;
    assert_eq!(found["iss"], format!("{}/oauth2/{id}", org.sandbox.url()));
    assert_eq!((&found["aud"], &found["sub"], &found["tier"]), (&json!("api://shop"), &json!(client), &json!("gold")));
    assert_eq!(found["scp"], json!(["orders.read"]));

    let unknown = form(&org, &token, &fields("orders.write")).await;
    assert_eq!(unknown.json["error"], "invalid_scope");
    let body = [("token", access), ("client_id", client.as_str()), ("client_secret", secret.as_str())];
    let good = form(&org, &format!("/oauth2/{id}/v1/introspect"), &body).await.json;
    assert_eq!((&good["active"], &good["aud"]), (&json!(true), &json!("api://shop")));
    let elsewhere = form(&org, "/oauth2/v1/introspect", &body).await.json;
    assert_eq!(elsewhere, json!({ "active": false }));
    assert_eq!(form(&org, &format!("/oauth2/{id}/v1/revoke"), &body).await.status.as_u16(), 200);
    let revoked = form(&org, &format!("/oauth2/{id}/v1/introspect"), &body).await.json;
    assert_eq!(revoked, json!({ "active": false }));
    let api = org.raw(org.request("GET", "/api/v1/users").header("authorization", format!("Bearer {access}"))).await;
    assert_eq!(api.status.as_u16(), 401);

    org.expect(204, "POST", &format!("{rule}/lifecycle/deactivate"), None).await;
    let denied = form(&org, &token, &fields("orders.read")).await;
    assert_eq!((denied.status.as_u16(), &denied.json["error"]), (401, &json!("access_denied")));
    org.expect(204, "POST", &format!("{path}/lifecycle/deactivate"), None).await;
    assert_eq!(form(&org, &token, &fields("orders.read")).await.status.as_u16(), 404);
}

#[tokio::test]
async fn users_get_tokens_that_administrators_can_list_and_revoke() {
    let org = Org::empty().await;
    let Server { id, path, .. } = server(&org, "password").await;
    let (client, secret) = client(&org, "native", &["password", "refresh_token"]).await;
    let user = org.user("shopper@x.example").await;
    let assigned = json!({ "id": user, "scope": "USER" });
    org.expect(200, "POST", &format!("/api/v1/apps/{client}/users"), Some(assigned)).await;
    let token = format!("/oauth2/{id}/v1/token");
    let fields = [
        ("grant_type", "password"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("username", "shopper@x.example"),
        ("password", "Passw0rd-x"),
        ("scope", "openid offline_access orders.read"),
    ];
    let given = form(&org, &token, &fields).await;
    assert_eq!(given.status.as_u16(), 200, "{}", given.json);
    let found = claims(&org, &id, given.json["id_token"].as_str().unwrap()).await;
    assert_eq!((&found["sub"], &found["aud"]), (&json!(user), &json!(client)));
    let info = org.request("GET", &format!("/oauth2/{id}/v1/userinfo"));
    let info = info.header("authorization", format!("Bearer {}", given.json["access_token"].as_str().unwrap()));
    assert_eq!(org.raw(info).await.json["sub"], json!(user));

    let clients = org.get(&format!("{path}/clients")).await;
    assert_eq!(clients.column("/client_id"), [client.as_str()]);
    let tokens = format!("{path}/clients/{client}/tokens");
    let listed = org.get(&tokens).await;
    assert_eq!(listed.column("/userId"), [user.as_str()]);
    let one = format!("{tokens}/{}", listed.json[0]["id"].as_str().unwrap());
    org.expect(200, "GET", &one, None).await;
    org.expect(204, "DELETE", &one, None).await;
    org.expect(404, "GET", &one, None).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("refresh_token", given.json["refresh_token"].as_str().unwrap()),
    ];
    assert_eq!(form(&org, &token, &refresh).await.json["error"], "invalid_grant");
}

#[tokio::test]
async fn a_session_token_gives_a_code_without_a_page() {
    let org = Org::empty().await;
    let Server { id, .. } = server(&org, "authorization_code").await;
    let (client, secret) = client(&org, "web", &["authorization_code"]).await;
    let user = org.user("shopper@x.example").await;
    let assigned = json!({ "id": user, "scope": "USER" });
    org.expect(200, "POST", &format!("/api/v1/apps/{client}/users"), Some(assigned)).await;
    let credentials = json!({ "username": "shopper@x.example", "password": "Passw0rd-x" });
    let signed_in = org.expect(200, "POST", "/api/v1/authn", Some(credentials)).await.json;
    let query = [
        ("client_id", client.as_str()),
        ("response_type", "code"),
        ("scope", "orders.read"),
        ("redirect_uri", "http://localhost/callback"),
        ("state", "s"),
        ("sessionToken", signed_in["sessionToken"].as_str().unwrap()),
    ];
    let url = format!("{}/oauth2/{id}/v1/authorize", org.sandbox.url());
    let url = url::Url::parse_with_params(&url, query).unwrap();
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = browser.get(url).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    let back = url::Url::parse(location).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").expect(location).1.into_owned();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("redirect_uri", "http://localhost/callback"),
        ("code", code.as_str()),
    ];
    let other = form(&org, "/oauth2/v1/token", &fields).await;
    assert_eq!(other.json["error"], "invalid_grant", "codes are good at their own server only");
    let given = form(&org, &format!("/oauth2/{id}/v1/token"), &fields).await;
    let found = claims(&org, &id, given.json["access_token"].as_str().unwrap()).await;
    assert_eq!(
        (&found["sub"], &found["uid"], &found["tier"]),
        (&json!("shopper@x.example"), &json!(user), &json!("gold"))
    );
}

#[tokio::test]
async fn lives_of_tokens_beyond_all_bounds_are_refused() {
    let org = Org::empty().await;
    let server = server(&org, "client_credentials").await;
    let rule = org.get(&server.rule).await.json;
    for (name, minutes) in [
        ("accessTokenLifetimeMinutes", json!(1_000_000_000_000_i64)),
        ("accessTokenLifetimeMinutes", json!(4)),
        ("refreshTokenWindowMinutes", json!("1000000000000")),
    ] {
        let mut changed = rule.clone();
        changed["actions"]["token"][name] = minutes;
        let refused = org.expect(400, "PUT", &server.rule, Some(changed)).await;
        assert_eq!(refused.cause(), format!("actions.token.{name}: The field is not in the allowed range"));
    }
}
