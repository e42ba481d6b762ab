//! HTTP cards, files and mail.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{any, get};
use oktant_connect::connection::Auth;
use oktant_engine::{Actions, ErrorKind};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::common::{Bench, call, outputs, serve};

async fn echo(request: Request) -> axum::Json<serde_json::Value> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    axum::Json(json!({
        "method": parts.method.as_str(), "query": parts.uri.query(), "authorization": header("authorization"),
        "key": header("x-key"), "type": header("content-type"), "body": String::from_utf8_lossy(&body),
    }))
}

async fn server() -> String {
    let gone = || async { (StatusCode::GONE, "it was here") };
    let file = || async { ([("content-disposition", "attachment; filename=\"a.txt\"")], "content") };
    serve(Router::new().route("/echo", any(echo)).route("/gone", get(gone)).route("/file", get(file))).await
}

#[tokio::test]
async fn http_cards_send_what_the_flow_says() {
    let (bench, url) = (Bench::new().await, server().await);
    let card = |operation: &str, connection: &str, inputs| {
        call(&format!("httpfunctions:{operation}"), connection, &[], inputs)
    };
    let inputs = json!({"Request.URL": format!("{url}/echo?a=1"), "Request.Query": {"b": "x y", "c": ["1", "2"]}, "Request.Headers": {"X-Key": "k", "Host": "evil"}, "Request.Body": {"n": 1}});
    let answer = outputs(bench.connectors.call(card("post", "", inputs)).await.unwrap());
    let body = &answer["Response.Body"];
    assert_eq!(answer["Response.Status Code"], 200);
    assert_eq!(
        (&body["method"], &body["query"], &body["key"]),
        (&json!("POST"), &json!("a=1&b=x+y&c=1&c=2"), &json!("k"))
    );
    assert_eq!((&body["body"], &body["type"]), (&json!("{\"n\":1}"), &json!("application/json")));
    let raw = json!({"Request.URL": format!("{url}/echo"), "Request.Method": "PUT", "Request.Body": "plain"});
    let answer = outputs(bench.connectors.call(card("raw", "", raw)).await.unwrap());
    assert!(answer["Response.Body"].as_str().unwrap().contains("\"body\":\"plain\""), "text stays text");
    let error =
        bench.connectors.call(card("get", "", json!({"Request.URL": format!("{url}/gone")}))).await.unwrap_err();
    assert_eq!((error.message.as_str(), error.status, error.kind), ("Gone", Some(410), ErrorKind::Refused));
    for (address, problem) in
        [("not an address", "no address"), ("http://169.254.169.254/", "link-local"), ("http://10.0.0.1/", "private")]
    {
        let error = bench.connectors.call(card("get", "", json!({"Request.URL": address}))).await.unwrap_err();
        assert!(error.message.contains(problem) && error.kind == ErrorKind::Input, "{address}: {error:?}");
    }
}

#[tokio::test]
async fn connections_sign_http_cards_for_their_hosts_only() {
    let (bench, url) = (Bench::new().await, server().await);
    let host = url.trim_start_matches("http://").to_owned();
    bench.connect("basic", "http", Auth::Basic, &[("username", "ann")], &[("password", "pw")]).await;
    bench.connect("bearer", "http", Auth::Bearer, &[("hosts", &host)], &[("token", "t0ken")]).await;
    bench.connect("key", "http", Auth::Headers, &[], &[("header:X-Key", "k3y")]).await;
    bench.connect("elsewhere", "http", Auth::Bearer, &[("hosts", "api.example.com")], &[("token", "t0ken")]).await;
    let get =
        |connection: &str| call("httpfunctions:get", connection, &[], json!({"Request.URL": format!("{url}/echo")}));
    for (connection, key, expected) in [
        ("basic", "authorization", "Basic YW5uOnB3"),
        ("bearer", "authorization", "Bearer t0ken"),
        ("key", "key", "k3y"),
    ] {
        let answer = outputs(bench.connectors.call(get(connection)).await.unwrap());
        assert_eq!(answer["Response.Body"][key], expected, "{connection}");
    }
    let error = bench.connectors.call(get("elsewhere")).await.unwrap_err();
    assert!(error.message.contains("is for api.example.com"), "{}", error.message);
    let error = bench.connectors.call(get("none")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connection);
    let unbound = bench.connectors.call(call("slack:readUser2", "", &[], json!({}))).await.unwrap_err();
    assert!(unbound.message.contains("bound to no connection"));
    let unknown = bench.connectors.call(call("nobody:knows", "", &[], json!({}))).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::Unsupported);
    for secret in ["t0ken", "k3y", "YW5uOnB3"] {
        assert!(!format!("{bench:?}", bench = bench.connectors).contains(secret));
    }
}

#[tokio::test]
async fn a_file_is_downloaded_and_described() {
    let (bench, url) = (Bench::new().await, server().await);
    let file = outputs(
        bench
            .connectors
            .call(call("filefunctions:largeDownload", "", &[], json!({"Location.URL": format!("{url}/file")})))
            .await
            .unwrap(),
    );
    assert_eq!((&file["File.Filename"], &file["File.Size"]), (&json!("a.txt"), &json!(7)));
    let info = outputs(
        bench
            .connectors
            .call(call("filefunctions:info", "", &[], json!({"File.File Content": file["File.File Content"]})))
            .await
            .unwrap(),
    );
    assert_eq!((&info["File.Extension"], &info["File.Size"]), (&json!("txt"), &json!(7)));
}

/// A mail server that takes one message; what it was told.
async fn mail_server() -> (u16, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let mut told = String::new();
        writer.write_all(b"220 test\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).await.unwrap() == 0 {
                return told;
            }
            told.push_str(&line);
            let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
                "EHLO" => b"250-test\r\n250 8BITMIME\r\n",
                "DATA" => b"354 go on\r\n",
                "QUIT" => b"221 bye\r\n",
                "." => b"250 queued as 42\r\n",
                "MAIL" | "RCPT" => b"250 ok\r\n",
                _ => continue,
            };
            writer.write_all(answer).await.unwrap();
        }
    });
    (port, told)
}

#[tokio::test]
async fn mail_cards_fall_back_to_smtp() {
    let bench = Bench::new().await;
    let (port, told) = mail_server().await;
    let settings =
        [("host", "127.0.0.1"), ("port", &*port.to_string()), ("security", "none"), ("from", "flows@example.com")];
    bench.connect("mail", "smtp", Auth::Smtp, &settings, &[]).await;
    let mail = json!({"Email.To": ["ann@example.com"], "Email.BCC": ["audit@example.com"], "Email.Subject": "Hello\r\nX-Evil: 1", "Email.Body": "<b>hi</b>"});
    let sent = bench.connectors.call(call("gmail:sendEmail2", "mail", &[("bodyIsHtml", "Yes")], mail)).await.unwrap();
    assert_eq!(outputs(sent)["Email.Message ID"], "queued as 42");
    drop(bench);
    let told = told.await.unwrap();
    assert!(told.contains("RCPT TO:<ann@example.com>") && told.contains("RCPT TO:<audit@example.com>"), "{told}");
    assert!(
        told.contains("text/html") && !told.lines().any(|line| line.starts_with("X-Evil") || line.starts_with("Bcc")),
        "{told}"
    );
}

#[tokio::test]
async fn a_mail_server_is_guarded_too() {
    let bench = Bench::new().await;
    bench.connect("mail", "smtp", Auth::Smtp, &[("host", "10.0.0.25")], &[]).await;
    let mail = json!({"Email.To": ["ann@example.com"], "Email.From": "a@example.com"});
    let error = bench.connectors.call(call("mail:send", "mail", &[], mail)).await.unwrap_err();
    assert!(error.message.contains("10.0.0.25:587 is refused"), "{}", error.message);
}
