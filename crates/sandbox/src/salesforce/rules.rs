//! What the objects do by themselves: names, licences, stages, and what they refuse.
//!
//! # Source
//!
//! Activation, licences and freezing as the help pages for administrators describe them; where they do not say,
//! the code says that it is assumed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::change::Change;
use super::check;
use super::error::Refusal;
use super::id::Id;
use super::schema::{Field, Object};
use super::store::{Row, Store, Values, stamp};

/// Users who may have each feature licence (assumed: an org's contract says).
const FEATURE_LICENSES: usize = 10;

/// Stages of an opportunity, each with its probability in percent and its forecast category.
const STAGES: [(&str, u8, &str); 10] = [
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 10, "Pipeline"),
    ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Best Case"),
    ("Proposal/Price Quote", 75, "Best Case"),
    ("Negotiation/Review", 90, "Commit"),
    ("Closed Won", 100, "Closed"),
    ("Closed Lost", 0, "Omitted"),
];

/// Completes a record that is about to be saved.
///
/// # Errors
///
/// What the object does not allow.
pub(super) fn before_save(
    change: &Change<'_>,
    object: &Object,
    id: Id,
    values: &mut Values,
    old: Option<&Row>,
) -> Result<(), Refusal> {
    match object.name.as_str() {
        "User" => before_user(change, id, values, old)?,
        "UserLogin" if text(values, "UserId") == change.user.as_str() && flag(values, "IsFrozen") => {
            return Err(Refusal::new("CANNOT_FREEZE_SELF", "You can't freeze your own user account.").of_record());
        }
        "PermissionSetAssignment" => before_assignment(change, values, old)?,
        "PermissionSetLicenseAssign" => before_license_assignment(change, values)?,
        "GroupMember" => refuse_twin(change, "GroupMember", values, &["GroupId", "UserOrGroupId"])?,
        "PermissionSet" => {
            values.entry("Type").or_insert_with(|| "Regular".into());
            values.insert("IsCustom".to_owned(), true.into());
        }
        "UserRole" => {
            values.entry("PortalType").or_insert_with(|| "None".into());
        }
        "Opportunity" => before_opportunity(values, old),
        "Case" => before_case(change, values, old),
        _ => {}
    }
    if object.field("FirstName").is_some() {
        let parts = [text(values, "FirstName"), text(values, "LastName")];
        let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        values.insert("Name".to_owned(), name.into());
    }
    if object.field("DeveloperName").is_some_and(|field| field.defaulted) && text(values, "DeveloperName").is_empty() {
        let name = text(values, "Name").replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        values.insert("DeveloperName".to_owned(), name.into());
    }
    Ok(())
}

/// Does what follows from a saved record.
pub(super) fn after_save(change: &mut Change<'_>, object: &Object, id: Id, old: Option<&Row>) {
    if object.name != "User" || old.is_some() {
        return;
    }
    // Every user has this row from the beginning (assumed for those who never logged in).
    let login = change.store.next_id("0Yw");
    let now = stamp(change.now);
    let values = json!({
        "UserId": id.as_str(), "IsFrozen": false, "IsPasswordLocked": false, "LastModifiedDate": now,
        "LastModifiedById": change.user.as_str(), "CreatedDate": now, "CreatedById": change.user.as_str(), "SystemModstamp": now,
    });
    if let Value::Object(values) = values {
        change.store.put("UserLogin", Row { id: login, deleted: false, values });
    }
}

/// Counts the licences again that records of an object use.
pub(super) fn recount(change: &mut Change<'_>, object: &Object) {
    match object.name.as_str() {
        "User" => count_user_licenses(change.store, &stamp(change.now)),
        "PermissionSetLicenseAssign" => {
            let licenses: Vec<Id> = change.store.rows("PermissionSetLicense").map(|row| row.id).collect();
            for license in licenses {
                let holds = |row: &&Arc<Row>| row.reference("PermissionSetLicenseId") == Some(license);
                let used = change.store.rows("PermissionSetLicenseAssign").filter(holds).count();
                change.store.edit("PermissionSetLicense", license, |row| {
                    row.values.insert("UsedLicenses".to_owned(), used.into());
                });
            }
        }
        _ => {}
    }
}

/// Counts the active users of each licence.
pub(super) fn count_user_licenses(store: &mut Store, now: &str) {
    let licenses: Vec<Id> = store.rows("UserLicense").map(|row| row.id).collect();
    for license in licenses {
        let used = users_of(store, license, None);
        store.edit("UserLicense", license, |row| {
            row.values.insert("UsedLicenses".to_owned(), used.into());
            row.values.insert("UsedLicensesLastUpdated".to_owned(), now.into());
        });
    }
}

/// Whether a record is deleted together with the one that a field leads to (master-detail, in effect).
pub(super) fn falls_with_parent(object: &Object, field: &Field) -> bool {
    matches!(
        (object.name.as_str(), field.name.as_str()),
        ("Contact" | "Opportunity", "AccountId")
            | ("PermissionSetAssignment", "PermissionSetId" | "PermissionSetGroupId")
    )
}

/// The refusal of a value that another record has.
pub(super) fn duplicate(object: &Object, field: &Field, other: Id) -> Refusal {
    let fields = &field.name;
    match (object.name.as_str(), fields.as_str()) {
        ("User", "Username") => Refusal::field(
            "DUPLICATE_USERNAME",
            "Duplicate Username. Another user has already selected this username.",
            fields,
        ),
        ("User", "CommunityNickname") => Refusal::field(
            "DUPLICATE_COMM_NICKNAME",
            "Duplicate Nickname. Another user has already selected this nickname.",
            fields,
        ),
        _ => {
            let message =
                format!("duplicate value found: {fields} duplicates value on record with id: {}", other.short());
            Refusal::new("DUPLICATE_VALUE", message).of_record()
        }
    }
}

fn before_user(change: &Change<'_>, id: Id, values: &mut Values, old: Option<&Row>) -> Result<(), Refusal> {
    let username = text(values, "Username").to_owned();
    if !check::is_email(&username) {
        let message = "Username: must be in the form of an email address (for example: john@acme.com)";
        return Err(Refusal::field("INVALID_EMAIL_ADDRESS", message, "Username"));
    }
    if text(values, "CommunityNickname").is_empty() {
        let local = username.split('@').next().unwrap_or_default();
        let taken = change.store.first("User", "CommunityNickname", local).is_some();
        let nickname = if taken { format!("{local}{}", &id.short()[11..]) } else { local.to_owned() };
        values.insert("CommunityNickname".to_owned(), nickname.chars().take(40).collect::<String>().into());
    }
    let profile = Id::parse(text(values, "ProfileId")).and_then(|id| change.store.get("Profile", id).cloned());
    let license = profile.as_ref().and_then(|profile| profile.reference("UserLicenseId"));
    if let Some(profile) = &profile {
        values.insert("UserType".to_owned(), profile.get("UserType").clone());
    }
    let active = flag(values, "IsActive");
    if !active && old.is_some_and(|old| old.flag("IsActive")) {
        check_deactivation(change, id)?;
    }
    let takes_license =
        active && old.is_none_or(|old| !old.flag("IsActive") || old.text("ProfileId") != text(values, "ProfileId"));
    if let (true, Some(license)) = (takes_license, license) {
        check_license(change, license, id)?;
    }
    check_features(change, id, values, old)
}

fn check_deactivation(change: &Change<'_>, id: Id) -> Result<(), Refusal> {
    let refuse = |message: &str| Err(Refusal::field("FIELD_INTEGRITY_EXCEPTION", message, "IsActive"));
    if id == change.user {
        return refuse("You cannot deactivate your own user.");
    }
    let administers = |user: &Row| {
        let profile = user.reference("ProfileId").and_then(|profile| change.store.get("Profile", profile));
        user.flag("IsActive") && profile.is_some_and(|profile| profile.text("Name") == "System Administrator")
    };
    let mut administrators = change.store.rows("User").filter(|user| administers(user)).map(|user| user.id);
    if administrators.next() == Some(id) && administrators.next().is_none() {
        return refuse("This user is the only system administrator and cannot be deactivated.");
    }
    Ok(())
}

/// Active users of a licence, without one of them.
fn users_of(store: &Store, license: Id, but: Option<Id>) -> usize {
    let profiles = store.rows("Profile").filter(|profile| profile.reference("UserLicenseId") == Some(license));
    let profiles: Vec<Id> = profiles.map(|profile| profile.id).collect();
    let holds = |user: &&Arc<Row>| {
        Some(user.id) != but
            && user.flag("IsActive")
            && user.reference("ProfileId").is_some_and(|profile| profiles.contains(&profile))
    };
    store.rows("User").filter(holds).count()
}

fn check_license(change: &Change<'_>, license: Id, user: Id) -> Result<(), Refusal> {
    let total = change.store.get("UserLicense", license).and_then(|row| row.get("TotalLicenses").as_u64());
    if total.is_some_and(|total| users_of(change.store, license, Some(user)) as u64 >= total) {
        return Err(license_limit());
    }
    Ok(())
}

fn license_limit() -> Refusal {
    Refusal::new("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded").of_record()
}

fn check_features(change: &Change<'_>, id: Id, values: &Values, old: Option<&Row>) -> Result<(), Refusal> {
    let taken = values.iter().filter(|(name, value)| {
        name.starts_with("UserPermissions") && **value == Value::Bool(true) && old.is_none_or(|old| !old.flag(name))
    });
    for (feature, _) in taken {
        if change.store.rows("User").filter(|user| user.id != id && user.flag(feature)).count() >= FEATURE_LICENSES {
            return Err(license_limit());
        }
    }
    Ok(())
}

fn before_assignment(change: &Change<'_>, values: &mut Values, old: Option<&Row>) -> Result<(), Refusal> {
    let set = Id::parse(text(values, "PermissionSetId"));
    let group = Id::parse(text(values, "PermissionSetGroupId"));
    if old.is_none() && set.is_some() == group.is_some() {
        let message = "Required fields are missing: [PermissionSetId]";
        return Err(Refusal::field("REQUIRED_FIELD_MISSING", message, "PermissionSetId"));
    }
    values.insert("IsActive".to_owned(), true.into());
    refuse_twin(change, "PermissionSetAssignment", values, &["AssigneeId", "PermissionSetId", "PermissionSetGroupId"])?;
    let needed = set.and_then(|set| change.store.get("PermissionSet", set)?.reference("LicenseId"));
    let user = Id::parse(text(values, "AssigneeId")).and_then(|user| change.store.get("User", user));
    let profile = user.and_then(|user| change.store.get("Profile", user.reference("ProfileId")?));
    let held = profile.and_then(|profile| profile.reference("UserLicenseId"));
    if needed.is_some() && needed != held {
        let message = "Can't assign permission set to user. The user license doesn't allow the permissions of the set.";
        return Err(Refusal::field("FIELD_INTEGRITY_EXCEPTION", message, "PermissionSetId"));
    }
    Ok(())
}

fn before_license_assignment(change: &Change<'_>, values: &Values) -> Result<(), Refusal> {
    refuse_twin(change, "PermissionSetLicenseAssign", values, &["AssigneeId", "PermissionSetLicenseId"])?;
    let license = Id::parse(text(values, "PermissionSetLicenseId"));
    let license = license.and_then(|license| change.store.get("PermissionSetLicense", license));
    let number = |field: &str| license.and_then(|row| row.get(field).as_u64()).unwrap_or_default();
    if number("UsedLicenses") >= number("TotalLicenses") { Err(license_limit()) } else { Ok(()) }
}

/// Refuses a record that another one equals in all of the fields.
fn refuse_twin(change: &Change<'_>, object: &str, values: &Values, fields: &[&str]) -> Result<(), Refusal> {
    let twin = change.store.rows(object).find(|row| fields.iter().all(|field| row.text(field) == text(values, field)));
    let Some(twin) = twin else { return Ok(()) };
    let (name, id) = (fields.join(", "), twin.id.short());
    let message = format!("duplicate value found: {name} duplicates value on record with id: {id}");
    Err(Refusal::new("DUPLICATE_VALUE", message).of_record())
}

fn before_opportunity(values: &mut Values, old: Option<&Row>) {
    let stage = text(values, "StageName").to_owned();
    let known = STAGES.iter().find(|(name, ..)| *name == stage);
    let (probability, forecast) = known.map_or((0, "Pipeline"), |(_, probability, forecast)| (*probability, *forecast));
    let moved = old.is_none_or(|old| old.text("StageName") != stage);
    let kept = |field: &str, values: &Values| {
        let now = values.get(field).unwrap_or(&Value::Null);
        // A value that came with the change of stage is the caller's own.
        !now.is_null() && (!moved || old.is_none_or(|old| old.get(field) != now))
    };
    if !kept("Probability", values) {
        values.insert("Probability".to_owned(), f64::from(probability).into());
    }
    if !kept("ForecastCategoryName", values) {
        values.insert("ForecastCategoryName".to_owned(), forecast.into());
    }
    values.insert("IsClosed".to_owned(), stage.starts_with("Closed").into());
    values.insert("IsWon".to_owned(), (stage == "Closed Won").into());
    let number = |field: &str| values.get(field).and_then(Value::as_f64);
    let expected = number("Amount").map(|amount| amount * number("Probability").unwrap_or_default() / 100.0);
    values.insert("ExpectedRevenue".to_owned(), json!(expected));
}

fn before_case(change: &Change<'_>, values: &mut Values, old: Option<&Row>) {
    if old.is_none() {
        let number = change.store.all("Case").count() + 1_000;
        values.insert("CaseNumber".to_owned(), format!("{number:08}").into());
    }
    let closed = text(values, "Status") == "Closed";
    values.insert("IsClosed".to_owned(), closed.into());
    if !closed {
        values.insert("ClosedDate".to_owned(), Value::Null);
    } else if !old.is_some_and(|old| old.flag("IsClosed")) {
        values.insert("ClosedDate".to_owned(), stamp(change.now).into());
    }
}

fn text<'a>(values: &'a Values, field: &str) -> &'a str {
    values.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn flag(values: &Values, field: &str) -> bool {
    values.get(field) == Some(&Value::Bool(true))
}
