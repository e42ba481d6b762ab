//! Connections in use: their secrets opened, their tokens renewed once for everyone who needs them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oktant_base::{Secret, Timestamp};
use oktant_client::Edges;
use oktant_engine::Hidden;
use parking_lot::Mutex;
use serde_json::Value;

use super::opened::Opened;
use super::store::Stored;
use super::{Auth, ConnectStore, Connection, ID, Live, SealingKey, Secrets, oauth};
use crate::Error;
use crate::http::Http;

/// How long another process's change may stay unnoticed while the secrets in memory still work.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// A token is renewed this long before it ends.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// How long one process may take to renew a token before another one tries.
const LEASE: Duration = Duration::from_secs(90);

/// How often a process that waits for another one's renewal looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Every connection of a store. Clones share everything.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: ConnectStore,
    key: Arc<SealingKey>,
    http: Http,
    edges: Edges,
    cache: Mutex<HashMap<String, Cached>>,
    opened: Opened,
    flights: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug, Clone)]
struct Cached {
    live: Live,
    read_at: Timestamp,
}

impl Connections {
    /// The connections of `store`, whose secrets are sealed with `key`.
    pub fn new(store: ConnectStore, key: SealingKey, http: Http, edges: Edges) -> Self {
        Self::sharing(store, Arc::new(key), http, edges)
    }

    fn sharing(store: ConnectStore, key: Arc<SealingKey>, http: Http, edges: Edges) -> Self {
        let (cache, opened, flights) = (Mutex::default(), Opened::default(), Mutex::default());
        Self(Arc::new(Inner { store, key, http, edges, cache, opened, flights }))
    }

    /// None yet, in a store of their own that is gone with them; keys, network and clock are the same.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub(crate) async fn apart(&self) -> Result<Self, Error> {
        let Inner { key, http, edges, .. } = &*self.0;
        let store = ConnectStore::open("sqlite::memory:").await?;
        Ok(Self::sharing(store, Arc::clone(key), http.clone(), edges.clone()))
    }

    /// The database that they are in.
    pub fn store(&self) -> &ConnectStore {
        &self.0.store
    }

    /// The sender behind the egress guard.
    pub fn http(&self) -> &Http {
        &self.0.http
    }

    /// Clock, chance and environment.
    pub fn edges(&self) -> &Edges {
        &self.0.edges
    }

    /// Every connection, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<Connection>, Error> {
        self.0.store.list().await
    }

    /// The connection with this id or name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`] or [`Error::Store`].
    pub async fn get(&self, id_or_name: &str) -> Result<Connection, Error> {
        Ok(self.stored(id_or_name).await?.connection)
    }

    /// Writes a connection with its secrets. One of the same name is replaced if `replace` says so: it keeps its
    /// id, and so do all cards that are bound to it.
    ///
    /// # Errors
    ///
    /// [`Error::ConnectionExists`] or [`Error::Store`].
    pub async fn put(&self, connection: Connection, secrets: &Secrets, replace: bool) -> Result<Connection, Error> {
        let Inner { store, key, edges, cache, .. } = &*self.0;
        let known = store.find(&connection.name).await?;
        let connection = match known {
            Some(_) if !replace => return Err(Error::ConnectionExists(connection.name)),
            Some(Stored { connection: known, .. }) => Connection {
                id: known.id,
                version: known.version + 1,
                created_at: known.created_at,
                broken: None,
                updated_at: edges.clock.now(),
                ..connection
            },
            None => connection,
        };
        let sealed = key.seal(&connection.id, secrets.to_json().expose(), &*edges.entropy);
        store.put(&connection, &sealed).await?;
        cache.lock().remove(&connection.id);
        Ok(connection)
    }

    /// A new connection that is not written yet, with an id of its own.
    pub fn draft(&self, name: &str, connector: &str, auth: Auth) -> Connection {
        let mut bytes = [0; 12];
        self.0.edges.entropy.fill(&mut bytes);
        let hex = crate::hex(&bytes);
        let now = self.0.edges.clock.now();
        Connection {
            id: format!("{ID}{hex}"),
            name: name.to_owned(),
            connector: connector.to_owned(),
            auth,
            settings: std::collections::BTreeMap::new(),
            account: None,
            broken: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Forgets a connection and its secrets.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`] or [`Error::Store`].
    pub async fn remove(&self, id_or_name: &str) -> Result<Connection, Error> {
        let connection = self.get(id_or_name).await?;
        self.0.store.remove(&connection.id).await?;
        self.0.cache.lock().remove(&connection.id);
        Ok(connection)
    }

    /// Ends the connection's tokens at the service, if that has an endpoint for it: gives whether it has.
    ///
    /// # Errors
    ///
    /// What the store, the key or the service object to.
    pub async fn revoke(&self, id_or_name: &str) -> Result<bool, Error> {
        let live = self.read(id_or_name).await?;
        // The refresh token ends the access tokens made from it, too.
        let token = live.secrets.get("refresh_token").or_else(|| live.secrets.get("access_token"));
        let (Some(token), Some(_)) = (token, live.connection.setting("revoke_url")) else { return Ok(false) };
        oauth::revoke(&self.0.http, &live.connection, token).await?;
        Ok(true)
    }

    /// The connection with its secrets opened; its access token is renewed first if it is about to end.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] if it no longer works; else what the store, the key or the token endpoint object to.
    pub async fn live(&self, id_or_name: &str) -> Result<Live, Error> {
        let now = self.0.edges.clock.now();
        let cached = self.0.cache.lock().get(id_or_name).cloned();
        let fresh = cached.filter(|cached| (now - cached.read_at).to_std().is_ok_and(|age| age < FRESH_FOR));
        let live = match fresh {
            Some(cached) => cached.live,
            None => self.read(id_or_name).await?,
        };
        if is_ending(&live, now) { self.renew(&live).await } else { Ok(live) }
    }

    /// The secrets of a connection as they were opened lately, with the tokens it got: what its service sends back is
    /// shown without them.
    pub(crate) fn hidden(&self, id_or_name: &str) -> Hidden {
        self.0.opened.hidden(id_or_name)
    }

    /// Replaces an access token that the service refused, once for everyone who asks: callers that hold the token
    /// of before wait for the one renewal, in this process and in others that share the store.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] if there is nothing to renew with, or the service refuses for good.
    pub async fn renew(&self, refused: &Live) -> Result<Live, Error> {
        let id = refused.connection.id.as_str();
        let flight = Arc::clone(self.0.flights.lock().entry(id.to_owned()).or_default());
        let _sole = flight.lock().await;
        let Inner { store, edges, .. } = &*self.0;
        loop {
            let live = self.read(id).await?;
            if live.secrets.get("access_token") != refused.secrets.get("access_token") {
                return Ok(live);
            }
            if live.connection.version != refused.connection.version && !live.connection.auth.has_tokens() {
                return Ok(live);
            }
            let now = edges.clock.now();
            if store.lease(id, live.connection.version, now, now + LEASE).await? {
                match self.renew_alone(live).await? {
                    Some(renewed) => return Ok(renewed),
                    None => continue,
                }
            }
            edges.clock.sleep(LOOK_AGAIN).await;
        }
    }

    /// Notes that a service takes the credentials of a connection no more, and gives that as the error; nothing if the
    /// connection was changed or removed meanwhile.
    pub(crate) async fn give_up(&self, live: &Live, reason: &str) -> Result<(), Error> {
        self.mark_broken(live, reason).await.map(drop)
    }

    /// Marks a connection as broken, so that it is named wherever it is looked at, and gives that as the error;
    /// `None` if the connection was changed or removed meanwhile.
    async fn mark_broken(&self, live: &Live, reason: &str) -> Result<Option<Live>, Error> {
        let connection = Connection {
            broken: Some(reason.to_owned()),
            version: live.connection.version + 1,
            ..live.connection.clone()
        };
        let sealed = self.seal(&connection, &live.secrets);
        let written = self.0.store.replace(&connection, &sealed, live.connection.version).await?;
        self.0.cache.lock().remove(&connection.id);
        if written { Err(broken(&connection)) } else { Ok(None) }
    }

    /// Renews under the lease. New access token and new refresh token are written in one statement: a rotated
    /// refresh token is the only one that works, and must not be lost. `None` if the connection was changed or removed
    /// meanwhile: what was granted to its older form is not written over it.
    async fn renew_alone(&self, mut live: Live) -> Result<Option<Live>, Error> {
        let Inner { store, http, edges, .. } = &*self.0;
        let refresh_token = live.secrets.get("refresh_token").cloned();
        let scope = live.connection.setting("scope").unwrap_or_default().to_owned();
        let audience = live.connection.setting("audience").unwrap_or_default().to_owned();
        let assertion = match live.connection.auth {
            Auth::OauthJwt => match oauth::assertion(&live.connection, &live.secrets, edges.clock.now()) {
                Ok(assertion) => assertion,
                Err(error) => return self.mark_broken(&live, &error.to_string()).await,
            },
            _ => Secret::new(String::new()),
        };
        let mut grant: Vec<(&str, &str)> = match (live.connection.auth, &refresh_token) {
            (Auth::OauthCode, Some(token)) => {
                vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())]
            }
            // The service may refuse one request with a token that is good for all others.
            (Auth::OauthCode, None) if !is_ending(&live, edges.clock.now()) => {
                store.release(&live.connection.id, live.connection.version).await?;
                return Ok(Some(live));
            }
            (Auth::OauthCode, None) => {
                return self.mark_broken(&live, "the access token ended and there is no refresh token").await;
            }
            (Auth::OauthJwt, _) => vec![("grant_type", oauth::JWT_BEARER), ("assertion", assertion.expose())],
            (Auth::OauthClient, _) if scope.is_empty() => vec![("grant_type", "client_credentials")],
            (Auth::OauthClient, _) => vec![("grant_type", "client_credentials"), ("scope", &scope)],
            (Auth::OktaToken, _) => return self.mark_broken(&live, "the org refuses its API token").await,
            _ => return self.mark_broken(&live, "the service refuses its credentials").await,
        };
        if live.connection.auth == Auth::OauthClient && !audience.is_empty() {
            grant.push(("audience", &audience));
        }
        match oauth::request(http, &live.connection, &live.secrets, &grant).await {
            Ok(granted) => {
                let version = live.connection.version;
                take_grant(&mut live, granted, edges.clock.now());
                live.connection.version += 1;
                let sealed = self.seal(&live.connection, &live.secrets);
                if !store.replace(&live.connection, &sealed, version).await? {
                    return Ok(None);
                }
                self.remember(&live);
                Ok(Some(live))
            }
            Err(error) if oauth::is_final(&error) => self.mark_broken(&live, &error.to_string()).await,
            Err(error) => {
                store.release(&live.connection.id, live.connection.version).await?;
                if !oauth::is_passing(&error) {
                    return Err(error);
                }
                Err(Error::Renewal { name: live.connection.name, cause: Box::new(error) })
            }
        }
    }

    /// The tokens of a code that a person brought from the authorization endpoint.
    pub(super) async fn redeem(
        &self,
        connection: &Connection,
        secrets: &Secrets,
        grant: &[(&str, &str)],
    ) -> Result<Live, Error> {
        let granted = oauth::request(&self.0.http, connection, secrets, grant).await?;
        let mut live = Live { connection: connection.clone(), secrets: secrets.clone() };
        take_grant(&mut live, granted, self.0.edges.clock.now());
        Ok(live)
    }

    async fn stored(&self, id_or_name: &str) -> Result<Stored, Error> {
        let found = self.0.store.find(id_or_name).await?;
        found.ok_or_else(|| Error::UnknownConnection(id_or_name.to_owned()))
    }

    async fn read(&self, id_or_name: &str) -> Result<Live, Error> {
        let Stored { connection, sealed } = self.stored(id_or_name).await?;
        if connection.broken.is_some() {
            return Err(broken(&connection));
        }
        let plain = self.0.key.open(&connection.id, &sealed)?;
        let secrets = Secrets::from_json(&plain)
            .ok_or_else(|| Error::Key(format!("the secrets of connection \"{}\" are damaged", connection.name)))?;
        let live = Live { connection, secrets };
        self.remember(&live);
        Ok(live)
    }

    fn remember(&self, live: &Live) {
        self.0.opened.remember(live);
        let cached = Cached { live: live.clone(), read_at: self.0.edges.clock.now() };
        self.0.cache.lock().insert(live.connection.id.clone(), cached);
    }

    fn seal(&self, connection: &Connection, secrets: &Secrets) -> String {
        self.0.key.seal(&connection.id, secrets.to_json().expose(), &*self.0.edges.entropy)
    }
}

fn broken(connection: &Connection) -> Error {
    Error::Broken { name: connection.name.clone(), reason: connection.broken.clone().unwrap_or_default() }
}

/// Whether the access token is missing or about to end.
fn is_ending(live: &Live, now: Timestamp) -> bool {
    if !live.connection.auth.has_tokens() {
        return false;
    }
    let ends_at = live.secrets.get("expires_at").and_then(|text| text.expose().parse().ok());
    let ends_at = ends_at.and_then(Timestamp::from_timestamp_millis);
    live.secrets.get("access_token").is_none() || ends_at.is_some_and(|end| end - RENEW_BEFORE <= now)
}

fn take_grant(live: &mut Live, granted: oauth::Grant, now: Timestamp) {
    let oauth::Grant { access_token, refresh_token, expires_in, more } = granted;
    live.secrets.set("access_token", access_token);
    if let Some(token) = refresh_token {
        live.secrets.set("refresh_token", token);
    }
    match expires_in {
        Some(seconds) => {
            let end = now + Duration::from_secs(seconds.min(u64::from(u32::MAX)));
            live.secrets.set("expires_at", Secret::new(end.timestamp_millis().to_string()));
        }
        None => live.secrets.remove("expires_at"),
    }
    // Where the account lives, for services that tell with the token.
    if let Some(Value::String(url)) = more.get("instance_url") {
        live.connection.settings.insert("instance_url".to_owned(), url.clone());
    }
    if let Some(Value::String(scope)) = more.get("scope") {
        live.connection.settings.insert("granted_scope".to_owned(), scope.clone());
    }
}
