//! What goes wrong on the way to an org: each has a code, a cause and a way out.

use std::net::TcpListener;

use oktant_sandbox::{Effect, Fault};

use crate::support::{Org, check, oktant};

/// A key pair made for this test.
const PRIVATE_KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"test","alg":"ES256","d":"QIiqvAlDwkYur-NhKXrLWBHFsq2N0QMoJEEwtJpaeAI","x":"mslVAqKx4mWRH5GEdvUVoGnhOonOavnU2ZxhKwdF0v4","y":"FSPTdpmfQVz8fLWKWHkCOV0wClunr9JFiQmUgnRLI1M"}"#;
const PUBLIC_KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"test","alg":"ES256","use":"sig","x":"mslVAqKx4mWRH5GEdvUVoGnhOonOavnU2ZxhKwdF0v4","y":"FSPTdpmfQVz8fLWKWHkCOV0wClunr9JFiQmUgnRLI1M"}"#;

#[test]
fn wrong_connection_strings() {
    check("no_org", &oktant(&["api", "listUsers"]));
    check("unreadable_dsn", &oktant(&["api", "listUsers", "--dsn", "nonsense"]));
    check("unknown_property", &oktant(&["api", "listUsers", "--dsn", "okta:///?Domian=acme.okta.com&APIToken=x"]));
    check("wrong_domain", &oktant(&["api", "listUsers", "--dsn", "Domain=https://;APIToken=x"]));
    check("plain_http", &oktant(&["api", "listUsers", "--dsn", "BaseURL=http://acme.okta.com;APIToken=x"]));
}

#[test]
fn an_unreachable_host() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").port()
    };
    let dsn = format!("okta:///?BaseURL=http://127.0.0.1:{port}&APIToken=x&MaxRetries=0");
    check("unreachable_host", &oktant(&["api", "listUsers", "--dsn", &dsn]));
    check("doctor_unreachable_host", &oktant(&["doctor", "--dsn", &dsn]));
}

#[test]
fn a_refused_api_token() {
    let org = Org::live(|builder| builder);
    let dsn = format!("okta:///?BaseURL={}&APIToken=00wrong", org.sandbox.url());
    check("refused_api_token", &oktant(&["api", "listUsers", "--dsn", &dsn]));
    check("doctor_refused_api_token", &oktant(&["doctor", "--dsn", &dsn]));
}

#[test]
fn an_expired_access_token() {
    let org = Org::live(|builder| builder);
    let dsn = format!("okta:///?BaseURL={}&InitiateOAuth=OFF&OAuthAccessToken=expired", org.sandbox.url());
    check("expired_access_token", &oktant(&["api", "listUsers", "--dsn", &dsn]));
}

#[test]
fn sign_in_is_needed_where_no_one_may_be_asked() {
    let org = Org::live(|builder| builder);
    let folder = tempfile::tempdir().expect("a folder");
    let dsn = format!(
        "okta:///?BaseURL={}&InitiateOAuth=REFRESH&OAuthClientId={}&OAuthSettingsLocation={}/settings.json",
        org.sandbox.url(),
        org.sandbox.client_id(),
        folder.path().display()
    );
    check("sign_in_needed", &oktant(&["api", "listUsers", "--dsn", &dsn]));
    check("login_with_an_api_token", &org.oktant(&["login"]));
}

#[test]
fn a_missing_scope() {
    let key = serde_json::from_str(PUBLIC_KEY).expect("a key");
    let org = Org::live(|builder| builder.service_app_key(key));
    let dsn = format!(
        "BaseURL={};AuthScheme=OAuthJWT;OAuthClientId={};Scope=okta.groups.read;OAuthJWTAlgorithm=ES256;OAuthJWTCert='{PRIVATE_KEY}'",
        org.sandbox.url(),
        org.sandbox.service_client_id(),
    );
    check("missing_scope", &oktant(&["api", "listUsers", "--dsn", &dsn]));
}

#[test]
fn a_doctor_finds_a_healthy_org_healthy() {
    let org = Org::live(|builder| builder.users(1));
    check("doctor", &org.oktant(&["doctor"]));
}

#[test]
fn a_doctor_finds_a_bucket_that_is_used_up() {
    let org = Org::live(|builder| builder.users(1));
    let effect = Effect::Status { status: 429, reset_seconds: 60 };
    org.sandbox.add_fault(Fault::new("/api/v1/org", effect).times(0));
    let shown = org.oktant(&["doctor"]);
    assert!(shown.starts_with("exit: 6\n"), "{shown}");
    assert!(shown.contains("FAIL  rate limits") && shown.contains("the rate limit of api is used up"), "{shown}");
}

#[test]
fn a_sign_in_to_a_host_that_does_not_exist_is_not_waited_for() {
    let shown = oktant(&["login", "--dsn", "okta:///?Domain=nowhere.invalid&OAuthClientId=0oa1"]);
    assert!(shown.starts_with("exit: 1\n") && shown.contains("nowhere.invalid does not resolve"), "{shown}");
}
