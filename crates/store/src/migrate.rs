//! The tables of a component, brought up to date when its database is opened.

use super::{Connection, Store, StoreError};

/// The advisory lock under which the components of a database bring their tables up to date, one after another: they
/// share a table of versions. The number has no meaning.
pub(crate) const MIGRATIONS_LOCK: i64 = 7_001_480;

/// Who may write the tables of a component at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// One process after the other: a write sees everything that was written before it. They wait for one another by
    /// the advisory lock of this number, which stays the same for all versions of the component.
    One(i64),
    /// Several processes at once; statements and keys keep them apart.
    Many,
}

/// What a component keeps in a database.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The component's name, which no other one in the database has.
    pub component: &'static str,
    /// Every version of the tables, in order: its number and its statements, each ended by a semicolon at the end of
    /// a line. A migration is never changed after a release.
    pub migrations: &'static [(i64, &'static str)],
    /// Who writes.
    pub writers: Writers,
    /// A table of its own in which the component once kept the numbers of its versions, in a column `version`. They
    /// are taken over, and a number above all others stays, so that programs of that time refuse the database.
    pub earlier: Option<&'static str>,
}

impl Schema {
    /// The advisory lock that the component's writers take, if they wait for one another.
    pub(crate) fn lock(&self) -> Option<i64> {
        match self.writers {
            Writers::One(lock) => Some(lock),
            Writers::Many => None,
        }
    }

    /// Whether the component has its tables in a database that someone else keeps up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError::Version`] if they are newer than this program knows; else what the engine says.
    pub async fn is_in(&self, store: &dyn Store) -> Result<bool, StoreError> {
        match self.found(&mut *store.reader().await?).await {
            Ok(found) => Ok(found > 0),
            Err(error) if error.is_missing_table() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The version of the tables that a database has; 0 for none.
    async fn found(&self, connection: &mut dyn Connection) -> Result<i64, StoreError> {
        let newest = "SELECT max(version) FROM oktant_migrations WHERE component = $1";
        let row = connection.fetch_one(newest, &[self.component.into()]).await?;
        let found = row.and_then(|row| row.opt_int(0)).unwrap_or(0);
        let known = self.migrations.last().map_or(0, |(version, _)| *version);
        if found > known { Err(StoreError::Version { found, known }) } else { Ok(found) }
    }

    /// Applies the migrations that the database lacks, inside the transaction that the caller began.
    pub(crate) async fn migrate(&self, tx: &mut dyn Connection) -> Result<(), StoreError> {
        let made = "CREATE TABLE IF NOT EXISTS oktant_migrations \
                    (component TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (component, version))";
        tx.execute(made, &[]).await?;
        let mut found = self.found(tx).await?;
        if let (0, Some(earlier)) = (found, self.earlier) {
            // A table that is not there would fail, and some engines end the transaction on that.
            tx.execute(&format!("CREATE TABLE IF NOT EXISTS {earlier} (version BIGINT PRIMARY KEY)"), &[]).await?;
            let taken = format!("INSERT INTO oktant_migrations (component, version) SELECT $1, version FROM {earlier}");
            if tx.execute(&taken, &[self.component.into()]).await? == 0 {
                tx.execute(&format!("DROP TABLE {earlier}"), &[]).await?;
            } else {
                tx.execute(&format!("INSERT INTO {earlier} (version) VALUES ($1)"), &[i64::MAX.into()]).await?;
            }
            found = self.found(tx).await?;
        }
        for (version, script) in self.migrations.iter().filter(|(version, _)| *version > found) {
            for statement in script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
                tx.execute(statement, &[]).await?;
            }
            let applied = "INSERT INTO oktant_migrations (component, version) VALUES ($1, $2)";
            tx.execute(applied, &[self.component.into(), (*version).into()]).await?;
        }
        Ok(())
    }
}
