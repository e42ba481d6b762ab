//! The sandbox's org as the directory behind its authorization server.

use std::collections::BTreeSet;
use std::sync::Weak;

use jsonwebtoken::jwk::Jwk;
use oktant_base::Secret;

use super::directory::{
    ApplicationType, AuthMethod, Client, Consent, Directory, EndUser, Event, Redirects, Rotation, SignInError,
};
use crate::org::Org;
use crate::store::{Id, Stamp, Status, Store, User};
use crate::users::is_password;

/// The clients that every sandbox has.
#[derive(Debug, Clone)]
pub(crate) struct BuiltInClients {
    /// A confidential client for the code flow.
    pub(crate) web: Client,
    /// A public client for the code flow, which has PKCE in place of a secret.
    pub(crate) native: Client,
    /// A service application.
    pub(crate) service: Client,
    /// Another one, whose tokens are bound to a key by DPoP.
    pub(crate) bound_service: Client,
}

impl BuiltInClients {
    /// New clients with all scopes. The service applications know `service_key`, if there is one.
    pub(crate) fn new(store: &mut Store, secret: Secret, service_key: Option<Jwk>) -> Self {
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
            keys: service_key.iter().cloned().collect(),
            ..client
        };
        let bound = client("Oktant Service with DPoP", ApplicationType::Service, AuthMethod::PrivateKeyJwt);
        Self {
            web: Client { secrets: vec![secret], ..client("Oktant", ApplicationType::Web, AuthMethod::Secret) },
            native: client("Oktant Native", ApplicationType::Native, AuthMethod::None),
            service: service(client("Oktant Service", ApplicationType::Service, AuthMethod::PrivateKeyJwt)),
            bound_service: Client { dpop_bound: true, ..service(bound) },
        }
    }

    fn find(&self, client_id: &str) -> Option<&Client> {
        [&self.web, &self.native, &self.service, &self.bound_service].into_iter().find(|client| client.id == client_id)
    }
}

/// Every `okta.*` scope that an operation of the catalogue needs.
fn every_scope() -> Vec<String> {
    let scopes: BTreeSet<&str> = oktant_catalog::operations()
        .iter()
        .flat_map(|operation| operation.scopes)
        .copied()
        .filter(|scope| scope.starts_with("okta."))
        .collect();
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
        self.0.upgrade()?.clients.find(client_id).cloned()
    }

    fn sign_in(&self, login: &str, password: &str) -> Result<EndUser, SignInError> {
        let org = self.0.upgrade().ok_or(SignInError::InvalidCredentials)?;
        let mut store = org.store.write();
        let number = store.users.by_login(login).ok_or(SignInError::InvalidCredentials)?;
        let user = store.users.get_mut(number).ok_or(SignInError::InvalidCredentials)?;
        if user.status == Status::LockedOut {
            return Err(SignInError::LockedOut);
        }
        if !is_password(user, password) {
            return Err(SignInError::InvalidCredentials);
        }
        match user.status {
            Status::PasswordExpired => Err(SignInError::PasswordExpired),
            Status::Active => {
                user.last_login = Some(Stamp::of(org.clock.now()));
                Ok(end_user(user))
            }
            _ => Err(SignInError::InvalidCredentials),
        }
    }

    fn user(&self, user_id: &str) -> Option<EndUser> {
        let id = Id::parse(user_id)?;
        self.read(|_, store| store.users.by_id(id).filter(|user| user.status == Status::Active).map(end_user))?
    }

    /// The built-in clients are assigned to everyone.
    fn is_assigned(&self, client_id: &str, _user_id: &str) -> bool {
        self.0.upgrade().is_some_and(|org| org.clients.find(client_id).is_some())
    }

    /// Only the org's first administrator has roles.
    fn may_use(&self, user_id: &str, _scope: &str) -> bool {
        self.read(|_, store| store.admin.as_str() == user_id).unwrap_or(false)
    }

    fn record(&self, event: Event) {
        tracing::debug!(
            event_type = event.event_type,
            client_id = event.client_id,
            user_id = event.user_id,
            failure = event.outcome.err(),
            "{}",
            event.display_message
        );
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
