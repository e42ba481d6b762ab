//! Making tokens.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::AuthorizationServer;
use super::custom::Subjects;
use super::directory::{EndUser, Event};
use super::store::{Grant, Subject};

/// Header type of access tokens of the org authorization server (recorded).
const ACCESS_TOKEN_TYPE: &str = "application/okta-internal-at+jwt";

/// Claims of an access token of the org authorization server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    ver: u8,
    pub(super) jti: String,
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) cid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    pub(super) scp: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cnf: Option<Confirmation>,
    /// Claims that a custom server adds.
    #[serde(flatten)]
    custom: Map<String, Value>,
}

/// The key that a token is bound to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub(super) jkt: String,
}

/// What goes with the access token.
#[derive(Debug, Default)]
pub(super) struct Extras<'a> {
    /// The family of refresh tokens that it descends from.
    pub(super) family: Option<String>,
    /// The refresh token to hand out.
    pub(super) refresh_token: Option<String>,
    /// The nonce of the authorization request.
    pub(super) nonce: Option<&'a str>,
}

impl AuthorizationServer {
    /// Issues what a grant is worth, as the answer of the token endpoint.
    pub(super) fn issue(&self, grant: &Grant, user: Option<&EndUser>, extras: Extras<'_>) -> Value {
        let access_token = self.access_token(grant, user, extras.family);
        let mut body = Map::new();
        body.insert("token_type".into(), if grant.jkt.is_some() { "DPoP" } else { "Bearer" }.into());
        body.insert("expires_in".into(), grant.terms.access.num_seconds().into());
        body.insert("access_token".into(), access_token.as_str().into());
        body.insert("scope".into(), grant.scopes.join(" ").into());
        if let Some(token) = extras.refresh_token {
            body.insert("refresh_token".into(), token.into());
        }
        if let (Some(user), Some(subject)) = (user, grant.subject.as_ref().filter(|_| has_scope(grant, "openid"))) {
            body.insert("id_token".into(), self.id_token(grant, user, subject, extras.nonce, &access_token).into());
        }
        self.directory.record(Event {
            name: "app.oauth2.token.grant.access_token",
            display_message: "OIDC access token is granted",
            client_id: grant.client_id.clone(),
            user_id: grant.subject.as_ref().map(|subject| subject.user_id.clone()),
            outcome: Ok(()),
        });
        Value::Object(body)
    }

    fn access_token(&self, grant: &Grant, user: Option<&EndUser>, family: Option<String>) -> String {
        let now = self.now();
        let suffix = family.as_ref().map(|family| format!(".{family}")).unwrap_or_default();
        let mut custom = self.claims_of("RESOURCE", grant, user);
        let own = custom.shift_remove("sub").and_then(|sub| sub.as_str().map(str::to_owned));
        let claims = AccessClaims {
            ver: 1,
            jti: format!("AT.{}{suffix}", self.random_token()),
            iss: self.issuer.clone(),
            aud: self.audience(),
            sub: own.unwrap_or_else(|| user.map_or_else(|| grant.client_id.clone(), |user| user.login.clone())),
            iat: now.timestamp(),
            exp: (now + grant.terms.access).timestamp(),
            cid: grant.client_id.clone(),
            uid: user.map(|user| user.id.clone()),
            scp: grant.scopes.clone(),
            auth_time: grant.subject.as_ref().map(|subject| subject.auth_time.timestamp()),
            cnf: grant.jkt.clone().map(|jkt| Confirmation { jkt }),
            custom,
        };
        self.store.lock().add_access_token(claims.jti.clone(), grant, family, now);
        self.key().sign(self.parent.is_none().then_some(ACCESS_TOKEN_TYPE), &claims)
    }

    /// For whom access tokens are.
    pub(super) fn audience(&self) -> String {
        self.setup().map_or_else(|| self.issuer.clone(), |setup| setup.audience)
    }

    /// The claims that a custom server adds to tokens of a grant.
    fn claims_of(&self, kind: &str, grant: &Grant, user: Option<&EndUser>) -> Map<String, Value> {
        let client = self.directory.client(&grant.client_id).filter(|_| self.parent.is_some());
        let Some(client) = client else { return Map::new() };
        let groups = user.map(|user| self.directory.groups(&user.id)).unwrap_or_default();
        self.custom_claims(kind, &grant.scopes, Subjects { client: &client, user, groups: &groups })
    }

    /// A thin token: with an access token at hand the rest of the profile stays at `/userinfo`.
    fn id_token(
        &self,
        grant: &Grant,
        user: &EndUser,
        subject: &Subject,
        nonce: Option<&str>,
        access_token: &str,
    ) -> String {
        let now = self.now();
        let mut claims = json!({
            "sub": user.id,
            "ver": 1,
            "iss": self.issuer,
            "aud": grant.client_id,
            "iat": now.timestamp(),
            "exp": (now + grant.terms.access).timestamp(),
            "jti": format!("ID.{}", self.random_token()),
            "amr": ["pwd"],
            "idp": self.directory.org_id(),
            "auth_time": subject.auth_time.timestamp(),
            "at_hash": half_hash(access_token),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        if has_scope(grant, "profile") {
            claims["name"] = user.name().into();
            claims["preferred_username"] = user.login.clone().into();
        }
        if has_scope(grant, "email") {
            claims["email"] = user.attribute("email").into();
        }
        if let Value::Object(claims) = &mut claims {
            claims.extend(self.claims_of("IDENTITY", grant, Some(user)));
        }
        self.key().sign(None, &claims)
    }
}

/// Every claim about a user that the scopes open, as `/userinfo` answers.
pub(super) fn profile_claims(user: &EndUser, scopes: &[String]) -> Value {
    const PROFILE: [(&str, &str); 8] = [
        ("given_name", "firstName"),
        ("family_name", "lastName"),
        ("middle_name", "middleName"),
        ("nickname", "nickName"),
        ("profile", "profileUrl"),
        ("zoneinfo", "timezone"),
        ("locale", "locale"),
        ("preferred_username", "login"),
    ];
    let has = |scope: &str| scopes.iter().any(|held| held == scope);
    let mut claims = Map::from_iter([("sub".to_owned(), Value::from(user.id.clone()))]);
    let mut put = |claim: &str, attribute: &str| {
        if let Some(text) = user.attribute(attribute) {
            claims.insert(claim.to_owned(), text.into());
        }
    };
    if has("profile") {
        for (claim, attribute) in PROFILE {
            put(claim, attribute);
        }
    }
    if has("email") {
        put("email", "email");
    }
    if has("phone") {
        put("phone_number", "primaryPhone");
    }
    if has("profile") {
        claims.insert("name".into(), user.name().into());
        claims.insert("updated_at".into(), user.updated_at.into());
    }
    if has("email") {
        claims.insert("email_verified".into(), true.into());
    }
    if has("address") {
        claims.insert("address".into(), address(user));
    }
    Value::Object(claims)
}

fn address(user: &EndUser) -> Value {
    const PARTS: [(&str, &str); 5] = [
        ("street_address", "streetAddress"),
        ("locality", "city"),
        ("region", "state"),
        ("postal_code", "zipCode"),
        ("country", "countryCode"),
    ];
    let part = |(claim, attribute): &(&str, &str)| Some(((*claim).to_owned(), user.attribute(attribute)?.into()));
    Value::Object(PARTS.iter().filter_map(part).collect())
}

fn has_scope(grant: &Grant, scope: &str) -> bool {
    grant.scopes.iter().any(|held| held == scope)
}

/// The left half of a token's SHA-256 (OpenID Connect Core, 3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}
