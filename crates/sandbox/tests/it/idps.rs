//! Identity providers: their defaults and links, keys, certificate requests and linked users.

use serde_json::{Value, json};

use crate::support::Org;

const IDPS: &str = "/api/v1/idps";

fn social(name: &str) -> Value {
    json!({ "type": "FACEBOOK", "name": name,
        "protocol": { "type": "OAUTH2", "scopes": ["public_profile"], "credentials": { "client": { "client_id": "a", "client_secret": "b" } } },
        "policy": { "provisioning": { "action": "AUTO" }, "accountLink": { "action": "AUTO" }, "subject": { "userNameTemplate": { "template": "idpuser.email" }, "matchType": "USERNAME" } } })
}

async fn create(org: &Org, body: Value) -> Value {
    org.expect(200, "POST", IDPS, Some(body)).await.json
}

#[tokio::test]
async fn each_type_has_its_endpoints_and_links() {
    let org = Org::empty().await;
    let idp = create(&org, social("Social")).await;
    assert_eq!(idp["protocol"]["endpoints"]["token"]["url"], "https://graph.facebook.com/v2.8/oauth/access_token");
    assert_eq!(idp["_links"]["authorize"]["templated"], true);
    assert_eq!(idp["policy"]["maxClockSkew"], 0);
    let own = format!("{IDPS}/{}", idp["id"].as_str().unwrap());
    let replaced = org.expect(200, "PUT", &own, Some(social("Renamed"))).await.json;
    assert_eq!((&replaced["name"], &replaced["created"]), (&json!("Renamed"), &Value::Null));
    assert_eq!(org.get(&own).await.json["created"], idp["created"]);

    let body = json!({ "type": "SAML2", "name": "Saml", "policy": {},
        "protocol": { "type": "SAML2", "endpoints": { "sso": { "url": "https://idp.example", "binding": "HTTP-POST", "destination": "https://idp.example" } },
            "algorithms": { "request": { "signature": { "algorithm": "SHA-256", "scope": "REQUEST" } } },
            "credentials": { "trust": { "issuer": "https://idp.example", "kid": "k" } } } });
    let idp = create(&org, body).await;
    let own = format!("{IDPS}/{}", idp["id"].as_str().unwrap());
    assert!(idp["protocol"]["credentials"]["trust"]["audience"].as_str().unwrap().contains("/saml2/service-provider/"));
    assert_eq!(idp["_links"]["deactivate"]["href"], format!("{}{own}/lifecycle/deactivate", org.sandbox.url()));
    let active = org.expect(200, "GET", &format!("{own}/credentials/keys/active"), None).await.json;
    assert_eq!(active["kid"], idp["protocol"]["credentials"]["signing"]["kid"]);
    let off = org.expect(200, "POST", &format!("{own}/lifecycle/deactivate"), None).await.json;
    assert!(off["_links"]["activate"].is_object() && off["status"] == "INACTIVE", "{off}");
}

#[tokio::test]
async fn what_has_another_form_than_it_should_is_refused() {
    let org = Org::empty().await;
    let google = |protocol: Value| json!({ "type": "GOOGLE", "name": "Odd", "protocol": protocol, "policy": {} });
    let saml = |protocol: Value| json!({ "type": "SAML2", "name": "Odd", "protocol": protocol, "policy": {} });
    for body in [
        google(json!({ "type": "OIDC", "endpoints": "x" })),
        google(json!({ "endpoints": "x" })),
        saml(json!({ "type": "SAML2", "credentials": [] })),
        json!({ "type": "GOOGLE", "protocol": { "endpoints": "x" } }),
    ] {
        let answer = org.post(IDPS, body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}: {}", answer.json);
    }
    // Values are the org's to judge: real ones take algorithms that the description does not list.
    let algorithm = json!({ "signature": { "algorithm": "SHA-512", "scope": "REQUEST" } });
    create(&org, saml(json!({ "type": "SAML2", "algorithms": { "request": algorithm } }))).await;
    let app = json!({ "name": "oidc_client", "label": "Odd", "signOnMode": "OPENID_CONNECT",
        "settings": { "oauthClient": { "jwks": "x" } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(app)).await.json;
    assert_eq!(app["settings"]["oauthClient"].get("jwks"), None);
}

#[tokio::test]
async fn certificates_are_read_and_kept_once() {
    let org = Org::empty().await;
    let idp = create(&org, social("Social")).await;
    let keys = format!("{IDPS}/{}/credentials/keys", idp["id"].as_str().unwrap());
    let made = org.expect(201, "POST", &format!("{keys}/generate?validityYears=3"), None).await.json;
    org.expect(400, "POST", &format!("{keys}/generate?validityYears=30"), None).await;
    let all = format!("{IDPS}/credentials/keys");
    let uploaded = org.expect(200, "POST", &all, Some(json!({ "x5c": made["x5c"] }))).await.json;
    assert_eq!((&uploaded["n"], &uploaded["x5t#S256"]), (&made["n"], &made["x5t#S256"]));
    assert_eq!(uploaded["expiresAt"].as_str().unwrap()[..10], made["expiresAt"].as_str().unwrap()[..10]);
    assert_eq!(uploaded["kid"].as_str().unwrap().len(), 36);
    let again = org.expect(409, "POST", &all, Some(json!({ "x5c": made["x5c"] }))).await;
    assert_eq!(again.code(), "E0000096");
    org.expect(400, "POST", &all, Some(json!({ "x5c": ["AAAA"] }))).await;
    let one = format!("{all}/{}", uploaded["kid"].as_str().unwrap());
    org.expect(200, "GET", &one, None).await;
    org.expect(204, "DELETE", &one, None).await;
    org.expect(404, "GET", &one, None).await;

    let other = create(&org, social("Other")).await["id"].as_str().unwrap().to_owned();
    let kid = made["kid"].as_str().unwrap();
    org.expect(201, "POST", &format!("{keys}/{kid}/clone?targetIdpId={other}"), None).await;
    assert_eq!(org.get(&format!("{IDPS}/{other}/credentials/keys")).await.column("/kid"), [kid]);
}

#[tokio::test]
async fn a_request_for_a_certificate_is_published_once() {
    let org = Org::empty().await;
    let idp = create(&org, social("Social")).await;
    let own = format!("{IDPS}/{}", idp["id"].as_str().unwrap());
    let body = json!({ "subject": { "countryName": "US", "organizationName": "Oktant", "commonName": "SP" }, "subjectAltNames": { "dnsNames": ["sp.example"] } });
    let csr = org.expect(201, "POST", &format!("{own}/credentials/csrs"), Some(body)).await.json;
    assert!(csr["csr"].as_str().unwrap().starts_with("MII"), "{csr}");
    let one = format!("{own}/credentials/csrs/{}", csr["id"].as_str().unwrap());
    org.expect(200, "GET", &one, None).await;
    let signed = org.expect(201, "POST", &format!("{own}/credentials/keys/generate?validityYears=2"), None).await.json;
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", signed["x5c"][0].as_str().unwrap());
    let publish = |body: String| {
        let request =
            org.request("POST", &format!("{one}/lifecycle/publish")).header("content-type", "application/x-pem-file");
        org.raw(request.header("authorization", format!("SSWS {}", org.sandbox.api_token())).body(body))
    };
    assert_eq!(publish("nonsense".to_owned()).await.status.as_u16(), 400);
    let key = publish(pem).await;
    assert_eq!((key.status.as_u16(), &key.json["n"]), (201, &signed["n"]));
    org.expect(404, "GET", &one, None).await;
}

#[tokio::test]
async fn users_are_linked_and_unlinked() {
    let org = Org::empty().await;
    let user = org.user("linked@x.example").await;
    let idp = create(&org, social("Social")).await;
    let users = format!("{IDPS}/{}/users", idp["id"].as_str().unwrap());
    org.expect(400, "POST", &format!("{users}/{user}"), Some(json!({}))).await;
    let link = org
        .expect(200, "POST", &format!("{users}/{user}"), Some(json!({ "externalId": "121749775026145" })))
        .await
        .json;
    assert_eq!((&link["id"], &link["externalId"]), (&json!(user), &json!("121749775026145")));
    assert_eq!(org.get(&users).await.column("/id"), [user.as_str()]);
    assert_eq!(org.get(&format!("/api/v1/users/{user}/idps")).await.column("/name"), ["Social"]);
    assert_eq!(org.get(&format!("{users}/{user}/credentials/tokens")).await.json, json!([]));
    org.expect(204, "DELETE", &format!("{users}/{user}"), None).await;
    org.expect(404, "GET", &format!("{users}/{user}"), None).await;
}
