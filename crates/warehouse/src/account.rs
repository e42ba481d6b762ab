//! An account: opening it, signing in, and what other protocols ask of it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use oktant_base::{Clock, Entropy, Secret, Timestamp};
use oktant_store::{Database, StoreError, connect};

use crate::engine::{self, QueryEngine};
use crate::error::{Error, SnowflakeError};
use crate::history::AuditLog;
use crate::model::container::{self, Container};
use crate::model::policy::{self, PolicyPrecedence};
use crate::model::user::{self, SecondaryRoles, User};
use crate::model::{TABLES, Tx, grant, parameter, role, secret, token};
use crate::password::{DECOY_KEY_BYTES, ScramVerifier, new_uuid, token_hash};
use crate::privilege::{HIERARCHY, INITIAL};
use crate::session::{Actor, Session};

/// What programmatic access tokens begin with, so that leaked ones can be found.
pub(crate) const ACCESS_TOKEN_PREFIX: &str = "oktpat_";

/// How an account is called and what it works with.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    pub(crate) name: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) engine: Option<Arc<dyn QueryEngine>>,
    pub(crate) precedence: PolicyPrecedence,
    pub(crate) standard_scim: StandardScim,
    pub(crate) synthetic_lists: bool,
}

/// Which integrations speak SCIM as the standards have it instead of as Snowflake does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StandardScim {
    /// None: every integration behaves as Snowflake's.
    #[default]
    Never,
    /// Those made with `SCIM_CLIENT = 'GENERIC'`.
    Generic,
    /// All of them.
    Always,
}

impl AccountConfig {
    /// An account of this name, as Snowflake's defaults are.
    pub fn new(name: impl Into<String>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            name: name.into().to_uppercase(),
            clock,
            entropy,
            engine: None,
            precedence: PolicyPrecedence::default(),
            standard_scim: StandardScim::default(),
            synthetic_lists: false,
        }
    }

    /// Who answers queries over tables.
    #[must_use]
    pub fn engine(mut self, engine: Arc<dyn QueryEngine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Whether the network policy of a user or that of an integration decides.
    #[must_use]
    pub fn policy_precedence(mut self, precedence: PolicyPrecedence) -> Self {
        self.precedence = precedence;
        self
    }

    /// Which integrations follow the SCIM standards strictly.
    #[must_use]
    pub fn standard_scim(mut self, standard: StandardScim) -> Self {
        self.standard_scim = standard;
        self
    }

    /// Whether a list without a filter shows one made-up object, as accounts did before behaviour change 2276.
    #[must_use]
    pub fn synthetic_lists(mut self, synthetic: bool) -> Self {
        self.synthetic_lists = synthetic;
        self
    }
}

/// Who signs in, how, and where the session begins.
#[derive(Debug, Clone)]
pub struct Login {
    user: String,
    credential: Secret,
    client_ip: Option<IpAddr>,
    role: Option<String>,
    database: Option<String>,
    schema: Option<String>,
    warehouse: Option<String>,
}

impl Login {
    /// A login with a password or a programmatic access token.
    pub fn new(user: impl Into<String>, credential: Secret) -> Self {
        Self {
            user: user.into(),
            credential,
            client_ip: None,
            role: None,
            database: None,
            schema: None,
            warehouse: None,
        }
    }

    /// Where the caller is; network policies look at it.
    #[must_use]
    pub fn client_ip(mut self, ip: Option<IpAddr>) -> Self {
        self.client_ip = ip;
        self
    }

    /// The role to begin with, as an identifier is written; an empty text is none.
    #[must_use]
    pub fn role(mut self, role: Option<String>) -> Self {
        self.role = role.filter(|name| !name.is_empty());
        self
    }

    /// The database to begin in, as an identifier is written; an empty text is none.
    #[must_use]
    pub fn database(mut self, database: Option<String>) -> Self {
        self.database = database.filter(|name| !name.is_empty());
        self
    }

    /// The schema to begin in, as an identifier is written; an empty text is none.
    #[must_use]
    pub fn schema(mut self, schema: Option<String>) -> Self {
        self.schema = schema.filter(|name| !name.is_empty());
        self
    }

    /// The warehouse to begin with, as an identifier is written; an empty text is none.
    #[must_use]
    pub fn warehouse(mut self, warehouse: Option<String>) -> Self {
        self.warehouse = warehouse.filter(|name| !name.is_empty());
        self
    }
}

/// A Snowflake account. Clones are handles to the same account.
#[derive(Clone)]
pub struct Account(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: AccountConfig,
    pub(crate) db: Database,
    pub(crate) audit: AuditLog,
    /// Goes up when anything changes that decides who may do what; caches compare it.
    generation: AtomicU64,
    /// Goes up when a user ceases to be one who may come in.
    users_generation: AtomicU64,
    sessions: AtomicI64,
    pub(crate) access: crate::scim::AccessCache,
    /// Makes the verifiers of users without a password.
    decoy_key: Secret<Vec<u8>>,
}

/// What was known of who may do what: another value means that it has to be read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation {
    pub(crate) account: u64,
    /// Matters to callers that are users.
    pub(crate) users: u64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("name", &self.0.config.name).finish_non_exhaustive()
    }
}

impl Account {
    /// Opens the account that is kept at `url`, and makes it with its system roles if it is new:
    /// `sqlite://path`, `sqlite::memory:` or `postgres://…`.
    ///
    /// Needs a tokio runtime, on which the task that writes lives as long as the account.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store cannot be reached, or a newer version wrote it.
    pub async fn open(url: &str, config: AccountConfig) -> Result<Self, Error> {
        let fail = |source| Error::Store { account: config.name.clone(), source };
        let db = Database::open(connect(url).await.map_err(fail)?, TABLES).await.map_err(fail)?;
        let now = config.clock.now();
        let mut decoy_key = vec![0; DECOY_KEY_BYTES];
        config.entropy.fill(&mut decoy_key);
        let decoy_key = Secret::new(decoy_key);
        let founding = db.write(move |tx| {
            Box::pin(async move {
                found(tx, now).await?;
                secret::kept(tx, secret::DECOY, &decoy_key).await
            })
        });
        let decoy_key = founding.await.map_err(fail)?;
        let audit = AuditLog::start(db.clone(), Arc::clone(&config.clock));
        Ok(Self(Arc::new(Inner {
            config,
            db,
            audit,
            generation: AtomicU64::new(1),
            users_generation: AtomicU64::new(1),
            sessions: AtomicI64::new(0),
            access: crate::scim::AccessCache::default(),
            decoy_key,
        })))
    }

    /// The account's name, in upper case.
    pub fn name(&self) -> &str {
        &self.0.config.name
    }

    /// Whether the store answers, for health checks.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let ask = async {
            self.0.db.read().await?.fetch_one("SELECT value FROM counters WHERE name = $1", &["ping".into()]).await
        };
        let fail = |source| Error::Store { account: self.0.config.name.clone(), source };
        ask.await.map(drop).map_err(fail)
    }

    /// Writes what is still to be written of the audit. For a graceful stop.
    pub async fn close(&self) {
        self.0.audit.flush().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.config.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.config.entropy
    }

    pub(crate) fn new_uuid(&self) -> uuid::Uuid {
        new_uuid(self.entropy())
    }

    pub(crate) fn generation(&self) -> Generation {
        Generation {
            account: self.0.generation.load(Ordering::Acquire),
            users: self.0.users_generation.load(Ordering::Acquire),
        }
    }

    /// Notes that a user was disabled or removed: only who comes with a token of a user is looked at anew.
    pub(crate) fn user_barred(&self) {
        self.0.users_generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that who may do what has changed.
    pub(crate) fn security_changed(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn engine_tables(&self) -> Vec<String> {
        self.0.config.engine.as_ref().map(|engine| engine.tables()).unwrap_or_default()
    }

    /// Sees to it that [`Self::engine_tables`] tells what there is now.
    pub(crate) async fn look_up_tables(&self) {
        if let Some(engine) = &self.0.config.engine {
            engine.look_up().await;
        }
    }

    fn next_session_id(&self) -> i64 {
        self.0.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A session of the account itself with the role `ACCOUNTADMIN`, for setting it up.
    ///
    /// # Errors
    ///
    /// [`SnowflakeError::internal`] if the store fails.
    pub async fn system_session(&self) -> Result<Session, SnowflakeError> {
        drop(self.0.db.read().await?);
        Ok(Session::new(self.clone(), self.next_session_id(), Actor::System, role::ACCOUNTADMIN))
    }

    /// Signs a user in with a password or a programmatic access token.
    ///
    /// # Errors
    ///
    /// 390100 for a wrong name or password and for a disabled user, 390422 where a network policy
    /// forbids, 390189 and 390201 where the session cannot begin as asked for.
    pub async fn login(&self, login: Login) -> Result<Session, SnowflakeError> {
        let user = self.find_user(&login.user).await?;
        let restriction = self.check_credential(user.as_ref(), &login).await?;
        let user = user.ok_or_else(SnowflakeError::bad_credentials)?;
        self.begin(user, login, restriction).await
    }

    /// Begins a session for a user whom the caller has authenticated, by SCRAM for example. The
    /// credential of `login` is not looked at; everything else is checked as [`Self::login`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Self::login`].
    pub async fn login_authenticated(&self, login: Login) -> Result<Session, SnowflakeError> {
        let user = self.find_user(&login.user).await?.ok_or_else(SnowflakeError::bad_credentials)?;
        self.begin(user, login, None).await
    }

    async fn find_user(&self, login_name: &str) -> Result<Option<User>, SnowflakeError> {
        let mut connection = self.0.db.read().await?;
        Ok(user::by_login(&mut *connection, login_name).await?)
    }

    /// Checks the password or token; returns the role that a token is restricted to.
    async fn check_credential(&self, user: Option<&User>, login: &Login) -> Result<Option<String>, SnowflakeError> {
        if login.credential.expose().starts_with(ACCESS_TOKEN_PREFIX) {
            let hash = token_hash(login.credential.expose());
            let mut connection = self.0.db.read().await?;
            let token = token::access_by_hash(&mut *connection, &hash).await?;
            let valid = |token: &token::AccessToken| {
                user.is_some_and(|user| user.id == token.user_id) && !token.disabled && self.now() < token.expires_at
            };
            return token.filter(valid).map(|token| token.role_restriction).ok_or_else(SnowflakeError::bad_credentials);
        }
        let verifier = user.filter(|user| !user.properties.user_type.is_service()).and_then(User::scram);
        if self.verify(verifier, &login.user, login.credential.clone()).await {
            Ok(None)
        } else {
            Err(SnowflakeError::bad_credentials())
        }
    }

    async fn begin(&self, user: User, login: Login, restriction: Option<String>) -> Result<Session, SnowflakeError> {
        let now = self.now();
        let mut connection = self.0.db.read().await?;
        let tx = &mut *connection;
        if !self.admits(tx, &user, login.client_ip).await? {
            return Err(SnowflakeError::address_denied(&login.client_ip.map(|ip| ip.to_string()).unwrap_or_default()));
        }
        if !user.may_sign_in(now) {
            return Err(SnowflakeError::user_disabled());
        }
        let role_id = initial_role(tx, &user, login.role.as_deref(), restriction.as_deref()).await?;
        let secondary = if restriction.is_some() { SecondaryRoles::None } else { user.properties.secondary_roles };
        let place = initial_place(tx, &user, &login).await?;
        drop(connection);
        let id = user.id;
        self.0.db.write(move |tx| Box::pin(user::signed_in(tx, id, now))).await.map_err(SnowflakeError::from)?;
        let restriction = restriction.map(|_| role_id);
        let actor = Actor::User { id: user.id, name: user.name, epoch: user.epoch, restriction };
        let session = Session::new(self.clone(), self.next_session_id(), actor, role_id);
        session.begin_with(secondary, login.client_ip, place);
        Ok(session)
    }

    /// Whether the network policies let a user in from `ip`.
    pub(crate) async fn admits(&self, tx: Tx<'_>, user: &User, ip: Option<IpAddr>) -> Result<bool, StoreError> {
        let on_account = parameter::get(tx, parameter::NETWORK_POLICY).await?;
        let of_user = user.properties.network_policy.as_deref();
        policy::admits(tx, ip, on_account.as_deref(), of_user, None, self.0.config.precedence).await
    }

    /// What SCRAM-SHA-256 checks a user's password with. Users without a password, unknown and disabled
    /// ones have a verifier that fits none and is the same after a restart, so that the exchange tells nothing.
    ///
    /// # Errors
    ///
    /// [`SnowflakeError::internal`] if the store fails.
    pub async fn scram_verifier(&self, user: &str) -> Result<ScramVerifier, SnowflakeError> {
        let found = self.find_user(user).await?.filter(|user| user.may_sign_in(self.now()));
        let verifier = found.filter(|user| !user.properties.user_type.is_service()).as_ref().and_then(User::scram);
        Ok(verifier.unwrap_or_else(|| self.decoy(user)))
    }

    /// The verifier of whoever has no password, by what login names are compared by: letter case tells nothing.
    fn decoy(&self, login_name: &str) -> ScramVerifier {
        ScramVerifier::decoy(&self.0.decoy_key, &user::login_key(login_name))
    }

    /// Checks a password off the async threads: deriving its key takes milliseconds on purpose.
    async fn verify(&self, verifier: Option<ScramVerifier>, user: &str, password: Secret) -> bool {
        let known = verifier.is_some();
        let verifier = verifier.unwrap_or_else(|| self.decoy(user));
        tokio::task::spawn_blocking(move || verifier.matches(&password)).await.unwrap_or(false) && known
    }
}

/// The role that a session begins with: the one asked for, else the default one if it is granted, else `PUBLIC`.
async fn initial_role(
    tx: Tx<'_>,
    user: &User,
    wanted: Option<&str>,
    restriction: Option<&str>,
) -> Result<i64, SnowflakeError> {
    let granted = role::of_user(tx, user.id).await?.into_iter().map(|(id, _)| id).chain([role::PUBLIC]).collect();
    let available = grant::closure(tx, &granted).await?;
    let wanted = wanted.map(crate::statement::cursor::name_in_text);
    if let (Some(wanted), Some(only)) = (&wanted, restriction)
        && wanted != only
    {
        return Err(SnowflakeError::login_role(wanted));
    }
    let required = wanted.as_deref().or(restriction);
    let name = required.or(user.properties.default_role.as_deref());
    let found = match name {
        Some(name) => role::by_name(tx, name).await?.filter(|role| available.contains(&role.id)),
        None => None,
    };
    match (found, required) {
        (Some(role), _) => Ok(role.id),
        (None, Some(required)) => Err(SnowflakeError::login_role(required)),
        (None, None) => Ok(role::PUBLIC),
    }
}

/// Where a session begins.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) database: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) warehouse: Option<String>,
}

/// Database, schema and warehouse of a session to begin with: those asked for, else the user's defaults
/// as far as they exist.
async fn initial_place(tx: Tx<'_>, user: &User, login: &Login) -> Result<Place, SnowflakeError> {
    use crate::statement::cursor::name_in_text;
    let named = |name: &Option<String>| name.as_deref().map(name_in_text);
    let mut place = Place::default();
    let namespace = user.properties.default_namespace.clone().unwrap_or_default();
    let (default_database, default_schema) = namespace.split_once('.').unwrap_or((&namespace, ""));
    let (wanted, schema) = match named(&login.database) {
        Some(database) => (Some(database), named(&login.schema)),
        None => (Some(default_database.to_owned()), named(&login.schema).or_else(|| Some(default_schema.to_owned()))),
    };
    if let Some(database) = wanted.filter(|name| !name.is_empty()) {
        let exists = container::by_name(tx, container::Kind::Database, &database).await?.is_some();
        if !exists && login.database.is_some() {
            return Err(SnowflakeError::login_object("database"));
        }
        place.database = exists.then_some(database);
    }
    if let Some(database) = &place.database {
        let schema = schema.filter(|name| !name.is_empty());
        let name = schema.clone().unwrap_or_else(|| "PUBLIC".to_owned());
        let exists = name == container::INFORMATION_SCHEMA
            || container::by_name(tx, container::Kind::Schema, &format!("{database}.{name}")).await?.is_some();
        if !exists && schema.is_some() && login.schema.is_some() {
            return Err(SnowflakeError::login_object("schema"));
        }
        place.schema = exists.then_some(name);
    }
    let warehouse = named(&login.warehouse);
    if let Some(name) = warehouse.clone().or_else(|| user.properties.default_warehouse.clone()) {
        let exists = container::by_name(tx, container::Kind::Warehouse, &name).await?.is_some();
        if !exists && warehouse.is_some() {
            return Err(SnowflakeError::login_object("warehouse"));
        }
        place.warehouse = exists.then_some(name);
    }
    Ok(place)
}

/// Gives a new account its system roles, their privileges, and the database of the engine's tables.
async fn found(tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    if role::by_id(tx, role::ACCOUNTADMIN).await?.is_some() {
        return Ok(());
    }
    for (id, name, comment) in role::SYSTEM {
        let mut role = role::Role::new(name.to_owned(), None, now);
        role.id = id;
        comment.clone_into(&mut role.comment);
        role::insert(tx, &mut role).await?;
    }
    for (role_id, parent_id) in HIERARCHY {
        let grant = grant::RoleGrant { role_id, parent_id, grant_option: true, granted_by: None, created_at: now };
        grant::insert_role(tx, &grant).await?;
    }
    let schema = format!("{}.{}", engine::DATABASE, engine::SCHEMA);
    let initial = INITIAL.iter().map(|(role_id, privilege)| (*role_id, *privilege, grant::ON_ACCOUNT, ""));
    let public = [
        (role::PUBLIC, "USAGE", grant::ON_DATABASE, engine::DATABASE),
        (role::PUBLIC, "USAGE", grant::ON_SCHEMA, schema.as_str()),
    ];
    for (role_id, privilege, kind, name) in initial.chain(public) {
        let grant = grant::Privilege {
            role_id,
            privilege: privilege.to_owned(),
            object_kind: kind.to_owned(),
            object_name: name.to_owned(),
            grant_option: kind == grant::ON_ACCOUNT,
            granted_by: None,
            created_at: now,
        };
        grant::insert(tx, &grant).await?;
    }
    let database = Container {
        kind: container::Kind::Database,
        name: engine::DATABASE.to_owned(),
        owner_id: Some(role::ACCOUNTADMIN),
        comment: "Tables of the Okta org".to_owned(),
        created_at: now,
    };
    container::create(tx, &database).await
}
