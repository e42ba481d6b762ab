//! Bodies that the recorder lost, put together again from the answer.

use oktant_catalog::{Method, Operation};
use serde_json::{Map, Value, json};

/// What the service adds to an object; a client that sent it would be ignored at best.
const READ_ONLY: [&str; 22] = [
    "id",
    "created",
    "lastUpdated",
    "lastMembershipUpdated",
    "objectClass",
    "status",
    "statusChanged",
    "activated",
    "lastLogin",
    "passwordChanged",
    "vendorName",
    "orn",
    "features",
    "_links",
    "_embedded",
    "externalId",
    "syncState",
    "universalLogout",
    "verificationStatus",
    "createdBy",
    "lastUpdatedBy",
    "system",
];

/// A password that any default policy accepts.
const PASSWORD: &str = "Rebu1lt-for-replay";

/// The body that a client must have sent to get this answer, as far as the answer shows it.
///
/// `None` where the operation takes no body, or the answer tells nothing about it: errors and
/// empty answers.
pub(super) fn body(operation: &Operation, status: u16, answer: Option<&Value>) -> Option<Value> {
    let writes = matches!(operation.method, Method::Post | Method::Put | Method::Patch);
    if !writes || operation.request.is_none() || !(200..300).contains(&status) {
        return None;
    }
    let mut sent = answer?.as_object()?.clone();
    // An assignment names its user in the body.
    let keeps_id = operation.id == "assignUserToApplication";
    let is_kept = |name: &str| !READ_ONLY.contains(&name) || (keeps_id && name == "id");
    sent.retain(|name, value| is_kept(name) && !value.is_null());
    if operation.tag == "User" {
        // The org's default type, which another org has under another id.
        sent.remove("type");
    }
    if let Some(Value::Object(credentials)) = sent.get_mut("credentials") {
        complete(credentials, operation);
    }
    if sent.get("factorType") == Some(&json!("question")) {
        sent["profile"]["answer"] = "rebuilt".into();
    }
    Some(Value::Object(sent))
}

/// Puts back what credentials never show: the password and the answer to the recovery question.
fn complete(credentials: &mut Map<String, Value>, operation: &Operation) {
    credentials.remove("emails");
    credentials.remove("signing");
    if credentials.contains_key("password") && operation.path.starts_with("/api/v1/users") {
        credentials.insert("password".to_owned(), json!({ "value": PASSWORD }));
    }
    if let Some(question) = credentials.get_mut("recovery_question") {
        question["answer"] = "rebuilt".into();
    }
}
