//! Single records.

use std::time::Duration;

use serde_json::json;

use super::{DATA, Sf, encoded};

#[tokio::test]
async fn a_record_lives_and_dies() {
    let sf = Sf::new().await;
    let made = sf
        .send(
            "POST",
            "/sobjects/Contact",
            json!({ "LastName": "Hopper", "FirstName": "Grace", "Birthdate": "1906-12-09" }),
        )
        .await;
    let id = made.id();
    assert_eq!((made.status.as_u16(), id.len()), (201, 18));
    assert_eq!(made.json, json!({ "id": id, "success": true, "errors": [] }));
    let path = format!("/sobjects/Contact/{id}");
    assert_eq!(made.header("location"), format!("{DATA}{path}"));
    let read = sf.get(&path).await.json;
    assert_eq!(read["attributes"], json!({ "type": "Contact", "url": format!("{DATA}{path}") }));
    assert_eq!(
        (&read["Name"], &read["Email"], &read["DoNotCall"]),
        (&json!("Grace Hopper"), &json!(null), &json!(false))
    );
    assert_eq!(read["CreatedDate"], "2026-03-02T12:00:00.000+0000");
    // The short form of the id is one too, and some of the fields are enough.
    let some = sf.get(&format!("/sobjects/Contact/{}?fields=FirstName,birthdate", &id[..15])).await.json;
    assert_eq!(
        some,
        json!({ "attributes": read["attributes"], "FirstName": "Grace", "Birthdate": "1906-12-09", "Id": id })
    );

    sf.clock.advance(Duration::from_mins(1));
    let changed = sf.send("PATCH", &path, json!({ "FirstName": null, "Title": "Rear admiral" })).await;
    assert_eq!((changed.status.as_u16(), changed.text.as_str()), (204, ""));
    let read = sf.get(&path).await.json;
    assert_eq!(
        (&read["Name"], &read["FirstName"], &read["Title"]),
        (&json!("Hopper"), &json!(null), &json!("Rear admiral"))
    );
    assert_eq!(read["SystemModstamp"], "2026-03-02T12:01:00.000+0000");
    let posted = sf.send("POST", &format!("{path}?_HttpMethod=PATCH"), json!({ "Title": "Admiral" })).await;
    assert_eq!(posted.status, 204);
    assert_eq!(sf.get(&path).await.json["Title"], "Admiral");

    assert_eq!(sf.send("DELETE", &path, None).await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(sf.send(method, &path, None).await.error(), (404, "ENTITY_IS_DELETED", "entity is deleted"));
    }
}

#[tokio::test]
async fn external_ids_address_records() {
    let sf = Sf::custom().await;
    let path = "/sobjects/Contact/Badge__c/B-1";
    assert_eq!(sf.send("PATCH", &format!("{path}?updateOnly=true"), json!({ "LastName": "A" })).await.status, 404);
    let made = sf.send("PATCH", path, json!({ "LastName": "A" })).await;
    assert_eq!((made.status.as_u16(), &made.json["created"]), (201, &json!(true)));
    let updated = sf.send("PATCH", path, json!({ "LastName": "B" })).await;
    assert_eq!(updated.json, json!({ "id": made.id(), "success": true, "errors": [], "created": false }));
    assert_eq!(updated.status, 200);
    assert_eq!(sf.get(path).await.json["LastName"], "B");
    assert_eq!(sf.org.records("Contact").len(), 1);
    assert_eq!(sf.send("PATCH", path, json!({ "Badge__c": "x", "LastName": "B" })).await.error().1, "INVALID_FIELD");
    assert_eq!(sf.send("DELETE", path, None).await.status, 204);
    assert_eq!(sf.get(path).await.error().1, "NOT_FOUND");
    assert_eq!(sf.get("/sobjects/Contact/Title/B-1").await.error().1, "NOT_FOUND");
}

#[tokio::test]
async fn a_key_of_several_records_gives_300_with_their_addresses() {
    let sf = Sf::custom().await;
    let one = sf.create("Contact", json!({ "LastName": "A", "Key__c": "k/1" })).await;
    let other = sf.create("Contact", json!({ "LastName": "B", "Key__c": "K/1" })).await;
    let urls = json!([format!("{DATA}/sobjects/Contact/{one}"), format!("{DATA}/sobjects/Contact/{other}")]);
    for method in ["GET", "PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| json!({ "LastName": "C" }));
        let answer = sf.send(method, "/sobjects/Contact/Key__c/k%2F1", body).await;
        assert_eq!((answer.status.as_u16(), &answer.json), (300, &urls), "{method}");
    }
}

#[tokio::test]
async fn references_can_be_given_by_external_id() {
    let sf = Sf::custom().await;
    let boss = sf.create("Contact", json!({ "LastName": "Boss", "Badge__c": "B-7" })).await;
    let id = sf.create("Contact", json!({ "LastName": "Clerk", "ReportsTo": { "Badge__c": "B-7" } })).await;
    assert_eq!(sf.get(&format!("/sobjects/Contact/{id}")).await.json["ReportsToId"], boss);
    let unknown =
        sf.send("POST", "/sobjects/Contact", json!({ "LastName": "X", "ReportsTo": { "Badge__c": "B-8" } })).await;
    assert_eq!(unknown.error().1, "INVALID_FIELD");
}

#[tokio::test]
async fn changes_are_listed_for_those_who_poll() {
    let sf = Sf::new().await;
    let kept = sf.create("Account", json!({ "Name": "Kept" })).await;
    sf.clock.advance(Duration::from_hours(1));
    let gone = sf.create("Account", json!({ "Name": "Gone" })).await;
    sf.send("DELETE", &format!("/sobjects/Account/{gone}"), None).await;
    sf.clock.advance(Duration::from_mins(5));
    let span = |from: &str| format!("start={}&end={}", encoded(from), encoded("2026-03-02T13:05:00+00:00"));
    let updated = sf.get(&format!("/sobjects/Account/updated/?{}", span("2026-03-02T12:00:00+00:00"))).await.json;
    assert_eq!(updated, json!({ "ids": [kept], "latestDateCovered": "2026-03-02T13:05:00.000+0000" }));
    let later = sf.get(&format!("/sobjects/Account/updated/?{}", span("2026-03-02T12:30:00+00:00"))).await.json;
    assert_eq!(later["ids"], json!([]));
    let deleted = sf.get(&format!("/sobjects/Account/deleted/?{}", span("2026-03-02T12:30:00+00:00"))).await.json;
    assert_eq!(deleted["deletedRecords"], json!([{ "id": gone, "deletedDate": "2026-03-02T13:00:00.000+0000" }]));
    assert_eq!(deleted["earliestDateAvailable"], "2026-03-02T12:00:00.000+0000");
    let long = sf.get(&format!("/sobjects/Account/updated/?{}", span("2026-01-01T00:00:00+00:00"))).await;
    assert_eq!(long.error().1, "INVALID_REPLICATION_DATE");
}

#[tokio::test]
async fn business_objects_fill_in_what_follows() {
    let sf = Sf::new().await;
    let opportunity = sf
        .create(
            "Opportunity",
            json!({ "Name": "Deal", "StageName": "Value Proposition", "CloseDate": "2026-05-01", "Amount": 200 }),
        )
        .await;
    let path = format!("/sobjects/Opportunity/{opportunity}");
    let read = sf.get(&path).await.json;
    assert_eq!(
        (&read["Probability"], &read["ExpectedRevenue"], &read["IsClosed"]),
        (&json!(50.0), &json!(100.0), &json!(false))
    );
    sf.send("PATCH", &path, json!({ "StageName": "Closed Won" })).await;
    let read = sf.get(&path).await.json;
    assert_eq!((&read["Probability"], &read["IsClosed"], &read["IsWon"]), (&json!(100.0), &json!(true), &json!(true)));
    assert_eq!(read["ForecastCategoryName"], "Closed");

    let case = sf.create("Case", json!({ "Subject": "Help" })).await;
    let path = format!("/sobjects/Case/{case}");
    let read = sf.get(&path).await.json;
    assert_eq!(
        (&read["CaseNumber"], &read["Status"], &read["Priority"]),
        (&json!("00001000"), &json!("New"), &json!("Medium"))
    );
    sf.send("PATCH", &path, json!({ "Status": "Closed" })).await;
    let read = sf.get(&path).await.json;
    assert_eq!((&read["IsClosed"], &read["ClosedDate"]), (&json!(true), &json!("2026-03-02T12:00:00.000+0000")));

    let lead = sf.create("Lead", json!({ "LastName": "L", "Company": "C" })).await;
    assert_eq!(sf.get(&format!("/sobjects/Lead/{lead}")).await.json["Status"], "Open - Not Contacted");

    let account = sf.create("Account", json!({ "Name": "A" })).await;
    let contact = sf.create("Contact", json!({ "LastName": "C", "AccountId": account })).await;
    sf.send("DELETE", &format!("/sobjects/Account/{account}"), None).await;
    assert_eq!(sf.get(&format!("/sobjects/Contact/{contact}")).await.error().1, "ENTITY_IS_DELETED");
}
