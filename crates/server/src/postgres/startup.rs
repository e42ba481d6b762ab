//! Signing in by SCRAM-SHA-256.

use std::collections::HashMap;
use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Sink, SinkExt as _};
use oktant_base::Secret;
use oktant_warehouse::{Login, Session};
use pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::{ClientInfo, METADATA_DATABASE, METADATA_USER, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::startup::{Authentication, PasswordMessageFamily, SecretKey};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, ProtocolVersion};

use super::connection::Connection;
use super::{failure, habits, scram};
use crate::metrics::{Outcome, Protocol};

/// Bytes of the key with which a statement can be cancelled, from version 3.2 of the protocol on.
const CANCEL_KEY_BYTES: usize = 32;

#[async_trait]
impl StartupHandler for Connection {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let step = match message {
            PgWireFrontendMessage::Startup(_) if self.must_encrypt && !client.is_secure() => {
                let hint = "connect with TLS: sslmode=require, or verify-full where the authority is known";
                Err(failure::fatal("28000", "the server takes encrypted connections only", Some(hint)))
            }
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let mechanisms = Authentication::SASL(vec![scram::MECHANISM.to_owned()]);
                client.send(PgWireBackendMessage::Authentication(mechanisms)).await?;
                Ok(())
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => self.step(client, message).await,
            _ => Err(failure::protocol("a password was expected")),
        };
        step.map_err(failure::as_fatal)
    }
}

impl Connection {
    /// One step of the exchange.
    async fn step<C>(&self, client: &mut C, message: PasswordMessageFamily) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let user = client.metadata().get(METADATA_USER).cloned().unwrap_or_default();
        let mut exchange = self.exchange.lock().await;
        let Some(begun) = exchange.as_ref() else {
            let (begun, answer) = self.first(&user, message).await?;
            *exchange = Some(begun);
            let answer = Authentication::SASLContinue(answer.into());
            client.send(PgWireBackendMessage::Authentication(answer)).await?;
            return Ok(());
        };
        let proven = begun.finish(&message.into_sasl_response()?.data).map_err(|error| refused(&user, &error));
        let admitted = match proven {
            Ok(proof) => self.account_session(&user).await.map(|session| (proof, session)),
            Err(error) => Err(error),
        };
        self.front.metrics.login(Protocol::Postgres, Outcome::of(&admitted));
        let (proof, session) = admitted?;
        client.send(PgWireBackendMessage::Authentication(Authentication::SASLFinal(proof.into()))).await?;
        let (number, key) = self.cancel_key(client);
        let database = client.metadata().get(METADATA_DATABASE).cloned().unwrap_or_else(|| user.clone());
        self.admit(session, database, (number, key.to_bytes()));
        client.set_pid_and_secret_key(number, key);
        finish_authentication(client, &Parameters).await
    }

    /// The client's first message.
    async fn first(&self, user: &str, message: PasswordMessageFamily) -> PgWireResult<(scram::Exchange, String)> {
        let message = message.into_sasl_initial_response()?;
        if message.auth_method != scram::MECHANISM {
            return Err(failure::protocol(format!("{} is not offered", message.auth_method)));
        }
        let verifier = self.front.account.scram_verifier(user).await.map_err(|error| failure::coded(&error))?;
        let data = message.data.unwrap_or_default();
        scram::begin(&data, verifier, self.front.entropy.as_ref()).map_err(|error| refused(user, &error))
    }

    /// The account's session of a user who has proved to know the password.
    async fn account_session(&self, user: &str) -> PgWireResult<Session> {
        let login = Login::new(user, Secret::default()).client_ip(Some(self.peer.ip()));
        let opened = self.front.account.login_authenticated(login).await;
        opened.map_err(|error| failure::fatal("28000", error.message, None))
    }

    fn cancel_key<C: ClientInfo>(&self, client: &C) -> (i32, SecretKey) {
        let random = |bytes: &mut [u8]| self.front.entropy.fill(bytes);
        let mut number = [0; 4];
        random(&mut number);
        // Clients take the number for that of a process.
        let number = i32::from_le_bytes(number) & i32::MAX;
        let key = if client.protocol_version() == ProtocolVersion::PROTOCOL3_0 {
            let mut key = [0; 4];
            random(&mut key);
            SecretKey::I32(i32::from_le_bytes(key))
        } else {
            let mut key = [0; CANCEL_KEY_BYTES];
            random(&mut key);
            SecretKey::Bytes(Bytes::copy_from_slice(&key))
        };
        (number, key)
    }
}

/// Whether name or password are wrong stays unsaid.
fn refused(user: &str, error: &scram::Error) -> PgWireError {
    match error {
        scram::Error::WrongPassword => {
            failure::fatal("28P01", format!("password authentication failed for user \"{user}\""), None)
        }
        other => failure::fatal("08P01", other.to_string(), None),
    }
}

/// What a client is told of the server.
struct Parameters;

impl ServerParameterProvider for Parameters {
    fn server_parameters<C: ClientInfo>(&self, client: &C) -> Option<HashMap<String, String>> {
        let mut parameters: HashMap<String, String> =
            habits::ANNOUNCED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Some(user) = client.metadata().get(METADATA_USER) {
            parameters.insert("session_authorization".to_owned(), user.clone());
        }
        Some(parameters)
    }
}
