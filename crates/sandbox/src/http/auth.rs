//! Who calls: API tokens here, access tokens through the authorization server.

use http::{HeaderMap, StatusCode, header};
use oktant_base::Secret;
use oktant_catalog::{Method, Operation, Security};

use super::errors::{self, ApiError, Entry};
use crate::oauth::{Access, AuthorizationServer};
use crate::store::Id;

/// Who a request acts as.
#[derive(Debug, Clone)]
pub(crate) enum Principal {
    /// Nobody; only operations without credentials get here.
    Anonymous,
    /// An API token, which acts as the administrator who made it.
    ApiToken {
        /// The administrator.
        user: Id,
        /// The token's id in the log.
        token: Id,
    },
    /// An OAuth access token.
    AccessToken {
        /// The user, unless a service app acts for itself.
        user: Option<Id>,
        /// The client the token was issued to.
        client: String,
        /// Scopes of the token.
        scopes: Vec<String>,
    },
}

impl Principal {
    /// The user behind the request, if there is one.
    pub(crate) fn user(&self) -> Option<Id> {
        match self {
            Self::Anonymous => None,
            Self::ApiToken { user, .. } => Some(*user),
            Self::AccessToken { user, .. } => *user,
        }
    }
}

/// An access token as it came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// The token itself.
    pub(crate) token: &'a str,
    /// Whether it came with the scheme `DPoP` rather than `Bearer`.
    pub(crate) dpop_scheme: bool,
    /// The `DPoP` header, if there is one.
    pub(crate) proof: Option<&'a str>,
    /// Method of the request.
    pub(crate) method: &'a str,
    /// URL of the request without query.
    pub(crate) url: &'a str,
}

/// Why an access token is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// Unknown, expired, revoked or not for this org; the text goes into `error_description`.
    Invalid(&'static str),
    /// It is bound to a key and came without a proof, or with a wrong one: 400 with this text.
    Proof(String),
}

/// The API token of the org and whom it acts as.
#[derive(Debug)]
pub(crate) struct ApiToken {
    pub(crate) value: Secret,
    pub(crate) id: Id,
    pub(crate) user: Id,
}

/// Finds out who calls.
///
/// # Errors
///
/// As Okta: 403 without credentials, 401 for an unknown API token, 401 with an empty body and a
/// `www-authenticate` header for a bad access token.
pub(crate) fn authenticate(
    operation: &Operation,
    headers: &HeaderMap,
    api_token: &ApiToken,
    oauth: &AuthorizationServer,
    url: &str,
) -> Result<Principal, ApiError> {
    // Operations with a client's own credentials check these themselves.
    if matches!(operation.security, Security::Open | Security::Client) {
        return Ok(Principal::Anonymous);
    }
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match scheme(credentials) {
        // The scheme may stand without a blank: `SSWS{token}` is accepted by the service.
        Some((Scheme::Ssws, token)) if token == api_token.value.expose() => {
            refuse_api_token(operation)?;
            Ok(Principal::ApiToken { user: api_token.user, token: api_token.id })
        }
        Some((Scheme::Ssws, _)) => Err(errors::E0000011.into()),
        Some((kind, token)) => oauth
            .access(&Presented {
                token,
                dpop_scheme: kind == Scheme::Dpop,
                proof: headers.get("dpop").and_then(|value| value.to_str().ok()),
                method: operation.method.as_str(),
                url,
            })
            .map(by_access_token)
            .map_err(|error| refused(&error)),
        None => Err(errors::E0000005.into()),
    }
}

fn by_access_token(access: Access) -> Principal {
    let Access { user_id, client_id: client, scopes } = access;
    Principal::AccessToken { user: user_id.as_deref().and_then(Id::parse), client, scopes }
}

/// Operations that take API tokens although the description says otherwise (recorded).
const TAKE_API_TOKENS: [&str; 1] = ["assignLinkedObjectValueForPrimary"];

fn refuse_api_token(operation: &Operation) -> Result<(), ApiError> {
    match operation.security {
        Security::OAuthOnly if TAKE_API_TOKENS.contains(&operation.id) => Ok(()),
        Security::OAuthOnly => Err(errors::E0000006.into()),
        Security::TokenOrOAuth | Security::TokenOnly | Security::Client | Security::Open => Ok(()),
    }
}

fn refused(error: &TokenError) -> ApiError {
    match error {
        TokenError::Invalid(description) => {
            const E: Entry = errors::E0000011;
            let value = format!("Bearer error=\"invalid_token\", error_description=\"{description}\"");
            ApiError::new(E).in_header(header::WWW_AUTHENTICATE, &value)
        }
        TokenError::Proof(description) => {
            let mut error = ApiError::invalid(description.clone());
            error.status = StatusCode::BAD_REQUEST;
            let value = format!("DPoP error=\"invalid_dpop_proof\", error_description=\"{description}\"");
            error.in_header(header::WWW_AUTHENTICATE, &value)
        }
    }
}

/// Checks that an access token has the scopes of the operation.
///
/// # Errors
///
/// 403 with an empty body, the missing scope in `www-authenticate`.
///
/// # Source
///
/// Observed (okta/okta-sdk-golang issue 145); `manage` includes `read` by documentation.
pub(crate) fn check_scopes(
    principal: &Principal,
    operation: &Operation,
    host: &str,
    path: &str,
) -> Result<(), ApiError> {
    let Principal::AccessToken { scopes, .. } = principal else { return Ok(()) };
    let missing: Vec<_> =
        operation.scopes.iter().filter(|scope| !covers(scopes, scope, operation.method)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let value = format!(
        "Bearer authorization_uri=\"http://{host}/oauth2/v1/authorize\", realm=\"http://{host}\", scope=\"{}\", \
         error=\"insufficient_scope\", error_description=\"The access token provided does not contain the required \
         scopes.\", resource=\"{path}\"",
        missing.join(" ")
    );
    Err(ApiError::new(errors::E0000006).in_header(header::WWW_AUTHENTICATE, &value))
}

fn covers(granted: &[String], scope: &str, method: Method) -> bool {
    let holds = |wanted: &str| granted.iter().any(|granted| granted == wanted);
    holds(scope)
        || method == Method::Get
            && scope.strip_suffix(".read").is_some_and(|resource| holds(&format!("{resource}.manage")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ssws,
    Bearer,
    Dpop,
}

fn scheme(credentials: &str) -> Option<(Scheme, &str)> {
    let schemes = [("SSWS", Scheme::Ssws), ("Bearer ", Scheme::Bearer), ("DPoP ", Scheme::Dpop)];
    schemes.into_iter().find_map(|(name, scheme)| {
        let (head, rest) = credentials.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (scheme, rest.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_read_in_any_case_and_ssws_without_a_blank() {
        assert_eq!(scheme("SSWS 00abc"), Some((Scheme::Ssws, "00abc")));
        assert_eq!(scheme("SSWS00abc"), Some((Scheme::Ssws, "00abc")));
        assert_eq!(scheme("bearer ey.J"), Some((Scheme::Bearer, "ey.J")));
        assert_eq!(scheme("Basic eA=="), None);
        assert_eq!(scheme(""), None);
    }

    #[test]
    fn manage_covers_reading_only() {
        let granted = vec!["okta.users.manage".to_owned()];
        assert!(covers(&granted, "okta.users.read", Method::Get));
        assert!(!covers(&granted, "okta.groups.read", Method::Get));
    }
}
