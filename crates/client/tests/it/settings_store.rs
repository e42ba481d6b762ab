//! One settings file, many users of it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex};

use oktant_base::{Coded, SystemClock, codes};
use oktant_client::{Call, Org, Properties};

use crate::fake::{Fake, edges, json};

/// An authorization server that takes each refresh token once, and an API that knows the newest tokens.
async fn strict_server() -> Fake {
    let state: Arc<Mutex<(usize, HashSet<String>)>> = Arc::new(Mutex::new((0, HashSet::from(["rt0".to_owned()]))));
    Fake::start(move |_, request| {
        let mut state = state.lock().unwrap();
        if request.path != "/oauth2/v1/token" {
            let newest = format!("Bearer at{}", state.0);
            return if request.header("authorization") == newest { json(200, &[], "[]") } else { json(401, &[], "") };
        }
        if !state.1.remove(&request.field("refresh_token").unwrap_or_default()) {
            return json(400, &[], r#"{"error":"invalid_grant","error_description":"reuse detected"}"#);
        }
        state.0 += 1;
        let number = state.0;
        state.1.insert(format!("rt{number}"));
        let body = format!(
            r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"at{number}","scope":"s","refresh_token":"rt{number}"}}"#
        );
        json(200, &[], &body)
    })
    .await
}

fn properties(fake: &Fake, file: &Path, extra: &str) -> Properties {
    let text = format!(
        "BaseURL={};OAuthClientId=c;InitiateOAuth=REFRESH;OAuthSettingsLocation={};{extra}",
        fake.url,
        file.display()
    );
    Properties::parse(&text).unwrap()
}

/// Connects and calls from threads that share nothing but the file, all at once.
async fn stampede(properties: Properties, threads: usize) {
    let barrier = Arc::new(Barrier::new(threads));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (properties, barrier) = (properties.clone(), Arc::clone(&barrier));
            tokio::task::spawn_blocking(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                barrier.wait();
                runtime.block_on(async {
                    let org = Org::connect(&properties, edges(Arc::new(SystemClock))).await?;
                    org.send(Call::get("/api/v1/users").unwrap()).await.map(drop)
                })
            })
        })
        .collect();
    for handle in handles {
        handle.await.unwrap().expect("every thread gets in");
    }
}

fn refreshes(fake: &Fake) -> usize {
    fake.seen().iter().filter(|request| request.path == "/oauth2/v1/token").count()
}

#[tokio::test]
async fn a_stampede_refreshes_once() {
    let fake = strict_server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("OAuthSettings.txt");
    stampede(properties(&fake, &file, "OAuthRefreshToken=rt0"), 8).await;
    assert_eq!(refreshes(&fake), 1);

    // The stored access token is refused from now on, while it still looks young.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"at1\"", "\"revoked\"")).unwrap();
    stampede(properties(&fake, &file, ""), 8).await;
    assert_eq!(refreshes(&fake), 2);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"rt2\"") && text.contains("\"version\": 1"), "{text}");
}

#[tokio::test]
async fn a_file_of_another_org_or_client_is_refused() {
    let fake = strict_server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.json");
    stampede(properties(&fake, &file, "OAuthRefreshToken=rt0"), 1).await;
    let refusal = async |properties: Properties| {
        Org::connect(&properties, edges(Arc::new(SystemClock))).await.map(drop).unwrap_err()
    };
    let other_client = properties(&fake, &file, "").sign_in;
    let mut foreign = properties(&fake, &file, "");
    foreign.sign_in.client_id = Some("other".to_owned());
    let error = refusal(foreign).await;
    assert_eq!(error.code(), codes::OKT1017);
    assert!(error.to_string().contains("belongs to client c, not other"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("another OAuthSettingsLocation")), "{:?}", error.hint());

    let other_org = strict_server().await;
    let error = refusal(properties(&other_org, &file, "")).await;
    assert_eq!(error.code(), codes::OKT1017);
    assert_eq!(other_client.client_id.as_deref(), Some("c"));
}

#[tokio::test]
async fn key_value_files_are_taken_over() {
    let fake = strict_server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("OAuthSettings.txt");
    std::fs::write(&file, "OAuthAccessToken=old\nOAuthRefreshToken=rt0\nOAuthExpiresIn=3600\nOAuthTokenTimestamp=1\n")
        .unwrap();
    make_private(&file);
    stampede(properties(&fake, &file, ""), 1).await;
    let record: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((record["refresh_token"].as_str(), record["client_id"].as_str()), (Some("rt1"), Some("c")));
}

fn make_private(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = file;
}
