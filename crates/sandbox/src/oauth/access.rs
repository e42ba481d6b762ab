//! The access token of a call.

use super::AuthorizationServer;
use super::dpop::Target;
use super::issue::AccessClaims;
use super::store::Standing;
use crate::http::{Presented, TokenError};

const INVALID: TokenError = TokenError::Invalid("The access token is invalid.");
const REVOKED: TokenError = TokenError::Invalid("The token has been revoked.");

/// What an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// The user, unless a service application acts for itself.
    pub(crate) user_id: Option<String>,
    /// The client that it was issued to.
    pub(crate) client_id: String,
    /// What it opens.
    pub(crate) scopes: Vec<String>,
}

impl AuthorizationServer {
    /// What a presented access token stands for, if it is good now.
    pub(crate) fn access(&self, presented: &Presented<'_>) -> Result<Access, TokenError> {
        let claims: AccessClaims = self.keys.verify(presented.token).ok_or(INVALID)?;
        match self.store.lock().access_token(&claims.jti, self.now()) {
            Standing::Good => {}
            Standing::Expired => return Err(TokenError::Invalid("The token has expired.")),
            Standing::Revoked => return Err(REVOKED),
            Standing::Unknown => return Err(INVALID),
        }
        self.check_binding(&claims, presented)?;
        if claims.uid.as_deref().is_some_and(|user_id| self.directory.user(user_id).is_none()) {
            return Err(REVOKED);
        }
        Ok(Access { user_id: claims.uid, client_id: claims.cid, scopes: claims.scp })
    }

    /// Checks the proof of a token that is bound to a key. Others need none, whatever the scheme.
    fn check_binding(&self, claims: &AccessClaims, presented: &Presented<'_>) -> Result<(), TokenError> {
        let Some(bound) = &claims.cnf else { return Ok(()) };
        if !presented.dpop_scheme {
            return Err(TokenError::Proof("The resource must use the DPoP authentication scheme.".to_owned()));
        }
        let missing = || TokenError::Proof("The DPoP proof JWT header is missing.".to_owned());
        let target =
            Target { method: presented.method, urls: &[presented.url.to_owned()], access_token: Some(presented.token) };
        let proof = presented.proof.ok_or_else(missing)?;
        let thumbprint = self.check_proof(proof, &target).map_err(|error| TokenError::Proof(error.description))?;
        if thumbprint == bound.jkt {
            return Ok(());
        }
        Err(TokenError::Proof("The DPoP proof JWT is not signed with the key of the access token.".to_owned()))
    }
}
