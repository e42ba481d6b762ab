//! Factors, schemas, user types and client secrets.

use serde_json::{Value, json};

use crate::support::Org;

/// Codes that the org "sent", oldest first.
async fn outbox(org: &Org) -> Vec<Value> {
    org.get("/sandbox/outbox").await.json.as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_phone_is_activated_with_the_code_that_was_sent() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("phone@x.example").await);
    let body = json!({ "factorType": "sms", "provider": "OKTA", "profile": { "phoneNumber": "+1-555-415-1337" } });
    let factor = org.expect(200, "POST", &factors, Some(body)).await.json;
    assert_eq!(factor["status"], "PENDING_ACTIVATION");
    assert_eq!(factor["_links"]["resend"][0]["name"], "sms");
    let path = format!("{factors}/{}", factor["id"].as_str().unwrap());

    let wrong = org.expect(403, "POST", &format!("{path}/lifecycle/activate"), Some(json!({ "passCode": "x" }))).await;
    assert_eq!(wrong.code(), "E0000068");
    org.expect(429, "POST", &format!("{path}/resend"), Some(json!({}))).await;
    let code = outbox(&org).await[0]["code"].clone();
    let right = Some(json!({ "passCode": code }));
    let active = org.expect(200, "POST", &format!("{path}/lifecycle/activate"), right).await.json;
    assert_eq!(active["status"], "ACTIVE");

    let challenge = org.expect(200, "POST", &format!("{path}/verify"), Some(json!({}))).await.json;
    assert_eq!(challenge["factorResult"], "CHALLENGE");
    let code = outbox(&org).await[1]["code"].clone();
    let verified = org.expect(200, "POST", &format!("{path}/verify"), Some(json!({ "passCode": code }))).await.json;
    assert_eq!(verified, json!({ "factorResult": "SUCCESS" }));
    org.expect(204, "DELETE", &path, None).await;
    assert_eq!(org.get(&factors).await.json, json!([]));
}

#[tokio::test]
async fn a_type_with_one_provider_does_not_need_it_named() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("short@x.example").await);
    let body = json!({ "factorType": "sms", "profile": { "phoneNumber": "+1-555-415-1337" } });
    assert_eq!(org.expect(200, "POST", &factors, Some(body)).await.json["provider"], "OKTA");
    let refused = org.expect(400, "POST", &factors, Some(json!({ "factorType": "token:software:totp" }))).await;
    assert_eq!(refused.cause(), "provider: The field cannot be left blank");
}

#[tokio::test]
async fn a_question_never_shows_its_answer() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("question@x.example").await);
    let profile = json!({ "question": "disliked_food", "answer": "Turnips" });
    let body = json!({ "factorType": "question", "provider": "OKTA", "profile": profile });
    let factor = org.expect(200, "POST", &factors, Some(body)).await.json;
    assert_eq!(factor["status"], "ACTIVE");
    assert_eq!(factor["profile"]["questionText"], "What is the food you least liked as a child?");
    assert_eq!(factor["profile"].get("answer"), None);
    let verify = format!("{factors}/{}/verify", factor["id"].as_str().unwrap());
    org.expect(200, "POST", &verify, Some(json!({ "answer": "turnips" }))).await;
    assert_eq!(org.expect(403, "POST", &verify, Some(json!({ "answer": "beans" }))).await.code(), "E0000068");
}

#[tokio::test]
async fn a_custom_attribute_comes_and_goes_with_its_values() {
    let org = Org::empty().await;
    let schema = "/api/v1/meta/schemas/user/default";
    let badge = |entry: Value| json!({ "definitions": { "custom": { "properties": { "badge": entry } } } });
    let entry = json!({ "title": "Badge", "type": "string", "maxLength": 5 });
    let changed = org.expect(200, "POST", schema, Some(badge(entry))).await.json;
    let keys: Vec<_> =
        changed["definitions"]["custom"]["properties"]["badge"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["title", "type", "mutability", "scope", "maxLength", "permissions", "master"]);

    let user = format!("/api/v1/users/{}", org.user("badge@x.example").await);
    org.expect(200, "POST", &user, Some(json!({ "profile": { "badge": "B-1" } }))).await;
    org.expect(400, "POST", &user, Some(json!({ "profile": { "badge": "too long" } }))).await;
    org.expect(200, "POST", schema, Some(badge(Value::Null))).await;
    assert_eq!(org.get(&user).await.json["profile"].get("badge"), None);
}

#[tokio::test]
async fn a_user_type_has_a_schema_and_cannot_go_while_it_is_used() {
    let org = Org::empty().await;
    let body = json!({ "name": "contractor", "displayName": "Contractor" });
    let kind = org.expect(200, "POST", "/api/v1/meta/types/user", Some(body)).await.json;
    let id = kind["id"].as_str().unwrap();
    org.expect(200, "GET", &format!("/api/v1/meta/schemas/user/{}", id.replacen("oty", "osc", 1)), None).await;
    let profile = json!({ "firstName": "A", "lastName": "B", "login": "c@x.example", "email": "c@x.example" });
    org.expect(200, "POST", "/api/v1/users", Some(json!({ "profile": profile, "type": { "id": id } }))).await;
    let refused = org.expect(403, "DELETE", &format!("/api/v1/meta/types/user/{id}"), None).await;
    assert_eq!(refused.code(), "E0000142");
}

#[tokio::test]
async fn a_client_keeps_one_active_secret() {
    let org = Org::empty().await;
    let body = json!({ "name": "oidc_client", "label": "Shop", "signOnMode": "OPENID_CONNECT",
        "settings": { "oauthClient": { "redirect_uris": ["https://shop.example/cb"] } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json;
    let secrets = format!("/api/v1/apps/{}/credentials/secrets", app["id"].as_str().unwrap());
    let first = org.get(&secrets).await.json[0].clone();
    assert_eq!(first["client_secret"], app["credentials"]["oauthClient"]["client_secret"]);
    let first = format!("{secrets}/{}", first["id"].as_str().unwrap());
    org.expect(400, "POST", &format!("{first}/lifecycle/deactivate"), None).await;
    org.expect(201, "POST", &secrets, Some(json!({}))).await;
    org.expect(400, "POST", &secrets, Some(json!({}))).await;
    org.expect(400, "DELETE", &first, None).await;
    org.expect(200, "POST", &format!("{first}/lifecycle/deactivate"), None).await;
    org.expect(204, "DELETE", &first, None).await;
    assert_eq!(org.get(&secrets).await.json.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_push_waits_for_whoever_holds_the_phone() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("push@x.example").await);
    let body = json!({ "factorType": "push", "provider": "OKTA" });
    let factor = org.expect(200, "POST", &factors, Some(body)).await.json;
    let own = format!("{factors}/{}", factor["id"].as_str().unwrap());
    let activate = format!("{own}/lifecycle/activate");
    assert_eq!(org.expect(200, "POST", &activate, None).await.json["factorResult"], "WAITING");
    org.expect(403, "POST", &format!("{own}/verify"), None).await;
    let push = format!("/sandbox/pushes/{}", factor["id"].as_str().unwrap());
    org.expect(204, "POST", &push, Some(json!({ "answer": "APPROVE" }))).await;
    assert_eq!(org.expect(200, "POST", &activate, None).await.json["status"], "ACTIVE");

    for (answer, result) in [(Some("APPROVE"), "SUCCESS"), (Some("REJECT"), "REJECTED"), (None, "TIMEOUT")] {
        let challenge = org.expect(201, "POST", &format!("{own}/verify"), None).await.json;
        let poll = challenge["_links"]["poll"]["href"].as_str().unwrap().to_owned();
        assert_eq!(org.get(&poll).await.json["factorResult"], "WAITING");
        match answer {
            Some(answer) => {
                let id = poll.rsplit('/').next().unwrap();
                let body = Some(json!({ "answer": answer }));
                org.expect(204, "POST", &format!("/sandbox/pushes/{id}"), body).await;
            }
            None => org.clock.advance(std::time::Duration::from_secs(301)),
        }
        assert_eq!(org.get(&poll).await.json["factorResult"], result);
    }
    assert_eq!(org.get("/sandbox/pushes").await.json.as_array().unwrap().len(), 4);
    // What has ended stays as it ended.
    for push in org.get("/sandbox/pushes").await.column("/id") {
        org.expect(409, "POST", &format!("/sandbox/pushes/{push}"), Some(json!({ "answer": "APPROVE" }))).await;
    }
    org.expect(404, "POST", "/sandbox/pushes/none", Some(json!({ "answer": "APPROVE" }))).await;
}

#[tokio::test]
async fn an_activation_that_came_too_late_starts_anew() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("push@x.example").await);
    let body = json!({ "factorType": "push", "provider": "OKTA" });
    let factor = org.expect(200, "POST", &factors, Some(body)).await.json;
    let own = format!("{factors}/{}", factor["id"].as_str().unwrap());
    let activate = async || org.expect(200, "POST", &format!("{own}/lifecycle/activate"), None).await.json;
    let answer = async |status: u16, answer: &str| {
        let push = format!("/sandbox/pushes/{}", factor["id"].as_str().unwrap());
        org.expect(status, "POST", &push, Some(json!({ "answer": answer }))).await;
    };
    let pass_time = || org.clock.advance(std::time::Duration::from_secs(301));
    let first = activate().await;
    pass_time();
    answer(409, "APPROVE").await;
    assert_eq!(activate().await["factorResult"], "TIMEOUT");
    let second = activate().await;
    assert_eq!(second["factorResult"], "WAITING");
    assert_ne!(second["expiresAt"], first["expiresAt"]);
    answer(204, "REJECT").await;
    assert_eq!(activate().await["factorResult"], "REJECTED");

    activate().await;
    pass_time();
    org.expect(200, "POST", &format!("{own}/resend"), None).await;
    answer(204, "APPROVE").await;
    assert_eq!(activate().await["status"], "ACTIVE");
}

#[tokio::test]
async fn a_counting_token_takes_the_next_codes_and_none_again() {
    let org = Org::empty().await;
    let factors = format!("/api/v1/users/{}/factors", org.user("hotp@x.example").await);
    // Key and codes are those of RFC 4226, appendix D.
    let profile = json!({ "sharedSecret": "12345678901234567890" });
    let body =
        json!({ "factorType": "token:hotp", "provider": "CUSTOM", "factorProfileId": "fpr20", "profile": profile });
    let factor = org.expect(200, "POST", &format!("{factors}?activate=true"), Some(body)).await.json;
    assert_eq!(factor["profile"].get("sharedSecret"), None);
    let verify = format!("{factors}/{}/verify", factor["id"].as_str().unwrap());
    for (code, status) in [("755224", 200), ("755224", 403), ("969429", 200), ("287082", 403), ("338314", 200)] {
        org.expect(status, "POST", &verify, Some(json!({ "passCode": code }))).await;
    }
}

#[tokio::test]
async fn somebody_in_a_generated_org_has_okta_fast_pass() {
    let org = Org::with_users(12).await;
    let mut found = Vec::new();
    for id in org.get("/api/v1/users").await.column("/id") {
        let factors = org.get(&format!("/api/v1/users/{id}/factors")).await.json;
        found.extend(
            factors.as_array().unwrap().iter().filter(|factor| factor["factorType"] == "signed_nonce").cloned(),
        );
        for factor in factors.as_array().unwrap().iter().filter(|factor| factor["factorType"] == "sms") {
            let number = factor["profile"]["phoneNumber"].as_str().unwrap();
            assert!(!number.contains(' '), "{number}");
        }
    }
    let factor = found.first().expect("one of twelve users");
    assert!(
        factor["id"].as_str().unwrap().starts_with("crp") && factor["profile"]["keys"][0]["kty"] == "EC",
        "{factor}"
    );
    assert_eq!(factor["_links"].get("verify"), None);
    let user = factor["_links"]["user"]["href"].as_str().unwrap();
    let enrol = json!({ "factorType": "signed_nonce", "provider": "OKTA" });
    org.expect(400, "POST", &format!("{user}/factors"), Some(enrol)).await;
    org.expect(204, "DELETE", factor["_links"]["self"]["href"].as_str().unwrap(), None).await;
}

#[tokio::test]
async fn an_enrolment_of_an_authenticator_is_kept_until_it_is_deleted() {
    let org = Org::empty().await;
    let own = format!("/api/v1/users/{}/authenticator-enrollments", org.user("enrolled@x.example").await);
    let authenticators = org.get("/api/v1/authenticators").await.json;
    let phone = authenticators.as_array().unwrap().iter().find(|one| one["key"] == "phone_number").unwrap();
    let password = authenticators.as_array().unwrap().iter().find(|one| one["key"] == "okta_password").unwrap();
    let body = |authenticator: &Value| json!({ "authenticatorId": authenticator["id"], "profile": { "phoneNumber": "+12345678901" } });
    org.expect(400, "POST", &format!("{own}/phone"), Some(body(password))).await;
    let made = org.expect(200, "POST", &format!("{own}/phone"), Some(body(phone))).await.json;
    let link = format!("{}/api/v1/authenticators/{}", org.sandbox.url(), phone["id"].as_str().unwrap());
    assert_eq!((&made["type"], &made["_links"]["authenticator"]["href"]), (&json!("phone"), &json!(link)));
    assert_eq!((made.get("userId"), made.get("authenticatorId")), (None, None));
    let one = format!("{own}/{}", made["id"].as_str().unwrap());
    assert_eq!(org.get(&one).await.json, made);

    let code = json!({ "key": "tac", "name": "Temporary Access Code" });
    let code = org.expect(200, "POST", "/api/v1/authenticators", Some(code)).await.json;
    let body = json!({ "authenticatorId": code["id"], "profile": { "ttl": "20", "multiUse": true } });
    let given = org.expect(200, "POST", &format!("{own}/tac"), Some(body.clone())).await.json;
    assert_eq!(given["profile"]["expiresAt"], "2026-03-02T12:20:00.000Z");
    assert!(given["profile"]["tac"].is_string(), "{given}");
    let again = org.expect(200, "POST", &format!("{own}/tac"), Some(body)).await.json;
    let read = org.get(&format!("{own}/{}", again["id"].as_str().unwrap())).await.json;
    assert_eq!(read["profile"], json!({ "expiresAt": "2026-03-02T12:20:00.000Z", "multiUse": true }));
    org.expect(404, "GET", &format!("{own}/{}", given["id"].as_str().unwrap()), None).await;
    org.expect(204, "DELETE", &one, None).await;
    org.expect(404, "GET", &one, None).await;
}
