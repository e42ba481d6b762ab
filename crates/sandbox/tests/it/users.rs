//! Users: pages, objects, and the way from one status to the next.

use serde_json::{Value, json};

use crate::support::Org;

fn profile(login: &str) -> Value {
    json!({ "firstName": "Isaac", "lastName": "Brock", "login": login, "email": login })
}

#[tokio::test]
async fn pages_hold_every_user_once_in_order_of_ids() {
    let org = Org::with_users(450).await;
    let (rows, pages) = org.all("/api/v1/users?limit=100").await;
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert_eq!(pages, ids.len().div_ceil(100));
    assert!(rows.iter().all(|row| row["status"] != "DEPROVISIONED"), "the plain list hides deprovisioned users");
    assert!(ids.len() < 451, "some generated users are deprovisioned");
}

#[tokio::test]
async fn links_show_the_limit_in_force_and_end_with_the_list() {
    let org = Org::with_users(30).await;
    let url = org.sandbox.url();
    let first = org.get("/api/v1/users").await;
    assert_eq!(first.link("self").unwrap(), format!("{url}/api/v1/users?limit=200"));
    assert_eq!(first.link("next"), None);
    let page = org.get("/api/v1/users?limit=7").await;
    let last = page.json[6]["id"].as_str().unwrap().to_owned();
    assert_eq!(page.link("next").unwrap(), format!("{url}/api/v1/users?after=200{}&limit=7", &last[3..]));
}

#[tokio::test]
async fn a_new_user_has_the_recorded_shape() {
    let org = Org::empty().await;
    let created =
        org.expect(200, "POST", "/api/v1/users", Some(json!({ "profile": profile("isaac@x.example") }))).await;
    let keys: Vec<_> = created.json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "id",
        "status",
        "created",
        "activated",
        "statusChanged",
        "lastLogin",
        "lastUpdated",
        "passwordChanged",
        "type",
        "profile",
        "credentials",
        "_links",
    ];
    assert_eq!(keys, expected);
    assert_eq!(created.json["status"], "PROVISIONED");
    assert_eq!(created.json["created"], "2026-03-02T12:00:00.000Z");
    assert_eq!(created.json["profile"]["mobilePhone"], Value::Null);
    let links: Vec<_> = created.json["_links"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["suspend", "resetPassword", "reactivate", "deactivate", "resetFactors", "schema", "self", "type"];
    assert_eq!(links, expected);
    let found = org.get("/api/v1/users/ISAAC@x.example").await;
    assert_eq!(found.json, created.json);
    assert!(found.headers["etag"].to_str().unwrap().starts_with("W/\""));
    assert_eq!(org.get("/api/v1/users/isaac").await.json["id"], created.json["id"]);
}

#[tokio::test]
async fn status_after_create_follows_password_and_activate() {
    let org = Org::empty().await;
    let with_password = json!({ "password": { "value": "Passw0rd-x" } });
    let cases = [
        (false, "activate=false", "STAGED"),
        (false, "activate=true", "PROVISIONED"),
        (true, "activate=true", "ACTIVE"),
        (true, "activate=false", "STAGED"),
        (true, "activate=true&nextLogin=changePassword", "PASSWORD_EXPIRED"),
    ];
    for (index, (password, query, status)) in cases.into_iter().enumerate() {
        let mut body = json!({ "profile": profile(&format!("case{index}@x.example")) });
        if password {
            body["credentials"] = with_password.clone();
        }
        let answer = org.expect(200, "POST", &format!("/api/v1/users?{query}"), Some(body)).await;
        assert_eq!(answer.json["status"], status, "{query}");
    }
}

#[tokio::test]
async fn what_a_profile_must_not_hold_is_named() {
    let org = Org::empty().await;
    org.user("taken@x.example").await;
    let refused = |change: fn(&mut Value)| {
        let mut body = json!({ "profile": profile("new@x.example") });
        change(&mut body["profile"]);
        body
    };
    let taken = org.post("/api/v1/users", refused(|profile| profile["login"] = json!("TAKEN@x.example"))).await;
    assert_eq!(taken.cause(), "login: An object with this field already exists in the current organization");
    assert_eq!(taken.json["errorSummary"], "Api validation failed: login");
    let unknown = org.post("/api/v1/users", refused(|profile| profile["notValid"] = json!("x"))).await;
    assert_eq!(unknown.cause(), "Property name 'notValid' is not defined in profile");
    assert_eq!(unknown.json["errorSummary"], "Api validation failed: newUser");
    let blank = org.post("/api/v1/users", refused(|profile| profile["lastName"] = json!(""))).await;
    assert_eq!(blank.status.as_u16(), 400);
    let four_bytes = org.post("/api/v1/users", refused(|profile| profile["city"] = json!("🏙"))).await;
    assert_eq!(four_bytes.status.as_u16(), 400);
    let three_bytes = org.post("/api/v1/users", refused(|profile| profile["city"] = json!("東京"))).await;
    assert_eq!(three_bytes.json["profile"]["city"], "東京");
}

#[tokio::test]
async fn a_life_from_create_to_delete() {
    let org = Org::empty().await;
    let id = org.user("life@x.example").await;
    let step = |name: &str| format!("/api/v1/users/{id}/lifecycle/{name}");
    let user = format!("/api/v1/users/{id}");
    let steps = [("suspend", "SUSPENDED"), ("unsuspend", "ACTIVE"), ("expire_password", "PASSWORD_EXPIRED")];
    for (name, status) in steps {
        org.expect(200, "POST", &step(name), None).await;
        assert_eq!(org.get(&user).await.json["status"], status);
    }
    let reset = org.expect(200, "POST", &step("reset_password?sendEmail=false"), None).await;
    assert!(reset.json["resetPasswordUrl"].as_str().unwrap().contains("/reset_password/"));
    org.expect(204, "DELETE", &user, None).await;
    let gone = org.get(&user).await;
    assert_eq!(gone.json["status"], "DEPROVISIONED");
    assert_eq!(gone.json["credentials"], json!({ "provider": { "type": "OKTA", "name": "OKTA" } }));
    org.expect(204, "DELETE", &user, None).await;
    org.expect(404, "GET", &user, None).await;
}

#[tokio::test]
async fn the_older_query_parameter_gives_a_temporary_password_as_well() {
    let org = Org::empty().await;
    for step in ["expire_password_with_temp_password", "expire_password?tempPassword=true"] {
        let id = org.user(&format!("{}@x.example", &step[14..16])).await;
        let given = org.expect(200, "POST", &format!("/api/v1/users/{id}/lifecycle/{step}"), None).await;
        assert_eq!(given.json["tempPassword"].as_str().map(str::len), Some(12), "{step}");
        assert_eq!(org.get(&format!("/api/v1/users/{id}")).await.json["status"], "PASSWORD_EXPIRED");
    }
}

#[tokio::test]
async fn steps_that_a_status_forbids_are_refused() {
    let org = Org::empty().await;
    let id = org.user("steps@x.example").await;
    let cases = [
        ("activate", 403, "E0000016"),
        ("unlock", 403, "E0000032"),
        ("unsuspend", 400, "E0000001"),
        ("reactivate", 403, "E0000038"),
    ];
    for (name, status, code) in cases {
        let answer = org.send("POST", &format!("/api/v1/users/{id}/lifecycle/{name}"), None).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{name}");
    }
}

#[tokio::test]
async fn partial_and_full_updates_differ_in_what_they_leave() {
    let org = Org::empty().await;
    let id = org.user("update@x.example").await;
    let path = format!("/api/v1/users/{id}");
    let changed = org.post(&path, json!({ "profile": { "city": "Bonn", "title": "Ms" } })).await;
    assert_eq!(
        (&changed.json["profile"]["city"], &changed.json["profile"]["login"]),
        (&json!("Bonn"), &json!("update@x.example"))
    );
    let removed = org.post(&path, json!({ "profile": { "title": null } })).await;
    assert_eq!(removed.json["profile"].get("title"), None);
    let replaced = org.expect(200, "PUT", &path, Some(json!({ "profile": profile("renamed@x.example") }))).await;
    assert_eq!(replaced.json["profile"].get("city"), None);
    assert_eq!(replaced.json["id"], id);
    org.expect(404, "GET", "/api/v1/users/update@x.example", None).await;
}

#[tokio::test]
async fn a_stale_validator_stops_an_update() {
    let org = Org::empty().await;
    let id = org.user("etag@x.example").await;
    let path = format!("/api/v1/users/{id}");
    let etag = org.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    let with = |validator: &str| {
        org.request("POST", &path)
            .header("authorization", format!("SSWS {}", org.sandbox.api_token()))
            .header("if-match", validator)
            .body(json!({ "profile": { "city": "Ulm" } }).to_string())
    };
    assert_eq!(org.raw(with(&etag)).await.status.as_u16(), 200);
    let stale = org.raw(with(&etag)).await;
    assert_eq!((stale.status.as_u16(), stale.code()), (412, "E0000231"));
    let malformed = org.raw(with("nonsense")).await;
    assert_eq!((malformed.status.as_u16(), malformed.code()), (400, "E0000242"));
}

#[tokio::test]
async fn fields_and_content_type_trim_the_object() {
    let org = Org::with_users(3).await;
    let page = org.get("/api/v1/users?fields=id,status,profile:(firstName,login)").await;
    let keys: Vec<_> = page.json[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["id", "status", "profile"]);
    let attributes: Vec<_> = page.json[0]["profile"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(attributes, ["firstName", "login"]);
    let request = org
        .request("GET", "/api/v1/users")
        .header("authorization", format!("SSWS {}", org.sandbox.api_token()))
        .header("content-type", "application/json; okta-response=omitCredentials,omitCredentialsLinks");
    let trimmed = org.raw(request).await;
    assert_eq!(trimmed.json[0].get("credentials"), None);
}
