//! The sandbox's org as the directory behind its authorization server.

use std::collections::BTreeSet;
use std::sync::Weak;

use jsonwebtoken::jwk::Jwk;
use oktant_base::{Entropy, SANDBOX_CLIENT_ID, Secret, Timestamp};
use serde_json::{Value, json};

use super::custom::Setup;
use super::directory::{
    ApplicationType, AuthMethod, Client, Consent, Directory, EndUser, Event, Redirects, Rotation, SignInError,
};
use crate::app_credentials::active_secrets;
use crate::apps::{self, App};
use crate::auth_servers;
use crate::groups;
use crate::logs::{self, Kind, Target};
use crate::org::Org;
use crate::roles::Holder;
use crate::sessions;
use crate::store::{Id, Stamp, Status, Store, User};
use crate::users::is_password;

/// The clients that every sandbox has.
#[derive(Debug, Clone)]
pub(crate) struct BuiltInClients {
    /// A confidential client for the code flow.
    pub(crate) web: Client,
    /// A public client for the code flow, which has PKCE in place of a secret and an id that clients know.
    pub(crate) native: Client,
    /// A service application.
    pub(crate) service: Client,
    /// Another one, whose tokens are bound to a key by DPoP.
    pub(crate) bound_service: Client,
}

impl BuiltInClients {
    /// New clients with all scopes. The service applications know `service_key`, if there is one.
    pub(crate) fn new(store: &mut Store, secret: Secret, service_key: Option<&Jwk>) -> Self {
        let mut client = |label: &str, application_type, auth_method| Client {
            id: store.ids.next("0oa").to_string(),
            label: label.to_owned(),
            active: true,
            application_type,
            auth_method,
            secrets: Vec::new(),
            keys: Vec::new(),
            redirect_uris: Vec::new(),
            redirects: Redirects::AnyLoopback,
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            pkce_required: true,
            consent: Consent::Trusted,
            dpop_bound: false,
            rotation: Rotation::Rotate { leeway_seconds: 30 },
            granted_scopes: every_scope(),
        };
        let service = |client: Client| Client {
            grant_types: vec!["client_credentials".to_owned()],
            redirects: Redirects::Exact,
            keys: service_key.into_iter().cloned().collect(),
            ..client
        };
        let bound = client("Oktant Service with DPoP", ApplicationType::Service, AuthMethod::PrivateKeyJwt);
        Self {
            web: Client { secrets: vec![secret], ..client("Oktant", ApplicationType::Web, AuthMethod::Secret) },
            native: Client {
                id: SANDBOX_CLIENT_ID.to_owned(),
                ..client("Oktant Native", ApplicationType::Native, AuthMethod::None)
            },
            service: service(client("Oktant Service", ApplicationType::Service, AuthMethod::PrivateKeyJwt)),
            bound_service: Client { dpop_bound: true, ..service(bound) },
        }
    }

    /// The built-in client of an id.
    pub(crate) fn find(&self, client_id: &str) -> Option<&Client> {
        [&self.web, &self.native, &self.service, &self.bound_service].into_iter().find(|client| client.id == client_id)
    }
}

/// The scope that starts flows. The org grants it; no operation of its own API needs it.
///
/// # Source
///
/// Okta Workflows, "Invoke a flow with an API endpoint secured with OAuth 2.0".
const INVOKE_FLOWS: &str = "okta.workflows.invoke.manage";

/// Every `okta.*` scope that an operation of the catalogue needs, and that of flows.
fn every_scope() -> Vec<String> {
    let of_operations = oktant_catalog::operations().iter().flat_map(|operation| operation.scopes).copied();
    let scopes: BTreeSet<&str> =
        of_operations.filter(|scope| scope.starts_with("okta.")).chain([INVOKE_FLOWS]).collect();
    scopes.into_iter().map(str::to_owned).collect()
}

/// An org that does not keep itself alive through its own authorization server.
pub(crate) struct OrgDirectory(Weak<Org>);

impl OrgDirectory {
    pub(crate) fn new(org: Weak<Org>) -> Self {
        Self(org)
    }

    /// Reads from the org; `None` while it is being dropped.
    fn read<T>(&self, look: impl FnOnce(&Org, &Store) -> T) -> Option<T> {
        let org = self.0.upgrade()?;
        let store = org.store.read();
        Some(look(&org, &store))
    }
}

impl Directory for OrgDirectory {
    fn org_id(&self) -> String {
        self.read(|_, store| store.org_id.to_string()).unwrap_or_default()
    }

    fn client(&self, client_id: &str) -> Option<Client> {
        let built_in = |org: &Org| org.clients.find(client_id).cloned();
        self.read(|org, store| built_in(org).or_else(|| client(store, app(store, client_id)?)))?
    }

    fn sign_in(&self, login: &str, password: &str) -> Result<EndUser, SignInError> {
        let org = self.0.upgrade().ok_or(SignInError::InvalidCredentials)?;
        sign_in(&mut org.store.write(), org.clock.now(), org.entropy.as_ref(), login, password)
    }

    fn redeem(&self, session_token: &str) -> Option<EndUser> {
        let org = self.0.upgrade()?;
        let mut store = org.store.write();
        let id = sessions::redeem(&mut store, session_token, Stamp::of(org.clock.now()))?;
        store.users.by_id(id).filter(|user| user.status == Status::Active).map(end_user)
    }

    fn user(&self, user_id: &str) -> Option<EndUser> {
        let id = Id::parse(user_id)?;
        self.read(|_, store| store.users.by_id(id).filter(|user| user.status == Status::Active).map(end_user))?
    }

    /// The built-in clients are assigned to everyone.
    fn is_assigned(&self, client_id: &str, user_id: &str) -> bool {
        let assigned = |store: &Store| {
            let number = store.users.number(Id::parse(user_id)?)?;
            apps::assigned(store, app(store, client_id)?, number).map(|_| ())
        };
        self.read(|org, store| org.clients.find(client_id).is_some() || assigned(store).is_some()).unwrap_or(false)
    }

    /// Every administrator may use every scope: what a role covers is not told apart here.
    fn may_use(&self, user_id: &str, _scope: &str) -> bool {
        let has_role = |store: &Store| {
            let id = Id::parse(user_id)?;
            Some(id == store.admin || store.roles.iter().any(|role| role.holder == Holder::User(id)))
        };
        self.read(|_, store| has_role(store)).flatten().unwrap_or(false)
    }

    fn custom_server(&self, id: &str) -> Option<Setup> {
        self.read(|_, store| auth_servers::setup(store, id))?
    }

    fn groups(&self, user_id: &str) -> Vec<(String, String)> {
        let named = |store: &Store| {
            let user = store.users.by_id(Id::parse(user_id)?)?;
            let groups = groups::groups_of(store, user).into_iter().filter_map(|number| store.groups.get(number));
            Some(groups.map(|group| (group.id.to_string(), group.name().to_owned())).collect())
        };
        self.read(|_, store| named(store)).flatten().unwrap_or_default()
    }

    fn record(&self, event: Event) {
        let Some(org) = self.0.upgrade() else { return };
        let mut store = org.store.write();
        write_event(&mut store, &event, org.clock.now(), org.entropy.as_ref());
    }
}

/// Checks a user name and password, and writes the event of a session that starts or does not.
///
/// # Errors
///
/// Why no session starts.
pub(crate) fn sign_in(
    store: &mut Store,
    now: Timestamp,
    entropy: &dyn Entropy,
    login: &str,
    password: &str,
) -> Result<EndUser, SignInError> {
    let number = store.users.by_login(login).ok_or(SignInError::InvalidCredentials)?;
    let user = store.users.get_mut(number).ok_or(SignInError::InvalidCredentials)?;
    if user.status == Status::LockedOut {
        return Err(SignInError::LockedOut);
    }
    let outcome = if is_password(user, password) { Ok(()) } else { Err("INVALID_CREDENTIALS".to_owned()) };
    let failed = outcome.is_err();
    let target = Target::user(user);
    let mut entry = logs::system_event(Kind::SESSION_START, &target, now, entropy);
    write_outcome(&mut entry, &outcome);
    let answer = if failed { Err(SignInError::InvalidCredentials) } else { let_in(user, now) };
    store.log.push(now, &entry);
    answer
}

/// The OIDC application of a client id.
fn app<'a>(store: &'a Store, client_id: &str) -> Option<&'a App> {
    let is_client = |app: &&App| {
        let credentials = app.body.get("credentials");
        credentials.and_then(|value| value.pointer("/oauthClient/client_id")).is_some_and(|id| id == client_id)
    };
    store.apps.values().find(is_client)
}

fn client(store: &Store, app: &App) -> Option<Client> {
    let client = Client::from_app(&apps::shown(app, store, ""))?;
    let granted_scopes = app.grants.iter().map(|grant| grant.scope.clone()).collect();
    Some(Client { secrets: active_secrets(store, app), granted_scopes, ..client })
}

fn write_event(store: &mut Store, event: &Event, now: Timestamp, entropy: &dyn Entropy) {
    let client = Target::named("PublicClientApp", &event.client_id, &event.client_id);
    let user = event.user_id.as_deref().and_then(Id::parse).and_then(|id| store.users.by_id(id));
    let actor = user.map_or_else(|| client.clone(), Target::user);
    let kind = Kind { event_type: event.name, message: event.display_message, legacy: None };
    let mut entry = logs::system_event(kind, &actor, now, entropy);
    entry["target"] = json!([client.to_json()]);
    write_outcome(&mut entry, &event.outcome);
    store.log.push(now, &entry);
}

fn write_outcome(entry: &mut Value, outcome: &Result<(), String>) {
    if let Err(reason) = outcome {
        entry["outcome"] = json!({ "result": "FAILURE", "reason": reason });
    }
}

/// What the right password opens in the user's status.
fn let_in(user: &mut User, now: Timestamp) -> Result<EndUser, SignInError> {
    match user.status {
        Status::PasswordExpired => Err(SignInError::PasswordExpired),
        Status::Active => {
            user.last_login = Some(Stamp::of(now));
            Ok(end_user(user))
        }
        _ => Err(SignInError::InvalidCredentials),
    }
}

fn end_user(user: &User) -> EndUser {
    EndUser {
        id: user.id.to_string(),
        login: user.login().to_owned(),
        profile: user.profile.to_json(),
        updated_at: user.last_updated.seconds(),
    }
}
