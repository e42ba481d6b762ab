//! What is logged, and what never is.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use oktant_client::Call;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::fake::{Fake, JumpingClock, json};

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What one sign-in and one write log at `level`.
async fn logged(level: tracing::Level) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let fake = Fake::start(|_, request| {
        if request.path == "/oauth2/v1/token" {
            let grant = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"s3cret-token","scope":"s"}"#;
            return json(200, &[], grant);
        }
        let headers = [
            ("x-okta-request-id", "req-1"),
            ("x-rate-limit-limit", "600"),
            ("x-rate-limit-remaining", "599"),
            ("x-rate-limit-reset", "1767268860"),
        ];
        json(200, &headers, r#"{"id":"00u1","credentials":{"recovery_question":{"answer":"s3cret-answer"}}}"#)
    })
    .await;
    let properties =
        "OAuthClientId=c;OAuthRefreshToken=s3cret-refresh;InitiateOAuth=REFRESH;OAuthSettingsLocation=memory://log";
    let org = fake.org_with(properties, JumpingClock::at("2026-01-01T12:00:00Z")).await;
    let user =
        serde_json::json!({"profile": {"login": "jane"}, "credentials": {"password": {"value": "s3cret-password"}}});
    org.send(Call::operation("createUser").unwrap().json(&user)).await.unwrap();
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn a_request_is_a_span_with_its_facts() {
    let text = logged(tracing::Level::DEBUG).await;
    let mut span = text.lines().rev().filter(|line| line.contains("okta.request") && line.contains("createUser"));
    let span = span.next().unwrap_or_else(|| panic!("{text}"));
    for fact in [
        "operation_id=\"createUser\"",
        "method=\"POST\"",
        "path_template=\"/api/v1/users\"",
        "attempt=1",
        "bucket=",
        "status=200",
        "request_id=\"req-1\"",
        "remaining=599",
        "elapsed_ms=0",
    ] {
        assert!(span.contains(fact), "{fact} in {span}");
    }
    assert!(!text.contains("jane") && !text.contains("s3cret"), "no bodies at this level: {text}");
}

#[tokio::test]
async fn bodies_are_shown_at_the_finest_level_and_secrets_never() {
    let text = logged(tracing::Level::TRACE).await;
    assert!(text.contains("jane") && text.contains("expires_in"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
