//! A store in memory, connections in it, and calls of cards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use oktant_base::Secret;
use oktant_client::Edges;
use oktant_connect::Connectors;
use oktant_connect::connection::{Auth, ConnectStore, Connection, Connections, SealingKey, Secrets};
use oktant_connect::files::FolderFiles;
use oktant_connect::guard::{Guard, SystemLookup};
use oktant_connect::http::Http;
use oktant_engine::{Call, Fields, Outcome};
use oktant_functions::Value;
use serde_json::json;

/// Connectors with a store of their own.
pub(crate) struct Bench {
    pub(crate) connectors: Connectors,
    pub(crate) files: Arc<FolderFiles>,
    _folder: tempfile::TempDir,
}

pub(crate) fn key() -> SealingKey {
    SealingKey::from_text(&Secret::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned())).unwrap()
}

/// Connections in the database at `url`, with loopback addresses allowed.
pub(crate) async fn connections(url: &str) -> Connections {
    let http = Http::new(Guard::allowing("127.0.0.1").unwrap(), Arc::new(SystemLookup)).unwrap();
    Connections::new(ConnectStore::open(url).await.unwrap(), key(), http, Edges::system())
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::over(connections("sqlite::memory:").await)
    }

    pub(crate) fn over(connections: Connections) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entropy = connections.edges().entropy.clone();
        let files = Arc::new(FolderFiles::new(folder.path().to_owned(), entropy));
        Self { connectors: Connectors::new(connections, files.clone()), files, _folder: folder }
    }

    /// Makes a connection of the same name and id.
    pub(crate) async fn connect(
        &self,
        name: &str,
        connector: &str,
        auth: Auth,
        settings: &[(&str, &str)],
        secrets: &[(&str, &str)],
    ) -> Connection {
        let connections = self.connectors.connections();
        let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let draft = Connection { settings: owned(settings), ..connections.draft(name, connector, auth) };
        let secrets = Secrets::of(owned(secrets).into_iter().map(|(name, value)| (name, Secret::new(value))));
        connections.put(draft, &secrets, true).await.unwrap()
    }
}

/// The number of the next call: each is one of its own.
static KEYS: AtomicUsize = AtomicUsize::new(0);

/// A call of a card: options, and inputs as `Group.Key`.
#[expect(clippy::needless_pass_by_value, reason = "callers write the inputs where they call")]
pub(crate) fn call(address: &str, connection: &str, options: &[(&str, &str)], inputs: serde_json::Value) -> Call {
    let mut option_fields = Fields::new();
    for (key, value) in options {
        option_fields.set(Some("parameters"), key, Value::text(*value));
    }
    let mut input_fields = Fields::new();
    for (name, value) in inputs.as_object().cloned().unwrap_or_default() {
        let (group, key) = name.split_once('.').unwrap();
        input_fields.set(Some(group), key, serde_json::from_value(value).unwrap());
    }
    Call {
        address: address.into(),
        connection: (!connection.is_empty()).then(|| connection.into()),
        options: option_fields,
        inputs: input_fields,
        idempotency_key: format!("k{}", KEYS.fetch_add(1, Ordering::Relaxed)).into(),
        attempt: 1,
        cursor: None,
        cancel: tokio_util::sync::CancellationToken::new(),
        run: "r".into(),
        flow: "f".into(),
    }
}

/// The outputs of a card as `Group.Key`.
pub(crate) fn outputs(outcome: Outcome) -> serde_json::Value {
    let Outcome::Outputs(fields) = outcome else { panic!("a page: {outcome:?}") };
    let mut object = json!({});
    for field in fields.iter() {
        let group = field.group.as_deref().unwrap_or("-");
        object[format!("{group}.{}", field.key)] = serde_json::to_value(&field.value).unwrap();
    }
    object
}

/// A server on this machine; its address.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}
