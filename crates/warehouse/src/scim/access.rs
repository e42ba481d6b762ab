//! Who calls: tokens, integrations, network policies.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use oktant_base::{Secret, Timestamp};
use oktant_scim::{Caller, Error, Profile, ScimClient as Client};
use parking_lot::Mutex;
use uuid::Uuid;

use super::Result;
use crate::account::{ACCESS_TOKEN_PREFIX, Account, Generation, StandardScim};
use crate::model::integration::{self, Integration, ScimClient};
use crate::model::{Id, Tx, grant, parameter, policy, role, token, user};
use crate::password::token_hash;
use crate::privilege::Authority;

/// How long a caller is remembered without looking whether another process changed something. What this
/// process changes is seen at once.
const LIFETIME: TimeDelta = TimeDelta::milliseconds(500);

/// Callers that are remembered at most.
const CALLERS_MAX: usize = 1000;

/// What a caller may do, as which role, under whose rules.
#[derive(Debug)]
pub struct ScimAccess {
    pub(crate) integration: Integration,
    /// The role that the integration runs as.
    pub(crate) authority: Authority,
    pub(crate) profile: Profile,
    /// The user behind a programmatic access token.
    pub(crate) user_id: Option<Id>,
    /// As the audit names the caller.
    pub(crate) actor: String,
    /// Whether `userName` is the login name only.
    pub(crate) maps_user_name: bool,
    expires_at: Timestamp,
    user_policy: Option<String>,
    account_policy: Option<String>,
}

/// Callers by the hash of their token and the integration in the path.
#[derive(Debug, Default)]
pub(crate) struct AccessCache(Mutex<HashMap<(String, Option<Uuid>), Remembered>>);

#[derive(Debug)]
struct Remembered {
    access: Arc<ScimAccess>,
    generation: Generation,
    at: Timestamp,
}

impl AccessCache {
    fn get(&self, key: &(String, Option<Uuid>), generation: Generation, now: Timestamp) -> Option<Arc<ScimAccess>> {
        let callers = self.0.lock();
        let found = callers.get(key)?;
        let is_known = match found.access.user_id {
            Some(_) => found.generation == generation,
            None => found.generation.account == generation.account,
        };
        (is_known && now - found.at < LIFETIME).then(|| Arc::clone(&found.access))
    }

    fn put(&self, key: (String, Option<Uuid>), remembered: Remembered) {
        let mut callers = self.0.lock();
        if callers.len() >= CALLERS_MAX {
            callers.clear();
        }
        callers.insert(key, remembered);
    }
}

/// Finds out who calls.
pub(super) async fn authenticate(account: &Account, caller: &Caller<'_>) -> Result<Arc<ScimAccess>> {
    let token = caller.bearer().ok_or_else(|| Error::unauthorized("a bearer token is needed"))?;
    let (generation, now) = (account.generation(), account.now());
    let key = (token_hash(token.expose()), caller.endpoint_id);
    let access = if let Some(access) = account.0.access.get(&key, generation, now) {
        access
    } else {
        let access = Arc::new(look_up(account, &token, &key.0, caller.endpoint_id, now).await?);
        account.0.access.put(key, Remembered { access: Arc::clone(&access), generation, at: now });
        access
    };
    if now >= access.expires_at {
        return Err(expired().into());
    }
    admit(account, &access, caller).await?;
    Ok(access)
}

/// # Source
///
/// The text that Okta's administrators see from a Snowflake account.
fn expired() -> Error {
    Error::unauthorized("Access token expired")
}

fn no_such_integration() -> Error {
    Error::new(http::StatusCode::NOT_FOUND, "There is no such security integration")
}

/// Refuses callers from where a network policy does not admit them.
async fn admit(account: &Account, access: &ScimAccess, caller: &Caller<'_>) -> Result<()> {
    let of_integration = access.integration.network_policy.as_deref();
    let (of_user, of_account) = (access.user_policy.as_deref(), access.account_policy.as_deref());
    if of_integration.or(of_user).or(of_account).is_none() {
        return Ok(());
    }
    let mut connection = account.0.db.read().await?;
    let precedence = account.0.config.precedence;
    if policy::admits(&mut *connection, caller.client_ip, of_account, of_user, of_integration, precedence).await? {
        return Ok(());
    }
    let ip = caller.client_ip.map(|ip| ip.to_string()).unwrap_or_default();
    Err(Error::forbidden(format!("Incoming request with IP {ip} is not allowed by the network policy")).into())
}

async fn look_up(
    account: &Account,
    token: &Secret,
    hash: &str,
    endpoint_id: Option<Uuid>,
    now: Timestamp,
) -> Result<ScimAccess> {
    let mut connection = account.0.db.read().await?;
    let tx = &mut *connection;
    let found = if token.expose().starts_with(ACCESS_TOKEN_PREFIX) {
        user_token(tx, hash, endpoint_id, now).await?
    } else {
        integration_token(tx, hash, endpoint_id, now).await?
    };
    let integration = found.integration;
    if !integration.enabled {
        let detail = format!("The security integration {} is disabled", integration.name);
        return Err(Error::unauthorized(detail).into());
    }
    let run_as = role::by_name(tx, &integration.run_as_role).await?.ok_or_else(|| {
        Error::forbidden(format!(
            "The role {} that the security integration {} runs as does not exist",
            integration.run_as_role, integration.name
        ))
    })?;
    let authority = Authority::of_role(tx, &run_as.name, run_as.id).await?;
    let actor = found.user.as_ref().map_or_else(|| run_as.name.clone(), |user| user.name.clone());
    Ok(ScimAccess {
        profile: profile(account.0.config.standard_scim, integration.client),
        authority,
        user_id: found.user.as_ref().map(|user| user.id),
        actor,
        maps_user_name: parameter::get(tx, parameter::MAP_USERNAME).await?.as_deref() == Some("true"),
        expires_at: found.expires_at,
        user_policy: found.user.and_then(|user| user.properties.network_policy),
        account_policy: parameter::get(tx, parameter::NETWORK_POLICY).await?,
        integration,
    })
}

fn profile(standard: StandardScim, client: ScimClient) -> Profile {
    let follows_standard = match standard {
        StandardScim::Never => false,
        StandardScim::Generic => client == ScimClient::Generic,
        StandardScim::Always => true,
    };
    if follows_standard {
        return Profile::Rfc;
    }
    let client = match client {
        ScimClient::Okta => Client::Okta,
        ScimClient::Azure => Client::Azure,
        ScimClient::Generic => Client::Generic,
    };
    Profile::Snowflake { client }
}

/// What a token stands for.
struct Found {
    integration: Integration,
    user: Option<user::User>,
    expires_at: Timestamp,
}

/// A SCIM access token: it belongs to one integration.
async fn integration_token(tx: Tx<'_>, hash: &str, endpoint_id: Option<Uuid>, now: Timestamp) -> Result<Found> {
    let unknown = || Error::unauthorized("The access token is not known");
    let token = token::by_hash(tx, hash).await?.ok_or_else(unknown)?;
    let integration = integration::by_id(tx, token.integration_id).await?.ok_or_else(unknown)?;
    if let Some(id) = endpoint_id.filter(|id| *id != integration.endpoint_id) {
        let exists = integration::all(tx).await?.iter().any(|other| other.endpoint_id == id);
        let belongs = "The access token belongs to another security integration";
        return Err(if exists { Error::unauthorized(belongs) } else { no_such_integration() }.into());
    }
    if now >= token.expires_at {
        return Err(expired().into());
    }
    if integration.reject_before.is_some_and(|before| token.issued_at < before) {
        let detail = "The access token was issued before the time that the integration accepts";
        return Err(Error::unauthorized(detail).into());
    }
    Ok(Found { integration, user: None, expires_at: token.expires_at })
}

/// A programmatic access token of a user, whose role has to have USAGE on the integration.
async fn user_token(tx: Tx<'_>, hash: &str, endpoint_id: Option<Uuid>, now: Timestamp) -> Result<Found> {
    let unknown = || Error::unauthorized("The access token is not known");
    let token = token::access_by_hash(tx, hash).await?.filter(|token| !token.disabled).ok_or_else(unknown)?;
    let user = user::by_id(tx, token.user_id).await?.filter(|user| user.may_sign_in(now)).ok_or_else(unknown)?;
    if now >= token.expires_at {
        return Err(expired().into());
    }
    let mut integrations = integration::all(tx).await?;
    match endpoint_id {
        Some(id) => integrations.retain(|integration| integration.endpoint_id == id),
        None => integrations.retain(|integration| integration.enabled),
    }
    let integration = match (integrations.pop(), integrations.is_empty()) {
        (Some(integration), true) => integration,
        (None, _) => return Err(no_such_integration().into()),
        (Some(_), false) => {
            let detail = "There are several security integrations: use the base URL with SCIM_ENDPOINT_ID";
            return Err(Error::forbidden(detail).into());
        }
    };
    let name = token.role_restriction.clone().or_else(|| user.properties.default_role.clone()).unwrap_or_default();
    let granted = role::of_user(tx, user.id).await?.into_iter().map(|(id, _)| id).collect();
    let available = grant::closure(tx, &granted).await?;
    let lacks = || {
        let (role, integration) = (&name, &integration.name);
        Error::forbidden(format!("GRANT USAGE ON INTEGRATION {integration} TO ROLE {role} lets the token in"))
    };
    let role = role::by_name(tx, &name).await?.filter(|role| available.contains(&role.id)).ok_or_else(lacks)?;
    let authority = Authority::of_role(tx, &role.name, role.id).await?;
    if !authority.owns(integration.owner_id) && !authority.holds_on("USAGE", grant::ON_INTEGRATION, &integration.name) {
        return Err(lacks().into());
    }
    Ok(Found { integration, user: Some(user), expires_at: token.expires_at })
}
