//! Provisioning of applications: none has it, and these endpoints say so as the service does.

use serde_json::json;

use crate::apps;
use crate::http::{ApiError, Call, Handler, Outcome, Reply};
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("listFeaturesForApplication", Handler::Read(feature)),
    ("getFeatureForApplication", Handler::Read(feature)),
    ("updateFeatureForApplication", Handler::Read(update_feature)),
    ("getDefaultProvisioningConnectionForApplication", Handler::Read(connection)),
    ("updateDefaultProvisioningConnectionForApplication", Handler::Read(update_connection)),
    ("activateDefaultProvisioningConnectionForApplication", Handler::Read(switch_connection)),
    ("deactivateDefaultProvisioningConnectionForApplication", Handler::Read(switch_connection)),
];

fn unsupported() -> ApiError {
    ApiError::validation("feature").cause("Provisioning is not supported.")
}

fn feature(store: &Store, call: &Call<'_>) -> Outcome {
    apps::find(store, call)?;
    Err(unsupported())
}

/// The body is read before anything is said about the feature (recorded).
fn update_feature(store: &Store, call: &Call<'_>) -> Outcome {
    apps::find(store, call)?;
    call.object()?;
    Err(unsupported())
}

/// `getDefaultProvisioningConnectionForApplication`: what an app without provisioning shows (recorded).
fn connection(store: &Store, call: &Call<'_>) -> Outcome {
    apps::find(store, call)?;
    Ok(Reply::json(&json!({ "status": "UNKNOWN", "profile": { "authScheme": "UNKNOWN" } })))
}

fn update_connection(store: &Store, call: &Call<'_>) -> Outcome {
    call.object()?;
    connection(store, call)
}

fn switch_connection(store: &Store, call: &Call<'_>) -> Outcome {
    apps::find(store, call)?;
    Ok(Reply::no_content())
}
