//! Lists: paging by index and cursor, filters, sort, `.search`: L, P, F, S, E8.

use std::time::Duration;

use oktant_scim::{Limits, Profile};
use serde_json::{Value, json};

use crate::support::{ENTERPRISE, LIST, SEARCH, Service, USER, query};

/// A service with users `u0`, `u1`, … in this order.
async fn with_users(count: usize) -> Service {
    let service = Service::new(Profile::Rfc);
    for index in 0..count {
        service.user(&format!("u{index}")).await;
        service.advance();
    }
    service
}

#[tokio::test]
async fn pages_by_index() {
    let service = with_users(5).await;
    for (id, parameters, names, start) in [
        ("L1", "", vec!["u0", "u1", "u2", "u3", "u4"], 1),
        ("L3", "?startIndex=2&count=2", vec!["u1", "u2"], 2),
        ("L3", "?startIndex=0&count=1", vec!["u0"], 1),
        ("L3", "?startIndex=-7&count=1", vec!["u0"], 1),
        ("L3", "?startIndex=6", vec![], 6),
        ("L3", "?startIndex=9223372036854775807", vec![], 9_223_372_036_854_775_807_i64),
        ("L4", "?count=0", vec![], 1),
        ("L4", "?count=-1", vec![], 1),
        ("L4", "?count=99999999", vec!["u0", "u1", "u2", "u3", "u4"], 1),
        ("L6", "?STARTINDEX=5&COUNT=3", vec!["u4"], 5),
    ] {
        let list = service.get(&format!("/Users{parameters}")).await.is(200);
        assert_eq!(list.names("userName"), names, "{id}: {parameters}");
        assert_eq!(list.body["schemas"], json!([LIST]), "L1");
        assert_eq!(list.body["totalResults"], 5, "L2, L3, L4: {parameters}");
        assert_eq!(list.body["startIndex"], start, "L3: {parameters}");
        assert_eq!(list.body["itemsPerPage"], names.len(), "L5: {parameters}");
    }
    for parameters in ["?startIndex=x", "?count=1.5", "?count=", "?startIndex=99999999999999999999"] {
        service.get(&format!("/Users{parameters}")).await.bad("invalidValue");
    }
    let none = service.get(&format!("/Users{}", query(&[("filter", "userName eq \"nobody\"")]))).await.is(200);
    assert_eq!((none.body["totalResults"].as_u64(), none.resources().len()), (Some(0), 0), "L7");
    let empty = service.get("/Groups?startIndex=1&count=100").await.is(200);
    assert_eq!(empty.body["Resources"], json!([]), "L1");
}

#[tokio::test]
async fn a_page_has_no_more_than_the_limit() {
    let service = Service::limited(Profile::Rfc, Limits { page_max: 3, page_default: 2, ..Limits::default() });
    for index in 0..4 {
        service.user(&format!("u{index}")).await;
    }
    assert_eq!(service.get("/Users?count=100").await.resources().len(), 3, "L4");
    assert_eq!(service.get("/Users").await.resources().len(), 2);
}

/// All pages of a walk by cursor.
async fn walk(service: &Service, parameters: &[(&str, &str)]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page =
            service.get(&format!("/Users{}", query(&[parameters, &[("cursor", &cursor)]].concat()))).await.is(200);
        assert!(page.body.get("startIndex").is_none(), "P2");
        seen.extend(page.names("userName").into_iter().map(str::to_owned));
        match page.body.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => return seen,
        }
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "P3: {cursor}");
        assert!(seen.len() <= 100, "P9: the walk does not end");
    }
}

#[tokio::test]
async fn pages_by_cursor() {
    let service = with_users(5).await;
    let all = ["u0", "u1", "u2", "u3", "u4"];
    for count in ["1", "2", "5", "9"] {
        assert_eq!(walk(&service, &[("count", count)]).await, all, "P1, P2: {count}");
    }
    assert_eq!(walk(&service, &[("filter", "userName gt \"u2\""), ("count", "1")]).await, ["u3", "u4"], "P3");
    let sorted = [("sortBy", "userName"), ("sortOrder", "descending"), ("count", "2")];
    assert_eq!(walk(&service, &sorted).await, ["u4", "u3", "u2", "u1", "u0"], "P3");
    let first = service.get("/Users?cursor&count=2").await.is(200);
    assert_eq!(first.body["itemsPerPage"], 2, "P1");
    let next = first.body["nextCursor"].as_str().unwrap();
    let second = service.get(&format!("/Users?cursor={next}")).await;
    assert_eq!(second.names("userName"), ["u2", "u3"], "P7: the count of the first page");
    let search = json!({ "schemas": [SEARCH], "cursor": next, "count": 2 });
    assert_eq!(service.post("/Users/.search", search).await.names("userName"), ["u2", "u3"], "P4");
    for (id, parameters, scim_type) in [
        ("P5", format!("?cursor={next}&startIndex=1"), "invalidValue"),
        ("P7", format!("?cursor={next}&count=3"), "invalidCount"),
        ("P7", "?cursor=&count=0".to_owned(), "invalidCount"),
        ("P7", format!("?cursor={next}A"), "invalidCursor"),
        ("P7", "?cursor=zzz".to_owned(), "invalidCursor"),
        ("P3", format!("?cursor={next}&filter=userName%20pr"), "invalidCursor"),
        ("P3", format!("?cursor={next}&sortBy=userName"), "invalidCursor"),
        ("P3", format!("?cursor={next}&attributes=userName"), "invalidCursor"),
    ] {
        let answer = service.get(&format!("/Users{parameters}")).await;
        assert_eq!(answer.bad(scim_type).body["scimType"], scim_type, "{id}: {parameters}");
    }
    service.get(&format!("/Groups?cursor={next}")).await.bad("invalidCursor");
    service.clock.advance(Duration::from_hours(1));
    service.get(&format!("/Users?cursor={next}")).await.is(200);
    service.advance();
    service.get(&format!("/Users?cursor={next}")).await.bad("expiredCursor");
    let indexed = service.get("/Users?count=2").await;
    assert!(indexed.body.get("nextCursor").is_none() && indexed.body["startIndex"] == 1, "P8");
}

#[tokio::test]
async fn a_walk_neither_skips_nor_repeats_while_the_list_changes() {
    let service = with_users(6).await;
    let ids: Vec<String> =
        service.get("/Users").await.resources().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect();
    let first = service.get("/Users?cursor=&count=3").await;
    assert_eq!(first.names("userName"), ["u0", "u1", "u2"]);
    // The last resource of the page itself, one before it and one after it go; one comes.
    for gone in [&ids[0], &ids[2], &ids[4]] {
        service.delete(&format!("/Users/{gone}")).await.is(204);
    }
    service.user("u6").await;
    let second = service.get(&format!("/Users?cursor={}", first.body["nextCursor"].as_str().unwrap())).await;
    assert_eq!(second.names("userName"), ["u3", "u5", "u6"], "P9");
}

/// Four users that differ in what filters look at.
async fn for_filters() -> Service {
    let service = Service::new(Profile::Rfc);
    for body in [
        json!({ "userName": "Ann", "active": true, "externalId": "X1", "title": "Äbtissin", "emails": [
            { "type": "work", "value": "ann@work.example", "primary": true }, { "type": "home", "value": "ann@home.example" },
        ], "name": { "familyName": "O'Malley" } }),
        json!({ "userName": "bob", "active": false, "emails": [{ "type": "home", "value": "bob@work.example" }], "name": { "familyName": "Zed" } }),
        json!({ "userName": "Zoë", "title": "", ENTERPRISE: { "department": "R&D", "manager": { "value": "1" } } }),
        json!({ "userName": "quote\"back\\slash", "title": "ΣΑΣ" }),
    ] {
        let mut body: Value = body;
        body["schemas"] = json!([USER]);
        service.post("/Users", body).await.is(201);
        service.advance();
    }
    service
}

#[tokio::test]
async fn filters_find() {
    let service = for_filters().await;
    let (ann, bob, zoe, quote) = ("Ann", "bob", "Zoë", "quote\"back\\slash");
    let department = format!("{ENTERPRISE}:department eq \"r&d\"");
    let manager = format!("{}:manager.value pr", ENTERPRISE.to_uppercase());
    let core = format!("{USER}:userName eq \"ann\"");
    let schemas = format!("schemas eq \"{ENTERPRISE}\"");
    for (id, filter, names) in [
        ("F1", "userName eq \"ann\" or userName eq \"bob\" and active eq true", vec![ann]),
        ("F1", "(userName eq \"ann\" or userName eq \"bob\") and active eq false", vec![bob]),
        ("F1", "not (userName eq \"ann\") and active pr", vec![bob]),
        ("F1", "USERNAME EQ \"ann\" OR NOT(active PR)", vec![ann, zoe, quote]),
        ("F3", "userName eq \"ANN\"", vec![ann]),
        ("F3", "userName eq \"ZOË\"", vec![zoe]),
        ("F3", "userName eq \"zoe\"", vec![]),
        ("F3", "title sw \"äB\"", vec![ann]),
        ("F3", "title eq \"σας\"", vec![quote]),
        ("F3", "externalId eq \"x1\"", vec![]),
        ("F3", "externalId eq \"X1\"", vec![ann]),
        ("F4", "userName lt \"b\"", vec![ann]),
        ("F4", "userName ge \"bob\" and userName le \"QUOTE\"", vec![bob]),
        ("F4", "meta.created gt \"2026-01-01T00:00:00.5Z\"", vec![bob, zoe, quote]),
        ("F4", "meta.created ge \"2026-01-01T01:00:01+01:00\"", vec![bob, zoe, quote]),
        ("F10", "meta.lastModified eq \"2026-01-01T00:00:02.000Z\"", vec![zoe]),
        ("F10", &schemas, vec![zoe]),
        ("F5", "userName co \"o\"", vec![bob, zoe, quote]),
        ("F5", "userName ew \"B\"", vec![bob]),
        ("F6", "title pr", vec![ann, quote]),
        ("F6", "name pr", vec![ann, bob]),
        ("F6", "emails pr", vec![ann, bob]),
        ("F6", "name.givenName pr", vec![]),
        ("F7", "emails co \"@work\"", vec![ann, bob]),
        ("F7", "emails.type eq \"work\" and emails.value sw \"bob\"", vec![]),
        ("F7", "emails.type eq \"home\" and emails.value eq \"ANN@work.example\"", vec![ann]),
        ("F8", "emails[type eq \"home\" and value co \"@work\"]", vec![bob]),
        ("F8", "emails[type eq \"work\" and not (value co \"@home\")]", vec![ann]),
        ("F8", "emails[primary eq true] or userName eq \"Zoë\"", vec![ann, zoe]),
        ("F9", "externalId ne \"X1\"", vec![bob, zoe, quote]),
        ("F9", "emails ne \"ann@home.example\"", vec![bob, zoe, quote]),
        ("F9", "active eq null", vec![zoe, quote]),
        ("F9", "active ne null", vec![ann, bob]),
        ("F13", "userName eq \"quote\\\"back\\\\slash\"", vec![quote]),
        ("F13", "userName eq \"\\u007aO\\u00eb\"", vec![zoe]),
        ("F16", &department, vec![zoe]),
        ("F16", &manager, vec![zoe]),
        ("F16", &core, vec![ann]),
        ("F1", "active eq \"False\"", vec![bob]),
        ("F1", "meta.resourceType eq \"User\" and id pr", vec![ann, bob, zoe, quote]),
    ] {
        let list = service.get(&format!("/Users{}", query(&[("filter", filter)]))).await.is(200);
        assert_eq!(list.names("userName"), names, "{id}: {filter}");
        assert_eq!(list.body["totalResults"], names.len(), "{id}: {filter}");
    }
    let plus = service.get("/Users?filter=userName+eq+%22ann%22").await;
    assert_eq!(plus.names("userName"), [ann], "F13");
    service.user("a+b@example.com").await;
    let escaped = service.get("/Users?filter=userName%20eq%20%22a%2Bb@example.com%22").await;
    assert_eq!(escaped.names("userName"), ["a+b@example.com"], "F13");
}

#[tokio::test]
async fn filters_that_mean_nothing_are_refused() {
    let service = for_filters().await;
    let deep = format!("{}userName pr{}", "(".repeat(65), ")".repeat(65));
    let long = format!("userName eq \"{}\"", "x".repeat(8 * 1024));
    for (id, filter) in [
        ("F2", "not userName eq \"x\""),
        ("F4", "active gt true"),
        ("F4", "x509Certificates.value gt \"AA\""),
        ("F4", "meta.created gt \"yesterday\""),
        ("F5", "active co \"t\""),
        ("F5", "meta.created sw \"2026\""),
        ("F9", "userName gt null"),
        ("F11", "nothing eq \"x\""),
        ("F11", "name.nothing eq \"x\""),
        ("F11", "emails[nothing eq \"x\"]"),
        ("F11", "urn:nothing:User:userName eq \"x\""),
        ("F12", "userName"),
        ("F12", "userName eq"),
        ("F12", "userName is \"x\""),
        ("F12", "userName eq x"),
        ("F12", "userName eq 'x'"),
        ("F12", "userName eq \"x"),
        ("F12", "userName eq \"x\" trailing"),
        ("F12", "(userName pr"),
        ("F12", "userName pr)"),
        ("F12", "emails[type pr"),
        ("F12", "emails[type pr]]"),
        ("F12", "emails[]"),
        ("F12", "emails[type pr].value eq \"x\""),
        ("F12", "emails[emails[type pr]]"),
        ("F12", "userName[value pr]"),
        ("F12", "userName pr and"),
        ("F12", "or userName pr"),
        ("F12", "userName eq 5"),
        ("F12", "name eq \"x\""),
        ("F12", "addresses eq \"x\""),
        ("F14", "password eq \"canary-password\""),
        ("F14", "password pr"),
        ("F15", &deep),
        ("F15", &long),
    ] {
        let answer = service.get(&format!("/Users{}", query(&[("filter", filter)]))).await;
        assert_eq!(answer.status, 400, "{id}: {filter}: {}", answer.text);
        answer.bad("invalidFilter");
    }
    let blank = service.get("/Users?filter=").await.is(200);
    assert_eq!(blank.body["totalResults"], 4);
}

#[tokio::test]
async fn lists_are_sorted() {
    let service = for_filters().await;
    let (ann, bob, zoe, quote) = ("Ann", "bob", "Zoë", "quote\"back\\slash");
    let department = format!("{ENTERPRISE}:department");
    for (id, by, order, names) in [
        ("S1", "userName", "ascending", vec![ann, bob, quote, zoe]),
        ("S4", "USERNAME", "", vec![ann, bob, quote, zoe]),
        ("S1", "userName", "descending", vec![zoe, quote, bob, ann]),
        ("S2", "name.familyName", "ascending", vec![ann, bob, zoe, quote]),
        ("S2", "emails", "descending", vec![zoe, quote, bob, ann]),
        ("S2", "emails.type", "ascending", vec![bob, ann, zoe, quote]),
        ("S3", "active", "ascending", vec![bob, ann, zoe, quote]),
        ("S3", "active", "descending", vec![zoe, quote, ann, bob]),
        ("S4", "meta.resourceType", "descending", vec![ann, bob, zoe, quote]),
        ("S1", &department, "ascending", vec![zoe, ann, bob, quote]),
        ("S5", "nothing", "ascending", vec![ann, bob, zoe, quote]),
        ("S5", "name", "ascending", vec![ann, bob, zoe, quote]),
        ("S5", "password", "ascending", vec![ann, bob, zoe, quote]),
    ] {
        let list = service.get(&format!("/Users{}", query(&[("sortBy", by), ("sortOrder", order)]))).await.is(200);
        assert_eq!(list.names("userName"), names, "{id}: {by} {order}");
    }
}

#[tokio::test]
async fn searches_span_kinds() {
    let service = Service::new(Profile::Rfc);
    for index in 0..3 {
        service.user(&format!("u{index}")).await;
        service.group(&format!("g{index}"), &[]).await;
    }
    let search = async |body: Value| {
        let mut body = body;
        body["schemas"] = json!([SEARCH]);
        service.post("/.search", body).await
    };
    let shown = |list: &crate::support::Answer| -> Vec<String> {
        let name = |found: &Value| {
            found.get("userName").or_else(|| found.get("displayName")).unwrap().as_str().unwrap().to_owned()
        };
        list.resources().iter().map(name).collect()
    };
    for (body, names, total) in [
        (json!({}), vec!["u0", "u1", "u2", "g0", "g1", "g2"], 6),
        (json!({ "startIndex": 3, "count": 2 }), vec!["u2", "g0"], 6),
        (json!({ "startIndex": 6, "count": 2 }), vec!["g2"], 6),
        (json!({ "filter": "meta.resourceType eq \"Group\"", "count": 1 }), vec!["g0"], 3),
        (json!({ "filter": "userName sw \"u\"" }), vec!["u0", "u1", "u2"], 3),
        (
            json!({ "filter": "userName eq \"u1\" or members.value eq \"x\" or displayName eq \"g1\"" }),
            vec!["u1", "g1"],
            2,
        ),
        (json!({ "filter": "nothing pr" }), vec![], 0),
        (
            json!({ "sortBy": "displayName", "sortOrder": "descending", "filter": "not (userName pr)" }),
            vec!["g2", "g1", "g0"],
            3,
        ),
    ] {
        let list = search(body.clone()).await.is(200);
        assert_eq!(
            (shown(&list), &list.body["totalResults"]),
            (names.iter().map(|name| (*name).to_owned()).collect(), &json!(total)),
            "E8: {body}"
        );
    }
    let mut seen = Vec::new();
    let mut body = json!({ "cursor": "", "count": 2 });
    loop {
        let page = search(body.clone()).await.is(200);
        seen.extend(shown(&page));
        let Some(next) = page.body.get("nextCursor") else { break };
        body["cursor"] = next.clone();
        assert!(seen.len() < 10);
    }
    assert_eq!(seen, ["u0", "u1", "u2", "g0", "g1", "g2"], "P4");
    search(json!({ "filter": "userName eq" })).await.bad("invalidFilter");
    service.post("/.search", json!({ "filter": "id pr" })).await.bad("invalidValue");
    service.post("/Users/.search", json!({ "schemas": [SEARCH], "count": "x" })).await.bad("invalidValue");
    service.post("/Users/.search", json!({ "schemas": [SEARCH], "attributes": [1] })).await.bad("invalidValue");
    service.post("/Users/.search", json!({ "schemas": [SEARCH], "filter": "userName eq \"u1\"" })).await.is(200);
}

#[tokio::test]
async fn a_group_is_found_by_its_members() {
    let service = Service::new(Profile::Rfc);
    let (a, b) = (service.user("a").await, service.user("b").await);
    service.group("first", &[&a]).await;
    service.group("second", &[&a, &b]).await;
    for filter in
        [format!("members eq \"{b}\""), format!("members[value eq \"{b}\"]"), format!("members.value eq \"{b}\"")]
    {
        let list = service.get(&format!("/Groups{}", query(&[("filter", &filter)]))).await;
        assert_eq!(list.names("displayName"), ["second"], "F7: {filter}");
    }
    let few = service.get("/Groups?excludedAttributes=members").await.is(200);
    assert!(few.resources().iter().all(|group| group.get("members").is_none()), "G3");
}

#[tokio::test]
async fn a_sorted_walk_neither_skips_nor_repeats_while_the_list_changes() {
    for (order, filter, names) in [
        ("ascending", "", ["u0", "u1", "u2", "u3", "u4", "u5"]),
        ("descending", "", ["u5", "u4", "u3", "u2", "u1", "u0"]),
        ("descending", "userName sw \"u\"", ["u5", "u4", "u3", "u2", "u1", "u0"]),
    ] {
        let service = Service::new(Profile::Rfc);
        // Made in an order that is neither.
        for name in ["u3", "u0", "u5", "u1", "u4", "u2"] {
            service.user(name).await;
        }
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let parameters = [
                ("sortBy", "userName"),
                ("sortOrder", order),
                ("filter", filter),
                ("count", "2"),
                ("cursor", cursor.as_str()),
            ];
            let page = service.get(&format!("/Users{}", query(&parameters))).await.is(200);
            seen.extend(page.names("userName").iter().map(|name| (*name).to_owned()));
            // What the next page goes on behind goes away, and what lies before it comes.
            if let Some(last) = page.resources().last() {
                service.delete(&format!("/Users/{}", last["id"].as_str().unwrap())).await.is(204);
            }
            let before = if order == "ascending" { format!("a{}", seen.len()) } else { format!("u9{}", seen.len()) };
            service.user(&before).await;
            match page.body["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            assert!(seen.len() < 20, "S1: {seen:?}");
        }
        assert_eq!(seen, names, "S1, P4: {order} {filter}");
    }
}
