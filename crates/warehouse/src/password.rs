//! Passwords as SCRAM-SHA-256 verifiers: what is kept can check a password but does not tell it.

use std::num::NonZeroU32;

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::{constant_time, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oktant_base::{Entropy, Secret};

/// Iterations of PBKDF2 for a new password.
///
/// # Source
///
/// RFC 7677, section 4 asks for 4096 at least; `PostgreSQL` uses the same.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");

/// Bytes of salt for a new password, as `PostgreSQL` makes it.
const SALT_BYTES: usize = 16;

/// Bytes of the key that decoys are made with.
pub(crate) const DECOY_KEY_BYTES: usize = 32;

/// What is kept of a password (RFC 5802, RFC 7677): it can check a password or a client's proof, and signs nobody in.
#[derive(Debug, Clone)]
pub struct ScramVerifier {
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// The salt.
    pub salt: Vec<u8>,
    /// `StoredKey`: what a client's proof is checked against.
    pub stored_key: Vec<u8>,
    /// `ServerKey`: what the server's signature is made with.
    pub server_key: Secret<Vec<u8>>,
}

impl ScramVerifier {
    /// Makes the verifier of a password with a fresh salt.
    pub fn new(password: &Secret, entropy: &dyn Entropy) -> Self {
        let mut salt = vec![0; SALT_BYTES];
        entropy.fill(&mut salt);
        Self::derive(password, salt, ITERATIONS)
    }

    /// A verifier that fits no password, for a user who has none or does not exist: always the same for one login
    /// name and one `key`, so that neither its salt nor the time it takes tells who exists.
    ///
    /// # Source
    ///
    /// `PostgreSQL`'s source, `mock_scram_secret`: it does the same with a nonce that it keeps.
    pub(crate) fn decoy(key: &Secret<Vec<u8>>, login_key: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let part = |label: &str| hmac::sign(&key, format!("{label} {login_key}").as_bytes()).as_ref().to_vec();
        let mut salt = part("salt");
        salt.truncate(SALT_BYTES);
        Self { iterations: ITERATIONS.get(), salt, stored_key: part("stored"), server_key: Secret::new(part("server")) }
    }

    fn derive(password: &Secret, salt: Vec<u8>, iterations: NonZeroU32) -> Self {
        let mut salted = vec![0; digest::SHA256_OUTPUT_LEN];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.expose().as_bytes(), &mut salted);
        // The salted password is as good as the password for signing in, so it ends here.
        let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let stored_key = digest::digest(&SHA256, hmac::sign(&salted, b"Client Key").as_ref()).as_ref().to_vec();
        let server_key = Secret::new(hmac::sign(&salted, b"Server Key").as_ref().to_vec());
        Self { iterations: iterations.get(), salt, stored_key, server_key }
    }

    /// Whether `password` is the one this was made of. Takes the same time either way.
    pub fn matches(&self, password: &Secret) -> bool {
        let Some(iterations) = NonZeroU32::new(self.iterations) else { return false };
        let other = Self::derive(password, self.salt.clone(), iterations);
        constant_time::verify_slices_are_equal(&self.stored_key, &other.stored_key).is_ok()
    }

    /// The form in the store, which is that of `PostgreSQL`: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`.
    pub(crate) fn encode(&self) -> String {
        let [salt, stored, server] =
            [&self.salt, &self.stored_key, self.server_key.expose()].map(|bytes| BASE64.encode(bytes));
        format!("SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }

    /// Reads the form in the store.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (head, keys) = text.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = head.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        Some(Self {
            iterations: iterations.parse().ok()?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored_key).ok()?,
            server_key: Secret::new(BASE64.decode(server_key).ok()?),
        })
    }
}

/// SHA-256 of a token in hexadecimal: what is kept of it.
pub(crate) fn token_hash(token: &str) -> String {
    use std::fmt::Write as _;
    digest::digest(&SHA256, token.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A new token: 32 random bytes after a prefix that says what it is for.
pub(crate) fn new_token(prefix: &str, entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    Secret::new(format!("{prefix}{text}"))
}

/// A random UUID (RFC 9562, version 4).
pub(crate) fn new_uuid(entropy: &dyn Entropy) -> uuid::Uuid {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

    #[test]
    fn a_verifier_knows_its_password_and_survives_the_store() {
        let verifier = ScramVerifier::new(&Secret::new("pencil".to_owned()), &SeededEntropy::new(1));
        let read = ScramVerifier::decode(&verifier.encode()).unwrap();
        assert!(read.matches(&Secret::new("pencil".to_owned())));
        assert!(!read.matches(&Secret::new("Pencil".to_owned())));
    }

    #[test]
    fn a_decoy_is_steady_and_fits_no_password() {
        let decoy = |key: u8, user| ScramVerifier::decoy(&Secret::new(vec![key; DECOY_KEY_BYTES]), user);
        assert_eq!(decoy(1, "a").salt, decoy(1, "a").salt);
        assert_ne!(decoy(1, "a").salt, decoy(1, "b").salt);
        assert_ne!(decoy(1, "a").salt, decoy(2, "a").salt, "whoever does not have the key cannot tell a decoy");
        assert!(!decoy(1, "a").matches(&Secret::new(String::new())));
    }

    /// The example of RFC 7677, section 3: its server signature follows from the password alone.
    #[test]
    fn keys_are_those_of_the_rfc() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = ScramVerifier::derive(&Secret::new("pencil".to_owned()), salt, ITERATIONS);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let key = hmac::Key::new(hmac::HMAC_SHA256, verifier.server_key.expose());
        let signature = BASE64.encode(hmac::sign(&key, message.as_bytes()));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert_eq!(verifier.stored_key.len(), 32);
    }
}
