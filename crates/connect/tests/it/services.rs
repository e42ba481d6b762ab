//! Services of single packs against small local servers.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use oktant_connect::connection::Auth;
use oktant_engine::{Actions, Outcome};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::common::{Bench, call, outputs, serve};

#[tokio::test]
async fn workers_of_workday_are_streamed() {
    async fn workers(Query(query): Query<Value>) -> Json<Value> {
        let number = |name: &str| query[name].as_str().map_or(0, |text| text.parse::<usize>().unwrap());
        assert_eq!(query["includeTerminatedWorkers"], "false");
        let offset = number("offset");
        let worker =
            |number: usize| json!({"id": format!("w{number}"), "descriptor": "Ann", "person": {"email": "a@b"}});
        let data: Vec<Value> = (offset..250.min(offset + number("limit"))).map(worker).collect();
        Json(json!({"total": 250, "data": data}))
    }
    let url = serve(Router::new().route("/ccx/api/staffing/v6/acme/workers", get(workers))).await;
    let bench = Bench::new().await;
    let settings = [("instance_url", url.as_str()), ("tenant", "acme")];
    bench.connect("wd", "workday", Auth::Bearer, &settings, &[("token", "t")]).await;
    let options = [("result_set_IMFK48", "stream_matching_records")];
    let inputs = json!({"Search Criteria.include_terminated_workers_RXOKPC": false, "Streaming.Record Limit": 220});
    let (mut cursor, mut ids) = (None, Vec::new());
    loop {
        let mut page = call("workday:searchWorkers_IQh7ZBbhg", "wd", &options, inputs.clone());
        page.cursor = cursor;
        let Outcome::Page { records, cursor: next } = bench.connectors.call(page).await.unwrap() else {
            panic!("no page")
        };
        let record = serde_json::to_value(&records[0]).unwrap();
        assert_eq!((&record["Worker Resource Descriptor"], &record["Person"]["Email"]), (&json!("Ann"), &json!("a@b")));
        ids.extend(records.iter().map(|record| record.as_object().unwrap()["Worker Resource ID"].clone()));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((ids.len(), ids[219].as_text()), (220, Some("w219")));
}

#[tokio::test]
async fn entitlements_of_aws_are_given_listed_and_taken_with_signed_requests() {
    #[derive(Default)]
    struct Account {
        sets: Vec<String>,
        page: bool,
    }
    type Shared = Arc<Mutex<Account>>;
    async fn act(State(account): State<Shared>, headers: HeaderMap, body: String) -> Json<Value> {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let signature = text("authorization");
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{signature}");
        assert!(signature.contains("/us-west-2/sso/aws4_request") && signature.contains("x-amz-target"), "{signature}");
        assert_eq!(text("content-type"), "application/x-amz-json-1.1");
        let (target, body): (_, Value) = (text("x-amz-target"), serde_json::from_str(&body).unwrap());
        assert_eq!((&body["InstanceArn"], &body["PrincipalId"]), (&json!("arn:i"), &json!("u1")));
        let mut account = account.lock();
        let set = body["PermissionSetArn"].as_str().unwrap_or_default().to_owned();
        match target.rsplit('.').next().unwrap() {
            "CreateAccountAssignment" => account.sets.push(set),
            "DeleteAccountAssignment" => account.sets.retain(|known| *known != set),
            "ListAccountAssignmentsForPrincipal" => {
                assert_eq!(body["Filter"]["AccountId"], "12");
                let one = |set: &String| json!({"AccountId": "12", "PermissionSetArn": set});
                let all: Vec<Value> = account.sets.iter().map(one).collect();
                let next = account.page.then_some("more");
                return Json(json!({"AccountAssignments": all, "NextToken": next}));
            }
            other => panic!("{other}"),
        }
        Json(json!({"AccountAssignmentCreationStatus": {"Status": "IN_PROGRESS"}}))
    }
    let account = Shared::default();
    let url = serve(Router::new().route("/", post(act)).with_state(account.clone())).await;
    let bench = Bench::new().await;
    let settings = [("endpoint", url.as_str()), ("service", "sso"), ("region", "us-west-2"), ("access_key_id", "AKID")];
    bench.connect("aws", "awssso", Auth::AwsKeys, &settings, &[("secret_access_key", "s3cret")]).await;
    let run = async |operation: &str, region: &str, sets: Value| {
        let options = [("region", region), ("instances", "arn:i"), ("accounts", "-- Enter Account ID --")];
        let inputs = json!({
            "Parameters.Principal Type": "USER", "Parameters.Principal ID": "u1", "Parameters.Account ID": "12",
            "Parameters.Permission Sets": sets,
        });
        bench.connectors.call(call(&format!("awssso:{operation}"), "aws", &options, inputs)).await.map(outputs)
    };
    let added = run("addAWSEntitlements", "us-west-2", json!(["arn:a", "arn:b"])).await.unwrap();
    assert_eq!(added, json!({"Response.Status Code": 200}));
    let listed = run("listAWSEntitlements", "us-west-2", json!([])).await.unwrap();
    let one = |set: &str| json!({"Account ID": "12", "Permission Set": set});
    assert_eq!(listed["Response.Entitlements"], json!([one("arn:a"), one("arn:b")]));
    account.lock().page = true;
    assert!(run("listAWSEntitlements", "us-west-2", json!([])).await.unwrap_err().message.contains("more than 100"));
    account.lock().page = false;
    run("removeAllAWSEntitlements", "us-west-2", json!([])).await.unwrap();
    assert!(account.lock().sets.is_empty());
    let error = run("addAWSEntitlements", "eu-west-1", json!(["arn:a"])).await.unwrap_err();
    assert!(error.message.contains("for region us-west-2"), "{}", error.message);
}

#[tokio::test]
async fn keys_of_yubico_are_ordered_and_followed() {
    type Orders = Arc<Mutex<Vec<Value>>>;
    async fn order(State(orders): State<Orders>, Json(order): Json<Value>) -> impl IntoResponse {
        orders.lock().push(order);
        (StatusCode::CREATED, Json(json!({"shipment_id": "s1", "shipment_state": {"shipment_state_id": 1}})))
    }
    async fn details(Path(id): Path<String>) -> Json<Value> {
        assert_eq!(id, "s1");
        let key = json!({"serial_number": "7", "firmware_version": "5.7", "fido_pin_response": "p", "fido_credential_responses": ["c"]});
        Json(
            json!({"shipment_state": {"shipment_state_id": 104}, "shipment_items": [{"product_id": 3, "product_data": [key]}]}),
        )
    }
    let orders = Orders::default();
    let router = Router::new()
        .route("/fpr/shipments", post(order))
        .route("/fpr/shipments/{id}", get(details))
        .route("/keys/{name}", get(|Path(name): Path<String>| async move { Json(json!({"keys": [{"kid": name}]})) }))
        .with_state(orders.clone());
    let url = serve(router).await;
    let bench = Bench::new().await;
    let settings =
        [("instance_url", url.as_str()), ("transport_keys", "keys/transport"), ("signing_keys", "keys/sign")];
    bench.connect("yk", "yubico", Auth::Bearer, &settings, &[("token", "t")]).await;
    bench.connect("bare", "yubico", Auth::Bearer, &[("instance_url", url.as_str())], &[("token", "t")]).await;
    let run = async |operation: &str, inputs: Value| {
        outputs(bench.connectors.call(call(&format!("yubico:{operation}"), "yk", &[], inputs)).await.unwrap())
    };
    let item = json!({
        "Item Details.customization_id_EZZON6": "cu", "Item Details.product_id_JC2M8C": 3,
        "Item Details.inventory_product_id_ME6PBC": 15, "Item Details.product_quantity_ASFPPM": 1,
        "Item Details.fido_pin_req_RO2JTI": "pin", "Item Details.fido_cred_reqs_AC6YFI": ["cred"],
    });
    let item = run("fprCreateShipmentItems_uLBcfRvLDk", item).await["Outputs.shipment_item_9KMGXJ"].clone();
    assert_eq!(item["product_customizations"][0]["fido_credential_requests"], json!(["cred"]));
    let order = json!({
        "User Info.company_TXT9P6": "Acme", "User Info.last_name_Q27YBY": "Neil", "Mailing Address.city_MIZJOS": "Bonn",
        "Shipment Items.list_of_shipment_items_XMXSEN": [item.clone()], "Delivery Type.delivery_type_JHQUUS": 1,
    });
    let made = run("fprCreateShipmentRequest_KwfBYYcw1", order).await;
    assert_eq!(made, json!({"Shipment Data.shipment_id_1JS9MV": "s1", "Shipment Data.shipment_state_id_D4HNVH": 1}));
    let sent = orders.lock()[0].clone();
    assert_eq!((&sent["recipient"]["recipient_lastname"], &sent["shipment_items"]), (&json!("Neil"), &json!([item])));
    let found = run("fprGetShipmentDetails_rYCC8JA72c", json!({"Shipment.shipment_id_TPV9ZT": "s1"})).await;
    assert_eq!(found["Shipment Data.shipment_state_id_M4WUYX"], 104);
    let key = &found["Shipment Data.shipment_items_AWZ7OE"][0]["product_data"][0];
    assert_eq!((&key["serial"], &key["fido_credential_response"]), (&json!("7"), &json!(["c"])));
    let keys = run("testKeys_1zKspX3VCW", json!({})).await;
    assert_eq!(keys["Outputs.transport_keys_-_jwks_PLGGEN"]["keys"][0]["kid"], "transport");
    let error = bench.connectors.call(call("yubico:testKeys_1zKspX3VCW", "bare", &[], json!({}))).await.unwrap_err();
    assert!(error.message.contains("--set transport_keys=PATH"), "{}", error.message);
}
