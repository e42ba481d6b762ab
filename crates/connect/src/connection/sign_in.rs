//! Making a connection by OAuth: a person consents in a browser, on this machine or another one.

use oktant_base::{Entropy, Secret};
use oktant_client::{CodeFlow, CodeRequest, Edges, SignInPage};
use url::Url;

use super::{Connection, Connections, Live, Secrets};
use crate::Error;

/// Where the browser comes back to, unless the settings say otherwise.
const REDIRECT_URI: &str = "http://localhost:33333";

/// A sign-in that waits for a person.
#[derive(Debug)]
pub struct SignIn {
    flow: CodeFlow,
    connection: Connection,
    secrets: Secrets,
}

impl SignIn {
    /// Prepares the sign-in that the settings of `connection` describe: `authorize_url`, `token_url`, `client_id`,
    /// `scope`, and perhaps `redirect_uri`.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if one of them is missing or cannot be read.
    pub fn new(connection: Connection, secrets: Secrets, entropy: &dyn Entropy) -> Result<Self, Error> {
        let authorize = connection.required("authorize_url")?;
        let authorize = Url::parse(authorize).map_err(|error| {
            Error::setting(format!("authorize_url {authorize} cannot be read: {error}"), "give a whole https address")
        })?;
        connection.required("token_url")?;
        let request = CodeRequest {
            authorize,
            client_id: connection.required("client_id")?,
            scope: connection.setting("scope").unwrap_or_default(),
            redirect_uri: connection.setting("redirect_uri").unwrap_or(REDIRECT_URI),
        };
        Ok(Self { flow: CodeFlow::new(request, entropy), connection, secrets })
    }

    /// The address to visit.
    pub fn url(&self) -> &Url {
        &self.flow.authorize
    }

    /// Opens the browser of this machine, waits for the answer and redeems it.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`]; else what the token endpoint objects to.
    pub async fn in_browser(self, connections: &Connections, edges: &Edges) -> Result<Live, Error> {
        let (code, browser) = self.flow.run(edges).await.map_err(|cause| self.failed(cause))?;
        let redeemed = self.redeem(connections, &code).await;
        let page = if redeemed.is_ok() { SignInPage::DONE } else { SignInPage::REFUSED };
        browser.dismiss(page, &*edges.clock).await;
        redeemed
    }

    /// Redeems what a person copied from a browser elsewhere: the code, or the address that the browser ended at.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn pasted(self, connections: &Connections, pasted: &str) -> Result<Live, Error> {
        let code = self.flow.accept(pasted).map_err(|cause| self.failed(cause))?;
        self.redeem(connections, &code).await
    }

    fn failed(&self, cause: oktant_client::Error) -> Error {
        Error::SignIn { cause, redirect_uri: self.flow.redirect_uri.clone() }
    }

    async fn redeem(&self, connections: &Connections, code: &Secret) -> Result<Live, Error> {
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &self.flow.redirect_uri),
            ("code_verifier", self.flow.code_verifier.expose()),
        ];
        connections.redeem(&self.connection, &self.secrets, &grant).await
    }
}
