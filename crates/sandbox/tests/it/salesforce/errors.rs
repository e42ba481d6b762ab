//! What the API refuses, in the words of its table.

use serde_json::{Value, json};

use super::{DATA, Sf, encoded};

/// Status, code and message of what a body for a contact gets.
async fn contact(sf: &Sf, body: Value) -> super::Answer {
    sf.send("POST", "/sobjects/Contact", body).await
}

#[tokio::test]
async fn bodies_are_checked_field_by_field() {
    let sf = Sf::custom().await;
    let user = sf.org.records("User")[0]["Id"].as_str().unwrap().to_owned();
    let cases = [
        (
            json!({ "LastName": "A", "Nope": 1 }),
            "INVALID_FIELD",
            "No such column 'Nope' on sobject of type Contact",
            None,
        ),
        (json!({}), "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", Some("LastName")),
        (
            json!({ "LastName": "A", "Name": "B" }),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Name. Please check",
            Some("Name"),
        ),
        (
            json!({ "LastName": "A", "Id": "003" }),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Id.",
            Some("Id"),
        ),
        (
            json!({ "LastName": "A", "AccountId": "x" }),
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: x",
            Some("AccountId"),
        ),
        (
            json!({ "LastName": "A", "AccountId": user }),
            "FIELD_INTEGRITY_EXCEPTION",
            "Account ID: id value of incorrect type",
            Some("AccountId"),
        ),
        (
            json!({ "LastName": "A", "AccountId": "001000000000000AAA" }),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            Some("AccountId"),
        ),
        (
            json!({ "LastName": "A".repeat(81) }),
            "STRING_TOO_LONG",
            "Last Name: data value too large: ",
            Some("LastName"),
        ),
        (
            json!({ "LastName": "A", "Email": "x" }),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: x",
            Some("Email"),
        ),
        (
            json!({ "LastName": "A", "Skills__c": "Rust;Cobol" }),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "bad value for restricted picklist field: Cobol",
            Some("Skills__c"),
        ),
        (
            json!({ "LastName": 5 }),
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of string from VALUE_NUMBER_INT value 5",
            None,
        ),
        (
            json!({ "LastName": "A", "Birthdate": "soon" }),
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of date from VALUE_STRING value soon",
            None,
        ),
        (
            json!({ "LastName": "A", "DoNotCall": 7 }),
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of boolean",
            None,
        ),
    ];
    for (body, code, message, field) in cases {
        let answer = contact(&sf, body).await;
        let (status, found, says) = answer.error();
        assert!(
            (status, found) == (400, code) && says.starts_with(message) || says.contains(message),
            "{}",
            answer.text
        );
        assert_eq!(found, code, "{}", answer.text);
        assert_eq!(answer.json[0]["fields"][0].as_str(), field, "{}", answer.text);
    }
    assert_eq!(sf.org.records("Contact").len(), 0);
    let number =
        sf.send("POST", "/sobjects/Account", json!({ "Name": "A", "NumberOfEmployees": 3_000_000_000_u64 })).await;
    assert_eq!(number.error().1, "NUMBER_OUTSIDE_VALID_RANGE");
    let id = sf.create("Contact", json!({ "LastName": "A" })).await;
    let cleared = sf.send("PATCH", &format!("/sobjects/Contact/{id}"), json!({ "LastName": null })).await;
    assert_eq!(cleared.error().1, "REQUIRED_FIELD_MISSING");
    let long = sf.send("PATCH", &format!("/sobjects/Contact/{id}"), json!({ "FirstName": "A".repeat(41) })).await;
    assert!(long.error().2.ends_with("(max length=40)"), "{}", long.text);
}

#[tokio::test]
async fn a_body_must_be_json() {
    let sf = Sf::new().await;
    let path = format!("{DATA}/sobjects/Contact");
    let request = |kind: &'static str, body: &'static str| {
        sf.request("POST", &path).bearer_auth(&sf.token).header("content-type", kind).body(body)
    };
    assert_eq!(sf.raw(request("application/json", "{")).await.error().1, "JSON_PARSER_ERROR");
    assert_eq!(sf.raw(request("application/json", "[1]")).await.error().1, "JSON_PARSER_ERROR");
    let xml = sf.raw(request("application/xml", "<a/>")).await;
    assert_eq!((xml.status.as_u16(), xml.error().1), (415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(sf.send("POST", "/sobjects/Contact", None).await.error().1, "JSON_PARSER_ERROR");
}

#[tokio::test]
async fn values_that_must_be_unique_are() {
    let sf = Sf::custom().await;
    let id = sf.create("Contact", json!({ "LastName": "A", "Badge__c": "b" })).await;
    let twice = contact(&sf, json!({ "LastName": "B", "Badge__c": "B" })).await;
    let message = format!("duplicate value found: Badge__c duplicates value on record with id: {}", &id[..15]);
    assert_eq!(twice.error(), (400, "DUPLICATE_VALUE", message.as_str()));
    assert_eq!(twice.json[0]["fields"], json!([]));
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let sf = Sf::new().await;
    let message = "The requested resource does not exist";
    for path in ["/nothing", "/sobjects/Nothing", "/sobjects/Contact/a/b/c", "/composite/nothing/x/y"] {
        assert_eq!(sf.get(path).await.error(), (404, "NOT_FOUND", message), "{path}");
    }
    let id = "003000000000000AAA";
    let message = format!("Provided external ID field does not exist or is not accessible: {id}");
    assert_eq!(sf.get(&format!("/sobjects/Contact/{id}")).await.error(), (404, "NOT_FOUND", message.as_str()));
    let put = sf.send("PUT", &format!("/sobjects/Contact/{id}"), json!({})).await;
    assert_eq!(
        put.error(),
        (405, "METHOD_NOT_ALLOWED", "HTTP Method 'PUT' not allowed. Allowed are GET,HEAD,PATCH,DELETE")
    );
    assert_eq!(
        sf.send("DELETE", &format!("/sobjects/User/{}", sf.org.records("User")[0]["Id"].as_str().unwrap()), None)
            .await
            .status,
        405
    );
    let profile = sf.send("POST", "/sobjects/Profile", json!({ "Name": "x" })).await;
    assert_eq!(profile.error().1, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
}

#[tokio::test]
async fn queries_name_what_is_wrong() {
    let sf = Sf::new().await;
    let cases = [
        ("SELECT Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Kontact", "INVALID_TYPE"),
        ("SELECT Id FRM Contact", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ];
    for (text, code) in cases {
        let answer = sf.query(text).await;
        assert_eq!((answer.status.as_u16(), answer.error().1), (400, code), "{text}: {}", answer.text);
    }
    assert_eq!(sf.get("/query").await.status, 400);
    assert_eq!(sf.get("/query/01g000000000000AAA-2000").await.error().1, "INVALID_QUERY_LOCATOR");
    assert_eq!(sf.get(&format!("/search?q={}", encoded("FIND x"))).await.error().1, "MALFORMED_SEARCH");
}

#[tokio::test]
async fn sessions_end_when_they_are_not_used() {
    let sf = Sf::start(oktant_sandbox::Salesforce::builder().token_lifetime_seconds(900)).await;
    for _ in 0..3 {
        sf.clock.advance(std::time::Duration::from_mins(14));
        assert_eq!(sf.get("/limits").await.status, 200);
    }
    sf.clock.advance(std::time::Duration::from_mins(15));
    let ended = sf.get("/limits").await;
    assert_eq!(ended.error(), (401, "INVALID_SESSION_ID", "Session expired or invalid"));
    assert_eq!(ended.header("www-authenticate"), "Token");
    assert!(ended.headers.get("sforce-limit-info").is_none());
}

#[tokio::test]
async fn the_requests_of_a_day_are_counted() {
    let sf =
        Sf::start(oktant_sandbox::Salesforce::builder().daily_api_requests(2).token_lifetime_seconds(200_000)).await;
    assert_eq!(sf.get("/limits").await.status, 200);
    assert_eq!(sf.get("/limits").await.header("sforce-limit-info"), "api-usage=2/2");
    assert_eq!(sf.get("/limits").await.error(), (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
    sf.clock.advance(std::time::Duration::from_hours(13));
    assert_eq!(sf.get("/limits").await.status, 200);
}

#[tokio::test]
async fn a_record_that_was_changed_since_is_not_changed_again() {
    let sf = Sf::new().await;
    let id = sf.create("Contact", json!({ "LastName": "A" })).await;
    let change = |since: &'static str| {
        let request = sf.request("PATCH", &format!("{DATA}/sobjects/Contact/{id}")).bearer_auth(&sf.token);
        request
            .header("if-unmodified-since", since)
            .header("content-type", "application/json")
            .body(r#"{"LastName":"B"}"#)
    };
    assert_eq!(sf.raw(change("Mon, 02 Mar 2026 11:00:00 GMT")).await.status, 412);
    assert_eq!(sf.raw(change("Mon, 02 Mar 2026 12:00:00 GMT")).await.status, 204);
}
