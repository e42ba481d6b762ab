//! Where connections are kept: the database of flows, in tables of their own.

use std::collections::BTreeMap;

use oktant_base::{Entropy, Timestamp};
use oktant_store::{Connection as Statements, Database, Row, Schema, StoreError, Value, Writers};

use super::{Auth, Connection};
use crate::Error;

/// The tables of connections and of flows' own tables.
pub(crate) const SCHEMA: Schema = Schema {
    component: "connect",
    migrations: &[
        (1, include_str!("../../migrations/0001_connections.sql")),
        (2, include_str!("../../migrations/0002_files.sql")),
    ],
    writers: Writers::Many,
    earlier: None,
};

const COLUMNS: &str =
    "id, name, connector, auth, settings, account, broken, version, created_at, updated_at, sealed, lease_until";

/// The database that holds connections and tables. Clones share it.
#[derive(Debug, Clone)]
pub struct ConnectStore {
    database: Database,
    /// The address without credentials.
    location: String,
}

/// A connection with its secrets as they lie in the database.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) connection: Connection,
    pub(super) sealed: String,
}

impl ConnectStore {
    /// Opens the database at `url`: `sqlite://path`, `sqlite::memory:` or `postgres://…`.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn open(url: &str) -> Result<Self, Error> {
        let location = url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("…@{rest}"));
        let failed = |error: StoreError| Error::Store { location: location.clone(), problem: told(&error) };
        let store = oktant_store::connect(url).await.map_err(failed)?;
        let database = Database::open(store, SCHEMA).await.map_err(failed)?;
        Ok(Self { database, location })
    }

    /// The name of the folder in which the files of this database are: made up by `entropy` for a database that has
    /// none yet, and kept in it, so that it does not depend on how the database is addressed.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn files_folder(&self, entropy: &dyn Entropy) -> Result<String, Error> {
        let known = async || {
            let rows = self.fetch("SELECT folder FROM connect_files WHERE one = 1", &[]).await?;
            rows.first().map(|row| row.text(0)).transpose().map_err(|error| self.failed(&error))
        };
        if let Some(folder) = known().await? {
            return Ok(folder);
        }
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        // Another process may be the first one.
        let sql = "INSERT INTO connect_files (one, folder) VALUES (1, $1) ON CONFLICT (one) DO NOTHING";
        self.execute(sql, vec![crate::hex(&bytes).into()]).await?;
        let lost = || self.failed(&StoreError::Corrupt("no folder of files".to_owned()));
        known().await?.ok_or_else(lost)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    pub(crate) fn failed(&self, error: &StoreError) -> Error {
        Error::Store { location: self.location.clone(), problem: told(error) }
    }

    pub(crate) async fn fetch(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let rows = async { self.database.read().await?.fetch(sql, values).await };
        rows.await.map_err(|error| self.failed(&error))
    }

    /// Runs one statement in a transaction of its own; the rows that it changed.
    pub(crate) async fn execute(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let done =
            self.database.write(move |tx: &mut dyn Statements| Box::pin(async move { tx.execute(sql, &values).await }));
        done.await.map_err(|error: StoreError| self.failed(&error))
    }

    /// Every connection, by name.
    pub(super) async fn list(&self) -> Result<Vec<Connection>, Error> {
        let rows = self.fetch(&format!("SELECT {COLUMNS} FROM connect_connections ORDER BY name"), &[]).await?;
        rows.iter().map(|row| Ok(self.stored(row)?.connection)).collect()
    }

    /// The connection with this id or name.
    pub(super) async fn find(&self, id_or_name: &str) -> Result<Option<Stored>, Error> {
        // An id is looked for first, so that nobody takes over a binding by a name that looks like an id.
        let sql = format!(
            "SELECT {COLUMNS} FROM connect_connections WHERE id = $1 OR name = $1 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END"
        );
        let rows = self.fetch(&sql, &[id_or_name.into()]).await?;
        rows.first().map(|row| self.stored(row)).transpose()
    }

    /// Writes a connection as it is, new or known.
    pub(super) async fn put(&self, connection: &Connection, sealed: &str) -> Result<(), Error> {
        let settings = serde_json::to_string(&connection.settings).expect("a map of text is JSON");
        let values: Vec<Value> = vec![
            connection.id.as_str().into(),
            connection.name.as_str().into(),
            connection.connector.as_str().into(),
            connection.auth.as_str().into(),
            settings.into(),
            connection.account.clone().into(),
            connection.broken.clone().into(),
            connection.version.into(),
            connection.created_at.timestamp_millis().into(),
            connection.updated_at.timestamp_millis().into(),
            sealed.into(),
        ];
        let sql = "INSERT INTO connect_connections (id, name, connector, auth, settings, account, broken, version, \
                   created_at, updated_at, sealed, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) \
                   ON CONFLICT (id) DO UPDATE SET name = $2, connector = $3, auth = $4, settings = $5, account = $6, \
                   broken = $7, version = $8, updated_at = $10, sealed = $11, lease_until = 0";
        self.execute(sql, values).await.map(drop)
    }

    /// Writes a connection anew if it still is of `version`; whether it was.
    pub(super) async fn replace(&self, connection: &Connection, sealed: &str, version: i64) -> Result<bool, Error> {
        let settings = serde_json::to_string(&connection.settings).expect("a map of text is JSON");
        let values: Vec<Value> = vec![
            settings.into(),
            connection.broken.clone().into(),
            connection.version.into(),
            sealed.into(),
            connection.id.as_str().into(),
            version.into(),
        ];
        let sql = "UPDATE connect_connections SET settings = $1, broken = $2, version = $3, sealed = $4, \
                   lease_until = 0 WHERE id = $5 AND version = $6";
        Ok(self.execute(sql, values).await? == 1)
    }

    /// Forgets a connection; whether there was one.
    pub(super) async fn remove(&self, id: &str) -> Result<bool, Error> {
        Ok(self.execute("DELETE FROM connect_connections WHERE id = $1", vec![id.into()]).await? > 0)
    }

    /// Takes the sole right to renew the connection's tokens until `until`, unless someone has it or the connection
    /// has changed since `version`.
    pub(super) async fn lease(&self, id: &str, version: i64, now: Timestamp, until: Timestamp) -> Result<bool, Error> {
        let sql = "UPDATE connect_connections SET lease_until = $1 WHERE id = $2 AND version = $3 AND lease_until < $4";
        let (until, now) = (until.timestamp_millis(), now.timestamp_millis());
        Ok(self.execute(sql, vec![until.into(), id.into(), version.into(), now.into()]).await? == 1)
    }

    /// Gives the right back without a change.
    pub(super) async fn release(&self, id: &str, version: i64) -> Result<(), Error> {
        let sql = "UPDATE connect_connections SET lease_until = 0 WHERE id = $1 AND version = $2";
        self.execute(sql, vec![id.into(), version.into()]).await.map(drop)
    }

    fn stored(&self, row: &Row) -> Result<Stored, Error> {
        let read = || -> Result<Stored, StoreError> {
            let strange = |what: &str| StoreError::Corrupt(format!("{what} of a connection"));
            let time = |index| Timestamp::from_timestamp_millis(row.int(index)?).ok_or_else(|| strange("an instant"));
            let settings: BTreeMap<String, String> =
                serde_json::from_str(&row.text(4)?).map_err(|_| strange("the settings"))?;
            let connection = Connection {
                id: row.text(0)?,
                name: row.text(1)?,
                connector: row.text(2)?,
                auth: Auth::parse(&row.text(3)?).ok_or_else(|| strange("the kind"))?,
                settings,
                account: row.opt_text(5),
                broken: row.opt_text(6),
                version: row.int(7)?,
                created_at: time(8)?,
                updated_at: time(9)?,
            };
            Ok(Stored { connection, sealed: row.text(10)? })
        };
        read().map_err(|error| self.failed(&error))
    }
}

/// The error and its cause in one line.
pub(crate) fn told(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
