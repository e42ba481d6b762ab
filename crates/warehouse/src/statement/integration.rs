//! `CREATE`, `ALTER`, `DROP` and `DESCRIBE SECURITY INTEGRATION`, and the function that makes a token.

use chrono::{DateTime, NaiveDateTime};
use oktant_base::{Secret, Timestamp};

use super::cursor::{Property, name_in_text};
use super::run::{Environment, executed};
use super::{Change, ObjectKind, policy, role};
use crate::error::SnowflakeError;
use crate::model::Tx;
use crate::model::integration::{self, Integration, ScimClient};
use crate::model::token::{self, ScimToken};
use crate::password::{new_token, token_hash};
use crate::result::Rows;

/// What SCIM access tokens begin with, so that leaked ones can be found.
const TOKEN_PREFIX: &str = "oktscim_";

pub(crate) async fn create(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    properties: &[Property],
) -> Result<(), SnowflakeError> {
    let mut integration = requested(environment, name, properties)?;
    let run_as = role::find(tx, &integration.run_as_role).await?;
    // The caller's primary role must have the role to run as, directly or not.
    if !environment.authority.inherits(run_as.id) {
        return Err(SnowflakeError::insufficient_privileges("role", &run_as.name));
    }
    if let Some(name) = &integration.network_policy {
        policy::activatable(tx, name).await?;
    }
    Ok(integration::insert(tx, &mut integration).await?)
}

/// The integration that `CREATE` asks for.
fn requested(environment: &Environment, name: &str, properties: &[Property]) -> Result<Integration, SnowflakeError> {
    let mut integration = Integration {
        id: 0,
        name: name.to_owned(),
        client: ScimClient::Generic,
        run_as_role: String::new(),
        endpoint_id: environment.account.new_uuid(),
        enabled: true,
        network_policy: None,
        sync_password: false,
        reject_before: None,
        comment: String::new(),
        owner_id: Some(environment.authority.role_id),
        created_at: environment.now,
    };
    let mut missing = vec!["TYPE", "SCIM_CLIENT", "RUN_AS_ROLE"];
    for property in properties {
        missing.retain(|option| *option != property.name);
        match property.name.as_str() {
            "TYPE" => {
                let kind = property.text()?.unwrap_or_default();
                if !kind.eq_ignore_ascii_case("SCIM") {
                    return Err(SnowflakeError::unsupported(&format!("SECURITY INTEGRATION OF TYPE {kind}")));
                }
            }
            "SCIM_CLIENT" => {
                let client = property.text()?.unwrap_or_default();
                integration.client = ScimClient::parse(&client)
                    .ok_or_else(|| SnowflakeError::invalid_property_value(&client, &property.name))?;
            }
            "RUN_AS_ROLE" => integration.run_as_role = exact_name(&property.text()?.unwrap_or_default()),
            _ => apply(&mut integration, property)?,
        }
    }
    if let Some(option) = missing.first() {
        return Err(SnowflakeError::missing_option(option));
    }
    refuse_password_for_azure(&integration)?;
    Ok(integration)
}

/// A role's name in a text: as it stands there, or without the quotes around it.
fn exact_name(text: &str) -> String {
    if text.starts_with('"') { name_in_text(text) } else { text.to_owned() }
}

fn refuse_password_for_azure(integration: &Integration) -> Result<(), SnowflakeError> {
    if integration.sync_password && integration.client == ScimClient::Azure {
        return Err(SnowflakeError::invalid_property_value("TRUE", "SYNC_PASSWORD"));
    }
    Ok(())
}

/// A property that may be changed later, too.
fn apply(integration: &mut Integration, property: &Property) -> Result<(), SnowflakeError> {
    match property.name.as_str() {
        "ENABLED" => integration.enabled = property.boolean()?,
        "NETWORK_POLICY" => integration.network_policy = property.object()?,
        "SYNC_PASSWORD" => integration.sync_password = property.boolean()?,
        "COMMENT" => integration.comment = property.text()?.unwrap_or_default(),
        "TAG" => {}
        other => return Err(SnowflakeError::invalid_property(other, "INTEGRATION")),
    }
    Ok(())
}

pub(crate) async fn alter(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
    change: Change,
) -> Result<Rows, SnowflakeError> {
    let mut integration = owned(tx, environment, name).await?;
    match change {
        Change::Set(properties) => {
            for property in &properties {
                if property.name == "REJECT_TOKENS_ISSUED_BEFORE" {
                    let text = property.text()?.unwrap_or_default();
                    let at = parse_instant(&text)
                        .ok_or_else(|| SnowflakeError::invalid_property_value(&text, &property.name))?;
                    integration.reject_before = Some(at);
                } else {
                    apply(&mut integration, property)?;
                }
                if let ("NETWORK_POLICY", Some(name)) = (property.name.as_str(), &integration.network_policy) {
                    policy::activatable(tx, name).await?;
                }
            }
        }
        Change::Unset(names) => {
            for name in names {
                match name.as_str() {
                    "NETWORK_POLICY" => integration.network_policy = None,
                    "REJECT_TOKENS_ISSUED_BEFORE" => integration.reject_before = None,
                    "SYNC_PASSWORD" => integration.sync_password = false,
                    "ENABLED" => integration.enabled = true,
                    "COMMENT" => integration.comment.clear(),
                    "TAG" => {}
                    other => return Err(SnowflakeError::invalid_property(other, "INTEGRATION")),
                }
            }
        }
        Change::RenameTo(_) | Change::Nothing => return Err(SnowflakeError::unsupported("RENAME INTEGRATION")),
    }
    refuse_password_for_azure(&integration)?;
    integration::update(tx, &integration).await?;
    Ok(executed())
}

/// Reads an instant as `REJECT_TOKENS_ISSUED_BEFORE` has it; UTC where no zone is given.
fn parse_instant(text: &str) -> Option<Timestamp> {
    let zoned = DateTime::parse_from_rfc2822(text)
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f %z"));
    if let Ok(at) = zoned {
        return Some(at.to_utc());
    }
    ["%a, %d %b %Y %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|at| at.and_utc())
}

pub(crate) async fn drop(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<(), SnowflakeError> {
    let integration = owned(tx, environment, name).await?;
    Ok(integration::delete(tx, &integration).await?)
}

/// The integration of that name, if the caller owns it.
async fn owned(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<Integration, SnowflakeError> {
    let title = ObjectKind::Integration.title();
    let integration =
        integration::by_name(tx, name).await?.ok_or_else(|| SnowflakeError::does_not_exist(title, name))?;
    environment.authority.require_ownership(integration.owner_id, ObjectKind::Integration.noun(), name)?;
    Ok(integration)
}

pub(crate) async fn describe(tx: Tx<'_>, environment: &Environment, name: &str) -> Result<Rows, SnowflakeError> {
    let integration = owned(tx, environment, name).await?;
    let mut rows = Rows::of_text(&["property", "property_type", "property_value", "property_default"]);
    let values = [
        ("ENABLED", "Boolean", integration.enabled.to_string(), "true"),
        ("NETWORK_POLICY", "String", integration.network_policy.unwrap_or_default(), ""),
        ("RUN_AS_ROLE", "String", integration.run_as_role, ""),
        ("SYNC_PASSWORD", "Boolean", integration.sync_password.to_string(), "false"),
        ("COMMENT", "String", integration.comment, ""),
        ("SCIM_ENDPOINT_ID", "String", integration.endpoint_id.to_string(), ""),
    ];
    for (property, kind, value, default) in values {
        rows.rows.push([property.to_owned(), kind.to_owned(), value, default.to_owned()].map(Some).to_vec());
    }
    Ok(rows)
}

/// `SYSTEM$GENERATE_SCIM_ACCESS_TOKEN`: makes a further token; those made before stay valid.
///
/// The name is compared exactly: integrations are named in upper case.
pub(crate) async fn generate_token(
    tx: Tx<'_>,
    environment: &Environment,
    name: &str,
) -> Result<Secret, SnowflakeError> {
    let integration = owned(tx, environment, name).await?;
    if !integration.enabled {
        return Err(SnowflakeError::cannot_be_performed());
    }
    let token = new_token(TOKEN_PREFIX, environment.account.entropy());
    let issued_at = environment.now;
    let expires_at = issued_at.checked_add_months(token::VALIDITY).ok_or_else(SnowflakeError::internal)?;
    let kept = ScimToken { integration_id: integration.id, issued_at, expires_at };
    token::insert(tx, &token_hash(token.expose()), &kept).await?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_and_without_offset() {
        for text in [
            "Thu, 01 Jan 2026 10:00:00 +0000",
            "Thu, 01 Jan 2026 12:00:00 +0200",
            "Thu, 01 Jan 2026 10:00:00",
            "2026-01-01 10:00:00",
            "2026-01-01T11:00:00+01:00",
        ] {
            let at = parse_instant(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(at.to_rfc3339(), "2026-01-01T10:00:00+00:00", "{text}");
        }
        assert_eq!(parse_instant("yesterday"), None);
    }
}
