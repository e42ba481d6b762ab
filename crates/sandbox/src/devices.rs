//! Devices and what is demanded of them.

use serde_json::Value;

use crate::http::{ApiError, Call, Handler, Outcome};
use crate::resources;
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createDeviceAssurancePolicy", Handler::Write(demand)),
    ("replaceDeviceAssurancePolicy", Handler::Write(demand)),
];

/// Members of a device assurance policy that demand nothing of a device.
const FORMALITIES: [&str; 3] = ["name", "platform", "displayRemediationMode"];

/// `createDeviceAssurancePolicy`, `replaceDeviceAssurancePolicy`: something must be demanded.
///
/// # Source
///
/// Recorded.
fn demand(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let demands = |(name, value): (&String, &Value)| !FORMALITIES.contains(&name.as_str()) && !value.is_null();
    if !body.iter().any(demands) {
        let cause = "Please select at least one device condition before saving";
        return Err(ApiError::validation("deviceAssuranceMediated").cause(cause));
    }
    Ok(resources::write(store, call)?.0)
}
