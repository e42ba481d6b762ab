//! The authorization code flow with PKCE, with a listener on a loopback address.
//!
//! # Source
//!
//! RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 8252 section 7.3 (loopback redirection).

use std::io;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use oktant_base::{Entropy, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use url::Url;

use super::dpop::random_id;
use super::key::encoded;
use crate::{Edges, Error};

/// Time a person has to sign in.
const SIGN_IN_TIME: Duration = Duration::from_mins(5);

/// Longest request that a browser sends to the callback.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// One sign-in, from the address shown to the code received.
pub(super) struct Flow {
    /// Where the person goes.
    pub(super) authorize: Url,
    /// Proves to the token endpoint that the code is ours.
    pub(super) code_verifier: Secret,
    /// As registered in the app and as sent, to the letter.
    pub(super) redirect_uri: String,
    state: String,
}

/// What a sign-in asks for.
pub(super) struct Request<'a> {
    pub(super) authorize: Url,
    pub(super) client_id: &'a str,
    pub(super) scope: &'a str,
    pub(super) redirect_uri: &'a str,
}

impl Flow {
    pub(super) fn new(request: Request<'_>, entropy: &dyn Entropy) -> Self {
        // 256 bits, as RFC 7636, 4.1 recommends.
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        let code_verifier = encoded(bytes);
        let challenge = encoded(digest::digest(&digest::SHA256, code_verifier.as_bytes()));
        let state = random_id(entropy);
        let mut authorize = request.authorize;
        authorize
            .query_pairs_mut()
            .append_pair("client_id", request.client_id)
            .append_pair("response_type", "code")
            .append_pair("scope", request.scope)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("state", &state)
            .append_pair("nonce", &random_id(entropy))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Self {
            authorize,
            code_verifier: Secret::new(code_verifier),
            redirect_uri: request.redirect_uri.to_owned(),
            state,
        }
    }

    /// Shows the address to a person and waits for the code.
    ///
    /// # Errors
    ///
    /// [`Error::Callback`] if nothing can listen at the callback address, [`Error::SignInFailed`]
    /// if the org refuses or nobody signs in within five minutes.
    pub(super) async fn run(&self, edges: &Edges) -> Result<Secret, Error> {
        let org = self.authorize.authority().to_owned();
        let failed = |reason: String| Error::SignInFailed { org: org.clone(), reason };
        let listeners = self.listen().await?;
        edges.browser.open(&self.authorize);
        let outcome = tokio::select! {
            outcome = self.answer(listeners) => outcome,
            () = edges.clock.sleep(SIGN_IN_TIME) => {
                Err(format!("nobody signed in within {} minutes", SIGN_IN_TIME.as_secs() / 60))
            }
        };
        outcome.map(Secret::new).map_err(failed)
    }

    /// Listens on every address that the callback's name stands for.
    async fn listen(&self) -> Result<Vec<TcpListener>, Error> {
        let unusable = |reason: String| Error::Callback { url: self.redirect_uri.clone(), reason };
        let url = Url::parse(&self.redirect_uri).map_err(|error| unusable(error.to_string()))?;
        let addresses = url.socket_addrs(|| None).map_err(|error| unusable(error.to_string()))?;
        let mut listeners = Vec::new();
        let mut refusal = None;
        for address in addresses.into_iter().filter(|address| address.ip().is_loopback()) {
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => refusal = Some(error),
            }
        }
        // One of the two families may be switched off; a browser then uses the other one, too.
        let taken = refusal.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse);
        match refusal {
            Some(error) if listeners.is_empty() || taken => Err(unusable(error.to_string())),
            None if listeners.is_empty() => Err(unusable("it is not a loopback address".to_owned())),
            _ => Ok(listeners),
        }
    }

    /// Serves the callback until the code or a refusal arrives.
    async fn answer(&self, listeners: Vec<TcpListener>) -> Result<String, String> {
        let (sender, mut receiver) = mpsc::channel(1);
        // Browsers open connections ahead of use, so each one is served apart from the others.
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let sender = sender.clone();
            let expected = Callback { path: self.callback_path(), state: self.state.clone() };
            tasks.spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, expected.clone(), sender.clone()));
                }
            });
        }
        drop(sender);
        receiver.recv().await.unwrap_or_else(|| Err("the callback address stopped listening".to_owned()))
    }

    fn callback_path(&self) -> String {
        Url::parse(&self.redirect_uri).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned())
    }
}

/// What tells the answer to this sign-in from anything else that knocks.
#[derive(Clone)]
struct Callback {
    path: String,
    state: String,
}

type Outcome = Result<String, String>;

async fn serve(mut stream: TcpStream, expected: Callback, sender: mpsc::Sender<Outcome>) {
    let Some(target) = read_target(&mut stream).await else { return };
    let (page, outcome) = expected.judge(&target);
    // The person may have closed the window already, which changes nothing.
    let _ = stream.write_all(page.to_http().as_bytes()).await;
    let _ = stream.shutdown().await;
    if let Some(outcome) = outcome {
        let _ = sender.send(outcome).await;
    }
}

/// The target of the request line, once the whole head is there.
async fn read_target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let line = String::from_utf8_lossy(&head);
    let mut words = line.lines().next()?.split(' ');
    (words.next() == Some("GET")).then(|| words.next().map(ToOwned::to_owned)).flatten()
}

impl Callback {
    fn judge(&self, target: &str) -> (Page, Option<Outcome>) {
        let Ok(url) = Url::parse("http://localhost/").and_then(|base| base.join(target)) else {
            return (Page::NOT_FOUND, None);
        };
        if url.path() != self.path {
            return (Page::NOT_FOUND, None);
        }
        let value =
            |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        let state = value("state").unwrap_or_default();
        if verify_slices_are_equal(state.as_bytes(), self.state.as_bytes()).is_err() {
            return (Page::FOREIGN, None);
        }
        if let Some(error) = value("error") {
            let reason = value("error_description").unwrap_or(error);
            return (Page::REFUSED, Some(Err(format!("the org refused: {reason}"))));
        }
        match value("code") {
            Some(code) => (Page::DONE, Some(Ok(code))),
            None => (Page::FOREIGN, None),
        }
    }
}

/// A page of the callback address. It holds no text from the request.
struct Page {
    status: &'static str,
    title: &'static str,
    text: &'static str,
}

impl Page {
    const DONE: Self =
        Self { status: "200 OK", title: "Signed in", text: "Oktant is signed in. You can close this window." };
    const REFUSED: Self = Self {
        status: "200 OK",
        title: "Not signed in",
        text: "The org refused. The program that asked shows the reason. You can close this window.",
    };
    const FOREIGN: Self = Self {
        status: "400 Bad Request",
        title: "Not this sign-in",
        text: "This answer does not belong to the sign-in that is waiting. Start again from the program.",
    };
    const NOT_FOUND: Self = Self { status: "404 Not Found", title: "Nothing here", text: "There is nothing here." };

    fn to_http(&self) -> String {
        let Self { status, title, text } = self;
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <body style=\"font:1.1rem system-ui;margin:15vh auto;max-width:32rem\"><h1>{title}</h1><p>{text}</p>"
        );
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

    #[track_caller]
    fn check(target: &str, status: &str, outcome: Option<&Outcome>) {
        let callback = Callback { path: "/".to_owned(), state: "s".to_owned() };
        let (page, found) = callback.judge(target);
        assert_eq!(page.status.split(' ').next(), Some(status), "{target}");
        assert_eq!(found.as_ref(), outcome, "{target}");
    }

    #[test]
    fn only_the_answer_to_this_sign_in_counts() {
        check("/?code=c&state=s", "200", Some(&Ok("c".to_owned())));
        check("/?code=c&state=other", "400", None);
        check("/?code=c", "400", None);
        check("/?state=s", "400", None);
        check("/favicon.ico", "404", None);
        check(
            "/?error=access_denied&error_description=User+is+not+assigned&state=s",
            "200",
            Some(&Err("the org refused: User is not assigned".to_owned())),
        );
    }

    #[test]
    fn the_address_holds_the_challenge_and_never_the_verifier() {
        let request = Request {
            authorize: Url::parse("https://acme.okta.com/oauth2/v1/authorize").unwrap(),
            client_id: "0oa1",
            scope: "okta.users.read offline_access",
            redirect_uri: "http://localhost:33333",
        };
        let flow = Flow::new(request, &SeededEntropy::new(7));
        let challenge = encoded(digest::digest(&digest::SHA256, flow.code_verifier.expose().as_bytes()));
        let pairs: std::collections::BTreeMap<_, _> = flow.authorize.query_pairs().collect();
        assert_eq!(pairs["code_challenge"], challenge);
        assert_eq!(pairs["redirect_uri"], "http://localhost:33333");
        assert!(flow.code_verifier.expose().len() >= 43);
        assert!(!flow.authorize.as_str().contains(flow.code_verifier.expose().as_str()));
    }
}
