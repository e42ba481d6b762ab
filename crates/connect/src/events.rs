//! Okta's event cards: which events of the System Log start them, and what they give.
//!
//! # Source
//!
//! The event types are those of Okta's public event type catalogue; the keys are those that exported
//! flows use. What a flow adds to the actor or a target beyond `ID`, `Alternate ID`, `Display Name` and
//! `Type` stays empty.

use oktant_engine::Delivered;
use oktant_functions::Value;

use crate::manifest::Manifest;
use crate::records::Change;

/// Event cards of the module `okta`, and of `oktadevices`, by key.
pub(crate) const CARDS: &[(&str, &[&str])] = &[
    ("accessCertificationDecisionSubmitted", &["certification.campaign.item.decide"]),
    ("applicationCreated", &["application.lifecycle.create"]),
    ("applicationDeactivated", &["application.lifecycle.deactivate"]),
    ("applicationDeleted", &["application.lifecycle.delete"]),
    ("applicationUpdated", &["application.lifecycle.update"]),
    ("groupCreated", &["group.lifecycle.create"]),
    ("groupDeleted", &["group.lifecycle.delete"]),
    ("groupProfileUpdated", &["group.profile.update"]),
    ("importProcessCompleted", &["system.import.complete"]),
    ("importStarted", &["system.import.start"]),
    ("mfaPreregistrationInitiated", &["system.mfa.preregister.initiate"]),
    ("oktaUserPasswordUpdated", &["user.account.update_password"]),
    ("oktaUserProfileUpdated", &["user.account.update_profile"]),
    ("userActivated", &["user.lifecycle.activate"]),
    ("userAddedToApplicationMembership", &["application.user_membership.add"]),
    ("userAddedToGroupMembership", &["group.user_membership.add"]),
    ("userCreated", &["user.lifecycle.create"]),
    ("userDeactivated", &["user.lifecycle.deactivate"]),
    ("userDeleted", &["user.lifecycle.delete.initiated"]),
    ("userMFA", &["user.authentication.auth_via_mfa"]),
    ("userMFAFactorActivated", &["user.mfa.factor.activate"]),
    ("userMFAFactorDeactivated", &["user.mfa.factor.deactivate"]),
    ("userMFAFactorResetAll", &["user.mfa.factor.reset_all"]),
    ("userReactivated", &["user.lifecycle.reactivate"]),
    ("userRemovedFromApplicationMembership", &["application.user_membership.remove"]),
    ("userRemovedFromGroupMembership", &["group.user_membership.remove"]),
    ("userReportedSuspiciousActivityBeta", &["user.account.report_suspicious_activity_by_enduser"]),
    ("userSignInAttempted", &["user.session.start"]),
    ("userSuspended", &["user.lifecycle.suspend"]),
    ("userUnlocked", &["user.account.unlock"]),
    ("userUnsuspended", &["user.lifecycle.unsuspend"]),
];

/// Card of any event; its option `eventType` names the types, separated by commas.
pub(crate) const ANY: &str = "event";

/// Whether a card is one of events.
pub(crate) fn is_event(module: &str, operation: &str) -> bool {
    match module {
        "okta" | "oktadevices" => operation == ANY || event_types(operation).is_some(),
        _ => record_change(module, operation).is_some(),
    }
}

/// The change of records that a card of Salesforce waits for.
pub(crate) fn record_change(module: &str, operation: &str) -> Option<Change> {
    let salesforce = &Manifest::own()["salesforce"];
    let of_salesforce = salesforce.id == module || salesforce.modules.iter().any(|known| known == module);
    of_salesforce.then(|| Change::of(operation)).flatten()
}

/// The event types of a card without options.
pub(crate) fn event_types(operation: &str) -> Option<&'static [&'static str]> {
    CARDS.iter().find(|(known, _)| *known == operation).map(|(_, types)| *types)
}

/// The options of a card that name the application whose events it waits for; the first is that of exports.
pub(crate) const APPLICATION: [&str; 2] = ["instance", "appId"];

/// Whether the event is of an application.
pub(crate) fn is_of(application: &str, event: &Value) -> bool {
    target(event, "AppInstance").is_some_and(|target| member(&target, "id").as_text() == Some(application))
}

/// The fields of the card, in the group `Output`.
pub(crate) fn outputs(delivered: &Delivered) -> Vec<(&'static str, Value)> {
    let Delivered { event, envelope, headers } = delivered;
    let debug = path(event, &["debugContext", "debugData"]);
    let or_empty = |value: Value| if value.is_null() { Value::object::<&str>([]) } else { value };
    let of_type = |kind: &str| target(event, kind).map_or(Value::Null, |target| party(&target));
    let actor = party(&member(event, "actor"));
    let user = match target(event, "User") {
        Some(user) => party(&user),
        // Whoever reports an activity or signs in acts on themselves.
        None => actor.clone(),
    };
    let details = [("data", Value::object([("events", Value::list([event.clone()]))]))];
    let envelope_entries = envelope.as_object().map(|object| object.iter()).into_iter().flatten();
    let full = Value::object(
        envelope_entries
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .chain(details.map(|(key, value)| (key.into(), value))),
    );
    vec![
        ("Date and Time", member(event, "published")),
        ("Message", member(event, "displayMessage")),
        ("Event ID", either(member(envelope, "eventId"), member(event, "uuid"))),
        ("Event Type", member(event, "eventType")),
        ("Legacy Event Type", member(event, "legacyEventType")),
        ("Event Time", either(member(envelope, "eventTime"), member(event, "published"))),
        ("Version", member(event, "version")),
        ("UUID", member(event, "uuid")),
        ("Severity", member(event, "severity")),
        ("Result", path(event, &["outcome", "result"])),
        ("Reason", path(event, &["outcome", "reason"])),
        ("Admin", actor.clone()),
        ("Actor", actor.clone()),
        ("Okta User", user),
        ("Group", of_type("UserGroup")),
        ("Application User", of_type("AppUser")),
        ("Application", of_type("AppInstance")),
        ("MFA Factor", detailed(event, "AuthenticatorEnrollment")),
        ("Review Item", detailed(event, "CERTIFICATION_CAMPAIGN_ITEM")),
        ("Changed Attributes", member(&debug, "changedAttributes")),
        ("Name", member(&actor, "Display Name")),
        ("Email", member(&actor, "Alternate ID")),
        ("User ID", member(&actor, "ID")),
        ("Suspicious Activity Details", debug.clone()),
        ("Client", member(event, "client")),
        ("Transaction", member(event, "transaction")),
        ("Authentication Context", member(event, "authenticationContext")),
        ("Security Context", member(event, "securityContext")),
        ("Debug Context", Value::object([("Debug Data", or_empty(debug))])),
        ("Event Details", event.clone()),
        ("Full Details", full),
        ("Headers", or_empty(headers.clone())),
        ("Source", member(envelope, "source")),
    ]
}

fn member(value: &Value, name: &str) -> Value {
    value.as_object().and_then(|object| object.get(name)).cloned().unwrap_or(Value::Null)
}

fn path(value: &Value, names: &[&str]) -> Value {
    names.iter().fold(value.clone(), |value, name| member(&value, name))
}

fn either(first: Value, second: Value) -> Value {
    if first.is_null() { second } else { first }
}

fn target(event: &Value, kind: &str) -> Option<Value> {
    let targets = member(event, "target");
    let targets = targets.as_list()?.iter();
    targets
        .into_iter()
        .find(|target| member(target, "type").as_text().is_some_and(|known| known.eq_ignore_ascii_case(kind)))
        .cloned()
}

/// Actor or target with the names that cards have for its members.
fn party(party: &Value) -> Value {
    if party.is_null() {
        return Value::Null;
    }
    Value::object([
        ("ID", member(party, "id")),
        ("Alternate ID", member(party, "alternateId")),
        ("Display Name", member(party, "displayName")),
        ("Type", member(party, "type")),
    ])
}

fn detailed(event: &Value, kind: &str) -> Value {
    let Some(target) = target(event, kind) else { return Value::Null };
    let detail = member(&target, "detailEntry");
    let party = party(&target);
    let entries = party
        .as_object()
        .map(|object| object.iter())
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.to_owned(), value.clone()));
    Value::object(entries.chain([("Detail".into(), detail)]))
}
