//! Files of flows are kept as long as the runs that have them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use oktant_base::{Clock as _, ManualClock, OsEntropy, SystemClock};
use oktant_connect::files::{Files as _, FolderFiles};
use oktant_engine::{Edges, Engine, Fields, Settings, Start};
use oktant_functions::Value;

use crate::common::{Bench, serve};

const DOWNLOAD: &str = "flow: Download
trigger: {type: endpoint, security: open, inputs: {query/url: text}}
steps:
  - id: download
    card: filefunctions:largeDownload
    with: {Location/URL: '${trigger.query/url}'}
    outputs: {File/File Content: file}
";

#[tokio::test]
async fn a_file_goes_when_no_history_refers_to_it_any_more() {
    let bench = Bench::new().await;
    let url = serve(Router::new().route("/a.txt", get(|| async { "content" }))).await;
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let connectors = Arc::new(bench.connectors.clone());
    let edges =
        Edges { clock: clock.clone(), entropy: Arc::new(OsEntropy), actions: connectors.clone(), events: connectors };
    let (day, hour) = (Duration::from_hours(24), Duration::from_hours(1));
    let settings = Settings { retention: 3 * day, ..Settings::default() };
    let engine = Engine::open("sqlite::memory:", edges, settings).await.unwrap();
    engine.save(&oktant_flow::text::read(DOWNLOAD).unwrap()).await.unwrap();
    engine.switch("download", true).await.unwrap();

    // One that no run has, and one of a run that ends a day later than the file is put.
    let orphan = bench.files.put("orphan".into()).await.unwrap();
    clock.advance(day);
    let mut given = Fields::new();
    given.set(Some("query"), "url", Value::text(format!("{url}/a.txt")));
    let answer = engine.call("download", Start::new("endpoint", given)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let files = async || bench.files.kept_before(clock.now()).await.unwrap();
    assert_eq!(files().await.len(), 2);
    engine.prune().await.unwrap();
    assert_eq!(files().await.len(), 2, "young files stay");
    clock.advance(2 * day + hour);
    assert_eq!(engine.prune().await.unwrap(), 0);
    let left = files().await;
    assert!(left.len() == 1 && left[0] != orphan, "{left:?}: the run still has its file");
    clock.advance(day);
    assert_eq!(engine.prune().await.unwrap(), 1);
    assert_eq!(files().await, [""; 0]);
}

#[tokio::test]
async fn databases_keep_their_files_apart() {
    let folder = tempfile::tempdir().unwrap();
    let of = |location| FolderFiles::of_database(folder.path(), location, Arc::new(OsEntropy));
    let id = of("/a.db").put("x".into()).await.unwrap();
    let later = SystemClock.now() + Duration::from_hours(1);
    assert_eq!(of("/a.db").kept_before(later).await.unwrap(), std::slice::from_ref(&id));
    assert_eq!(of("/b.db").kept_before(later).await.unwrap(), [""; 0]);
    of("/b.db").remove(&id).await.unwrap();
    assert_eq!(&of("/a.db").get(&id).await.unwrap()[..], b"x");
    of("/a.db").remove(&id).await.unwrap();
    assert!(of("/a.db").get(&id).await.is_err());
}
