//! Databases, schemas and warehouses: names that a session can use.

use oktant_base::Timestamp;
use oktant_store::{Row, StoreError, Value};

use super::{Id, Tx, grant, instant, micros};

/// What kind of container it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Database,
    /// Its name is `DATABASE.SCHEMA`.
    Schema,
    Warehouse,
}

impl Kind {
    /// As it is kept, and as `SHOW GRANTS` prints it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Database => grant::ON_DATABASE,
            Self::Schema => grant::ON_SCHEMA,
            Self::Warehouse => "WAREHOUSE",
        }
    }

    /// As messages print it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Database => "Database",
            Self::Schema => "Schema",
            Self::Warehouse => "Warehouse",
        }
    }
}

/// The schema that every database has and no one made.
pub(crate) const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

/// A database, schema or warehouse.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) owner_id: Option<Id>,
    pub(crate) comment: String,
    pub(crate) created_at: Timestamp,
}

impl Container {
    fn read(kind: Kind, row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            kind,
            name: row.text(0)?,
            owner_id: row.opt_int(1),
            comment: row.text(2)?,
            created_at: instant(row.int(3)?)?,
        })
    }
}

pub(crate) async fn by_name(tx: Tx<'_>, kind: Kind, name: &str) -> Result<Option<Container>, StoreError> {
    let sql = "SELECT name, owner_id, comment, created_at FROM containers WHERE kind = $1 AND name = $2";
    let row = tx.fetch_one(sql, &[kind.key().into(), name.into()]).await?;
    row.as_ref().map(|row| Container::read(kind, row)).transpose()
}

/// All containers of a kind, by name.
pub(crate) async fn all(tx: Tx<'_>, kind: Kind) -> Result<Vec<Container>, StoreError> {
    let sql = "SELECT name, owner_id, comment, created_at FROM containers WHERE kind = $1";
    let rows = tx.fetch(sql, &[kind.key().into()]).await?;
    let mut found = rows.iter().map(|row| Container::read(kind, row)).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Keeps a new container. A database comes with its schema `PUBLIC`.
pub(crate) async fn create(tx: Tx<'_>, container: &Container) -> Result<(), StoreError> {
    put(tx, container).await?;
    if container.kind == Kind::Database {
        let name = format!("{}.PUBLIC", container.name);
        put(tx, &Container { kind: Kind::Schema, name, ..container.clone() }).await?;
    }
    Ok(())
}

/// Keeps a container as it is now, new or changed.
pub(crate) async fn put(tx: Tx<'_>, container: &Container) -> Result<(), StoreError> {
    let sql = "INSERT INTO containers (kind, name, owner_id, comment, created_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (kind, name) DO UPDATE SET owner_id = excluded.owner_id, comment = excluded.comment, \
               created_at = excluded.created_at";
    let values: [Value; 5] = [
        container.kind.key().into(),
        container.name.as_str().into(),
        container.owner_id.into(),
        container.comment.as_str().into(),
        micros(container.created_at).into(),
    ];
    tx.execute(sql, &values).await?;
    Ok(())
}

/// Removes a container, a database with its schemas, and the privileges on them.
pub(crate) async fn delete(tx: Tx<'_>, kind: Kind, name: &str) -> Result<(), StoreError> {
    if kind == Kind::Database {
        let prefix = format!("{name}.");
        for schema in all(tx, Kind::Schema).await?.into_iter().filter(|schema| schema.name.starts_with(&prefix)) {
            delete_one(tx, Kind::Schema, &schema.name).await?;
        }
    }
    delete_one(tx, kind, name).await
}

async fn delete_one(tx: Tx<'_>, kind: Kind, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM containers WHERE kind = $1 AND name = $2", &[kind.key().into(), name.into()]).await?;
    grant::delete_on(tx, kind.key(), name).await
}
