//! The rows of the table, one after the other on one server: what a provisioning does all day.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::connection::{Ask, Connection, Server};
use crate::measure::{Amount, measure};
use crate::{Failure, print};

/// A row but the first ends after that, however many requests are left.
const TIME: Duration = Duration::from_secs(8);

/// Users on a page.
const PAGE: usize = 100;

/// Members that one request adds while the group is built up.
const BATCH: usize = 500;

/// Members that leave the group before the first of them comes back: more than requests are in flight.
const TOGETHER: usize = 64;

/// Times that the group is read, and changes of its members.
const READS: usize = 400;
const CHANGES: usize = 4_000;

/// Measures all rows.
pub(crate) async fn run(server: &Server, users: usize, in_flight: usize) -> Result<(), Failure> {
    let all = Amount { requests: users, in_flight, time: None };
    let timed = |requests: usize| Amount { requests, in_flight, time: Some(TIME) };
    let ids = RefCell::new(vec![String::new(); users]);
    let create = measure("create", server, all, create, |number, status, body| {
        let id = parsed(body)["id"].as_str().map(str::to_owned).filter(|_| status == StatusCode::CREATED);
        let problem = id.is_none().then(|| unexpected(status, body));
        ids.borrow_mut()[number] = id.unwrap_or_default();
        problem
    });
    print(&create.await?)?;
    let ids = ids.into_inner();
    let found = |number: usize, status, body: &Bytes| {
        let list = if number.is_multiple_of(PAGE) { parsed(body) } else { Value::Null };
        let wrong = status != StatusCode::OK || number.is_multiple_of(PAGE) && !is_only(&list, &ids[number]);
        wrong.then(|| unexpected(status, body))
    };
    print(&measure("filter", server, timed(users), filter, found).await?)?;
    let get = |number: usize| Ask::get(format!("/Users/{}", ids[number]));
    print(&measure("get", server, timed(users), get, ok).await?)?;
    let pages = users.div_ceil(PAGE);
    let page = |number: usize| Ask::get(format!("/Users?startIndex={}&count={PAGE}", number % pages * PAGE + 1));
    let whole = |number: usize, status, body: &Bytes| {
        let list = if number.is_multiple_of(PAGE) { parsed(body) } else { Value::Null };
        let full = list["Resources"].as_array().is_some_and(|found| found.len() == PAGE.min(users));
        let wrong = status != StatusCode::OK || number.is_multiple_of(PAGE) && !(full && list["totalResults"] == users);
        wrong.then(|| unexpected(status, body))
    };
    print(&measure("page", server, timed(pages * 10), page, whole).await?)?;
    let deactivate = |number: usize| patch(format!("/Users/{}", ids[number]), &deactivation());
    print(&measure("deactivate", server, timed(users), deactivate, ok).await?)?;
    group(server, &ids, timed(CHANGES), timed(READS)).await
}

/// Changes and reads of a group that everyone is a member of.
async fn group(server: &Server, ids: &[String], changes: Amount, reads: Amount) -> Result<(), Failure> {
    let mut connection = Connection::new(server);
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Everyone" });
    let (status, body) = connection.send(&Ask::with_body(Method::POST, "/Groups".to_owned(), &body)).await?;
    let made = parsed(&body);
    let path = format!("/Groups/{}", made["id"].as_str().ok_or_else(|| unexpected(status, &body))?);
    for batch in ids.chunks(BATCH) {
        let members: Vec<Value> = batch.iter().map(|id| json!({ "value": id })).collect();
        let add = json!([{ "op": "add", "path": "members", "value": members }]);
        let (status, body) = connection.send(&patch(path.clone(), &add)).await?;
        if !status.is_success() {
            return Err(unexpected(status, &body).into());
        }
    }
    // Some members leave, then the same ones come back, so that the group keeps its size.
    let change = |number: usize| {
        let id = &ids[(number / (2 * TOGETHER) * TOGETHER + number % TOGETHER) % ids.len()];
        let operation = if (number / TOGETHER).is_multiple_of(2) {
            json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }])
        } else {
            json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
        };
        patch(path.clone(), &operation)
    };
    print(&measure("member", server, changes, change, ok).await?)?;
    let read = |_| Ask::get(path.clone());
    let most = ids.len();
    let least = most.saturating_sub(TOGETHER + changes.in_flight);
    let everyone = |number: usize, status, body: &Bytes| {
        // The first answer is looked at: parsing all of them would take longer than sending them.
        let count = if number == 0 { parsed(body)["members"].as_array().map_or(0, Vec::len) } else { most };
        let problem = format!("{status}, {count} members instead of about {most}");
        (status != StatusCode::OK || count < least || count > most).then_some(problem)
    };
    print(&measure("members", server, reads, read, everyone).await?)
}

fn create(number: usize) -> Ask {
    let name = user_name(number);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "externalId": format!("00u{number:017}"),
        "name": { "givenName": "Bench", "familyName": format!("User {number}") },
        "displayName": format!("Bench User {number}"),
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "active": true,
    });
    Ask::with_body(Method::POST, "/Users".to_owned(), &body)
}

fn filter(number: usize) -> Ask {
    Ask::get(format!("/Users?filter=userName%20eq%20%22{}%22", user_name(number)))
}

fn user_name(number: usize) -> String {
    format!("bench.{number}@oktant.example")
}

fn deactivation() -> Value {
    json!([{ "op": "replace", "value": { "active": false } }])
}

fn patch(path: String, operations: &Value) -> Ask {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    Ask::with_body(Method::PATCH, path, &body)
}

fn parsed(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn is_only(list: &Value, id: &str) -> bool {
    list["totalResults"] == 1 && list["Resources"][0]["id"] == id
}

/// What is wrong with an answer that has to be a success.
fn ok(_: usize, status: StatusCode, body: &Bytes) -> Option<String> {
    (!status.is_success()).then(|| unexpected(status, body))
}

fn unexpected(status: StatusCode, body: &Bytes) -> String {
    format!("{status} {}", String::from_utf8_lossy(body).chars().take(200).collect::<String>())
}
