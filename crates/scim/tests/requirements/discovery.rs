//! What the service says about itself: D.

use http::{Method, header};
use oktant_scim::Profile;
use serde_json::{Value, json};

use crate::support::{BASE, ENTERPRISE, GROUP, LIST, OKTA, Service, USER};

#[tokio::test]
async fn the_configuration_is_complete_and_public() {
    for profile in [Profile::Rfc, OKTA] {
        let service = Service::new(profile);
        let config = service.get("/ServiceProviderConfig").await.is(200).body;
        assert!(config.get("Resources").is_none(), "D1");
        for name in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
            assert!(config[name]["supported"].is_boolean(), "D1: {name}");
        }
        for (name, number) in [("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")] {
            assert!(config[name][number].as_u64().unwrap() > 0, "D1: {name}.{number}");
        }
        assert_eq!(config["filter"]["supported"], true);
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken", "D2");
        for name in ["name", "description"] {
            assert!(config["authenticationSchemes"][0][name].is_string(), "D2: {name}");
        }
        let pagination = &config["pagination"];
        assert_eq!((&pagination["cursor"], &pagination["index"]), (&json!(true), &json!(true)), "D3, P6");
        assert_eq!(pagination["defaultPaginationMethod"], "index", "P6, P8");
        for name in ["defaultPageSize", "maxPageSize", "cursorTimeout"] {
            assert!(pagination[name].as_u64().unwrap() > 0, "P6: {name}");
        }
    }
    let service = Service::new(Profile::Rfc);
    let mut request = Service::request(Method::GET, "/ServiceProviderConfig", None);
    request.headers_mut().remove(header::AUTHORIZATION);
    service.send(request).await.is(200);
}

#[tokio::test]
async fn types_and_schemas_are_lists_of_what_can_be_read_one_by_one() {
    let service = Service::new(Profile::Rfc);
    for (path, kind, ids) in [
        ("/ResourceTypes", "ResourceType", vec!["User", "Group"]),
        ("/Schemas", "Schema", vec![USER, ENTERPRISE, GROUP]),
    ] {
        let list = service.get(path).await.is(200).body;
        assert_eq!(list["schemas"], json!([LIST]), "D4");
        assert_eq!(list["totalResults"], ids.len(), "D4");
        for (document, id) in list["Resources"].as_array().unwrap().iter().zip(ids) {
            assert_eq!(document["id"], id, "D4");
            assert_eq!(document["meta"]["resourceType"], kind, "D4");
            assert_eq!(document["meta"]["location"], format!("{BASE}{path}/{id}"), "D4");
            assert_eq!(&service.get(&format!("{path}/{id}")).await.is(200).body, document, "E5, E6");
        }
        let ignored = service.get(&format!("{path}?sortBy=id&startIndex=7&count=0&attributes=id")).await.is(200).body;
        assert_eq!(ignored, list, "D7");
        service.get(&format!("{path}?filter=id%20eq%20%22User%22")).await.is(403);
    }
    service.get("/ServiceProviderConfig?filter=a%20pr").await.is(403);
    let user = service.get("/ResourceTypes/User").await.body;
    assert_eq!(user["endpoint"], "/Users", "D5");
    assert_eq!(user["schema"], USER, "D5");
    assert_eq!(user["schemaExtensions"], json!([{ "schema": ENTERPRISE, "required": false }]), "D5");
}

#[tokio::test]
async fn every_attribute_has_its_characteristics() {
    fn check(attribute: &Value, path: &str) {
        for name in ["multiValued", "required", "caseExact"] {
            assert!(attribute[name].is_boolean(), "D6: {path} {name}");
        }
        for name in ["name", "description", "type", "mutability", "returned", "uniqueness"] {
            assert!(attribute[name].as_str().is_some_and(|text| !text.is_empty()), "D6: {path} {name}");
        }
        assert_eq!(attribute["type"] == "complex", attribute["subAttributes"].is_array(), "D6: {path}");
        assert_eq!(attribute["type"] == "reference", attribute["referenceTypes"].is_array(), "D6: {path}");
        for part in attribute["subAttributes"].as_array().into_iter().flatten() {
            check(part, &format!("{path}.{}", part["name"]));
        }
    }
    for profile in [Profile::Rfc, OKTA] {
        let schemas = Service::new(profile).get("/Schemas").await.is(200);
        for schema in schemas.resources() {
            for attribute in schema["attributes"].as_array().unwrap() {
                check(attribute, &format!("{}:{}", schema["id"], attribute["name"]));
            }
        }
    }
}

/// Whatever a schema has that can be written and read is kept and given back.
#[tokio::test]
async fn discovery_agrees_with_what_is_kept() {
    fn example(attribute: &Value) -> Option<Value> {
        if attribute["mutability"] != "readWrite" {
            return None;
        }
        let single = match attribute["type"].as_str().unwrap() {
            "boolean" => json!(true),
            "complex" => {
                let parts = attribute["subAttributes"].as_array().unwrap();
                parts.iter().filter_map(|part| Some((part["name"].as_str()?.to_owned(), example(part)?))).collect()
            }
            _ => json!("dGV4dA=="),
        };
        Some(if attribute["multiValued"] == true { json!([single]) } else { single })
    }
    for profile in [Profile::Rfc, OKTA] {
        let service = Service::new(profile);
        let mut body = json!({ "schemas": [USER] });
        for schema in service.get("/Schemas").await.resources() {
            let attributes = schema["attributes"].as_array().unwrap();
            let values =
                attributes.iter().filter_map(|found| Some((found["name"].as_str()?.to_owned(), example(found)?)));
            match schema["id"].as_str().unwrap() {
                USER => body.as_object_mut().unwrap().extend(values),
                GROUP => {}
                extension => body[extension] = values.collect(),
            }
        }
        let made = service.post("/Users", body.clone()).await.is(201).body;
        for (name, value) in body.as_object().unwrap().iter().filter(|(name, _)| *name != "schemas") {
            assert_eq!(&made[name], value, "D8: {name}");
        }
    }
}
