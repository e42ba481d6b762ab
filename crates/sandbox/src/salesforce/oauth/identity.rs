//! Who a token belongs to, and what the org says of itself.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Request, Response, SCOPES};
use crate::salesforce::id::Id;
use crate::salesforce::org::Org;
use crate::salesforce::store::{Row, parse_time};

/// The user of the request's token.
fn user(request: &Request<'_>) -> Result<Id, Response> {
    let refuse = |why: &str| Response::text(StatusCode::FORBIDDEN, "text/html;charset=UTF-8", why.to_owned());
    let token =
        request.bearer().or_else(|| request.params.get("access_token")).or_else(|| request.params.get("oauth_token"));
    let token = token.ok_or_else(|| refuse("Missing_OAuth_Token"))?;
    let org = request.org;
    let session = org.grants.lock().session(token, org.now(), org.lifetime());
    session.map(|session| session.user).ok_or_else(|| refuse("Bad_OAuth_Token"))
}

/// `GET /id/{org}/{user}`.
pub(in super::super) fn identity(request: &Request<'_>, org_id: &str, user_id: &str) -> Response {
    let caller = match user(request) {
        Ok(user) => user,
        Err(response) => return response,
    };
    let refuse = |why: &str| Response::text(StatusCode::FORBIDDEN, "text/html;charset=UTF-8", why.to_owned());
    let org = request.org;
    if Id::parse(org_id) != Some(org.id) {
        return refuse("Wrong_Org");
    }
    let store = org.store.lock();
    let Some(row) = Id::parse(user_id).filter(|id| *id == caller).and_then(|id| store.get("User", id)) else {
        return refuse("Bad_Id");
    };
    let text = |field: &str| row.get(field).clone();
    let url = org.identity_url(row.id);
    let body = json!({
        "id": url, "asserted_user": true, "user_id": row.id.as_str(), "organization_id": org.id.as_str(),
        "username": text("Username"), "nick_name": text("CommunityNickname"), "display_name": text("Name"),
        "email": text("Email"), "email_verified": true, "first_name": text("FirstName"), "last_name": text("LastName"),
        "timezone": text("TimeZoneSidKey"), "photos": photos(org), "addr_street": text("Street"), "addr_city": text("City"),
        "addr_state": text("State"), "addr_country": text("Country"), "addr_zip": text("PostalCode"),
        "mobile_phone": text("MobilePhone"), "mobile_phone_verified": false, "is_lightning_login_user": false,
        "status": { "created_date": null, "body": null }, "urls": urls(org, row.id), "active": row.flag("IsActive"),
        "user_type": user_type(row), "language": text("LanguageLocaleKey"), "locale": text("LocaleSidKey"), "utcOffset": offset(org, row),
        "last_modified_date": text("LastModifiedDate"), "is_app_installed": true,
    });
    Response::json(StatusCode::OK, &body)
}

/// `GET` or `POST /services/oauth2/userinfo`.
pub(in super::super) fn userinfo(request: &Request<'_>) -> Response {
    let id = match user(request) {
        Ok(user) => user,
        Err(response) => return response,
    };
    let org = request.org;
    let store = org.store.lock();
    let Some(row) = store.get("User", id) else {
        return Response::text(StatusCode::FORBIDDEN, "text/html;charset=UTF-8", "Bad_OAuth_Token".to_owned());
    };
    let text = |field: &str| row.get(field).clone();
    let body = json!({
        "sub": org.identity_url(id), "user_id": id.as_str(), "organization_id": org.id.as_str(),
        "preferred_username": text("Username"), "nickname": text("CommunityNickname"), "name": text("Name"),
        "email": text("Email"), "email_verified": true, "given_name": text("FirstName"), "family_name": text("LastName"),
        "zoneinfo": text("TimeZoneSidKey"), "photos": photos(org), "profile": format!("{}/{id}", org.url),
        "picture": format!("{}/profilephoto/005/F", org.url),
        "address": {
            "street_address": text("Street"), "locality": text("City"), "region": text("State"), "country": text("Country"),
            "postal_code": text("PostalCode"),
        },
        "urls": urls(org, id), "active": row.flag("IsActive"), "user_type": user_type(row), "language": text("LanguageLocaleKey"),
        "locale": text("LocaleSidKey"), "utcOffset": offset(org, row), "updated_at": text("LastModifiedDate"), "is_app_installed": true,
    });
    Response::json(StatusCode::OK, &body)
}

/// The type of a user, which stands in capitals here.
fn user_type(row: &Row) -> String {
    row.text("UserType").to_ascii_uppercase()
}

fn photos(org: &Org) -> Value {
    let photo = |size: &str| format!("{}/profilephoto/005/{size}", org.url);
    json!({ "picture": photo("F"), "thumbnail": photo("T") })
}

/// Milliseconds to UTC, as the user's time zone is when it has no daylight saving.
fn offset(org: &Org, row: &Row) -> i64 {
    use chrono::{Datelike as _, NaiveDate, TimeZone as _};
    use chrono_tz::OffsetComponents as _;

    let Ok(zone) = row.text("TimeZoneSidKey").parse::<chrono_tz::Tz>() else { return 0 };
    let year = parse_time(row.text("CreatedDate")).unwrap_or_else(|| org.now()).year();
    let winter = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    zone.offset_from_utc_date(&winter).base_utc_offset().num_milliseconds()
}

/// Where to go on, with a place for the version.
fn urls(org: &Org, user: Id) -> Value {
    let base = &org.url;
    let data = format!("{base}/services/data/v{{version}}/");
    let all = [
        ("enterprise", format!("{base}/services/Soap/c/{{version}}/{}", org.id.short())),
        ("metadata", format!("{base}/services/Soap/m/{{version}}/{}", org.id.short())),
        ("partner", format!("{base}/services/Soap/u/{{version}}/{}", org.id.short())),
        ("rest", data.clone()),
        ("sobjects", format!("{data}sobjects/")),
        ("search", format!("{data}search/")),
        ("query", format!("{data}query/")),
        ("recent", format!("{data}recent/")),
        ("profile", format!("{base}/{user}")),
        ("feeds", format!("{data}chatter/feeds")),
        ("groups", format!("{data}chatter/groups")),
        ("users", format!("{data}chatter/users")),
        ("feed_items", format!("{data}chatter/feed-items")),
        ("custom_domain", base.clone()),
    ];
    all.into_iter().map(|(name, url)| (name.to_owned(), url.into())).collect::<Map<_, _>>().into()
}

/// `GET /.well-known/openid-configuration`.
pub(in super::super) fn discovery(org: &Org) -> Response {
    let oauth = |name: &str| format!("{}/services/oauth2/{name}", org.url);
    let scopes: Vec<_> = SCOPES.iter().map(|(scope, _)| *scope).collect();
    let body = json!({
        "issuer": org.url, "authorization_endpoint": oauth("authorize"), "token_endpoint": oauth("token"),
        "revocation_endpoint": oauth("revoke"), "introspection_endpoint": oauth("introspect"), "userinfo_endpoint": oauth("userinfo"),
        "jwks_uri": format!("{}/id/keys", org.url), "scopes_supported": scopes, "response_types_supported": ["code"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"], "display_values_supported": ["page", "popup", "touch"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    });
    Response::json(StatusCode::OK, &body)
}

/// `GET /id/keys`.
pub(in super::super) fn keys(org: &Org) -> Response {
    Response::json(StatusCode::OK, &json!({ "keys": [org.keys.get("").jwk()] }))
}
