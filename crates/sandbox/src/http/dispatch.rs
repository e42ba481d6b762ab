//! From an operation of the catalogue to the function that serves it.

use std::collections::HashMap;
use std::sync::LazyLock;

use futures::future::BoxFuture;

use super::call::Call;
use super::reply::Outcome;
use crate::org::Org;
use crate::resources;
use crate::store::Store;

/// Serves one operation. Writers hold the store alone, so that every operation happens whole or not at all.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Handler {
    /// Looks only.
    Read(fn(&Store, &Call<'_>) -> Outcome),
    /// Changes something.
    Write(fn(&mut Store, &Call<'_>) -> Outcome),
    /// Calls another server before it changes something; the store must not be held meanwhile.
    Outgoing(for<'a> fn(&'a Org, &'a Call<'a>) -> BoxFuture<'a, Outcome>),
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
        crate::iam::HANDLERS,
        crate::linked_objects::HANDLERS,
        crate::mappings::HANDLERS,
        crate::email_templates::HANDLERS,
        crate::group_push::HANDLERS,
        crate::auth_servers::HANDLERS,
        crate::policies::HANDLERS,
        crate::hooks::HANDLERS,
        crate::sessions::HANDLERS,
        crate::idps::HANDLERS,
        crate::devices::HANDLERS,
        crate::enrollments::HANDLERS,
    ];
    areas.into_iter().flatten().copied().collect()
});

/// Whether an area serves the operation itself.
pub(crate) fn is_typed(operation: &str) -> bool {
    HANDLERS.contains_key(operation)
}

/// Runs the handler of the call's operation; the generic store stands in where there is none.
///
/// # Errors
///
/// What the handler refuses.
pub(crate) async fn run<'a>(org: &'a Org, call: &'a Call<'a>) -> Outcome {
    match HANDLERS.get(call.operation.id) {
        Some(Handler::Read(handler)) => handler(&org.store.read(), call),
        Some(Handler::Write(handler)) => handler(&mut org.store.write(), call),
        Some(Handler::Outgoing(handler)) => handler(org, call).await,
        None => resources::run(call),
    }
}
