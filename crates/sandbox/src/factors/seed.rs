//! Factors that the people of a generated org have enrolled.

use oktant_base::Secret;
use serde_json::{Map, Value, json};

use super::catalog::question_text;
use super::model::{Factor, Kind, Standing};
use crate::store::{Id, Stamp, Status, Store, User};

/// Of twenty users in a row, who has which factors: six of ten have at least one.
const SHARES: [&[Kind]; 20] = [
    &[Kind::Question, Kind::Sms],
    &[Kind::Question],
    &[Kind::Push, Kind::OktaTotp, Kind::SignedNonce],
    &[],
    &[Kind::Email],
    &[],
    &[Kind::Sms],
    &[],
    &[Kind::Push, Kind::OktaTotp, Kind::Sms],
    &[],
    &[Kind::GoogleTotp],
    &[],
    &[Kind::Question, Kind::Call],
    &[],
    &[Kind::Push, Kind::OktaTotp],
    &[],
    &[Kind::WebAuthn],
    &[],
    &[Kind::Email, Kind::Question],
    &[Kind::Sms],
];

/// The question that everyone has chosen, and the answer.
const QUESTION: (&str, &str) = ("disliked_food", "turnips");

/// Notes for a share of the active users which factors they have; the same org always gives the same.
pub(crate) fn seed(store: &mut Store) {
    let active = store.users.from(0).filter(|(_, user)| user.status == Status::Active && user.id != store.admin);
    let enrolled: Vec<_> = active
        .zip((0..SHARES.len()).cycle())
        .filter(|(_, share)| !SHARES[*share].is_empty())
        .map(|((_, user), share)| (user.id, share as u8))
        .collect();
    for (user, share) in enrolled {
        store.factors.seed(user, share);
    }
}

/// The factors of a generated user; their ids are made out of the user's.
pub(super) fn factors(user: &User, share: u8) -> Vec<Factor> {
    let owner = Owner::of(user);
    let kinds = SHARES[usize::from(share) % SHARES.len()];
    kinds.iter().map(|kind| owner.factor(user.id.with_prefix(kind.prefix()), *kind)).collect()
}

/// What a factor takes over from its user.
struct Owner {
    login: String,
    phone: String,
    since: Stamp,
}

impl Owner {
    fn of(user: &User) -> Self {
        Self {
            login: user.login().to_owned(),
            // Factors have numbers without separators (recorded).
            phone: user.profile.text("mobilePhone").replace(' ', ""),
            since: user.activated.unwrap_or(user.created),
        }
    }

    fn factor(&self, id: Id, kind: Kind) -> Factor {
        let (type_name, provider) = kind.names();
        Factor {
            id,
            kind,
            type_name: type_name.to_owned(),
            provider: provider.to_owned(),
            standing: Standing::Active,
            created: self.since,
            last_updated: self.since,
            profile: self.profile(kind),
            secret: secret(id, kind),
            sent: None,
            used_step: None,
        }
    }

    fn profile(&self, kind: Kind) -> Map<String, Value> {
        let profile = match kind {
            Kind::Question => json!({ "question": QUESTION.0, "questionText": question_text(QUESTION.0) }),
            Kind::Sms | Kind::Call => json!({ "phoneNumber": self.phone }),
            Kind::Email => json!({ "email": self.login }),
            Kind::OktaTotp | Kind::GoogleTotp | Kind::Push => json!({ "credentialId": self.login }),
            Kind::WebAuthn => json!({ "credentialId": self.login, "authenticatorName": "Security key" }),
            Kind::SignedNonce => json!({
                "credentialId": self.login, "deviceType": "SmartPhone_IPhone", "name": "iPhone", "platform": "IOS",
                "version": "18.0.0", "keys": [public_key("proofOfPossession"), public_key("userVerification")],
            }),
            Kind::Token => json!({}),
        };
        if let Value::Object(profile) = profile { profile } else { Map::new() }
    }
}

/// A public key of a device, as the profile of its factor lists it: the base point of the curve, whose
/// private half everybody knows, and which nobody uses.
fn public_key(purpose: &str) -> Value {
    json!({
        "kty": "EC", "use": "sig", "kid": "default", "jwkType": purpose,
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        "crv": "P-256",
    })
}

/// What proves a factor: an answer, or a key made out of the id, so that nothing need be drawn.
fn secret(id: Id, kind: Kind) -> Option<Secret<Vec<u8>>> {
    match kind {
        Kind::Question => Some(Secret::new(QUESTION.1.as_bytes().to_vec())),
        Kind::OktaTotp | Kind::GoogleTotp => Some(Secret::new(id.as_bytes()[..10].to_vec())),
        _ => None,
    }
}
