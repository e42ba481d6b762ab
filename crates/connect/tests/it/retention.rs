//! Files of flows are kept as long as the runs that have them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use oktant_base::{Clock as _, ManualClock, OsEntropy, SystemClock};
use oktant_connect::connection::ConnectStore;
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
async fn databases_keep_their_files_apart_however_they_are_addressed() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let of = async |database: &str| {
        let store = ConnectStore::open(&format!("sqlite://{}/{database}", folder.path().display())).await.unwrap();
        let name = store.files_folder(&OsEntropy).await.unwrap();
        FolderFiles::of_database(files.clone(), &name, Arc::new(OsEntropy))
    };
    let id = of("a.db").await.put("x".into()).await.unwrap();
    let later = SystemClock.now() + Duration::from_hours(1);
    for spelling in ["a.db", "./a.db", "../PARENT/a.db"] {
        let parent = folder.path().file_name().unwrap().to_string_lossy();
        let same = of(&spelling.replace("PARENT", &parent)).await;
        assert_eq!(same.kept_before(later).await.unwrap(), std::slice::from_ref(&id), "{spelling}");
    }
    assert_eq!(of("b.db").await.kept_before(later).await.unwrap(), [""; 0]);
    of("b.db").await.remove(&id).await.unwrap();
    assert_eq!(&of("a.db").await.get(&id).await.unwrap()[..], b"x");
    of("a.db").await.remove(&id).await.unwrap();
    assert!(of("a.db").await.get(&id).await.is_err());
}

#[tokio::test]
async fn files_of_earlier_versions_are_found_and_belong_to_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let before = FolderFiles::new(folder.path().to_owned(), Arc::new(OsEntropy));
    let id = before.put("of before".into()).await.unwrap();
    let later = SystemClock.now() + Duration::from_hours(1);
    for name in ["a1", "b2"] {
        let files = FolderFiles::of_database(folder.path().to_owned(), name, Arc::new(OsEntropy));
        assert_eq!(&files.get(&id).await.unwrap()[..], b"of before");
        assert_eq!(files.kept_before(later).await.unwrap(), [""; 0], "no database knows whose it is");
        files.remove(&id).await.unwrap();
        assert_eq!(&files.get(&id).await.unwrap()[..], b"of before");
    }
}
