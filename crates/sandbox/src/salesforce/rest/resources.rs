//! What there is: resources, limits, objects.

use axum::http::{StatusCode, header};
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::{Answer, Call};
use crate::salesforce::schema::{self, Object};

/// Limits that nothing here uses up: name and maximum.
const OTHER_LIMITS: [(&str, u64); 12] = [
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyBulkApiBatches", 15_000),
    ("DailyBulkV2QueryJobs", 10_000),
    ("DailyGenericStreamingApiEvents", 10_000),
    ("DailyWorkflowEmails", 1_000),
    ("DataStorageMB", 5),
    ("FileStorageMB", 20),
    ("HourlyODataCallout", 1_000),
    ("HourlyTimeBasedWorkflow", 1_000),
    ("MassEmail", 10),
    ("PermissionSets", 1_500),
    ("SingleEmail", 15),
];

pub(super) fn index(call: &Call<'_>) -> Answer {
    let names = ["composite", "limits", "parameterizedSearch", "query", "queryAll", "recent", "search", "sobjects"];
    let mut all: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), format!("{}/{name}", call.base).into())).collect();
    all.insert("identity".to_owned(), call.org.identity_url(call.session.user).into());
    Answer::ok(all.into())
}

pub(super) fn limits(call: &Call<'_>) -> Answer {
    let usage = call.org.usage();
    let mut all = Map::new();
    all.insert(
        "DailyApiRequests".to_owned(),
        json!({ "Max": usage.max, "Remaining": usage.max.saturating_sub(usage.used) }),
    );
    for (name, max) in OTHER_LIMITS {
        all.insert(name.to_owned(), json!({ "Max": max, "Remaining": max }));
    }
    Answer::ok(all.into())
}

pub(super) fn objects(call: &Call<'_>) -> Answer {
    let all: Vec<_> = call.schema.objects().iter().map(|object| schema::summary(object, &call.base)).collect();
    Answer::ok(json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all }))
}

pub(super) fn object(call: &Call<'_>, object: &Object) -> Answer {
    Answer::ok(json!({ "objectDescribe": schema::summary(object, &call.base), "recentItems": [] }))
}

/// Everything about an object; 304 if nothing has changed since the time that the caller names, since nothing does.
pub(super) fn describe(call: &Call<'_>, object: &Object) -> Answer {
    let since = call.headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let made = call.org.started();
    if since.is_some_and(|since| since.timestamp() >= made.timestamp()) {
        return Answer { body: None, ..Answer::ok(Value::Null) }.status(StatusCode::NOT_MODIFIED);
    }
    Answer::ok(schema::describe(call.schema, object, &call.base))
        .header(header::LAST_MODIFIED, made.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

pub(super) fn composite(call: &Call<'_>) -> Answer {
    let base = format!("{}/composite", call.base);
    Answer::ok(
        json!({ "batch": format!("{base}/batch"), "tree": format!("{base}/tree"), "sobjects": format!("{base}/sobjects") }),
    )
}
