//! `CREATE`, `ALTER`, `DROP` and `DESCRIBE USER`.

use chrono::TimeDelta;

use super::cursor::{Property, is_short};
use super::run::{Environment, executed};
use super::{Change, ObjectKind, policy};
use crate::error::SnowflakeError;
use crate::model::user::{self, Properties, SecondaryRoles, User, UserType};
use crate::model::{Tx, role};
use crate::password::ScramVerifier;
use crate::result::{Column, Rows};

/// Session parameters and other properties that a user may have and that have no effect here.
const WITHOUT_EFFECT: [&str; 14] = [
    "TAG",
    "WORKLOAD_IDENTITY",
    "MINS_TO_BYPASS_NETWORK_POLICY",
    "TIMEZONE",
    "DATE_OUTPUT_FORMAT",
    "TIMESTAMP_OUTPUT_FORMAT",
    "STATEMENT_TIMEOUT_IN_SECONDS",
    "QUERY_TAG",
    "AUTOCOMMIT",
    "ENABLE_UNREDACTED_QUERY_SYNTAX_ERROR",
    "DEFAULT_MFA_METHOD",
    "DISABLE_MFA",
    "WEEK_START",
    "LOCK_TIMEOUT",
];

pub(crate) async fn create(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    properties: &[Property],
    verifier: Option<ScramVerifier>,
) -> Result<(), SnowflakeError> {
    let owner = Some(environment.authority.role_id);
    let mut user = User::new(name.to_owned(), name.to_owned(), owner, environment.now);
    apply(tx, environment, &mut user, properties, verifier).await?;
    check_login(tx, &user).await?;
    Ok(user::insert(tx, &mut user).await?)
}

pub(crate) async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    change: Change,
    verifier: Option<ScramVerifier>,
) -> Result<Rows, SnowflakeError> {
    let mut user = find(tx, name).await?;
    environment.authority.require_ownership(user.owner_id, ObjectKind::User.noun(), name)?;
    match change {
        Change::RenameTo(new) => {
            if new != name && user::by_name(tx, &new).await?.is_some() {
                return Err(SnowflakeError::already_exists(&new));
            }
            user.name = new;
        }
        Change::Set(properties) => apply(tx, environment, &mut user, &properties, verifier).await?,
        Change::Unset(names) => {
            for name in names {
                unset(&mut user, &name)?;
            }
        }
        Change::Nothing => return Ok(executed()),
    }
    check_login(tx, &user).await?;
    user::update(tx, &mut user, environment.now).await?;
    Ok(executed())
}

pub(crate) async fn drop(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<(), SnowflakeError> {
    let user = find(tx, name).await?;
    environment.authority.require_ownership(user.owner_id, ObjectKind::User.noun(), name)?;
    if role::member_ids(tx, role::ACCOUNTADMIN).await? == [user.id] {
        return Err(SnowflakeError::last_administrator(&user.name));
    }
    Ok(user::delete(tx, user.id, environment.now).await?)
}

/// The user of that name.
pub(crate) async fn find(tx: Tx<'_>, name: &str) -> Result<User, SnowflakeError> {
    user::by_name(tx, name).await?.ok_or_else(|| SnowflakeError::does_not_exist(ObjectKind::User.title(), name))
}

/// Refuses a login name that is too long or another user's.
async fn check_login(tx: Tx<'_>, user: &User) -> Result<(), SnowflakeError> {
    if !is_short(&user.login_name) {
        return Err(SnowflakeError::name_too_long());
    }
    match user::by_login(tx, &user.login_name).await? {
        Some(other) if other.id != user.id => Err(SnowflakeError::already_exists(&user.login_name)),
        _ => Ok(()),
    }
}

async fn apply(
    tx: Tx<'_>,
    environment: &Environment,
    user: &mut User,
    properties: &[Property],
    verifier: Option<ScramVerifier>,
) -> Result<(), SnowflakeError> {
    for property in properties {
        match property.name.as_str() {
            "PASSWORD" => match &verifier {
                Some(verifier) => user.set_password(verifier, environment.now),
                None if property.text()?.is_none() => user.verifier = None,
                None => return Err(SnowflakeError::invalid_property_value("…", &property.name)),
            },
            "LOGIN_NAME" => user.login_name = property.text()?.unwrap_or_else(|| user.name.clone()),
            "DISABLED" => user.set_disabled(property.boolean()?),
            "NETWORK_POLICY" => {
                let name = property.object()?;
                if let Some(name) = &name {
                    policy::activatable(tx, name).await?;
                }
                user.properties.network_policy = name;
            }
            "DAYS_TO_EXPIRY" => {
                user.properties.days_to_expiry = property.number()?;
                let days = user.properties.days_to_expiry.and_then(TimeDelta::try_days);
                user.properties.expires_at = days.and_then(|days| environment.now.checked_add_signed(days));
            }
            _ => apply_plain(&mut user.properties, property)?,
        }
    }
    refuse_for_services(user)
}

/// A property that only has to be kept.
fn apply_plain(properties: &mut Properties, property: &Property) -> Result<(), SnowflakeError> {
    match property.name.as_str() {
        "DISPLAY_NAME" => properties.display_name = property.text()?,
        "FIRST_NAME" => properties.first_name = property.text()?,
        "MIDDLE_NAME" => properties.middle_name = property.text()?,
        "LAST_NAME" => properties.last_name = property.text()?,
        "EMAIL" => properties.email = property.text()?,
        "COMMENT" => properties.comment = property.text()?,
        "MUST_CHANGE_PASSWORD" => properties.must_change_password = property.boolean()?,
        "DEFAULT_WAREHOUSE" => properties.default_warehouse = property.text()?,
        "DEFAULT_NAMESPACE" => properties.default_namespace = property.text()?,
        "DEFAULT_ROLE" => properties.default_role = property.text()?,
        "DEFAULT_SECONDARY_ROLES" => {
            let roles = property.list()?;
            properties.secondary_roles = match roles.as_slice() {
                [] => SecondaryRoles::None,
                [all] if all.eq_ignore_ascii_case("ALL") => SecondaryRoles::All,
                other => return Err(SnowflakeError::invalid_property_value(&other.join(","), &property.name)),
            };
        }
        "TYPE" => {
            let name = property.text()?.unwrap_or_else(|| "PERSON".to_owned());
            properties.user_type =
                UserType::parse(&name).ok_or_else(|| SnowflakeError::invalid_property_value(&name, &property.name))?;
        }
        "ALLOWED_INTERFACES" => properties.allowed_interfaces = property.list()?,
        "RSA_PUBLIC_KEY" => properties.rsa_public_key = property.text()?,
        "RSA_PUBLIC_KEY_2" => properties.rsa_public_key_2 = property.text()?,
        "MINS_TO_UNLOCK" => properties.mins_to_unlock = property.number()?,
        "MINS_TO_BYPASS_MFA" => properties.mins_to_bypass_mfa = property.number()?,
        other if WITHOUT_EFFECT.contains(&other) => {}
        other => return Err(SnowflakeError::invalid_property(other, "USER")),
    }
    Ok(())
}

fn unset(user: &mut User, name: &str) -> Result<(), SnowflakeError> {
    let properties = &mut user.properties;
    match name {
        "PASSWORD" => user.verifier = None,
        "LOGIN_NAME" => user.login_name.clone_from(&user.name),
        "DISABLED" => user.set_disabled(false),
        "DISPLAY_NAME" => properties.display_name = None,
        "FIRST_NAME" => properties.first_name = None,
        "MIDDLE_NAME" => properties.middle_name = None,
        "LAST_NAME" => properties.last_name = None,
        "EMAIL" => properties.email = None,
        "COMMENT" => properties.comment = None,
        "MUST_CHANGE_PASSWORD" => properties.must_change_password = false,
        "DEFAULT_WAREHOUSE" => properties.default_warehouse = None,
        "DEFAULT_NAMESPACE" => properties.default_namespace = None,
        "DEFAULT_ROLE" => properties.default_role = None,
        "DEFAULT_SECONDARY_ROLES" => properties.secondary_roles = SecondaryRoles::All,
        "TYPE" => properties.user_type = UserType::Person,
        "ALLOWED_INTERFACES" => properties.allowed_interfaces.clear(),
        "NETWORK_POLICY" => properties.network_policy = None,
        "RSA_PUBLIC_KEY" => properties.rsa_public_key = None,
        "RSA_PUBLIC_KEY_2" => properties.rsa_public_key_2 = None,
        "DAYS_TO_EXPIRY" => (properties.days_to_expiry, properties.expires_at) = (None, None),
        "MINS_TO_UNLOCK" => properties.mins_to_unlock = None,
        "MINS_TO_BYPASS_MFA" => properties.mins_to_bypass_mfa = None,
        other if WITHOUT_EFFECT.contains(&other) => {}
        other => return Err(SnowflakeError::invalid_property(other, "USER")),
    }
    Ok(())
}

/// A service has no person's name and no password.
///
/// # Source
///
/// Snowflake documentation, CREATE USER, "Types of users". The number is assumed.
fn refuse_for_services(user: &User) -> Result<(), SnowflakeError> {
    let properties = &user.properties;
    if !properties.user_type.is_service() {
        return Ok(());
    }
    let forbidden = [
        ("FIRST_NAME", properties.first_name.is_some()),
        ("MIDDLE_NAME", properties.middle_name.is_some()),
        ("LAST_NAME", properties.last_name.is_some()),
        ("PASSWORD", user.verifier.is_some()),
        ("MUST_CHANGE_PASSWORD", properties.must_change_password),
        ("MINS_TO_BYPASS_MFA", properties.mins_to_bypass_mfa.is_some()),
    ];
    match forbidden.iter().find(|(_, set)| *set) {
        Some((name, _)) => Err(SnowflakeError::invalid_property(name, properties.user_type.name())),
        None => Ok(()),
    }
}

pub(crate) async fn describe(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<Rows, SnowflakeError> {
    let user = find(tx, name).await?;
    if environment.authority.user_id != Some(user.id) {
        environment.authority.require_ownership(user.owner_id, ObjectKind::User.noun(), name)?;
    }
    let has_tokens = !crate::model::token::access_of(tx, user.id).await?.is_empty();
    Ok(description(&user, has_tokens))
}

fn description(user: &User, has_tokens: bool) -> Rows {
    let properties = &user.properties;
    let truth = |value: bool| Some(value.to_string());
    let number = |value: Option<i64>| value.map(|value| value.to_string());
    let secondary = match properties.secondary_roles {
        SecondaryRoles::All => "[\"ALL\"]",
        SecondaryRoles::None => "[]",
    };
    let set_at = properties.password_set_at.map(|at| at.format("%Y-%m-%d %H:%M:%S%.3f").to_string());
    let rows: [(&str, Option<String>, Option<&str>, &str); 31] = [
        ("NAME", Some(user.name.clone()), None, "Name"),
        ("COMMENT", properties.comment.clone(), None, "user comment associated to an object in the dictionary"),
        (
            "DISPLAY_NAME",
            Some(properties.display_name.clone().unwrap_or_else(|| user.name.clone())),
            None,
            "Display name of the associated object",
        ),
        ("TYPE", Some(properties.user_type.name().to_owned()), Some("PERSON"), "Type of the user"),
        ("LOGIN_NAME", Some(user.login_name.to_uppercase()), None, "Login name of the user"),
        ("FIRST_NAME", properties.first_name.clone(), None, "First name of the user"),
        ("MIDDLE_NAME", properties.middle_name.clone(), None, "Middle name of the user"),
        ("LAST_NAME", properties.last_name.clone(), None, "Last name of the user"),
        ("EMAIL", properties.email.clone(), None, "Email address of the user"),
        ("PASSWORD", user.verifier.as_ref().map(|_| "********".to_owned()), None, "Password of the user"),
        (
            "MUST_CHANGE_PASSWORD",
            truth(properties.must_change_password),
            Some("false"),
            "User must change the password",
        ),
        ("DISABLED", truth(user.disabled), Some("false"), "Whether the user is disabled"),
        ("SNOWFLAKE_LOCK", truth(false), Some("false"), "Whether the user or account is locked"),
        ("SNOWFLAKE_SUPPORT", truth(false), Some("false"), "Whether support may use the account"),
        ("DAYS_TO_EXPIRY", number(properties.days_to_expiry), None, "Days after which the user may not sign in"),
        ("MINS_TO_UNLOCK", number(properties.mins_to_unlock), None, "Minutes until a temporary lock ends"),
        ("DEFAULT_WAREHOUSE", properties.default_warehouse.clone(), None, "Default warehouse for this user"),
        ("DEFAULT_NAMESPACE", properties.default_namespace.clone(), None, "Default database and schema for this user"),
        (
            "DEFAULT_ROLE",
            properties.default_role.clone(),
            None,
            "Primary principal of user session will be set to this role",
        ),
        ("DEFAULT_SECONDARY_ROLES", Some(secondary.to_owned()), Some("[\"ALL\"]"), "Secondary roles of the session"),
        ("EXT_AUTHN_DUO", truth(false), Some("false"), "Whether Duo is the second factor"),
        ("EXT_AUTHN_UID", None, None, "Name for the second factor"),
        ("HAS_MFA", truth(false), Some("false"), "Whether a second factor is enrolled"),
        ("HAS_PAT", truth(has_tokens), Some("false"), "Whether there are programmatic access tokens"),
        ("MINS_TO_BYPASS_MFA", number(properties.mins_to_bypass_mfa), None, "Minutes to bypass the second factor"),
        ("MINS_TO_BYPASS_NETWORK_POLICY", None, None, "Minutes to bypass the network policy"),
        ("RSA_PUBLIC_KEY", properties.rsa_public_key.clone(), None, "RSA public key of the user"),
        ("RSA_PUBLIC_KEY_2", properties.rsa_public_key_2.clone(), None, "Second RSA public key of the user"),
        ("PASSWORD_LAST_SET_TIME", set_at, None, "When the password was last set"),
        ("NETWORK_POLICY", properties.network_policy.clone(), None, "Network policy of the user"),
        (
            "ALLOWED_INTERFACES",
            Some(if properties.allowed_interfaces.is_empty() {
                "ALL".to_owned()
            } else {
                properties.allowed_interfaces.join(",")
            }),
            Some("ALL"),
            "Interfaces the user may use",
        ),
    ];
    let text = |value: Option<String>| Some(value.unwrap_or_else(|| "null".to_owned()));
    let columns = ["property", "value", "default", "description"].map(Column::text).to_vec();
    let cells = |(property, value, default, description): (&str, Option<String>, Option<&str>, &str)| {
        vec![Some(property.to_owned()), text(value), text(default.map(str::to_owned)), Some(description.to_owned())]
    };
    Rows { columns, rows: rows.into_iter().map(cells).collect() }
}
