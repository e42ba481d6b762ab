//! Mail: over SMTP, and through the interfaces of Gmail and Microsoft 365.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use oktant_engine::{CardError, ErrorKind, Outcome};
use serde_json::{Value, json};
use url::Url;

use crate::Error;
use crate::connection::{Auth, Connection, Connections, Live, one_of};
use crate::failure::{body, refusal};
use crate::fields::Fields;
use crate::files::Files;
use crate::manifest::Manifest;
use crate::manifest::expression::{text, walk};
use crate::manifest::run::{Prepared, Target, Transport};
use crate::transport::HttpTransport;

/// Cards that send mail, as module and operation.
pub(crate) const CARDS: &[(&str, &str)] = &[
    ("gmail", "sendEmail2"),
    ("gmail", "sendEmail"),
    ("gmail", "sendEmailWithAttachment"),
    ("office365mail", "sendEmail2"),
    ("office365mail", "sendEmail"),
    ("mail", "send"),
];

const STARTTLS: &str = "starttls";
const TLS: &str = "tls";
const UNSECURED: &str = "none";

/// How the connection to a mail server may be secured.
const SECURITY: &[&str] = &[STARTTLS, TLS, UNSECURED];

/// Time for the whole talk with a mail server.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A mail as a card describes it.
struct Mail {
    from: String,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    subject: String,
    body: String,
    is_html: bool,
    attachments: Vec<(String, Bytes)>,
}

pub(crate) async fn call(
    connections: &Connections,
    files: &dyn Files,
    live: Live,
    module: &str,
    options: &Fields,
    inputs: &Fields,
) -> Result<Outcome, CardError> {
    let mail = read(files, module, options, inputs).await?;
    if mail.to.is_empty() && mail.cc.is_empty() && mail.bcc.is_empty() {
        return Err(CardError::new(ErrorKind::Input, "the mail has no recipient"));
    }
    let id = match (live.connection.auth, module) {
        (Auth::Smtp, _) => by_smtp(connections, &live, &mail).await?,
        (_, "gmail") => by_gmail(connections, live, &mail).await?,
        (_, "office365mail") => by_graph(connections, live, &mail).await?,
        _ => {
            return Err(CardError::new(
                ErrorKind::Connection,
                format!("connection \"{}\" is none of a mail server (`oktant connect smtp`)", live.connection.name),
            ));
        }
    };
    let mut outputs = Fields::new();
    outputs.set(Some("Email"), "Message ID", id.into());
    Ok(Outcome::Outputs(outputs.write()))
}

/// The section of a card that describes the mail.
pub(crate) fn group(module: &str) -> &'static str {
    if module == "office365mail" { "Fields" } else { "Email" }
}

async fn read(files: &dyn Files, module: &str, options: &Fields, inputs: &Fields) -> Result<Mail, CardError> {
    let group = group(module);
    let list = |key: &str| addresses(inputs.get(Some(group), key).unwrap_or(&Value::Null));
    let option = |key: &str| options.text(Some("parameters"), key);
    let mut attachments = Vec::new();
    for file in inputs.get(Some(group), "Attachments").and_then(Value::as_array).into_iter().flatten() {
        attachments.push(crate::files::content(files, Some(file)).await?);
    }
    if let Some(file) = inputs.get(Some("File"), "File Content") {
        let (name, content) = crate::files::content(files, Some(file)).await?;
        let given = inputs.text(Some("File"), "File Name");
        attachments.push((if given.is_empty() { name } else { given }, content));
    }
    let is_html =
        option("bodyIsHtml") == "Yes" || inputs.text(Some(group), "Message Type").eq_ignore_ascii_case("html");
    Ok(Mail {
        from: inputs.text(Some(group), "From"),
        to: list("To"),
        cc: list("CC"),
        bcc: list("BCC"),
        subject: inputs.text(Some(group), "Subject"),
        body: inputs.text(Some(group), "Body"),
        is_html,
        attachments,
    })
}

/// Addresses of a list, or of text with commas or semicolons.
fn addresses(value: &Value) -> Vec<String> {
    let texts = match value {
        Value::Array(items) => items.iter().map(text).collect(),
        other => vec![text(other)],
    };
    let parts = texts.iter().flat_map(|text| text.split([',', ';'])).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// The mail in the form of RFC 5322; the library keeps line breaks out of headers.
fn message(mail: &Mail, sender: &str, keep_bcc: bool) -> Result<Message, CardError> {
    let mailbox = |address: &String| -> Result<Mailbox, CardError> {
        address
            .parse()
            .map_err(|error| CardError::new(ErrorKind::Input, format!("\"{address}\" is no mail address: {error}")))
    };
    let mut builder = Message::builder().from(mailbox(&sender.to_owned())?).subject(mail.subject.as_str());
    for address in &mail.to {
        builder = builder.to(mailbox(address)?);
    }
    for address in &mail.cc {
        builder = builder.cc(mailbox(address)?);
    }
    for address in &mail.bcc {
        builder = builder.bcc(mailbox(address)?);
    }
    if keep_bcc {
        builder = builder.keep_bcc();
    }
    let content_type = if mail.is_html { ContentType::TEXT_HTML } else { ContentType::TEXT_PLAIN };
    let part = SinglePart::builder().header(content_type).body(mail.body.clone());
    let built = if mail.attachments.is_empty() {
        builder.singlepart(part)
    } else {
        let mut parts = MultiPart::mixed().singlepart(part);
        for (name, content) in &mail.attachments {
            let unknown = ContentType::parse("application/octet-stream").expect("it is a media type");
            parts = parts.singlepart(Attachment::new(name.clone()).body(content.to_vec(), unknown));
        }
        builder.multipart(parts)
    };
    built.map_err(|error| CardError::new(ErrorKind::Input, format!("the mail cannot be written: {error}")))
}

/// Where a mail server listens, and how its connection is secured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server<'a> {
    host: &'a str,
    port: u16,
    security: &'a str,
}

/// The mail server that a connection leads to.
///
/// # Errors
///
/// [`Error::Setting`] if its settings name none.
pub(crate) fn server(connection: &Connection) -> Result<Server<'_>, Error> {
    let host = connection.required("host")?;
    one_of("security", connection.setting("security"), SECURITY)?;
    let security = connection.setting("security").unwrap_or(STARTTLS);
    let port = match connection.setting("port") {
        Some(port) => port
            .parse()
            .map_err(|_| Error::setting(format!("\"{port}\" is no port"), "give a number, such as --set port=587"))?,
        None if security == TLS => 465,
        None => 587,
    };
    Ok(Server { host, port, security })
}

/// A failure of the talk with a mail server.
fn smtp_failure(host: &str, error: &lettre::transport::smtp::Error) -> CardError {
    // The library tells by its words alone that there was no connection to send anything by.
    let unsent = error.is_tls() || error.to_string().starts_with("Connection error");
    let kind = match error.status().map(u16::from) {
        // The server wants other credentials (RFC 4954, 6).
        Some(530 | 534 | 535 | 538) => ErrorKind::Connection,
        _ if error.is_permanent() => ErrorKind::Refused,
        _ if error.is_transient() || unsent => ErrorKind::Unavailable,
        // Before anything was sent: no way to sign in that both sides know, or an address that is none.
        _ if error.is_client() => ErrorKind::Connection,
        _ => ErrorKind::OutcomeUnknown,
    };
    CardError::new(kind, format!("{host}: {error}"))
}

/// The way to a mail server. Its name is resolved once, and the connection goes to an address that the guard let
/// through.
async fn smtp(connections: &Connections, live: &Live) -> Result<AsyncSmtpTransport<Tokio1Executor>, CardError> {
    let connection = &live.connection;
    let Server { host, port, security } = server(connection)?;
    let http = connections.http();
    let addresses = http.guard().addresses(host, port, http.lookup()).await?;
    let address = addresses.first().map(ToString::to_string).unwrap_or_default();
    let parameters = || TlsParameters::new(host.to_owned()).map_err(|error| smtp_failure(host, &error));
    let tls = match security {
        UNSECURED => Tls::None,
        TLS => Tls::Wrapper(parameters()?),
        _ => Tls::Required(parameters()?),
    };
    let mut builder =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address).port(port).tls(tls).timeout(Some(TIMEOUT));
    if let (Some(user), Some(password)) = (connection.setting("username"), live.secrets.get("password")) {
        builder = builder.credentials(Credentials::new(user.to_owned(), password.expose().clone()));
    }
    Ok(builder.build())
}

/// Signs in to a mail server, and sends nothing.
pub(crate) async fn test(connections: &Connections, live: &Live) -> Result<(), CardError> {
    let host = server(&live.connection)?.host;
    let talk = smtp(connections, live).await?.test_connection().await;
    if talk.map_err(|error| smtp_failure(host, &error))? {
        return Ok(());
    }
    Err(CardError::new(ErrorKind::Unavailable, format!("{host} does not answer as a mail server does")))
}

/// Over SMTP.
async fn by_smtp(connections: &Connections, live: &Live, mail: &Mail) -> Result<String, CardError> {
    let connection = &live.connection;
    let transport = smtp(connections, live).await?;
    let sender = [
        mail.from.as_str(),
        connection.setting("from").unwrap_or_default(),
        connection.setting("username").unwrap_or_default(),
    ];
    let sender = sender.into_iter().find(|sender| !sender.is_empty()).unwrap_or_default();
    let message = message(mail, sender, false)?;
    let host = server(connection)?.host;
    let response = transport.send(message).await.map_err(|error| smtp_failure(host, &error))?;
    Ok(response.message().next().unwrap_or_default().to_owned())
}

/// Gmail takes the mail as it would be written, in base64url.
async fn by_gmail(connections: &Connections, live: Live, mail: &Mail) -> Result<String, CardError> {
    let me = live.connection.account.clone().unwrap_or_default();
    let sender = if mail.from.is_empty() { me } else { mail.from.clone() };
    let raw = URL_SAFE_NO_PAD.encode(message(mail, &sender, true)?.formatted());
    let answer = post(connections, live, "gmail", "/gmail/v1/users/me/messages/send", &json!({"raw": raw})).await?;
    Ok(text(walk(&answer, "id")))
}

/// Microsoft Graph takes it in parts. It gives no id: the draft that has one is made first.
async fn by_graph(connections: &Connections, live: Live, mail: &Mail) -> Result<String, CardError> {
    use base64::engine::general_purpose::STANDARD;
    let people = |addresses: &[String]| -> Vec<Value> {
        addresses.iter().map(|address| json!({"emailAddress": {"address": address}})).collect()
    };
    let attachments: Vec<Value> = mail
        .attachments
        .iter()
        .map(|(name, content)| json!({"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentBytes": STANDARD.encode(content)}))
        .collect();
    let draft = json!({
        "subject": mail.subject,
        "body": {"contentType": if mail.is_html { "HTML" } else { "Text" }, "content": mail.body},
        "toRecipients": people(&mail.to),
        "ccRecipients": people(&mail.cc),
        "bccRecipients": people(&mail.bcc),
        "attachments": attachments,
    });
    let made = post(connections, live.clone(), "office365mail", "/me/messages", &draft).await?;
    let id = text(walk(&made, "id"));
    post(connections, live, "office365mail", &format!("/me/messages/{id}/send"), &json!({})).await?;
    Ok(id)
}

async fn post(
    connections: &Connections,
    live: Live,
    connector: &str,
    path: &str,
    content: &Value,
) -> Result<Value, CardError> {
    let manifest = Manifest::own()
        .get(connector)
        .ok_or_else(|| CardError::new(ErrorKind::Unsupported, "the connector is not there"))?;
    let transport = HttpTransport::new(connections, Some(manifest), Some(live));
    let target = Url::parse(path).map_or_else(|_| Target::Path(path.to_owned()), Target::Url);
    let body_sent = Some(("application/json".to_owned(), Bytes::from(content.to_string())));
    let request = Prepared {
        method: "POST".to_owned(),
        target,
        query: Vec::new(),
        headers: Vec::new(),
        body: body_sent,
        repeatable: false,
    };
    let response = transport.send(&request).await?;
    if response.is_success() {
        return Ok(body(&response));
    }
    let message = text(walk(&body(&response), "error.message"));
    Err(refusal(&response, Some(message), transport.retry_after(&response), false))
}
