//! Health, figures, TLS and stopping.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use oktant_base::SystemClock;
use oktant_server::TlsFiles;
use serde_json::json;

use crate::support::{PASSWORD, Running, json_of, with_json};

impl Running {
    pub(crate) async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.server.url())).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_figures_are_told() {
    let running = Running::start().await;
    assert_eq!(running.page("/health/live").await, (200, "alive\n".to_owned()));
    assert_eq!(running.page("/health/ready").await, (200, "ready\n".to_owned()));
    let (token, _) = running.session().await;
    running.query(&token, "a", "select 1").await;
    running.log_in("admin", "wrong").await;
    running.page("/scim/v2/Users").await;
    let (_, figures) = running.page("/metrics").await;
    for line in [
        "oktant_logins_total{protocol=\"snowflake\",outcome=\"done\"} 1",
        "oktant_logins_total{protocol=\"snowflake\",outcome=\"failed\"} 1",
        "oktant_sessions{protocol=\"snowflake\"} 1",
        "oktant_statement_duration_seconds_count{protocol=\"snowflake\"} 1",
        "oktant_scim_requests_total{status=\"4xx\"} 1",
    ] {
        assert!(figures.lines().any(|known| known == line), "{line} is missing in\n{figures}");
    }
    assert_eq!(running.page("/nowhere").await.0, 404);
    for path in ["/scim/v2", "/scim/v2/", "/scim/v2/nowhere"] {
        let (status, text) = running.page(path).await;
        assert!(
            status >= 400 && text.contains("urn:ietf:params:scim:api:messages:2.0:Error"),
            "{path}: {status} {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_what_is_under_way() {
    let running = Running::start().await;
    let (token, _) = running.session().await;
    let url = format!("{}/queries/v1/query-request?requestId=a", running.server.url());
    let body = json!({"sqlText": "select count(*) as n from okta.public.Users"});
    let request = with_json(running.http.post(&url), &body);
    let under_way = request.header("Authorization", format!("Snowflake Token=\"{token}\"")).send();
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        running.server.shutdown().await;
    };
    let (answer, ()) = tokio::join!(under_way, stopped);
    let answer = json_of(answer).await;
    assert_eq!(answer["success"], json!(true), "{answer}");
    assert!(running.http.get(&url).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_speak_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificates: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.certificates, pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(&files.key, pem("PRIVATE KEY", &made.signing_key.serialize_der())).unwrap();
    let running = Running::with(Arc::new(SystemClock), Some(files)).await;
    assert!(running.server.url().starts_with("https://"));
    assert_eq!(running.page("/health/live").await.0, 200);
    let options = running.pg_options("ADMIN", PASSWORD).ssl_mode(sqlx::postgres::PgSslMode::Require);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let one: (i64,) = sqlx::query_as("SELECT 1").fetch_one(&mut connection).await.unwrap();
    assert_eq!(one, (1,));
    let plain = options.ssl_mode(sqlx::postgres::PgSslMode::Disable);
    let refused = sqlx::ConnectOptions::connect(&plain).await.unwrap_err();
    assert_eq!(crate::postgres::state(&refused), "28000", "{refused}");
}

/// Textual encoding of bytes in DER (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
