//! How requests of cards reach a service: by HTTP behind the egress guard, or through the Okta client.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use oktant_client::{Call, Edges, Org, Properties, is_segment};
use oktant_engine::{CardError, ErrorKind};
use parking_lot::Mutex;
use url::Url;

use crate::connection::{Auth, Connection, Connections, Live, oauth};
use crate::failure::{body, okta_answer};
use crate::fields::Fields;
use crate::guard::Lookup;
use crate::http::{Patience, Request, Response, wait_before_repeat};
use crate::manifest::Manifest;
use crate::manifest::expression::{Scope, fill_text, text};
use crate::manifest::run::{Prepared, Target, Transport};
use crate::{Error, aws};

/// Time for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that flows may not set: they frame the message.
const RESERVED: &[&str] = &["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/// Over HTTP, to any service.
#[derive(Debug)]
pub(crate) struct HttpTransport<'a> {
    connections: &'a Connections,
    manifest: Option<&'a Manifest>,
    live: Mutex<Option<Live>>,
    settings: BTreeMap<String, String>,
    patience: Patience,
}

impl<'a> HttpTransport<'a> {
    /// For the cards of a manifest, or of plain HTTP where there is none.
    pub(crate) fn new(connections: &'a Connections, manifest: Option<&'a Manifest>, live: Option<Live>) -> Self {
        let settings = live.as_ref().map(|live| live.connection.settings.clone()).unwrap_or_default();
        Self { connections, manifest, live: Mutex::new(live), settings, patience: Patience::default() }
    }

    /// The address of a request. A path is below the base address; a whole address must be on its host.
    fn url(&self, request: &Prepared, live: Option<&Live>) -> Result<Url, CardError> {
        let wrong = |problem: String| CardError::new(ErrorKind::Input, problem);
        let settings = live.map_or(&self.settings, |live| &live.connection.settings);
        let base = self.manifest.map(|manifest| base_of(manifest, settings)).transpose()?.flatten();
        let mut url = match (&request.target, base) {
            (Target::Url(url), None) | (Target::Own(url), _) => url.clone(),
            (Target::Url(url), Some(base)) if url.origin() == base.origin() => url.clone(),
            (Target::Url(url), Some(base)) => {
                return Err(wrong(format!("{} is not on {}", url.authority(), base.authority())));
            }
            (Target::Path(path), Some(base)) => {
                join(&base, path).ok_or_else(|| wrong(format!("\"{path}\" is no path")))?
            }
            (Target::Path(path), None) => {
                return Err(wrong(format!("\"{path}\" is no address: it begins with https://")));
            }
            (Target::Operation(name, _), _) => return Err(wrong(format!("operation {name} needs an Okta connection"))),
        };
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    /// Whether the connection's credentials may go to this address: one of its setting `hosts`, or without that the
    /// service's own addresses.
    fn check_host(&self, target: &Target, url: &Url, live: &Live) -> Result<(), CardError> {
        let connection = &live.connection;
        let (host, authority, name) = (url.host_str().unwrap_or_default(), url.authority(), &connection.name);
        let foreign = |hosts: &str| {
            CardError::new(ErrorKind::Input, format!("connection \"{name}\" is for {hosts}, not for {authority}"))
        };
        if let Some(hosts) = connection.setting("hosts") {
            let is_it =
                |known: &str| known == "*" || known.eq_ignore_ascii_case(host) || known.eq_ignore_ascii_case(authority);
            return if words(hosts).any(is_it) { Ok(()) } else { Err(foreign(hosts)) };
        }
        let of_manifest = self.manifest.is_some_and(|manifest| manifest.id == connection.connector);
        if connection.auth == Auth::None || (of_manifest && matches!(target, Target::Own(_))) {
            return Ok(());
        }
        let known = own_addresses(connection)?;
        if known.iter().any(|known| known.origin() == url.origin()) {
            return Ok(());
        }
        if known.is_empty() {
            return Err(without_hosts(name).into());
        }
        Err(foreign(&known.iter().map(Url::authority).collect::<Vec<_>>().join(", ")))
    }

    fn request(&self, prepared: &Prepared, live: Option<&Live>) -> Result<Request, CardError> {
        let url = self.url(prepared, live)?;
        let method = Method::from_bytes(prepared.method.as_bytes())
            .map_err(|_| CardError::new(ErrorKind::Input, format!("\"{}\" is no method", prepared.method)))?;
        let mut request = Request::new(method, url, TIMEOUT);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        if let Some((media_type, content)) = &prepared.body {
            request.headers.insert(CONTENT_TYPE, header_value(media_type)?);
            request.body = Some(content.clone());
        }
        if let Some(manifest) = self.manifest {
            let none = Fields::new();
            let scope = Scope { options: &none, inputs: &none, settings: &self.settings, variables: BTreeMap::new() };
            for (name, template) in &manifest.headers {
                request.headers.insert(header_name(name)?, header_value(&fill_text(template, &scope, |value| value)?)?);
            }
        }
        for (name, value) in &prepared.headers {
            let name = header_name(name)?;
            if !RESERVED.contains(&name.as_str()) {
                request.headers.insert(name, header_value(value)?);
            }
        }
        if let Some(live) = live {
            self.check_host(&prepared.target, &request.url, live)?;
            request.credentials = match live.connection.auth {
                Auth::AwsKeys => aws::sign(live, &request, self.connections.edges().clock.now())?,
                _ => live.credentials()?,
            };
        }
        Ok(request)
    }

    /// Whether the answer says that the access token has ended.
    fn is_token_refused(&self, response: &Response) -> bool {
        if response.status == 401 {
            return true;
        }
        let Some(manifest) = self.manifest.filter(|manifest| !manifest.errors.token_codes.is_empty()) else {
            return false;
        };
        self.error_code(manifest, response).is_some_and(|code| manifest.errors.token_codes.contains(&code))
    }

    fn error_code(&self, manifest: &Manifest, response: &Response) -> Option<String> {
        let none = Fields::new();
        let variables = BTreeMap::from([("body".to_owned(), body(response))]);
        let scope = Scope { options: &none, inputs: &none, settings: &self.settings, variables };
        scope.value(&manifest.errors.code).ok().map(|code| text(&code)).filter(|code| !code.is_empty())
    }

    /// Whether the service's own code says that trying again helps.
    fn is_worth_repeating(&self, response: &Response) -> bool {
        let Some(manifest) = self.manifest.filter(|manifest| !manifest.errors.retry_codes.is_empty()) else {
            return false;
        };
        !response.is_success()
            && self.retry_after(response).is_none()
            && self.error_code(manifest, response).is_some_and(|code| manifest.errors.retry_codes.contains(&code))
    }
}

#[async_trait]
impl Transport for HttpTransport<'_> {
    async fn send(&self, prepared: &Prepared) -> Result<Response, CardError> {
        let clock = &self.connections.edges().clock;
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let live = self.live.lock().clone();
            let request = self.request(prepared, live.as_ref())?;
            let outcome = self.connections.http().send(request).await;
            if let (Ok(response), Some(live), false) = (&outcome, &live, renewed)
                && self.is_token_refused(response)
                && live.connection.auth.has_tokens()
            {
                renewed = true;
                *self.live.lock() = Some(self.connections.renew(live).await?);
                continue;
            }
            let wait = wait_before_repeat(&outcome, prepared.repeatable, attempt, self.patience, &**clock);
            let own = outcome.as_ref().is_ok_and(|response| self.is_worth_repeating(response));
            let may_repeat = own && attempt < self.patience.attempts;
            match wait.or_else(|| may_repeat.then(|| Duration::from_millis(500) * attempt)) {
                Some(wait) => clock.sleep(wait).await,
                None => return Ok(outcome?),
            }
        }
    }

    fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    fn retry_after(&self, response: &Response) -> Option<Duration> {
        response.retry_after(self.connections.edges().clock.now())
    }
}

/// The base address of a manifest, with the settings of a connection; none if it has none.
fn base_of(manifest: &Manifest, settings: &BTreeMap<String, String>) -> Result<Option<Url>, Error> {
    if manifest.base_url.is_empty() {
        return Ok(None);
    }
    let none = Fields::new();
    let scope = Scope { options: &none, inputs: &none, settings, variables: BTreeMap::new() };
    let hint = "make the connection again with --replace, and give what its address is made of";
    let base = fill_text(&manifest.base_url, &scope, |value| value);
    let base = base.map_err(|wrong| Error::setting(wrong.to_string(), hint))?;
    let url = Url::parse(&base).map_err(|error| {
        Error::setting(format!("the base address \"{base}\" of the connection cannot be read: {error}"), hint)
    });
    url.map(Some)
}

/// Where the secrets of a connection to no service in particular may go: what its setting `hosts` names, or else the
/// addresses that it leads to itself.
pub(crate) fn reach(connection: &Connection) -> Result<Vec<String>, Error> {
    let Some(hosts) = connection.setting("hosts") else {
        let known: Vec<_> = own_addresses(connection)?.iter().map(|url| url.authority().to_owned()).collect();
        let needs = connection.auth != Auth::None && known.is_empty();
        return if needs { Err(without_hosts(&connection.name)) } else { Ok(known) };
    };
    if let Some(word) = words(hosts).find(|word| word.contains('/')) {
        let problem = format!("\"{word}\" in hosts is no host");
        return Err(Error::setting(problem, "name hosts, with or without a port: api.example.com:8443"));
    }
    Ok(words(hosts).map(str::to_owned).collect())
}

/// The hosts of a setting.
fn words(hosts: &str) -> impl Iterator<Item = &str> {
    hosts.split([',', ' ']).filter(|word| !word.is_empty())
}

fn without_hosts(name: &str) -> Error {
    let problem = format!("connection \"{name}\" does not say which hosts its secrets may go to");
    let hint = "give --set hosts=HOST,HOST (and --replace for one that is there); `*` is wherever a flow says";
    Error::setting(problem, hint)
}

/// The addresses that a connection itself leads to: those of its service, and of the token endpoint.
fn own_addresses(connection: &Connection) -> Result<Vec<Url>, Error> {
    let manifest = Manifest::own().get(&connection.connector);
    let base = manifest.map(|manifest| base_of(manifest, &connection.settings)).transpose()?.flatten();
    let settings = ["instance_url", "token_url"].into_iter().filter_map(|name| connection.setting(name));
    let mut known: Vec<Url> = base.into_iter().chain(settings.filter_map(|url| Url::parse(url).ok())).collect();
    if connection.connector == "okta" {
        known.extend(org_url(connection).ok());
    }
    known.dedup_by_key(|url| url.origin());
    Ok(known)
}

/// A path below a base address, which may have a path of its own; an absolute path of an API stays absolute.
fn join(base: &Url, path: &str) -> Option<Url> {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if path.split(['/', '\\']).any(|segment| matches!(segment, "." | "..")) {
        return None;
    }
    let own = base.path().trim_end_matches('/');
    let path = path.trim_start_matches('/');
    // A path that repeats where the base begins, such as /services/data/…, is meant from the root.
    let first = own.trim_start_matches('/').split('/').next().unwrap_or_default();
    let from_root = !first.is_empty() && path.split('/').next() == Some(first);
    let mut url = base.clone();
    url.set_path(&if from_root { format!("/{path}") } else { format!("{own}/{path}") });
    url.set_query(query.filter(|query| !query.is_empty()));
    Some(url)
}

fn header_name(name: &str) -> Result<HeaderName, CardError> {
    name.parse().map_err(|_| CardError::new(ErrorKind::Input, format!("\"{name}\" is no name of a header")))
}

fn header_value(value: &str) -> Result<HeaderValue, CardError> {
    HeaderValue::from_str(value)
        .map_err(|_| CardError::new(ErrorKind::Input, "a header's value holds a line break or the like"))
}

/// Open orgs, by connection and version.
#[derive(Debug, Default)]
pub(crate) struct Orgs(Mutex<HashMap<String, (Live, Org)>>);

impl Orgs {
    /// The org of a connection.
    pub(crate) async fn open(&self, connections: &Connections, live: &Live) -> Result<Org, Error> {
        let same = |known: &Live| {
            known.connection.version == live.connection.version
                && known.secrets.get("access_token") == live.secrets.get("access_token")
        };
        if let Some((known, org)) = self.0.lock().get(&live.connection.id)
            && same(known)
        {
            return Ok(org.clone());
        }
        let org = connect(live, connections).await?;
        self.0.lock().insert(live.connection.id.clone(), (live.clone(), org.clone()));
        Ok(org)
    }
}

/// The address of the org that a connection leads to.
pub(crate) fn org_url(connection: &Connection) -> Result<Url, Error> {
    let domain = connection.required("domain")?;
    let given = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
    Url::parse(&given)
        .map_err(|error| Error::setting(format!("domain {domain} cannot be read: {error}"), "give the org's host name"))
}

/// Opens an org with the credentials of a connection; its address is checked by the guard.
async fn connect(live: &Live, connections: &Connections) -> Result<Org, Error> {
    let connection = &live.connection;
    let url = org_url(connection)?;
    check_org(connections, &url).await?;
    let mut pairs = vec![("BaseURL".to_owned(), url.origin().ascii_serialization())];
    let mut pair = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
    match connection.auth {
        Auth::OktaToken => pair("APIToken", live.secret("token")?.expose()),
        Auth::OktaService => {
            pair("AuthScheme", "OAuthJWT");
            pair("OAuthClientId", connection.required("client_id")?);
            pair("OAuthJWTCert", live.secret("private_key")?.expose());
            pair("Scope", connection.setting("scope").unwrap_or("ReadWrite"));
            if let Some(key_id) = connection.setting("key_id") {
                pair("OAuthJWTKeyId", key_id);
            }
        }
        Auth::OauthCode | Auth::OauthClient | Auth::OauthJwt => {
            pair("AuthScheme", "OAuth");
            pair("OAuthAccessToken", live.secret("access_token")?.expose());
        }
        _ => {
            return Err(Error::setting(
                format!("connection \"{}\" is none of an Okta org", connection.name),
                "make one with `oktant connect okta`",
            ));
        }
    }
    let properties = Properties::from_pairs(pairs).map_err(oktant_client::Error::from)?;
    let edges = Edges { layers: Vec::new(), cache: None, ..connections.edges().clone() };
    Ok(Org::connect(&properties, edges).await?)
}

/// The org's address is given by whoever makes the connection, never by a flow; its certificate stands against a
/// name that changes its address.
async fn check_org(connections: &Connections, url: &Url) -> Result<(), Error> {
    let http = connections.http();
    http.guard().check_url(url)?;
    let lookup: &dyn Lookup = http.lookup();
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(443));
    http.guard().addresses(host, port, lookup).await?;
    Ok(())
}

/// Through the Okta client, which keeps rate limits, repeats, and signs.
pub(crate) struct OktaTransport<'a> {
    connections: &'a Connections,
    orgs: &'a Orgs,
    live: Mutex<Live>,
    settings: BTreeMap<String, String>,
}

impl<'a> OktaTransport<'a> {
    pub(crate) fn new(connections: &'a Connections, orgs: &'a Orgs, live: Live) -> Self {
        let settings = live.connection.settings.clone();
        Self { connections, orgs, live: Mutex::new(live), settings }
    }

    async fn send_once(&self, prepared: &Prepared) -> Result<Response, CardError> {
        let live = self.live.lock().clone();
        let org = match self.orgs.open(self.connections, &live).await {
            Ok(org) => org,
            // Whatever stands in the way of the org, the card's own request was not sent.
            Err(error) => {
                let error = self.failed(&live, error).await;
                let is_unknown = error.kind == ErrorKind::OutcomeUnknown;
                return Err(CardError { kind: if is_unknown { ErrorKind::Unavailable } else { error.kind }, ..error });
            }
        };
        match org.send(call(prepared, &org).map_err(Error::Okta)?).await {
            Ok(reply) => Ok(Response { status: reply.status, headers: reply.headers, body: reply.body }),
            Err(oktant_client::Error::Api(error)) => Ok(okta_answer(&error)),
            Err(error) => Err(self.failed(&live, error.into()).await),
        }
    }

    /// An error as the card's. If it says that the app's key is taken no more, the connection is broken.
    async fn failed(&self, live: &Live, error: Error) -> CardError {
        if live.connection.auth == Auth::OktaService
            && oauth::is_final(&error)
            && let Err(broken) = self.connections.give_up(live, &error.to_string()).await
        {
            return broken.into();
        }
        error.into()
    }
}

/// Whether an org takes the credentials of a connection no more. It answers 401 also for what a request holds, such as
/// the password of a user.
///
/// # Source
///
/// Okta developer reference, error codes: E0000011, "Invalid token provided".
fn are_refused(live: &Live, response: &Response) -> bool {
    let is_token = || body(response)["errorCode"] == "E0000011";
    response.status == 401
        && (live.connection.auth.has_tokens() || (live.connection.auth == Auth::OktaToken && is_token()))
}

fn argument(operation: &str, problem: String) -> oktant_client::Error {
    oktant_client::Error::Argument { operation: operation.to_owned(), problem, hint: None }
}

/// The call of a request. A whole address must be on the org.
fn call(prepared: &Prepared, org: &Org) -> Result<Call, oktant_client::Error> {
    let mut call = match &prepared.target {
        Target::Operation(name, arguments) => {
            let mut call = Call::operation(name)?;
            for (name, value) in arguments {
                if !is_segment(value) {
                    return Err(argument(name, format!("it cannot be \"{value}\"")));
                }
                call = call.arg(name, value.clone())?;
            }
            call
        }
        Target::Path(path) => Call::path(&prepared.method, &format!("/{}", path.trim_start_matches('/')))?,
        Target::Url(url) if url.origin() == org.properties().org.origin() => {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            Call::path(&prepared.method, &format!("{}{query}", url.path()))?
        }
        Target::Url(url) | Target::Own(url) => {
            let mut shown = url.clone();
            shown.set_query(None);
            let org = org.properties().org.authority().to_owned();
            return Err(oktant_client::Error::ForeignHost { url: shown.to_string(), org });
        }
    };
    for (name, value) in &prepared.query {
        call = call.query(name, value.clone());
    }
    for (name, value) in &prepared.headers {
        call = call.header(name, value.clone());
    }
    if let Some((media_type, content)) = &prepared.body {
        call = call.body(media_type, content.clone());
    }
    Ok(call)
}

#[async_trait]
impl Transport for OktaTransport<'_> {
    async fn send(&self, prepared: &Prepared) -> Result<Response, CardError> {
        let first = self.live.lock().clone();
        let response = self.send_once(prepared).await?;
        if !are_refused(&first, &response) {
            return Ok(response);
        }
        tracing::debug!(status = response.status, "the credentials are renewed, or the connection is broken");
        let live = self.connections.renew(&first).await?;
        *self.live.lock() = live;
        self.send_once(prepared).await
    }

    fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    fn retry_after(&self, response: &Response) -> Option<Duration> {
        response.retry_after(self.connections.edges().clock.now())
    }
}

impl std::fmt::Debug for OktaTransport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OktaTransport").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_the_base_address() {
        let join = |base: &str, path: &str| join(&Url::parse(base).unwrap(), path).map(|url| url.to_string());
        let sf = "https://acme.my.salesforce.com/services/data/v62.0";
        assert_eq!(
            join(sf, "/sobjects/User").as_deref(),
            Some("https://acme.my.salesforce.com/services/data/v62.0/sobjects/User")
        );
        assert_eq!(
            join(sf, "/services/data/v60.0/limits").as_deref(),
            Some("https://acme.my.salesforce.com/services/data/v60.0/limits")
        );
        assert_eq!(join("https://a.example", "x/y?z=1").as_deref(), Some("https://a.example/x/y?z=1"));
        assert_eq!(join(sf, "../../x"), None);
    }
}
