//! Between the account's objects and SCIM's resources.

use chrono::SubsecRound as _;
use oktant_base::Timestamp;
use oktant_scim::schema::{ENTERPRISE_USER, SNOWFLAKE_USER};
use oktant_scim::{Error, Kind, Member, Profile, Projection, Resource, ScimClient, Stored};
use serde_json::{Map, Value, json};

use super::{Result, ScimAccess};
use crate::model::role::{self, Role};
use crate::model::user::{Properties, SecondaryRoles, User, UserType};
use crate::model::{Id, Tx};
use crate::statement::cursor::{NAME_LENGTH_MAX, is_short, quoted};

/// The id of a user as clients see it: opaque to them, `32_1` in Snowflake's samples.
pub(super) fn user_id(id: Id) -> String {
    format!("{id}_1")
}

/// The id of a role as clients see it.
pub(super) fn role_id(id: Id) -> String {
    format!("{id}_2")
}

/// The row that an id means; only the form that was given out is read.
fn parse_id(text: &str, suffix: &str) -> Option<Id> {
    let digits = text.strip_suffix(suffix)?;
    let id = digits.parse().ok()?;
    (Id::to_string(&id) == digits).then_some(id)
}

/// The row of a user's id.
pub(super) fn parse_user_id(text: &str) -> Option<Id> {
    parse_id(text, "_1")
}

/// The row of a role's id.
pub(super) fn parse_role_id(text: &str) -> Option<Id> {
    parse_id(text, "_2")
}

/// To the millisecond, which is what answers show.
fn shown(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(3)
}

/// The extension that holds the account's own attributes, for this client.
fn extension_urn(profile: Profile, resource: &Map<String, Value>) -> &'static str {
    let own = match profile {
        Profile::Snowflake { client: ScimClient::Okta } => ENTERPRISE_USER,
        _ => SNOWFLAKE_USER,
    };
    let other = if own == ENTERPRISE_USER { SNOWFLAKE_USER } else { ENTERPRISE_USER };
    if resource.contains_key(other) && !resource.contains_key(own) { other } else { own }
}

/// A user as a resource: what the client sent, with the account's own values in front of it.
pub(super) fn user(access: &ScimAccess, user: &User, roles: Option<Vec<(Id, String)>>) -> Stored {
    let mut stored = bare_user(access, user);
    stored.resource.groups = roles.map(groups);
    stored
}

/// Users as resources, with one question for the groups of all of them.
pub(super) async fn users(
    tx: Tx<'_>,
    access: &ScimAccess,
    users: Vec<User>,
    projection: &Projection,
) -> Result<Vec<Stored>> {
    let mut granted = if projection.wants("groups") {
        let ids: Vec<Id> = users.iter().map(|user| user.id).collect();
        Some(role::of_users(tx, &ids).await?)
    } else {
        None
    };
    let show = |user: User| {
        let mut stored = bare_user(access, &user);
        stored.resource.groups = granted.as_mut().map(|granted| groups(granted.remove(&user.id).unwrap_or_default()));
        stored
    };
    Ok(users.into_iter().map(show).collect())
}

fn groups(granted: Vec<(Id, String)>) -> Vec<Member> {
    let member = |(id, name)| Member { value: role_id(id), kind: Some(Kind::Group), display: Some(name) };
    granted.into_iter().map(member).collect()
}

/// A user without groups.
pub(super) fn bare_user(access: &ScimAccess, user: &User) -> Stored {
    Stored {
        id: user_id(user.id),
        created: shown(user.created_at),
        last_modified: shown(user.updated_at),
        version: user.version.to_string(),
        resource: user_resource(access, user),
    }
}

/// The attributes of a user, as the next write by this client would find them.
pub(super) fn user_resource(access: &ScimAccess, user: &User) -> Resource {
    let properties = &user.properties;
    let mut attributes = user.resource.clone();
    // By the standard a client may leave it away or take it away; who was made by a statement is shown whole.
    let is_absent = !access.profile.is_snowflake() && !attributes.is_empty() && !attributes.contains_key("active");
    if user.disabled || !is_absent {
        put(&mut attributes, "active", Some((!user.disabled).into()));
    }
    put(&mut attributes, "userName", Some(user.login_name.as_str().into()));
    put(&mut attributes, "displayName", text(properties.display_name.as_ref()));
    let name = attributes.entry("name").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(name) = name {
        put(name, "givenName", text(properties.first_name.as_ref()));
        put(name, "familyName", text(properties.last_name.as_ref()));
        put(name, "middleName", text(properties.middle_name.as_ref()));
    }
    if attributes.get("name").and_then(Value::as_object).is_some_and(Map::is_empty) {
        attributes.shift_remove("name");
    }
    put_email(&mut attributes, properties.email.as_ref(), access.profile);
    if access.profile.is_snowflake() {
        put_extension(&mut attributes, access, user);
    }
    Resource::new(Kind::User, attributes)
}

fn text(value: Option<&String>) -> Option<Value> {
    value.map(|text| text.as_str().into())
}

fn put(attributes: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => attributes.insert(name.to_owned(), value),
        None => attributes.shift_remove(name),
    };
}

/// The one address that the account has: alone under Snowflake's rules, else in place of another primary one.
fn put_email(attributes: &mut Map<String, Value>, email: Option<&String>, profile: Profile) {
    let sent = Resource::new(Kind::User, std::mem::take(attributes));
    let of_sent = sent.email().map(str::to_owned);
    *attributes = sent.into_attributes();
    match email {
        Some(email) if profile.is_snowflake() || of_sent.as_ref() != Some(email) => {
            put(attributes, "emails", Some(json!([{ "value": email, "primary": true }])));
        }
        None if of_sent.is_some() => put(attributes, "emails", None),
        _ => {}
    }
}

/// The account's own attributes, under the URN that the client used.
fn put_extension(attributes: &mut Map<String, Value>, access: &ScimAccess, user: &User) {
    let properties = &user.properties;
    let urn = extension_urn(access.profile, attributes);
    let mut extension = match attributes.get(urn) {
        Some(Value::Object(sent)) => sent.clone(),
        _ => Map::new(),
    };
    put(&mut extension, "defaultRole", text(properties.default_role.as_ref()));
    put(&mut extension, "defaultWarehouse", text(properties.default_warehouse.as_ref()));
    let secondary = match properties.secondary_roles {
        SecondaryRoles::All => extension.contains_key("defaultSecondaryRoles").then_some("ALL"),
        SecondaryRoles::None => Some("NONE"),
    };
    put(&mut extension, "defaultSecondaryRoles", secondary.map(Value::from));
    let is_person = properties.user_type == UserType::Person;
    let kind = (!is_person || extension.contains_key("type")).then(|| properties.user_type.name().to_lowercase());
    put(&mut extension, "type", kind.map(Value::from));
    let interfaces = (!properties.allowed_interfaces.is_empty()).then(|| properties.allowed_interfaces.join(","));
    put(&mut extension, "allowedInterfaces", interfaces.map(Value::from));
    let name = access.maps_user_name || extension.contains_key("snowflakeUserName");
    put(&mut extension, "snowflakeUserName", name.then(|| user.name.as_str().into()));
    put(attributes, urn, (!extension.is_empty()).then_some(Value::Object(extension)));
}

/// How a write treats attributes that are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Create,
    /// What is absent becomes unassigned.
    Replace,
    /// The resource is what it was, with changes.
    Patch,
}

/// Gives a user the attributes of a resource.
pub(super) fn write_user(access: &ScimAccess, user: &mut User, resource: &Resource, write: Write) -> Result<(), Error> {
    let attributes = resource.attributes();
    let urn = extension_urn(access.profile, attributes);
    let empty = Map::new();
    let extension = resource.extension(urn).filter(|_| access.profile.is_snowflake()).unwrap_or(&empty);
    write_names(access, user, resource, extension, write)?;
    let own = |name: &str| resource.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let properties = &mut user.properties;
    properties.first_name = own("name.givenName");
    properties.last_name = own("name.familyName");
    properties.middle_name = own("name.middleName");
    properties.display_name = own("displayName");
    properties.email = resource.email().map(str::to_owned);
    if access.profile.is_snowflake() {
        write_extension(properties, extension, write)?;
    }
    user.set_disabled(!resource.active());
    user.resource.clone_from(attributes);
    refuse_for_services(user)
}

/// `userName` is login name and name, or the login name alone where the account maps it so.
fn write_names(
    access: &ScimAccess,
    user: &mut User,
    resource: &Resource,
    extension: &Map<String, Value>,
    write: Write,
) -> Result<(), Error> {
    let login_name = resource.name().to_owned();
    check_name_text(&login_name)?;
    let renamed = login_name != user.login_name || write == Write::Replace;
    let mapped = extension.get("snowflakeUserName").and_then(Value::as_str).filter(|name| !name.is_empty());
    match mapped {
        Some(name) if access.maps_user_name => {
            check_name_text(name)?;
            name.clone_into(&mut user.name);
        }
        None if access.maps_user_name && write != Write::Patch => {
            return Err(Error::invalid_value(
                "snowflakeUserName is required while MAP_SCIM_USERNAME_TO_ENTERPRISE_ATTR is set",
            ));
        }
        _ if access.maps_user_name => {}
        _ if renamed => user.name = object_name(&login_name),
        _ => {}
    }
    user.login_name = login_name;
    Ok(())
}

/// Refuses a name that no statement could write.
pub(super) fn check_name_text(name: &str) -> Result<(), Error> {
    if name.contains('\0') {
        return Err(Error::invalid_value("a name cannot hold the character U+0000"));
    }
    if !is_short(name) {
        return Err(Error::invalid_value(format!("a name has at most {NAME_LENGTH_MAX} characters")));
    }
    Ok(())
}

/// The name of the object for a user name: a plain identifier is upper case, as in a statement.
pub(super) fn object_name(user_name: &str) -> String {
    let upper = user_name.to_uppercase();
    if quoted(&upper) == upper { upper } else { user_name.to_owned() }
}

fn write_extension(properties: &mut Properties, extension: &Map<String, Value>, write: Write) -> Result<(), Error> {
    let text = |name: &str| extension.get(name).and_then(Value::as_str);
    let own = |name: &str| text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    properties.default_role = own("defaultRole");
    properties.default_warehouse = own("defaultWarehouse");
    properties.secondary_roles = match text("defaultSecondaryRoles").map(str::to_uppercase).as_deref() {
        Some("ALL") | None => SecondaryRoles::All,
        Some("NONE" | "") => SecondaryRoles::None,
        Some(_) => return Err(Error::invalid_value("defaultSecondaryRoles is ALL, NONE or empty")),
    };
    properties.user_type = match text("type").filter(|name| !name.is_empty()) {
        Some(name) => UserType::parse(name)
            .ok_or_else(|| Error::invalid_value("type is person, service, service_agent or legacy_service"))?,
        // Without it a user is a person, but a PATCH that takes it away changes nothing.
        None if write == Write::Patch => properties.user_type,
        None => UserType::Person,
    };
    let interfaces = own("allowedInterfaces").unwrap_or_default();
    properties.allowed_interfaces =
        interfaces.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_uppercase).collect();
    Ok(())
}

fn refuse_for_services(user: &User) -> Result<(), Error> {
    if !user.properties.user_type.is_service() {
        return Ok(());
    }
    let properties = &user.properties;
    let forbidden = [
        ("name.givenName", properties.first_name.is_some()),
        ("name.middleName", properties.middle_name.is_some()),
        ("name.familyName", properties.last_name.is_some()),
        ("password", user.verifier.is_some()),
    ];
    match forbidden.iter().find(|(_, set)| *set) {
        Some((name, _)) => Err(Error::invalid_value(format!("a user of type service cannot have {name}"))),
        None => Ok(()),
    }
}

/// A role as a resource. Members are read unless no one wants them, or they are too many.
pub(super) async fn group(tx: Tx<'_>, role: Role, projection: &Projection) -> Result<Stored> {
    let members = if projection.wants("members") {
        let found = members(tx, &role, projection.members_max()).await?;
        found.filter(|found| projection.members_max().is_none_or(|most| found.len() <= most))
    } else {
        None
    };
    let mut stored = bare_group(&role);
    stored.resource.members = members;
    Ok(stored)
}

/// A role without members.
pub(super) fn bare_group(role: &Role) -> Stored {
    Stored {
        id: role_id(role.id),
        created: shown(role.created_at),
        last_modified: shown(role.updated_at),
        version: role.version.to_string(),
        resource: group_resource(role),
    }
}

/// The attributes of a role.
pub(super) fn group_resource(role: &Role) -> Resource {
    let mut attributes = role.resource.clone().unwrap_or_default();
    put(&mut attributes, "displayName", Some(role.name.as_str().into()));
    Resource::new(Kind::Group, attributes)
}

/// The members of a role: users, and whatever else was put there. None if there are more than `most`.
pub(super) async fn members(tx: Tx<'_>, role: &Role, most: Option<usize>) -> Result<Option<Vec<Member>>> {
    let Some(users) = role::members(tx, role.id, most).await? else { return Ok(None) };
    let user = |(id, name)| Member { value: user_id(id), kind: Some(Kind::User), display: Some(name) };
    let mut members: Vec<Member> = users.into_iter().map(user).collect();
    for value in role::foreign_members(tx, role.id).await? {
        let mut member = Member::new(value);
        if let Some(id) = parse_role_id(&member.value)
            && let Some(role) = role::by_id(tx, id).await?
        {
            member.kind = Some(Kind::Group);
            member.display = Some(role.name);
        }
        members.push(member);
    }
    Ok(Some(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_the_one_form_they_were_given_out() {
        assert_eq!(parse_user_id(&user_id(32)), Some(32));
        assert_eq!(parse_role_id(&role_id(81)), Some(81));
        for text in ["032_1", "32_2", "32", "_1", "-", "+3_1", "00919288221112222", "99999999999999999999_1"] {
            assert_eq!(parse_user_id(text), None, "{text}");
        }
    }

    #[test]
    fn plain_names_are_upper_case_as_in_statements() {
        for (user_name, name) in [("jane", "JANE"), ("jane@example.com", "jane@example.com"), ("O'Neil", "O'Neil")] {
            assert_eq!(object_name(user_name), name);
        }
    }
}
