//! Databases for tests, here and in the packages above: one suite runs on each.

use std::sync::atomic::{AtomicU64, Ordering};

use oktant_store::{PostgresStore, Store as _};

/// A database of its own, gone with the test.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

/// A file of its own.
pub(crate) fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("state.db").display());
    Database { name: "SQLite", url, _folder: Some(folder) }
}

/// A `SQLite` file, and a schema of `PostgreSQL` where there is a server for tests.
pub(crate) async fn databases() -> Vec<Database> {
    let mut found = vec![sqlite()];
    match std::env::var("OKTANT_TEST_POSTGRES") {
        Ok(server) => found.push(postgres(&server).await),
        Err(_) => eprintln!("skipped: no PostgreSQL; `python3 scripts/postgres.py cargo nextest run …` starts one"),
    }
    found
}

async fn postgres(server: &str) -> Database {
    static SCHEMAS: AtomicU64 = AtomicU64::new(0);
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test_{}_{number}", std::process::id());
    let store = PostgresStore::connect(server).await.unwrap();
    let mut connection = store.writer().await.unwrap();
    connection.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), &[]).await.unwrap();
    connection.execute(&format!("CREATE SCHEMA {schema}"), &[]).await.unwrap();
    Database { name: "PostgreSQL", url: format!("{server}?options=-c%20search_path%3D{schema}"), _folder: None }
}
