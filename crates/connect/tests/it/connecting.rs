//! What is told of a connection before it is made, and when its service takes it no more.

use std::collections::BTreeMap;

use oktant_base::{Coded as _, Secret};
use oktant_connect::Tested;
use oktant_connect::connection::{Auth, Connection, Live, Secrets, settled};
use oktant_engine::{Actions, ErrorKind, Source as _};
use oktant_sandbox::Sandbox;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::common::{Bench, call};

/// The key of a service app.
const KEY: &str = include_str!("../../../client/src/auth/key/rsa_2048.json");

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A draft as the command line makes it.
fn draft(
    bench: &Bench,
    connector: &str,
    auth: Auth,
    settings: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> Result<Live, oktant_connect::Error> {
    let settings = settled(connector, pairs(settings))?;
    let connection = Connection { settings, ..bench.connectors.connections().draft("new", connector, auth) };
    let secrets = Secrets::of(pairs(secrets).into_iter().map(|(name, value)| (name, Secret::new(value))));
    connection.check(&secrets)?;
    Ok(Live { connection, secrets })
}

#[tokio::test]
async fn what_is_unknown_or_missing_is_told_before_anyone_is_asked() {
    let bench = Bench::new().await;
    let token = [("token", "t")];
    let client = [("client_secret", "s")];
    for (connector, auth, settings, secrets, problem) in [
        ("http", Auth::Bearer, &[("host", "a.example")][..], &token[..], "no setting \"host\""),
        ("http", Auth::OauthCode, &[("callback_url", "http://a")], &client, "no setting \"callback_url\""),
        ("okta", Auth::OktaToken, &[], &token, "has no domain"),
        ("okta", Auth::OktaToken, &[("domain", "no such")], &token, "domain no such cannot be read"),
        ("okta", Auth::OktaToken, &[("domain", "a.example")], &[("tokn", "t")], "no secret \"tokn\""),
        ("okta", Auth::OktaToken, &[("domain", "a.example")], &[], "has no token"),
        ("okta", Auth::Basic, &[("domain", "a.example")], &[("password", "p")], "does not sign in by basic"),
        ("salesforce", Auth::OauthCode, &[("environment", "foo")], &client, "environment cannot be \"foo\""),
        ("salesforce", Auth::OauthCode, &[], &client, "has no client_id"),
        ("servicenow", Auth::OauthCode, &[("client_id", "c")], &client, "authorize_url of connection"),
        ("smtp", Auth::Smtp, &[], &[], "has no host"),
        ("smtp", Auth::Smtp, &[("host", "a"), ("security", "foo")], &[], "security cannot be \"foo\""),
        ("smtp", Auth::Smtp, &[("host", "a"), ("port", "x")], &[], "\"x\" is no port"),
        ("smtp", Auth::Smtp, &[("host", "a"), ("username", "u")], &[], "has no password"),
        ("smtp", Auth::Smtp, &[("host", "a")], &[("password", "p")], "has no username"),
        ("http", Auth::None, &[("username", "a")], &[], "has no password"),
        ("http", Auth::Headers, &[("hosts", "a.example")], &[], "has no header"),
    ] {
        let error = draft(&bench, connector, auth, settings, secrets).unwrap_err();
        assert!(error.to_string().contains(problem), "{connector} {settings:?}: {error}");
        assert!(error.code().id() == "OKT4507" && error.hint().is_some(), "{error:?}");
    }
    let hint = draft(&bench, "servicenow", Auth::OauthCode, &[("client_id", "c")], &client).unwrap_err().hint();
    assert_eq!(hint.as_deref(), Some("give --set instance_url=VALUE"));
    let hint = draft(&bench, "salesforce", Auth::OauthCode, &[("environment", "foo")], &client).unwrap_err().hint();
    assert_eq!(hint.as_deref(), Some("it is one of production, sandbox"));
}

#[tokio::test]
async fn a_connection_is_tried_out_before_it_is_written() {
    let members: serde_json::Value = serde_json::from_str(KEY).unwrap();
    let public = json!({"kty": "RSA", "n": members["n"], "e": members["e"], "kid": "k1", "use": "sig"});
    let builder = Sandbox::builder().users(2).service_app_key(serde_json::from_value(public).unwrap());
    let sandbox = builder.start().await.unwrap();
    let bench = Bench::new().await;
    let url = sandbox.url();
    let okta =
        |secret: &str| draft(&bench, "okta", Auth::OktaToken, &[("login_url", &url)], &[("token", secret)]).unwrap();
    let (live, tested) = bench.connectors.try_out(okta(sandbox.api_token())).await.unwrap();
    assert!(tested.account().is_some() && live.connection.account.as_deref() == tested.account(), "{tested:?}");
    assert_eq!(live.connection.setting("domain"), Some(url.as_str()), "the address of the login page is the org's");
    let error = bench.connectors.try_out(okta("wrong")).await.unwrap_err();
    assert_eq!((error.message.as_str(), error.kind), ("the org refuses its API token", ErrorKind::Connection));

    let id = sandbox.service_client_id();
    let service = [("domain", url.as_str()), ("client_id", id), ("key_id", "k1"), ("scope", "okta.users.read")];
    let service = draft(&bench, "okta", Auth::OktaService, &service, &[("private_key", KEY)]).unwrap();
    let (_, tested) = bench.connectors.try_out(service).await.unwrap();
    assert_eq!(tested, Tested::Works(None), "it is let in, though its scopes do not let it ask about the org");

    let known = sandbox.announcement();
    let client = |secret: &str, scope: &str| {
        let settings = [("domain", url.as_str()), ("client_id", known.client_id.as_str()), ("scope", scope)];
        draft(&bench, "okta", Auth::OauthClient, &settings, &[("client_secret", secret)]).unwrap()
    };
    let error = bench.connectors.try_out(client("wrong", "okta.users.read")).await.unwrap_err();
    assert!(error.message.contains("invalid_client"), "{error:?}");
    assert!(bench.connectors.connections().list().await.unwrap().is_empty(), "nothing was written");

    bench.connect("open", "http", Auth::Bearer, &[], &[("token", "t")]).await;
    let error = bench.connectors.test("open").await.unwrap_err();
    assert!(error.message.contains("which hosts"), "each of its cards fails: {error:?}");
    bench.connect("hosts", "http", Auth::Bearer, &[("hosts", "a.example")], &[("token", "t")]).await;
    assert_eq!(bench.connectors.test("hosts").await, Ok(Tested::Unasked));
}

#[tokio::test]
async fn an_org_that_takes_the_token_no_more_breaks_the_connection() {
    let sandbox = Sandbox::builder().users(2).start().await.unwrap();
    let bench = Bench::new().await;
    let (url, connections) = (sandbox.url(), bench.connectors.connections());
    bench.connect("acme", "okta", Auth::OktaToken, &[("domain", &url)], &[("token", sandbox.api_token())]).await;
    let sign_in =
        json!({"Request.Relative URL": "/api/v1/authn", "Request.Body": {"username": "nobody", "password": "no"}});
    let sign_in = call("okta:hTTPRequest", "acme", &[("requestType", "POST")], sign_in);
    let refused = bench.connectors.call(sign_in).await.unwrap_err();
    assert_eq!(refused.status, Some(401), "{refused:?}");
    assert_eq!(connections.get("acme").await.unwrap().broken, None, "the password of a user says nothing of the token");

    bench.connect("acme", "okta", Auth::OktaToken, &[("domain", &url)], &[("token", "wrong")]).await;
    let id = connections.get("acme").await.unwrap().id;
    let log = bench.connectors.event_log(&id);
    for _ in 0..2 {
        let error = log.poll(Some("/api/v1/logs?since=2026-01-01T00:00:00Z")).await.unwrap_err();
        assert!(error.message.contains("\"acme\" is broken") && error.message.contains("--replace"), "{error:?}");
    }
    let broken = connections.get("acme").await.unwrap().broken;
    assert_eq!(broken.as_deref(), Some("the org refuses its API token"));

    let service = [("domain", url.as_str()), ("client_id", "0oaNobody")];
    bench.connect("app", "okta", Auth::OktaService, &service, &[("private_key", KEY)]).await;
    let error = bench.connectors.test("app").await.unwrap_err();
    assert!(error.message.contains("\"app\" is broken") && error.message.contains("invalid_client"), "{error:?}");
    assert!(connections.get("app").await.unwrap().broken.is_some());
}

#[tokio::test]
async fn a_card_whose_connection_was_removed_says_how_to_bind_it() {
    let bench = Bench::new().await;
    let id = bench.connect("gone", "okta", Auth::OktaToken, &[("domain", "a.example")], &[("token", "t")]).await.id;
    bench.connectors.connections().remove("gone").await.unwrap();
    let error = bench.connectors.call(call("okta:readUser", &id, &[], json!({}))).await.unwrap_err();
    assert!(
        error.message.contains("was removed") && error.message.contains("oktant flow bind FLOW"),
        "{}",
        error.message
    );
}

/// A mail server that lets no one in.
async fn strict_mail_server() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (reader, mut writer) = stream.into_split();
            let mut lines = BufReader::new(reader).lines();
            let _ = writer.write_all(b"220 test\r\n").await;
            while let Ok(Some(line)) = lines.next_line().await {
                let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
                    "EHLO" => b"250-test\r\n250 AUTH PLAIN\r\n",
                    "AUTH" => b"535 5.7.8 no\r\n",
                    _ => b"250 ok\r\n",
                };
                let _ = writer.write_all(answer).await;
            }
        }
    });
    port
}

#[tokio::test]
async fn a_mail_server_is_asked_too() {
    let bench = Bench::new().await;
    let port = strict_mail_server().await.to_string();
    let open = [("host", "127.0.0.1"), ("port", port.as_str()), ("security", "none")];
    let live = draft(&bench, "smtp", Auth::Smtp, &open, &[]).unwrap();
    assert_eq!(bench.connectors.try_out(live).await.unwrap().1, Tested::Works(None));
    let signed = [&open[..], &[("username", "ann")]].concat();
    let live = draft(&bench, "smtp", Auth::Smtp, &signed, &[("password", "wrong")]).unwrap();
    let error = bench.connectors.try_out(live).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection, "{error:?}");
}
