//! What the API says of itself, and its queries and searches.

use serde_json::{Value, json};

use super::{DATA, Sf, encoded};

#[tokio::test]
async fn versions_need_no_token_and_resources_do() {
    let sf = Sf::new().await;
    let versions = sf.raw(sf.request("GET", "/services/data/")).await;
    let winter = json!({ "label": "Winter '25", "url": DATA, "version": "62.0" });
    assert!(versions.json.as_array().unwrap().contains(&winter), "{}", versions.text);
    assert_eq!(versions.json.as_array().unwrap().last().unwrap()["version"], "68.0");
    assert_eq!(sf.raw(sf.request("GET", DATA)).await.status, 401);
    let index = sf.get("").await;
    assert_eq!(index.json["sobjects"], format!("{DATA}/sobjects"));
    let identity = index.json["identity"].as_str().unwrap();
    let identity = sf.raw(sf.request("GET", identity).bearer_auth(&sf.token)).await;
    assert_eq!(identity.json["username"], sf.org.announcement().user);
    for version in ["50.0", "68.0"] {
        assert_eq!(sf.get(&format!("/services/data/v{version}/sobjects")).await.status, 200);
    }
    assert_eq!(sf.get("/services/data/v69.0/sobjects").await.error().1, "NOT_FOUND");
}

#[tokio::test]
async fn limits_go_down_with_each_request() {
    let sf = Sf::new().await;
    let first = sf.get("/limits").await;
    assert_eq!(first.header("sforce-limit-info"), "api-usage=1/15000");
    assert_eq!(first.json["DailyApiRequests"], json!({ "Max": 15_000, "Remaining": 14_999 }));
    assert!(first.json["DataStorageMB"]["Max"].is_u64());
    let second = sf.get("/limits").await;
    assert_eq!(second.json["DailyApiRequests"]["Remaining"], 14_998);
    assert_eq!(second.header("sforce-limit-info"), "api-usage=2/15000");
}

#[tokio::test]
async fn objects_are_listed_and_described() {
    let sf = Sf::custom().await;
    let all = sf.get("/sobjects").await.json;
    assert_eq!((&all["encoding"], &all["maxBatchSize"]), (&json!("UTF-8"), &json!(200)));
    let names: Vec<_> =
        all["sobjects"].as_array().unwrap().iter().map(|object| object["name"].as_str().unwrap()).collect();
    for name in [
        "User",
        "Profile",
        "PermissionSet",
        "UserLicense",
        "Contact",
        "Account",
        "Lead",
        "Opportunity",
        "Case",
        "Invoice__c",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let one = sf.get("/sobjects/Contact").await.json;
    assert_eq!((&one["objectDescribe"]["keyPrefix"], &one["recentItems"]), (&json!("003"), &json!([])));
    let contact = sf.get("/sobjects/contact/describe").await;
    let field = |name: &str| {
        contact.json["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned().unwrap()
    };
    let required = |field: &Value| {
        field["createable"] == true && field["nillable"] == false && field["defaultedOnCreate"] == false
    };
    let fields = contact.json["fields"].as_array().unwrap();
    let names: Vec<_> =
        fields.iter().filter(|field| required(field)).map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["LastName"]);
    assert_eq!(field("AccountId")["referenceTo"], json!(["Account"]));
    assert_eq!(field("AccountId")["relationshipName"], "Account");
    assert_eq!(
        (field("Badge__c")["externalId"].clone(), field("Badge__c")["unique"].clone()),
        (json!(true), json!(true))
    );
    assert_eq!(field("Skills__c")["picklistValues"][1]["value"], "Go");
    let account = sf.get("/sobjects/Account/describe").await.json;
    let children = account["childRelationships"].as_array().unwrap();
    for (object, name) in [("Contact", "Contacts"), ("Invoice__c", "Invoices__r")] {
        assert!(
            children.iter().any(|child| child["childSObject"] == object && child["relationshipName"] == name),
            "{name}"
        );
    }
    let since = contact.header("last-modified").to_owned();
    let request = sf.request("GET", &format!("{DATA}/sobjects/Contact/describe")).bearer_auth(&sf.token);
    let again = sf.raw(request.header("if-modified-since", since)).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert_eq!(sf.get("/sobjects/Nothing/describe").await.error().1, "NOT_FOUND");
}

#[tokio::test]
async fn long_answers_come_in_pages() {
    let sf = Sf::new().await;
    for chunk in 0..3 {
        let record =
            |number: usize| json!({ "attributes": { "type": "Contact" }, "LastName": format!("N{chunk}{number:03}") });
        let body = json!({ "records": (0..200).map(record).collect::<Vec<_>>() });
        assert_eq!(sf.send("POST", "/composite/sobjects", body).await.status, 200);
    }
    let path = format!("{DATA}/query?q={}", encoded("SELECT LastName FROM Contact ORDER BY LastName"));
    let first = sf
        .raw(sf.request("GET", &path).bearer_auth(&sf.token).header("sforce-query-options", "batchSize=250"))
        .await
        .json;
    assert_eq!(
        (&first["totalSize"], &first["done"], first["records"].as_array().unwrap().len()),
        (&json!(600), &json!(false), 250)
    );
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert!(next.starts_with(&format!("{DATA}/query/01g")) && next.ends_with("-250"), "{next}");
    let second = sf.get(next).await.json;
    let third = sf.get(second["nextRecordsUrl"].as_str().unwrap()).await.json;
    assert_eq!((&third["done"], third["records"].as_array().unwrap().len()), (&json!(true), 100));
    assert!(third.get("nextRecordsUrl").is_none());
    assert_eq!(third["records"][99]["LastName"], "N2199");
    assert_eq!(sf.query("SELECT Id FROM Contact").await.json["done"], true);
    // A page can be asked for again, by its user, for two days.
    assert_eq!(sf.get(next).await.json, second);
    sf.clock.advance(std::time::Duration::from_hours(49));
    sf.org.expire_tokens();
    assert_eq!(sf.get(next).await.status, 401);
    let token = super::oauth::client_credentials(&sf).await;
    let late = sf.raw(sf.request("GET", next).bearer_auth(token)).await;
    assert_eq!(late.error(), (400, "INVALID_QUERY_LOCATOR", "invalid query locator"));
}

#[tokio::test]
async fn query_all_reads_the_recycle_bin() {
    let sf = Sf::new().await;
    let kept = sf.create("Lead", json!({ "LastName": "A", "Company": "B" })).await;
    let gone = sf.create("Lead", json!({ "LastName": "C", "Company": "D" })).await;
    assert_eq!(sf.send("DELETE", &format!("/sobjects/Lead/{gone}"), None).await.status, 204);
    let text = "SELECT Id, IsDeleted FROM Lead";
    assert_eq!(sf.query(text).await.json["records"][0]["Id"], kept);
    let all = sf.get(&format!("/queryAll?q={}", encoded(text))).await.json;
    assert_eq!((&all["totalSize"], &all["records"][1]["IsDeleted"]), (&json!(2), &json!(true)));
}

#[tokio::test]
async fn days_are_those_of_the_user() {
    // Noon in Greenwich is four in the morning where the administrator lives.
    let sf = Sf::start(oktant_sandbox::Salesforce::builder().token_lifetime_seconds(200_000)).await;
    sf.create("Account", json!({ "Name": "Today" })).await;
    let count = async |text: &str| {
        let text = format!("SELECT COUNT() FROM Account WHERE CreatedDate {text}");
        sf.query(&text).await.json["totalSize"].as_u64()
    };
    assert_eq!(count("= TODAY").await, Some(1));
    sf.clock.advance(std::time::Duration::from_hours(19));
    assert_eq!(count("= TODAY").await, Some(1));
    sf.clock.advance(std::time::Duration::from_hours(2));
    let counts = [count("= TODAY").await, count("= YESTERDAY").await, count("= LAST_N_DAYS:1").await];
    assert_eq!(counts, [Some(0), Some(1), Some(1)]);
    assert_eq!(count("= 2026-03-02T12:00:00Z").await, Some(1));
    assert_eq!(count("> 2026-03-02T13:00:00+01:00").await, Some(0));
}

#[tokio::test]
async fn searches_find_words_in_several_objects() {
    let sf = Sf::new().await;
    let account = sf.create("Account", json!({ "Name": "Acme Rockets", "Phone": "555 7788" })).await;
    let contact = sf.create("Contact", json!({ "LastName": "Acmeson", "Email": "road.runner@acme.example" })).await;
    let search = async |text: &str| sf.get(&format!("/search?q={}", encoded(text))).await;
    let found = search("FIND {acme*} RETURNING Account(Id, Name), Contact(Id, LastName)").await.json;
    let expected = json!({ "searchRecords": [
        { "attributes": { "type": "Account", "url": format!("{DATA}/sobjects/Account/{account}") }, "Id": account, "Name": "Acme Rockets" },
        { "attributes": { "type": "Contact", "url": format!("{DATA}/sobjects/Contact/{contact}") }, "Id": contact, "LastName": "Acmeson" },
    ]});
    assert_eq!(found, expected);
    let ids = |answer: &Value| {
        answer["searchRecords"].as_array().unwrap().iter().map(|record| record["Id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&search("FIND {acme}").await.json), [json!(account), json!(contact)]);
    assert_eq!(ids(&search("FIND {acme} IN NAME FIELDS").await.json), [json!(account)]);
    assert_eq!(
        ids(&search("FIND {runner} IN EMAIL FIELDS RETURNING Contact(Id WHERE LastName LIKE 'acme%' LIMIT 1)")
            .await
            .json),
        [json!(contact)]
    );
    assert_eq!(search("FIND {a} RETURNING Account").await.error().1, "MALFORMED_SEARCH");
    assert_eq!(search("FIND {acme} RETURNING Nothing").await.error().1, "INVALID_TYPE");
    let get = sf.get("/parameterizedSearch?q=acme&sobject=Account&Account.fields=Name").await.json;
    assert_eq!(get["searchRecords"][0]["Name"], "Acme Rockets");
    let body = json!({ "q": "7788", "fields": ["Phone"], "sobjects": [{ "name": "Account", "limit": 3 }] });
    assert_eq!(sf.send("POST", "/parameterizedSearch", body).await.json["searchRecords"][0]["Phone"], "555 7788");
}
