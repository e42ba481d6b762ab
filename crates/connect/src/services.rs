//! Which connection a card signs in with.

use oktant_flow::model::Address;

use crate::connection::Connection;
use crate::connectors::Card;
use crate::events::{is_event, record_change};
use crate::mail;

/// What a card needs to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a function, a table, or a request that may go without.
    Nothing,
    /// A connection to this service.
    Service(&'static str),
    /// A connection to a mail server, or to the service that the card is of.
    Mail(&'static str),
}

impl Needs {
    /// What the card of an address needs; of a card that nothing can run, nothing.
    pub fn of(address: &Address) -> Self {
        if record_change(address.module(), address.operation()).is_some() {
            return Self::Service("salesforce");
        }
        if is_event(address.module(), address.operation()) {
            return Self::Service("okta");
        }
        match Card::find(address.as_str()) {
            Some(Card::Manifest(manifest, _)) => Self::Service(&manifest.id),
            Some(Card::Operation(_)) => Self::Service("okta"),
            Some(Card::Mail) => {
                let module = mail::CARDS.iter().map(|(module, _)| *module).find(|module| *module == address.module());
                Self::Mail(module.unwrap_or("smtp"))
            }
            Some(Card::Http | Card::Table(_) | Card::File) | None => Self::Nothing,
        }
    }

    /// The service to connect to.
    pub const fn service(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Service(service) => Some(service),
            Self::Mail(_) => Some("smtp"),
        }
    }

    /// Whether `connection` is one that the card can use.
    pub fn takes(self, connection: &Connection) -> bool {
        let connector = connection.connector.as_str();
        match self {
            Self::Nothing => true,
            Self::Service(service) => connector == service,
            Self::Mail(service) => connector == "smtp" || connector == service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_need_a_connection_to_their_own_service() {
        for (address, service) in [
            ("salesforce:newRecord", "salesforce"),
            ("salesforce2_29:recordDeleted", "salesforce"),
            ("okta:userAddedToApplicationMembership", "okta"),
        ] {
            assert_eq!(Needs::of(&address.parse().unwrap()), Needs::Service(service), "{address}");
        }
    }
}
