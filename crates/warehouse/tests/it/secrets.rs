//! Canaries: passwords and tokens stand in no answer, log, audit, error or file.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::common::{TestAccount, ask, cell, run_all, user};
use serde_json::json;

const PASSWORDS: [&str; 5] = [
    "canary-of-create-4b1d",
    "canary-of-alter-9c2e",
    "canary-of-scim-post-77aa",
    "canary-of-scim-put-51ff",
    "canary-of-scim-patch-e03b",
];

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_nowhere_but_in_the_answer_that_hands_them_out() {
    let log = Log::default();
    let writer = log.clone();
    // For all threads: the database has its own.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    tracing::info!("the log begins");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("account.db").display());
    let test = TestAccount::at(&url, |config| config).await;
    let okta = test.provisioning("sync_password = true").await;
    let admin = test.admin().await;
    let mut answers = String::new();
    let mut keep = |text: String| answers.push_str(&text);

    // Statements with passwords, right and wrong ones.
    for sql in [
        format!("create user a password = '{}' must_change_password = false", PASSWORDS[0]),
        format!("alter user a set password = '{}'", PASSWORDS[1]),
        format!("create user a password = '{}'", PASSWORDS[0]),
        format!("create user b passwort = '{}'", PASSWORDS[0]),
        format!("alter user a set password = ('{}')", PASSWORDS[0]),
        format!("alter user a set password \"{}\"", PASSWORDS[0]),
        format!("alter user a set password = 'x' \"{}\"", PASSWORDS[0]),
        format!("alter user a set password $${}$$", PASSWORDS[0]),
        format!("select 1 from \"{}\" \"{}\" \"{}\"", PASSWORDS[0], PASSWORDS[0], PASSWORDS[0]),
        "show users".to_owned(),
        "desc user a".to_owned(),
    ] {
        match admin.execute(&sql, &[]).await {
            Ok(result) => keep(format!("{result:?}")),
            Err(error) => keep(format!("{error:?} {error}")),
        }
    }
    assert!(test.login("a", PASSWORDS[1]).await.is_ok());
    keep(format!("{:?}", test.login("a", PASSWORDS[0]).await.unwrap_err()));
    let login = oktant_warehouse::Login::new("a", oktant_base::Secret::new(PASSWORDS[1].to_owned()));
    keep(format!("{login:?}"));

    // The same over SCIM.
    let mut jane = user("jane");
    jane["password"] = json!(PASSWORDS[2]);
    let (_, created) = okta.send("POST", "/Users", Some(jane.clone())).await;
    let id = created["id"].as_str().unwrap().to_owned();
    keep(created.to_string());
    keep(okta.send("POST", "/Users", Some(jane.clone())).await.1.to_string());
    jane["password"] = json!(PASSWORDS[3]);
    keep(okta.send("PUT", &format!("/Users/{id}"), Some(jane)).await.1.to_string());
    keep(
        okta.patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "password", "value": PASSWORDS[4] }]))
            .await
            .1
            .to_string(),
    );
    keep(
        okta.patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "password", "value": [PASSWORDS[4]] }]))
            .await
            .1
            .to_string(),
    );
    keep(okta.get(&format!("/Users?filter=password%20eq%20%22{}%22", PASSWORDS[4])).await.1.to_string());
    assert!(test.login("jane", PASSWORDS[4]).await.is_ok());

    // Tokens.
    let sql = "alter user a add programmatic access token t";
    let access_token = cell(&ask(&admin, sql).await, 0, 1).to_owned();
    assert!(test.login("a", &access_token).await.is_ok());
    keep(format!("{:?}", ask(&admin, "show user programmatic access tokens for user a").await));
    keep(okta.with_token("oktpat_unknown").get("/Users").await.1.to_string());
    run_all(&admin, &["create database d", "use schema d.information_schema"]).await;
    keep(format!("{:?}", ask(&admin, "select * from table(rest_event_history('scim'))").await));
    keep(format!("{:?} {admin:?}", test.account));
    test.account.close().await;

    let log = log.0.lock().unwrap().clone();
    assert!(!log.is_empty(), "the log is listened to");
    let mut places = vec![("an answer", answers.into_bytes()), ("the log", log)];
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        places.push(("a file", std::fs::read(entry.unwrap().path()).unwrap()));
    }
    let secrets = PASSWORDS.iter().copied().chain([crate::common::ADMIN_PASSWORD, &okta.token, &access_token]);
    for secret in secrets {
        for (place, bytes) in &places {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} stands in {place}");
        }
    }
}
