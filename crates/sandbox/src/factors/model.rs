//! Factors as the org keeps them, and the messages that it "sends".

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use oktant_base::{Secret, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use super::push::Pushes;
use super::seed;
use crate::store::{Id, Stamp, User};

/// Messages that the outbox remembers; older ones are forgotten first.
const OUTBOX_MAX: usize = 1_000;

/// What kind of factor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Question,
    Sms,
    Call,
    Email,
    OktaTotp,
    GoogleTotp,
    Push,
    /// Okta `FastPass`. It comes with the enrolment of a device, never over the API.
    SignedNonce,
    WebAuthn,
    /// Tokens of other makers, whose codes nobody here can compute.
    Token,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Active,
}

/// One enrolment.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) type_name: String,
    pub(crate) provider: String,
    pub(crate) standing: Standing,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    pub(crate) profile: Map<String, Value>,
    /// The answer to a question, in lower case, or the key of one-time passwords.
    pub(crate) secret: Option<Secret<Vec<u8>>>,
    /// The code sent last.
    pub(crate) sent: Option<Sent>,
    /// Time step of the one-time password accepted last: each works once.
    pub(crate) used_step: Option<i64>,
}

/// A code on its way to the user.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) code: Secret,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A message that a real org would have sent; tests read the code here.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    /// `sms`, `call` or `email`.
    pub(crate) channel: &'static str,
    /// Phone number or address.
    pub(crate) to: String,
    /// The code in it.
    pub(crate) code: String,
}

/// The enrolments of every user, and the outbox.
#[derive(Debug, Default)]
pub(crate) struct Factors {
    by_user: HashMap<Id, Vec<Factor>>,
    /// Of generated users whose factors nobody has changed: which share they have.
    seeded: HashMap<Id, u8>,
    outbox: VecDeque<Message>,
    pushes: Pushes,
}

impl Factors {
    /// The enrolments of a user: as they are kept, or as the generated org says.
    pub(super) fn of(&self, user: &User) -> Cow<'_, [Factor]> {
        match (self.by_user.get(&user.id), self.seeded.get(&user.id)) {
            (Some(kept), _) => Cow::Borrowed(kept),
            (None, Some(share)) => Cow::Owned(seed::factors(user, *share)),
            (None, None) => Cow::Borrowed(&[]),
        }
    }

    /// Notes which factors a generated user has. They are made when they are asked for: most never are.
    pub(super) fn seed(&mut self, user: Id, share: u8) {
        self.seeded.insert(user, share);
    }

    /// Keeps the enrolments of a user one by one from now on, so that they can change.
    pub(super) fn settle(&mut self, user: &User) {
        if let Some(share) = self.seeded.remove(&user.id) {
            self.by_user.insert(user.id, seed::factors(user, share));
        }
    }

    pub(crate) fn find_mut(&mut self, user: Id, id: &str) -> Option<&mut Factor> {
        self.by_user.get_mut(&user)?.iter_mut().find(|factor| factor.id.as_str() == id)
    }

    pub(crate) fn add(&mut self, user: Id, factor: Factor) {
        self.by_user.entry(user).or_default().push(factor);
    }

    /// Takes one enrolment away. `false` if there is none of this id.
    pub(crate) fn remove(&mut self, user: Id, id: &str) -> bool {
        let Some(factors) = self.by_user.get_mut(&user) else { return false };
        let before = factors.len();
        factors.retain(|factor| factor.id.as_str() != id);
        factors.len() < before
    }

    /// Takes the enrolments of one kind away.
    pub(super) fn remove_kind(&mut self, user: Id, kind: Kind) {
        if let Some(factors) = self.by_user.get_mut(&user) {
            factors.retain(|factor| factor.kind != kind);
        }
    }

    /// Takes all enrolments of a user away.
    pub(crate) fn forget(&mut self, user: Id) {
        self.by_user.remove(&user);
        self.seeded.remove(&user);
    }

    pub(crate) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    pub(crate) fn pushes_mut(&mut self) -> &mut Pushes {
        &mut self.pushes
    }

    pub(crate) fn post(&mut self, message: Message) {
        if self.outbox.len() == OUTBOX_MAX {
            self.outbox.pop_front();
        }
        self.outbox.push_back(message);
    }

    /// Messages "sent" so far, oldest first.
    pub(crate) fn outbox(&self) -> impl Iterator<Item = &Message> {
        self.outbox.iter()
    }
}

impl Kind {
    /// The kind of a type and provider; `None` for what cannot be enrolled over the API.
    pub(super) fn of(factor_type: &str, provider: &str) -> Option<Self> {
        match (factor_type, provider) {
            ("question", "OKTA") => Some(Self::Question),
            ("sms", "OKTA") => Some(Self::Sms),
            ("call", "OKTA") => Some(Self::Call),
            ("email", "OKTA") => Some(Self::Email),
            ("token:software:totp", "OKTA") => Some(Self::OktaTotp),
            ("token:software:totp", "GOOGLE") => Some(Self::GoogleTotp),
            ("push", "OKTA") => Some(Self::Push),
            ("webauthn" | "u2f", "FIDO") => Some(Self::WebAuthn),
            ("token", "RSA" | "SYMANTEC") | ("token:hardware", "YUBICO") | ("token:hotp", "CUSTOM") => {
                Some(Self::Token)
            }
            _ => None,
        }
    }

    /// The type and provider of this kind; one of several where there are.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Question => ("question", "OKTA"),
            Self::Sms => ("sms", "OKTA"),
            Self::Call => ("call", "OKTA"),
            Self::Email => ("email", "OKTA"),
            Self::OktaTotp => ("token:software:totp", "OKTA"),
            Self::GoogleTotp => ("token:software:totp", "GOOGLE"),
            Self::Push => ("push", "OKTA"),
            Self::SignedNonce => ("signed_nonce", "OKTA"),
            Self::WebAuthn => ("webauthn", "FIDO"),
            Self::Token => ("token:hardware", "YUBICO"),
        }
    }

    /// Prefix of ids.
    ///
    /// # Source
    ///
    /// Observed, that of `FastPass` recorded; a phone keeps the `mbl` of its enrolment.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Question => "ufs",
            Self::Sms => "mbl",
            Self::Call => "clf",
            Self::Email => "emf",
            Self::OktaTotp | Self::GoogleTotp => "ost",
            Self::Push => "opf",
            Self::SignedNonce => "crp",
            Self::WebAuthn => "fwf",
            Self::Token => "ufv",
        }
    }

    /// How codes travel, where they are sent.
    pub(super) fn channel(self) -> Option<&'static str> {
        match self {
            Self::Sms => Some("sms"),
            Self::Call => Some("call"),
            Self::Email => Some("email"),
            _ => None,
        }
    }
}

impl Factor {
    /// Where codes go.
    pub(super) fn address(&self) -> String {
        let name = if self.kind == Kind::Email { "email" } else { "phoneNumber" };
        self.profile.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
