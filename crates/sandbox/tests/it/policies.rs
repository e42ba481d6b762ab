//! Policies and their rules: what a new org has, in which order they stand, and what a simulation says.

use serde_json::{Value, json};

use crate::support::Org;

const POLICIES: &str = "/api/v1/policies";

async fn create(org: &Org, name: &str, priority: Option<i64>) -> String {
    let mut body = json!({ "type": "OKTA_SIGN_ON", "name": name, "description": "made by a test" });
    if let Some(priority) = priority {
        body["priority"] = priority.into();
    }
    let policy = org.expect(200, "POST", POLICIES, Some(body)).await.json;
    policy["id"].as_str().unwrap().to_owned()
}

/// Names and priorities in the order of the list.
async fn order(org: &Org, path: &str) -> Vec<(String, i64)> {
    let listed = org.expect(200, "GET", path, None).await.json;
    let each = listed.as_array().unwrap().iter();
    each.map(|item| (item["name"].as_str().unwrap().to_owned(), item["priority"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn a_new_org_has_one_system_policy_with_one_system_rule_of_each_type() {
    let org = Org::empty().await;
    let expected = [
        ("OKTA_SIGN_ON", "Default Policy", "Default Rule", 1),
        ("PASSWORD", "Default Policy", "Default Rule", 1),
        ("MFA_ENROLL", "Default Policy", "Default Rule", 1),
        ("IDP_DISCOVERY", "Idp Discovery Policy", "Default Rule", 1),
        ("ACCESS_POLICY", "Any two factors", "Catch-all Rule", 99),
        ("PROFILE_ENROLLMENT", "Default Policy", "Catch-all Rule", 99),
        ("POST_AUTH_SESSION", "Post Auth Policy", "Catch-all Rule", 99),
        ("SESSION_VIOLATION_DETECTION", "Session Violation Detection Policy", "Catch-all Rule", 99),
    ];
    for (kind, policy, rule, priority) in expected {
        let listed = org.expect(200, "GET", &format!("{POLICIES}?type={kind}&expand=rules"), None).await.json;
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &json!(policy)), "{kind}");
        assert_eq!((&listed[0]["system"], &listed[0]["priority"]), (&json!(true), &json!(1)), "{kind}");
        let rules = &listed[0]["_embedded"]["rules"];
        assert_eq!((&rules[0]["name"], &rules[0]["priority"]), (&json!(rule), &json!(priority)), "{kind}");
        let own = format!("{POLICIES}/{}", listed[0]["id"].as_str().unwrap());
        let refused = org.expect(403, "DELETE", &own, None).await;
        assert_eq!(refused.code(), "E0000111", "{kind}");
        org.expect(403, "POST", &format!("{own}/lifecycle/deactivate"), None).await;
        let rule = format!("{own}/rules/{}", rules[0]["id"].as_str().unwrap());
        assert_eq!(org.expect(403, "DELETE", &rule, None).await.code(), "E0000111", "{kind}");
    }
}

#[tokio::test]
async fn lists_want_a_type_that_exists() {
    let org = Org::empty().await;
    for path in [POLICIES.to_owned(), format!("{POLICIES}?type=NONE")] {
        let refused = org.expect(400, "GET", &path, None).await;
        assert_eq!(
            (refused.code(), &refused.json["errorSummary"]),
            ("E0000001", &json!("Api validation failed: type"))
        );
    }
}

#[tokio::test]
async fn priorities_have_no_gaps_and_the_default_policy_comes_last() {
    let org = Org::empty().await;
    let path = format!("{POLICIES}?type=OKTA_SIGN_ON");
    let named = |names: [&str; 4]| names.iter().zip(1..).map(|(name, at)| ((*name).to_owned(), at)).collect::<Vec<_>>();
    let first = create(&org, "a", None).await;
    create(&org, "b", Some(1)).await;
    let third = create(&org, "c", Some(99)).await;
    assert_eq!(order(&org, &path).await, named(["b", "a", "c", "Default Policy"]));
    let own = format!("{POLICIES}/{third}");
    let body = json!({ "type": "OKTA_SIGN_ON", "name": "c", "priority": 2, "status": "INACTIVE" });
    let moved = org.expect(200, "PUT", &own, Some(body)).await.json;
    assert_eq!((&moved["priority"], &moved["status"], &moved["system"]), (&json!(2), &json!("ACTIVE"), &json!(false)));
    assert_eq!(order(&org, &path).await, named(["b", "c", "a", "Default Policy"]));
    org.expect(204, "DELETE", &format!("{POLICIES}/{first}"), None).await;
    assert_eq!(order(&org, &path).await.last(), Some(&("Default Policy".to_owned(), 3)));
}

#[tokio::test]
async fn activate_decides_on_the_status_of_what_is_made() {
    let org = Org::empty().await;
    let body = json!({ "type": "PASSWORD", "name": "Strict", "status": "ACTIVE" });
    let policy = org.expect(200, "POST", &format!("{POLICIES}?activate=false"), Some(body)).await.json;
    assert_eq!(policy["status"], "INACTIVE");
    assert_eq!(policy["created"], crate::support::NOW.replace('Z', ".000Z"));
    assert_eq!(policy["settings"]["password"]["breachedProtection"]["expireAfterDays"], Value::Null);
    let own = format!("{POLICIES}/{}", policy["id"].as_str().unwrap());
    assert!(policy["_links"]["activate"].is_object() && policy["_links"]["deactivate"].is_null(), "{policy}");
    org.expect(204, "POST", &format!("{own}/lifecycle/activate"), None).await;
    assert_eq!(org.get(&own).await.json["status"], "ACTIVE");
}

#[tokio::test]
async fn rules_have_the_type_of_their_policy_and_its_defaults() {
    let org = Org::empty().await;
    let id = create(&org, "p", None).await;
    let rules = format!("{POLICIES}/{id}/rules");
    let wrong = org.expect(400, "POST", &rules, Some(json!({ "type": "PASSWORD", "name": "x" }))).await;
    assert_eq!(wrong.cause(), "type: The type of a rule of this policy must be SIGN_ON");
    let body = json!({ "type": "SIGN_ON", "name": "x", "actions": { "signon": { "access": "DENY" } } });
    let rule = org.expect(200, "POST", &rules, Some(body)).await.json;
    assert_eq!(rule["actions"]["signon"]["access"], "DENY");
    assert_eq!(rule["actions"]["signon"]["session"]["maxSessionIdleMinutes"], 120);
    assert_eq!(rule["conditions"]["network"]["connection"], "ANYWHERE");
    assert_eq!((&rule["priority"], &rule["system"]), (&json!(1), &json!(false)));

    let access = json!({ "type": "ACCESS_POLICY", "name": "App" });
    let policy = org.expect(200, "POST", POLICIES, Some(access)).await.json;
    let rules = format!("{POLICIES}/{}/rules", policy["id"].as_str().unwrap());
    for (name, priority) in [("one", 1), ("two", 1)] {
        let body = json!({ "type": "ACCESS_POLICY", "name": name, "priority": priority,
            "conditions": { "platform": { "include": [] } },
            "actions": { "appSignOn": { "access": "ALLOW", "verificationMethod": { "type": "ASSURANCE", "factorMode": "1FA" } } } });
        let rule = org.expect(200, "POST", &rules, Some(body)).await.json;
        assert_eq!(rule["actions"]["appSignOn"]["verificationMethod"]["reauthenticateIn"], "PT12H");
        assert_eq!(rule["conditions"]["platform"], json!({ "include": [], "exclude": [] }));
    }
    let expected = [("two", 1), ("one", 2), ("Catch-all Rule", 99)].map(|(name, at)| (name.to_owned(), at));
    assert_eq!(order(&org, &rules).await, expected);
}

#[tokio::test]
async fn what_was_deleted_is_not_found_nor_is_anything_below_it() {
    let org = Org::empty().await;
    let own = format!("{POLICIES}/{}", create(&org, "p", None).await);
    org.expect(204, "DELETE", &own, None).await;
    for path in [own.clone(), format!("{own}/rules"), format!("{own}/app"), "/api/v1/idps/0oanone".to_owned()] {
        assert_eq!(org.expect(404, "GET", &path, None).await.code(), "E0000007", "{path}");
    }
}

#[tokio::test]
async fn a_clone_has_the_rules_of_its_source_and_no_times() {
    let org = Org::empty().await;
    let policy = org.expect(200, "POST", POLICIES, Some(json!({ "type": "ACCESS_POLICY", "name": "App" }))).await.json;
    let own = format!("{POLICIES}/{}", policy["id"].as_str().unwrap());
    let clone = org.expect(200, "POST", &format!("{own}/clone"), None).await.json;
    assert_eq!(
        (&clone["name"], &clone["created"], &clone["lastUpdated"]),
        (&json!("[cloned] App"), &Value::Null, &Value::Null)
    );
    let copy = format!("{POLICIES}/{}", clone["id"].as_str().unwrap());
    assert_ne!(own, copy);
    assert!(org.get(&copy).await.json["created"].is_string());
    assert_eq!(order(&org, &format!("{copy}/rules")).await, [("Catch-all Rule".to_owned(), 99)]);
    let sign_on = create(&org, "p", None).await;
    org.expect(400, "POST", &format!("{POLICIES}/{sign_on}/clone"), None).await;
}

#[tokio::test]
async fn applications_follow_the_policy_that_was_chosen_for_them() {
    let org = Org::empty().await;
    let policy = org.expect(200, "POST", POLICIES, Some(json!({ "type": "ACCESS_POLICY", "name": "App" }))).await.json;
    let id = policy["id"].as_str().unwrap();
    let body = json!({ "name": "bookmark", "label": "Wiki", "signOnMode": "BOOKMARK",
        "settings": { "app": { "url": "https://wiki.example", "requestIntegration": false } } });
    let app = org.expect(200, "POST", "/api/v1/apps", Some(body)).await.json["id"].as_str().unwrap().to_owned();
    assert_eq!(org.get(&format!("{POLICIES}/{id}/app")).await.json, json!([]));
    org.expect(204, "PUT", &format!("/api/v1/apps/{app}/policies/{id}"), None).await;
    assert_eq!(org.get(&format!("{POLICIES}/{id}/app")).await.column("/label"), ["Wiki"]);
    let mapping = org.get(&format!("{POLICIES}/{id}/mappings")).await;
    assert_eq!(mapping.column("/_links/application/href"), [format!("{}/api/v1/apps/{app}", org.sandbox.url())]);

    let user = org.user("who@x.example").await;
    let only = json!({ "type": "OKTA_SIGN_ON", "name": "Nobody", "conditions": { "people": { "users": { "include": ["00unone"] } } } });
    org.expect(200, "POST", POLICIES, Some(only)).await;
    let body = json!({ "appInstance": app, "policyTypes": ["OKTA_SIGN_ON", "ACCESS_POLICY"],
        "policyContext": { "user": { "id": user }, "groups": { "ids": [] } } });
    let path = "/api/v1/policies/simulate?expand=EVALUATED";
    let answer = org.expect(200, "POST", path, Some(body.clone())).await.json;
    assert_eq!(org.expect(200, "POST", path, Some(json!([body]))).await.json, answer);
    assert_eq!(answer[0]["result"]["policies"][0]["name"], "Default Policy");
    let evaluated = &answer[0]["evaluated"]["policies"];
    assert_eq!((&evaluated[0]["name"], &evaluated[0]["status"]), (&json!("Nobody"), &json!("NOT_MATCH")));
    assert_eq!(answer[1]["result"]["policies"][0]["id"], id);
    assert_eq!(answer[1]["result"]["policies"][0]["rules"][0]["name"], "Catch-all Rule");
}
