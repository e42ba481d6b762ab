//! What every operation has in common.

use serde_json::json;

use crate::support::Org;

#[tokio::test]
async fn every_answer_has_the_headers_of_the_service() {
    let org = Org::empty().await;
    let answer = org.get("/api/v1/users").await;
    for name in ["x-okta-request-id", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", "date"] {
        assert!(answer.headers.contains_key(name), "{name} is missing");
    }
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-cache, no-store");
    assert_eq!(answer.headers["date"], "Mon, 02 Mar 2026 12:00:00 GMT");
    assert_eq!(answer.headers["x-okta-request-id"].len(), 32);
}

#[tokio::test]
async fn credentials_are_checked_as_the_service_does() {
    let org = Org::empty().await;
    let url = "/api/v1/users";
    let none = org.raw(org.request("GET", url)).await;
    assert_eq!((none.status.as_u16(), none.code()), (403, "E0000005"));
    let wrong = org.raw(org.request("GET", url).header("authorization", "SSWS nonsense")).await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (401, "E0000011"));
    let glued = format!("SSWS{}", org.sandbox.api_token());
    let glued = org.raw(org.request("GET", url).header("authorization", glued)).await;
    assert_eq!(glued.status.as_u16(), 200);
    let bearer = org.raw(org.request("GET", url).header("authorization", "Bearer nonsense")).await;
    assert_eq!(bearer.status.as_u16(), 401);
    assert!(bearer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn errors_are_okta_error_objects() {
    let org = Org::empty().await;
    let answer = org.get("/api/v1/users/00uNOSUCHUSERxxx15d7").await;
    assert_eq!(answer.status.as_u16(), 404);
    let keys: Vec<_> = answer.json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]);
    assert_eq!(answer.json["errorSummary"], "Not found: Resource not found: 00uNOSUCHUSERxxx15d7 (User)");
    assert_eq!(answer.json["errorId"].as_str().unwrap().len(), 25);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_told_apart() {
    let org = Org::empty().await;
    let path = org.get("/api/v1/nothing-here").await;
    assert_eq!((path.status.as_u16(), path.code()), (404, "E0000008"));
    let method = org.send("DELETE", "/api/v1/users", None).await;
    assert_eq!((method.status.as_u16(), method.code()), (405, "E0000022"));
    org.expect(200, "GET", "/api/v1/users/", None).await;
    org.expect(200, "GET", "//api/v1/users", None).await;
}

#[tokio::test]
async fn bodies_that_are_not_objects_are_refused() {
    let org = Org::empty().await;
    for body in [json!([1]), json!("text")] {
        let answer = org.post("/api/v1/users", body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "E0000003"));
    }
}

#[tokio::test]
async fn the_ledger_holds_what_was_asked() {
    let org = Org::empty().await;
    org.get("/api/v1/users?limit=5").await;
    org.get("/api/v1/groups/unknown").await;
    let seen: Vec<_> = org.sandbox.requests().into_iter().map(|r| (r.method, r.path, r.query, r.status)).collect();
    let expected = [("GET", "/api/v1/users", "limit=5", 200), ("GET", "/api/v1/groups/unknown", "", 404)];
    assert_eq!(seen, expected.map(|(m, p, q, s)| (m.to_owned(), p.to_owned(), q.to_owned(), s)));
    let listed = org.raw(org.request("GET", "/sandbox/requests")).await;
    assert_eq!(listed.column("/operation"), ["listUsers", "getGroup"]);
    org.raw(org.request("DELETE", "/sandbox/requests")).await;
    assert!(org.sandbox.requests().is_empty());
}
