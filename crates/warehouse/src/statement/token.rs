//! Programmatic access tokens: `ALTER USER … ADD` and `REMOVE PROGRAMMATIC ACCESS TOKEN`.

use chrono::TimeDelta;

use super::run::{Environment, executed};
use super::{ObjectKind, TokenChange, user};
use crate::account::ACCESS_TOKEN_PREFIX;
use crate::error::SnowflakeError;
use crate::model::Tx;
use crate::model::token::{self, AccessToken};
use crate::password::{new_token, token_hash};
use crate::result::Rows;

/// Days for which a token is valid unless asked otherwise, and at most.
///
/// # Source
///
/// Snowflake documentation, ALTER USER … ADD PROGRAMMATIC ACCESS TOKEN.
const DAYS_DEFAULT: i64 = 15;
const DAYS_MAX: i64 = 365;

pub(crate) async fn run(
    tx: Tx<'_>,
    environment: &Environment,
    user_name: Option<String>,
    change: TokenChange,
) -> Result<Rows, SnowflakeError> {
    let name = user_name.unwrap_or_else(|| environment.authority.user_name.clone());
    let owner = user::find(tx, &name).await?;
    let authority = &environment.authority;
    // Another token of the user's own would be a way out of the restriction.
    if authority.user_id != Some(owner.id) || authority.restricted {
        authority.require_ownership(owner.owner_id, ObjectKind::User.noun(), &name)?;
    }
    let (token_name, properties) = match change {
        TokenChange::Add { name, properties } => (name, properties),
        TokenChange::Remove { name } => {
            return if token::delete_access(tx, owner.id, &name).await? {
                Ok(executed())
            } else {
                Err(SnowflakeError::does_not_exist("Programmatic access token", &name))
            };
        }
    };
    if token::access_of(tx, owner.id).await?.iter().any(|token| token.name == token_name) {
        return Err(SnowflakeError::already_exists(&token_name));
    }
    let mut days = DAYS_DEFAULT;
    let mut kept = AccessToken {
        user_id: owner.id,
        name: token_name.clone(),
        role_restriction: None,
        disabled: false,
        comment: String::new(),
        issued_at: environment.now,
        expires_at: environment.now,
    };
    for property in &properties {
        match property.name.as_str() {
            "ROLE_RESTRICTION" => kept.role_restriction = property.object()?,
            "DAYS_TO_EXPIRY" => days = property.number()?.unwrap_or(DAYS_DEFAULT),
            "COMMENT" => kept.comment = property.text()?.unwrap_or_default(),
            "MINS_TO_BYPASS_NETWORK_POLICY_REQUIREMENT" => {}
            other => return Err(SnowflakeError::invalid_property(other, "PROGRAMMATIC ACCESS TOKEN")),
        }
    }
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(SnowflakeError::invalid_property_value(&days.to_string(), "DAYS_TO_EXPIRY"));
    }
    if owner.properties.user_type.is_service() && kept.role_restriction.is_none() {
        return Err(SnowflakeError::missing_option("ROLE_RESTRICTION"));
    }
    kept.expires_at = environment.now + TimeDelta::days(days);
    let secret = new_token(ACCESS_TOKEN_PREFIX, environment.account.entropy());
    token::insert_access(tx, &token_hash(secret.expose()), &kept).await?;
    let mut rows = Rows::of_text(&["token_name", "token_secret"]);
    rows.rows.push(vec![Some(token_name), Some(secret.into_exposed())]);
    Ok(rows)
}
