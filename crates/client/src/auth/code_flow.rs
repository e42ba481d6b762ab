//! The authorization code flow with PKCE, with a listener on a loopback address.
//!
//! # Source
//!
//! RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 8252 section 7.3 (loopback redirection).

use std::fmt;
use std::io;
use std::time::Duration;

use aws_lc_rs::digest;
use oktant_base::{Entropy, Secret};
use tokio::net::TcpListener;
use url::Url;

use super::callback::{self, Page};
use super::dpop::random_id;
use super::key::encoded;
use crate::{Edges, Error};

/// Time a person has to sign in.
const SIGN_IN_TIME: Duration = Duration::from_mins(5);

/// One sign-in, from the address shown to the code received.
pub struct Flow {
    /// Where the person goes.
    pub authorize: Url,
    /// Proves to the token endpoint that the code is ours.
    pub code_verifier: Secret,
    /// As registered in the app and as sent, to the letter.
    pub redirect_uri: String,
    state: String,
}

/// What a sign-in asks for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Address of the authorization endpoint, with parameters of its own if it needs some.
    pub authorize: Url,
    /// Who asks.
    pub client_id: &'a str,
    /// Scopes, separated by blanks.
    pub scope: &'a str,
    /// Where the browser comes back to, as registered.
    pub redirect_uri: &'a str,
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

impl Flow {
    /// Prepares a sign-in, with a fresh verifier and state.
    pub fn new(request: Request<'_>, entropy: &dyn Entropy) -> Self {
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

    /// Shows the address to a person and waits for the code, and for the browser that brings it.
    ///
    /// # Errors
    ///
    /// [`Error::Callback`] if nothing can listen at the callback address, [`Error::SignInFailed`]
    /// if the org refuses or nobody signs in within five minutes.
    pub async fn run(&self, edges: &Edges) -> Result<(Secret, callback::Browser), Error> {
        let org = self.authorize.authority().to_owned();
        let failed = |reason: String| Error::SignInFailed { org: org.clone(), reason };
        let listeners = self.listen().await?;
        let path = self.callback_path();
        edges.browser.open(&self.authorize);
        let (outcome, browser) = tokio::select! {
            answered = callback::serve(listeners, &path, &self.state) => answered,
            () = edges.clock.sleep(SIGN_IN_TIME) => {
                let minutes = SIGN_IN_TIME.as_secs() / 60;
                return Err(failed(format!("nobody signed in within {minutes} minutes")));
            }
        };
        match outcome {
            Ok(code) => Ok((Secret::new(code), browser)),
            Err(reason) => {
                browser.dismiss(Page::REFUSED, &*edges.clock).await;
                Err(failed(reason))
            }
        }
    }

    /// Takes what a person copied from a browser elsewhere: the address that it ended at, or the code alone.
    ///
    /// # Errors
    ///
    /// [`Error::SignInFailed`] if the address holds a refusal, or does not belong to this sign-in.
    pub fn accept(&self, pasted: &str) -> Result<Secret, Error> {
        let failed = |reason: &str| {
            let (org, reason) = (self.authorize.authority().to_owned(), reason.to_owned());
            Err(Error::SignInFailed { org, reason })
        };
        let pasted = pasted.trim();
        if pasted.is_empty() {
            return failed("no code was given");
        }
        let Some((_, query)) = pasted.split_once('?') else { return Ok(Secret::new(pasted.to_owned())) };
        match callback::read(query.split('#').next().unwrap_or_default(), &self.state) {
            Some(Ok(code)) => Ok(Secret::new(code)),
            Some(Err(reason)) => failed(&reason),
            None => failed("the address does not belong to this sign-in"),
        }
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

    fn callback_path(&self) -> String {
        Url::parse(&self.redirect_uri).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

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
    #[test]
    fn a_copied_address_counts_if_it_is_of_this_sign_in() {
        let request = Request {
            authorize: Url::parse("https://login.example.com/authorize?prompt=login").unwrap(),
            client_id: "c",
            scope: "api",
            redirect_uri: "http://localhost:33333",
        };
        let flow = Flow::new(request, &SeededEntropy::new(7));
        let accept = |text: &str| flow.accept(text).map(Secret::into_exposed).map_err(|error| error.to_string());
        let state = &flow.state;
        assert_eq!(accept(&format!(" http://localhost:33333/?code=a%3D%3D&state={state}#_\n")).as_deref(), Ok("a=="));
        assert_eq!(accept("aPrx==").as_deref(), Ok("aPrx=="));
        assert!(accept("http://localhost:33333/?code=a&state=other").unwrap_err().contains("does not belong"));
        let refused = format!("http://localhost:33333/?error=access_denied&state={state}");
        assert!(accept(&refused).unwrap_err().contains("access_denied"));
        assert!(accept("  ").unwrap_err().contains("no code"));
    }
}
