//! Credentials: what a request needs to be let in, and how it is had and renewed.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use oktant_base::{SANDBOX_CLIENT_ID, Secret, Timestamp};
use url::Url;

mod browser;
mod callback;
mod code_flow;
mod dpop;
mod key;
mod session;
mod signer;
mod store;
mod token;

pub use browser::{Browser, SystemBrowser};
pub use callback::{Browser as WaitingBrowser, Page as SignInPage};
pub use code_flow::{Flow as CodeFlow, Request as CodeRequest};
pub(crate) use key::check_key;
pub use key::sign_jwt;
pub use signer::Signer;

use self::dpop::{Audience, Dpop, wants_nonce};
use self::key::SigningKey;
use self::session::{Person, Service, Session, Source};
use self::signer::AssertionKey;
use self::store::Store;
use self::token::{ClientAuthentication, Token, TokenEndpoint, header_value};
use crate::http::skew::Skew;
use crate::http::{Answer, Transport};
use crate::properties::{AuthScheme, InitiateOAuth, SignIn, is_loopback};
use crate::{Edges, Error, Properties};

const AUTHORIZE_PATH: &str = "/oauth2/v1/authorize";

/// What a refresh token and an id token are granted for.
const SESSION_SCOPES: &str = "openid offline_access";

/// Lets requests in.
#[derive(Debug)]
pub(crate) enum Authenticator {
    ApiToken(HeaderValue),
    OAuth { session: Arc<Session>, edges: Edges, skew: Arc<Skew> },
}

/// What one request carries.
pub(crate) struct Authorization {
    pub(crate) headers: HeaderMap,
    /// The access token among them, to be named when it is refused.
    pub(crate) token: Option<Secret>,
}

/// Prepares the credentials that `properties` name; a stored sign-in is looked up and, if need
/// be and allowed, made now.
pub(crate) async fn connect(
    properties: &Properties,
    edges: &Edges,
    transport: &Arc<Transport>,
    skew: &Arc<Skew>,
) -> Result<Authenticator, Error> {
    let sign_in = &properties.sign_in;
    if sign_in.scheme == AuthScheme::ApiToken {
        let token = sign_in.api_token.clone().unwrap_or_default();
        return Ok(Authenticator::ApiToken(credential("SSWS", &token)?));
    }
    let source = source(properties, edges, transport, skew)?;
    let session = Arc::new(Session::new(source, sign_in.renewal_offset, edges.clone()));
    session.open().await?;
    Ok(Authenticator::OAuth { session, edges: edges.clone(), skew: skew.clone() })
}

/// The address to visit on another machine; the code it leads to goes into `OAuthVerifier`.
pub(crate) async fn authorization_url(
    properties: &Properties,
    edges: &Edges,
    transport: &Arc<Transport>,
    skew: &Arc<Skew>,
) -> Result<Url, Error> {
    person(properties, edges, transport, skew)?.begin(edges).await
}

fn source(
    properties: &Properties,
    edges: &Edges,
    transport: &Arc<Transport>,
    skew: &Arc<Skew>,
) -> Result<Source, Error> {
    let sign_in = &properties.sign_in;
    if sign_in.scheme == AuthScheme::OAuthJwt {
        let endpoint = endpoint(properties, edges, transport, skew, client_id(properties, edges, None))?;
        let dpop = if sign_in.dpop { Some(Dpop::new(SigningKey::generate()?.0)?) } else { None };
        return Ok(Source::Service(Box::new(Service { endpoint, scope: scope(sign_in, ""), dpop })));
    }
    match (sign_in.initiate, &sign_in.access_token) {
        (InitiateOAuth::Off, Some(access)) => Ok(Source::Given(Token {
            access: access.clone(),
            bound: false,
            issued_at: Timestamp::from_timestamp_millis(sign_in.token_timestamp_ms.unwrap_or(0)).unwrap_or_default(),
            life: None,
        })),
        _ => Ok(Source::Person(Box::new(person(properties, edges, transport, skew)?))),
    }
}

fn person(
    properties: &Properties,
    edges: &Edges,
    transport: &Arc<Transport>,
    skew: &Arc<Skew>,
) -> Result<Person, Error> {
    let sign_in = &properties.sign_in;
    let domain = properties.org.authority().to_owned();
    let store = Store::open(sign_in.settings_location.as_deref(), &domain)?;
    let stored = store.read()?.map(|record| record.client_id);
    Ok(Person {
        endpoint: endpoint(properties, edges, transport, skew, client_id(properties, edges, stored))?,
        scheme: if sign_in.scheme == AuthScheme::OAuthPkce { "OAuthPKCE" } else { "OAuth" },
        scope: scope(sign_in, SESSION_SCOPES),
        authorize: transport.url(AUTHORIZE_PATH),
        anew: sign_in.anew.into(),
        sign_in: sign_in.clone(),
        dpop: parking_lot::Mutex::default(),
        store,
        domain,
    })
}

fn endpoint(
    properties: &Properties,
    edges: &Edges,
    transport: &Arc<Transport>,
    skew: &Arc<Skew>,
    client_id: String,
) -> Result<TokenEndpoint, Error> {
    let sign_in = &properties.sign_in;
    let secret = sign_in.client_secret.clone().or_else(|| variable(edges, "OKTA_CLIENT_CLIENTSECRET").map(Secret::new));
    let authentication = match (sign_in.scheme, secret) {
        (AuthScheme::OAuthJwt, _) => ClientAuthentication::Assertion {
            key: match &sign_in.signer {
                Some(signer) => AssertionKey::Elsewhere(signer.clone()),
                None => AssertionKey::Own(SigningKey::of(sign_in)?),
            },
            issuer: sign_in.issuer.clone().unwrap_or_else(|| client_id.clone()),
            subject: sign_in.subject.clone().unwrap_or_else(|| client_id.clone()),
        },
        (AuthScheme::OAuth, Some(secret)) => ClientAuthentication::Secret(secret),
        _ => ClientAuthentication::None,
    };
    Ok(TokenEndpoint {
        transport: transport.clone(),
        edges: edges.clone(),
        skew: skew.clone(),
        retries: properties.network.retries,
        backoff_max: properties.network.backoff_max,
        client_id,
        authentication,
    })
}

/// The client id: that of the properties, else of the store, else of the environment, else of every
/// sandbox org; empty for none.
fn client_id(properties: &Properties, edges: &Edges, stored: Option<String>) -> String {
    let stored = stored.filter(|id| !id.is_empty());
    let given = properties.sign_in.client_id.clone().or(stored).or_else(|| variable(edges, "OKTA_CLIENT_CLIENTID"));
    let built_in = || if is_loopback(&properties.org) { SANDBOX_CLIENT_ID } else { "" }.to_owned();
    given.unwrap_or_else(built_in)
}

/// An environment variable of Okta's own clients.
fn variable(edges: &Edges, name: &str) -> Option<String> {
    edges.variables.get(name).filter(|value| !value.is_empty()).cloned()
}

/// The scopes to ask for: those named, else what reading every table needs.
fn scope(sign_in: &SignIn, session_scopes: &str) -> String {
    let read = || {
        let scopes = oktant_catalog::tables().iter().flat_map(|table| table.scopes).copied();
        scopes.collect::<std::collections::BTreeSet<_>>()
    };
    let words: Vec<String> = match sign_in.scope.as_deref() {
        Some(scope) if scope.eq_ignore_ascii_case("ReadWrite") => {
            let manage = |scope: &&str| scope.strip_suffix(".read").map(|resource| format!("{resource}.manage"));
            let read = read();
            read.iter().filter_map(manage).chain(read.iter().map(|scope| (*scope).to_owned())).collect()
        }
        Some(scope) => return scope.split([' ', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
        None => read().into_iter().map(ToOwned::to_owned).collect(),
    };
    format!("{} {session_scopes}", words.join(" ")).trim().to_owned()
}

fn credential(scheme: &str, token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = header_value(&format!("{scheme} {}", token.expose()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Authenticator {
    /// Where a person's tokens are kept, if they are.
    pub(crate) fn store_location(&self) -> Option<String> {
        match self {
            Self::ApiToken(_) => None,
            Self::OAuth { session, .. } => session.store_location(),
        }
    }

    /// The headers that let one request in; waits for a new token if the present one is about to end.
    pub(crate) async fn authorize(&self, method: &str, url: &Url) -> Result<Authorization, Error> {
        let mut headers = HeaderMap::new();
        let (session, edges, skew) = match self {
            Self::ApiToken(credential) => {
                headers.insert(AUTHORIZATION, credential.clone());
                return Ok(Authorization { headers, token: None });
            }
            Self::OAuth { session, edges, skew } => (session, edges, skew),
        };
        let token = session.token().await?;
        let scheme = if token.bound { "DPoP" } else { "Bearer" };
        headers.insert(AUTHORIZATION, credential(scheme, &token.access)?);
        if token.bound {
            let now = skew.server_time(edges.clock.now());
            let proof = session
                .dpop(|dpop| dpop.proof(Audience::Api, method, url, Some(&token.access), now, &*edges.entropy))
                .transpose()?;
            if let Some(proof) = proof {
                headers.insert("dpop", header_value(&proof)?);
                headers.insert("x-okta-user-agent-extended", HeaderValue::from_static("isDPoP:true"));
            }
        }
        Ok(Authorization { headers, token: Some(token.access) })
    }

    /// Takes up a nonce. `true` if the answer refused for the lack of it and the request may be repeated.
    pub(crate) fn takes_nonce(&self, answer: &Answer) -> bool {
        let Self::OAuth { session, .. } = self else { return false };
        session.dpop(|dpop| dpop.learn(Audience::Api, answer)).is_some() && wants_nonce(answer)
    }

    /// Replaces an access token that the org refused. `false` if there is no other one to be had.
    pub(crate) async fn renew(&self, refused: &Secret) -> Result<bool, Error> {
        match self {
            Self::ApiToken(_) => Ok(false),
            Self::OAuth { session, .. } => session.renew(refused).await,
        }
    }

    /// Who requests are made as, for what must not be mixed up between credentials; never shown.
    pub(crate) fn identity(&self) -> Secret {
        match self {
            Self::ApiToken(credential) => Secret::new(String::from_utf8_lossy(credential.as_bytes()).into_owned()),
            Self::OAuth { session, .. } => session.identity(),
        }
    }

    pub(crate) const fn is_api_token(&self) -> bool {
        matches!(self, Self::ApiToken(_))
    }
}
