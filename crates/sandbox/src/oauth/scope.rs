//! Which scopes a request gets of those it asks for.

use super::AuthorizationServer;
use super::directory::Client;
use super::error::OAuthError;

/// Scopes of OpenID Connect that the org authorization server knows.
pub(super) const OPENID: [&str; 7] = ["openid", "email", "profile", "address", "phone", "offline_access", "groups"];

const NOT_CONFIGURED: &str = "One or more scopes are not configured for the authorization server resource.";

const NO_DEFAULT: &str =
    "The authorization server resource does not have any configured default scopes, 'scope' must be provided.";

impl AuthorizationServer {
    /// The scopes that a user's sign-in gives a client: of `okta.*` those that are granted to the
    /// application and covered by the user's administrator roles, of the others all.
    ///
    /// # Errors
    ///
    /// `invalid_scope` for an unknown one, `consent_required` if `okta.*` scopes were asked for and none is left.
    pub(super) fn user_scopes(
        &self,
        client: &Client,
        user_id: &str,
        requested: &[String],
    ) -> Result<Vec<String>, OAuthError> {
        self.check_known(requested)?;
        let allowed = |scope: &&String| {
            // Without the grant type there is nothing to refresh with, so the scope is dropped (assumed).
            let refreshable =
                *scope != "offline_access" || client.grant_types.iter().any(|grant| grant == "refresh_token");
            let granted = !is_api(scope)
                || self.parent.is_some()
                || (client.granted_scopes.contains(scope) && self.directory.may_use(user_id, scope));
            refreshable && granted
        };
        let scopes: Vec<String> = requested.iter().filter(allowed).cloned().collect();
        none_left(requested, &scopes).map_or(Ok(scopes), Err)
    }

    /// Refuses scopes that this server has never heard of.
    ///
    /// # Errors
    ///
    /// `invalid_scope`.
    pub(super) fn check_known(&self, requested: &[String]) -> Result<(), OAuthError> {
        let setup = self.setup();
        let known = |scope: &String| match &setup {
            Some(setup) => setup.knows(scope),
            None => is_openid(scope) || is_api(scope),
        };
        if requested.iter().all(known) { Ok(()) } else { Err(OAuthError::new("invalid_scope", NOT_CONFIGURED)) }
    }

    /// The scopes asked for, or the default ones of a custom server.
    ///
    /// # Errors
    ///
    /// `invalid_scope` if there are none.
    pub(super) fn or_default_scopes(&self, requested: Vec<String>) -> Result<Vec<String>, OAuthError> {
        if !requested.is_empty() {
            return Ok(requested);
        }
        let defaults = self.setup().map(|setup| setup.scopes_where("default", &true.into())).unwrap_or_default();
        if defaults.is_empty() { Err(OAuthError::new("invalid_scope", NO_DEFAULT)) } else { Ok(defaults) }
    }

    /// The scopes of a service application: those of the requested ones that are granted to it;
    /// a custom server gives all that it knows, as its policies allow.
    ///
    /// # Errors
    ///
    /// `invalid_scope` for anything but `okta.*`, `consent_required` if none is left.
    pub(super) fn service_scopes(&self, client: &Client, requested: &[String]) -> Result<Vec<String>, OAuthError> {
        let requested = &self.or_default_scopes(requested.to_vec())?;
        if requested.iter().any(|scope| scope == "openid") {
            return Err(OAuthError::new("invalid_scope", "Cannot request 'openid' scopes using client credentials."));
        }
        if self.parent.is_some() {
            self.check_known(requested)?;
            return Ok(requested.clone());
        }
        if requested.iter().any(|scope| is_openid(scope)) {
            return Err(OAuthError::new("invalid_scope", "Custom scopes are not allowed for this request."));
        }
        self.check_known(requested)?;
        let scopes: Vec<String> =
            requested.iter().filter(|scope| client.granted_scopes.contains(scope)).cloned().collect();
        none_left(requested, &scopes).map_or(Ok(scopes), Err)
    }
}

fn is_openid(scope: &str) -> bool {
    OPENID.contains(&scope)
}

/// Whether a scope opens the org's APIs. Which of them exist is for the grants to say: a scope that
/// nobody can grant is never given.
fn is_api(scope: &str) -> bool {
    scope.starts_with("okta.")
}

fn none_left(requested: &[String], allowed: &[String]) -> Option<OAuthError> {
    let lost = requested.iter().any(|scope| is_api(scope)) && !allowed.iter().any(|scope| is_api(scope));
    lost.then(|| OAuthError::new("consent_required", "You are not allowed any of the requested scopes."))
}
