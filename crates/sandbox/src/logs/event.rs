//! One event as JSON, in the order of keys that the service has.

use http::header;
use oktant_base::{Entropy, Timestamp};
use serde_json::{Value, json};

use super::kind::Kind;
use super::target::Target;
use crate::http::{Call, Principal};
use crate::org::uuid;
use crate::store::{Store, with_millis};

/// Address of every caller: the sandbox listens on loopback only.
const ADDRESS: &str = "127.0.0.1";

/// Where an event comes from.
pub(super) enum Origin<'a> {
    /// A request.
    Call(&'a Call<'a>),
    /// Background work that a request set off.
    Job(&'a Call<'a>),
}

impl<'a> Origin<'a> {
    fn call(&self) -> &'a Call<'a> {
        match self {
            Self::Call(call) | Self::Job(call) => call,
        }
    }
}

/// Who makes a call.
pub(super) fn actor(store: &Store, call: &Call<'_>) -> Target {
    let user = call.principal.user().and_then(|id| store.users.by_id(id)).map(Target::user);
    user.unwrap_or_else(|| match &call.principal {
        Principal::AccessToken { client, .. } => Target::named("PublicClientApp", client, client),
        Principal::ApiToken { .. } | Principal::Anonymous => Target::system(),
    })
}

/// An event as the log serves it.
pub(super) fn event(origin: &Origin<'_>, kind: Kind, actor: &Target, targets: &[Target]) -> Value {
    let call = origin.call();
    let agent = call.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("Unknown");
    let query: String = form_query(call);
    let token = match &call.principal {
        Principal::ApiToken { token, .. } => json!({ "requestApiTokenId": token.as_str() }),
        Principal::Anonymous | Principal::AccessToken { .. } => json!({}),
    };
    let transaction = match origin {
        Origin::Call(_) => json!({ "type": "WEB", "id": call.request_id, "detail": token }),
        Origin::Job(_) => json!({ "type": "JOB", "id": call.request_id, "detail": {} }),
    };
    let debug =
        json!({ "requestId": call.request_id, "requestUri": call.path, "url": format!("{}{query}", call.path) });
    layout(&Parts {
        actor,
        agent,
        kind,
        published: call.now,
        debug,
        transaction,
        targets,
        uuid: uuid(call.org.entropy.as_ref()),
        session: format!("trs{}", &call.request_id[..22]),
    })
}

/// An event without a request: what the generator puts into the log.
pub(crate) fn system_event(kind: Kind, actor: &Target, published: Timestamp, entropy: &dyn Entropy) -> Value {
    let uuid = uuid(entropy);
    let request = uuid.replace('-', "");
    layout(&Parts {
        actor,
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        kind,
        published,
        debug: json!({ "requestId": request, "requestUri": "/api/v1/authn", "url": "/api/v1/authn?" }),
        transaction: json!({ "type": "WEB", "id": request, "detail": {} }),
        targets: &[],
        session: format!("102{}", &request[..22]),
        uuid,
    })
}

struct Parts<'a> {
    actor: &'a Target,
    agent: &'a str,
    kind: Kind,
    published: Timestamp,
    debug: Value,
    transaction: Value,
    targets: &'a [Target],
    uuid: String,
    session: String,
}

fn layout(parts: &Parts<'_>) -> Value {
    let targets: Vec<_> = parts.targets.iter().map(Target::to_json).collect();
    let (os, browser) = if parts.agent.contains("Firefox") { ("Linux", "FIREFOX") } else { ("Unknown", "UNKNOWN") };
    json!({
        "actor": parts.actor.to_json(),
        "client": {
            "userAgent": { "rawUserAgent": parts.agent, "os": os, "browser": browser },
            "zone": "null",
            "device": if os == "Linux" { "Computer" } else { "Unknown" },
            "id": null,
            "ipAddress": ADDRESS,
            "geographicalContext": null,
        },
        "device": null,
        "authenticationContext": {
            "authenticationProvider": null,
            "credentialProvider": null,
            "credentialType": null,
            "issuer": null,
            "interface": null,
            "authenticationStep": 0,
            "rootSessionId": parts.session,
            "externalSessionId": parts.session,
        },
        "displayMessage": parts.kind.message,
        "eventType": parts.kind.event_type,
        "outcome": { "result": "SUCCESS", "reason": null },
        "published": with_millis(parts.published),
        "securityContext": {
            "asNumber": null, "asOrg": null, "isp": null, "domain": null, "isProxy": null, "ipDetails": null,
            "risk": null, "userBehaviors": [],
        },
        "severity": "INFO",
        "debugContext": { "debugData": parts.debug },
        "legacyEventType": parts.kind.legacy,
        "transaction": parts.transaction,
        "uuid": parts.uuid,
        "version": "0",
        "request": { "ipChain": [{ "ip": ADDRESS, "geographicalContext": null, "version": "V4", "source": null }] },
        "target": if targets.is_empty() { Value::Null } else { Value::from(targets) },
    })
}

/// The query as the log shows it: always with its question mark.
fn form_query(call: &Call<'_>) -> String {
    let pairs: Vec<_> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("?{}", pairs.join("&"))
}
