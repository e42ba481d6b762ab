//! Services of single packs against small local servers.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
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
