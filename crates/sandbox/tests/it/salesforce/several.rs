//! Several records and several calls in one request.

use serde_json::{Value, json};

use super::{DATA, Sf};

fn entries(answer: &super::Answer) -> &Vec<Value> {
    answer.json["compositeResponse"].as_array().unwrap_or_else(|| panic!("{}", answer.text))
}

#[tokio::test]
async fn calls_use_what_the_ones_before_gave() {
    let sf = Sf::new().await;
    let body = json!({ "allOrNone": true, "compositeRequest": [
        { "method": "POST", "url": format!("{DATA}/sobjects/Account"), "referenceId": "acc", "body": { "Name": "Acme" } },
        { "method": "POST", "url": format!("{DATA}/sobjects/Contact"), "referenceId": "con", "body": { "LastName": "At @{acc.id}", "AccountId": "@{acc.id}" } },
        { "method": "GET", "url": format!("{DATA}/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{{acc.id}}'"), "referenceId": "c" },
        { "method": "PATCH", "url": format!("{DATA}/sobjects/Contact/@{{c.records[0].Id}}"), "referenceId": "x", "body": { "Title": "Chief" } },
    ]});
    let answer = sf.send("POST", "/composite", body).await;
    let entries = entries(&answer);
    let status: Vec<_> = entries.iter().map(|entry| entry["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(status, [201, 201, 200, 204], "{}", answer.text);
    let account = entries[0]["body"]["id"].as_str().unwrap();
    assert_eq!(entries[0]["httpHeaders"]["Location"], format!("{DATA}/sobjects/Account/{account}"));
    assert_eq!((&entries[3]["body"], &entries[3]["referenceId"]), (&Value::Null, &json!("x")));
    let contact = &sf.org.records("Contact")[0];
    assert_eq!((&contact["AccountId"], &contact["Title"]), (&json!(account), &json!("Chief")));
    assert_eq!(contact["LastName"], format!("At {account}"));
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let sf = Sf::new().await;
    let calls = json!([
        { "method": "POST", "url": format!("{DATA}/sobjects/Account"), "referenceId": "a", "body": { "Name": "Acme" } },
        { "method": "POST", "url": format!("{DATA}/sobjects/Contact"), "referenceId": "b", "body": {} },
        { "method": "POST", "url": format!("{DATA}/sobjects/Contact"), "referenceId": "c", "body": { "LastName": "@{b.id}" } },
    ]);
    let all = sf.send("POST", "/composite", json!({ "allOrNone": true, "compositeRequest": calls })).await;
    let codes: Vec<_> = entries(&all).iter().map(|entry| entry["body"][0]["errorCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]);
    let rolled_back = "The transaction was rolled back since another operation in the same transaction failed.";
    assert_eq!(entries(&all)[0]["body"][0]["message"], rolled_back);
    assert_eq!(sf.org.records("Account").len(), 0);
    let some = sf.send("POST", "/composite", json!({ "allOrNone": false, "compositeRequest": calls })).await;
    let status: Vec<_> = entries(&some).iter().map(|entry| entry["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(status, [201, 400, 400]);
    assert_eq!(entries(&some)[2]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(sf.org.records("Account").len(), 1);
}

#[tokio::test]
async fn composite_calls_are_bounded_and_do_not_nest() {
    let sf = Sf::new().await;
    let call = |url: &str, number: usize| json!({ "method": "GET", "url": format!("{DATA}{url}"), "referenceId": format!("r{number}") });
    let many = |url: &str, count: usize| json!({ "compositeRequest": (0..count).map(|number| call(url, number)).collect::<Vec<_>>() });
    assert_eq!(sf.send("POST", "/composite", many("/limits", 25)).await.status, 200);
    assert_eq!(sf.send("POST", "/composite", many("/limits", 26)).await.error().1, "LIMIT_EXCEEDED");
    assert_eq!(sf.send("POST", "/composite", many("/query?q=SELECT+Id+FROM+User", 6)).await.status, 400);
    assert_eq!(sf.send("POST", "/composite", json!({ "compositeRequest": "x" })).await.error().1, "JSON_PARSER_ERROR");
    let nested = sf.send("POST", "/composite", many("/composite", 1)).await;
    assert_eq!(entries(&nested)[0]["body"][0]["errorCode"], "INVALID_BATCH_REQUEST");
}

#[tokio::test]
async fn a_batch_answers_each_call() {
    let sf = Sf::new().await;
    let calls = json!([
        { "method": "POST", "url": "v62.0/sobjects/Account", "richInput": { "Name": "Acme" } },
        { "method": "GET", "url": "v62.0/sobjects/Nothing" },
        { "method": "GET", "url": format!("{DATA}/limits") },
    ]);
    let answer = sf.send("POST", "/composite/batch", json!({ "batchRequests": calls })).await.json;
    let status = |answer: &Value| {
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["statusCode"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!((&answer["hasErrors"], status(&answer)), (&json!(true), vec![201, 404, 200]));
    let halted = sf.send("POST", "/composite/batch", json!({ "batchRequests": calls, "haltOnError": true })).await.json;
    assert_eq!(status(&halted), [201, 404, 412]);
}

#[tokio::test]
async fn collections_report_each_record() {
    let sf = Sf::custom().await;
    let contact = |fields: Value| {
        let mut record = fields;
        record["attributes"] = json!({ "type": "Contact" });
        record
    };
    let records = json!([contact(json!({ "LastName": "A", "Badge__c": "1" })), contact(json!({ "FirstName": "B" }))]);
    let some = sf.send("POST", "/composite/sobjects", json!({ "records": records })).await.json;
    assert_eq!((&some[0]["success"], &some[0]["errors"]), (&json!(true), &json!([])));
    let error = json!({ "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]", "fields": ["LastName"] });
    assert_eq!(some[1], json!({ "success": false, "errors": [error] }));
    let records = json!([contact(json!({ "LastName": "C" })), contact(json!({ "FirstName": "B" }))]);
    let none = sf.send("POST", "/composite/sobjects", json!({ "allOrNone": true, "records": records })).await.json;
    assert_eq!(none[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(sf.org.records("Contact").len(), 1);

    let id = some[0]["id"].as_str().unwrap();
    let patched = sf
        .send("PATCH", "/composite/sobjects", json!({ "records": [contact(json!({ "id": id, "Title": "T" }))] }))
        .await
        .json;
    assert_eq!(patched, json!([{ "id": id, "success": true, "errors": [] }]));
    let records = json!([
        contact(json!({ "Badge__c": "1", "LastName": "A2" })),
        contact(json!({ "Badge__c": "2", "LastName": "N" }))
    ]);
    let upserted = sf.send("PATCH", "/composite/sobjects/Contact/Badge__c", json!({ "records": records })).await.json;
    assert_eq!((&upserted[0]["created"], &upserted[1]["created"]), (&json!(false), &json!(true)));
    let read =
        sf.get(&format!("/composite/sobjects/Contact?ids={id},003000000000000AAA&fields=LastName,Title")).await.json;
    assert_eq!((&read[0]["LastName"], &read[0]["Title"], &read[1]), (&json!("A2"), &json!("T"), &Value::Null));
    let other = upserted[1]["id"].as_str().unwrap();
    let deleted = sf.send("DELETE", &format!("/composite/sobjects?ids={id},{other}&allOrNone=true"), None).await.json;
    assert_eq!((&deleted[0]["success"], &deleted[1]["success"]), (&json!(true), &json!(true)));
    let again = sf.send("DELETE", &format!("/composite/sobjects?ids={id}"), None).await.json;
    assert_eq!(again[0]["errors"][0]["statusCode"], "ENTITY_IS_DELETED");
    let many = json!({ "records": vec![contact(json!({ "LastName": "A" })); 201] });
    assert_eq!(sf.send("POST", "/composite/sobjects", many).await.status, 400);
}

#[tokio::test]
async fn trees_are_made_whole_or_not_at_all() {
    let sf = Sf::new().await;
    let record = |kind: &str, reference: &str, fields: Value| {
        let mut record = fields;
        record["attributes"] = json!({ "type": kind, "referenceId": reference });
        record
    };
    let tree = |last: Value| {
        let contacts =
            json!({ "records": [record("Contact", "c1", json!({ "LastName": "A" })), record("Contact", "c2", last)] });
        json!({ "records": [record("Account", "a1", json!({ "Name": "Acme", "Contacts": contacts }))] })
    };
    let made = sf.send("POST", "/composite/tree/Account", tree(json!({ "LastName": "B" }))).await;
    assert_eq!((made.status.as_u16(), &made.json["hasErrors"]), (201, &json!(false)));
    let references: Vec<_> =
        made.json["results"].as_array().unwrap().iter().map(|result| result["referenceId"].clone()).collect();
    assert_eq!(references, ["a1", "c1", "c2"]);
    assert!(sf.org.records("Contact").iter().all(|contact| contact["AccountId"] == made.json["results"][0]["id"]));
    let failed = sf.send("POST", "/composite/tree/Account", tree(json!({ "FirstName": "B" }))).await;
    let error = json!({ "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]", "fields": ["LastName"] });
    assert_eq!(
        (failed.status.as_u16(), &failed.json),
        (400, &json!({ "hasErrors": true, "results": [{ "referenceId": "c2", "errors": [error] }] }))
    );
    assert_eq!((sf.org.records("Account").len(), sf.org.records("Contact").len()), (1, 2));
}
