//! `httpfunctions`: requests as the flow says.

use http::Method;
use oktant_engine::{CardError, ErrorKind, Outcome};
use serde_json::Value;
use url::Url;

use crate::connection::{Connections, Live};
use crate::failure::{body, refusal};
use crate::fields::Fields;
use crate::manifest::expression::is_empty;
use crate::manifest::run::{Prepared, Target, Transport, collect_pairs, content, headers, is_idempotent};
use crate::transport::HttpTransport;

/// Cards, with the method of each; that of `raw` is an input.
pub(crate) const OPERATIONS: &[&str] = &["get", "post", "put", "patch", "delete", "raw"];

pub(crate) async fn call(
    connections: &Connections,
    live: Option<Live>,
    operation: &str,
    inputs: &Fields,
) -> Result<Outcome, CardError> {
    let input = |key: &str| inputs.get(Some("Request"), key).cloned().unwrap_or_default();
    let method = match operation {
        "raw" => inputs.text(Some("Request"), "Method").trim().to_ascii_uppercase(),
        other => other.to_ascii_uppercase(),
    };
    let method = if method.is_empty() { Method::GET.to_string() } else { method };
    let address = inputs.text(Some("Request"), "URL");
    let url = Url::parse(address.trim())
        .map_err(|error| CardError::new(ErrorKind::Input, format!("\"{address}\" is no address: {error}")))?;
    let mut query = Vec::new();
    collect_pairs(input("Query"), &mut query);
    let mut sent_headers = Vec::new();
    collect_pairs(input("Headers"), &mut sent_headers);
    let sent = input("Body");
    let sent = (!is_empty(&sent)).then(|| content(&sent));
    let repeatable = is_idempotent(&method);
    let request = Prepared { method, target: Target::Url(url), query, headers: sent_headers, body: sent, repeatable };
    let transport = HttpTransport::new(connections, None, live);
    let response = transport.send(&request).await?;
    if !response.is_success() {
        return Err(refusal(&response, None, transport.retry_after(&response), repeatable));
    }
    let received = match operation {
        "raw" => Value::String(String::from_utf8_lossy(&response.body).into_owned()),
        _ => body(&response),
    };
    let mut outputs = Fields::new();
    outputs.set(Some("Response"), "Status Code", response.status.into());
    outputs.set(Some("Response"), "Headers", headers(&response.headers));
    outputs.set(Some("Response"), "Body", received);
    Ok(Outcome::Outputs(outputs.write()))
}
