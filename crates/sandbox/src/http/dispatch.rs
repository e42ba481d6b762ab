//! From an operation of the catalogue to the function that serves it.

use std::collections::HashMap;
use std::sync::LazyLock;

use oktant_catalog::Operation;

use super::call::Call;
use super::errors::{self, ApiError};
use super::reply::Outcome;
use crate::org::Org;
use crate::store::Store;

/// Serves one operation. Writers hold the store alone, so that every operation happens whole or not at all.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Handler {
    /// Looks only.
    Read(fn(&Store, &Call<'_>) -> Outcome),
    /// Changes something.
    Write(fn(&mut Store, &Call<'_>) -> Outcome),
}

static HANDLERS: LazyLock<HashMap<&'static str, Handler>> = LazyLock::new(|| {
    let areas = [
        crate::users::HANDLERS,
        crate::groups::HANDLERS,
        crate::apps::HANDLERS,
        crate::app_credentials::HANDLERS,
        crate::provisioning::HANDLERS,
        crate::roles::HANDLERS,
        crate::rules::HANDLERS,
        crate::schemas::HANDLERS,
        crate::factors::HANDLERS,
        crate::logs::HANDLERS,
    ];
    areas.into_iter().flatten().copied().collect()
});

/// Runs the handler of the call's operation.
///
/// # Errors
///
/// 501 `E0000060` if this operation is not served; else what the handler refuses.
pub(crate) fn run(org: &Org, call: &Call<'_>) -> Outcome {
    match HANDLERS.get(call.operation.id) {
        Some(Handler::Read(handler)) => handler(&org.store.read(), call),
        Some(Handler::Write(handler)) => handler(&mut org.store.write(), call),
        None => Err(unsupported(call.operation)),
    }
}

fn unsupported(operation: &Operation) -> ApiError {
    ApiError::new(errors::E0000060).cause(format!("The sandbox does not serve {}.", operation.id))
}
