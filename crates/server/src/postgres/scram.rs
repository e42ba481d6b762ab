//! SCRAM-SHA-256 on the server's side, over verifiers from which no password can be made.
//!
//! pgwire's own exchange wants the salted password, which is as good as the password for signing in
//! here. The account keeps `StoredKey` and `ServerKey` instead, so the exchange is ours; its hashes and
//! codes are those of aws-lc-rs.
//!
//! # Source
//!
//! RFC 5802 sections 3, 5 and 7, RFC 7677; PostgreSQL documentation, "SASL authentication": the user
//! name within the exchange is ignored in favour of the one of the start-up message.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oktant_base::Entropy;
use oktant_warehouse::ScramVerifier;

/// The name of the mechanism.
pub(super) const MECHANISM: &str = "SCRAM-SHA-256";

/// Random bytes of the server's part of the nonce.
const NONCE_BYTES: usize = 18;

/// Why an exchange failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("malformed SCRAM message")]
    Malformed,
    #[error("channel binding is not offered")]
    ChannelBinding,
    #[error("the password is wrong")]
    WrongPassword,
}

/// An exchange whose first answer is sent.
pub(super) struct Exchange {
    verifier: ScramVerifier,
    /// `client-first-message-bare "," server-first-message`.
    beginning: String,
    /// The nonces of both sides, joined.
    nonce: String,
    /// What the client must repeat of the head of its first message.
    header: String,
}

/// Answers the client's first message: the exchange, and the message to send.
pub(super) fn begin(
    message: &[u8],
    verifier: ScramVerifier,
    entropy: &dyn Entropy,
) -> Result<(Exchange, String), Error> {
    let message = std::str::from_utf8(message).map_err(|_| Error::Malformed)?;
    let (header, bare) = split_header(message)?;
    let client_nonce = attribute(bare, "r=").filter(|nonce| !nonce.is_empty()).ok_or(Error::Malformed)?;
    let mut random = [0; NONCE_BYTES];
    entropy.fill(&mut random);
    let nonce = format!("{client_nonce}{}", STANDARD.encode(random));
    let answer = format!("r={nonce},s={},i={}", STANDARD.encode(&verifier.salt), verifier.iterations);
    let exchange = Exchange { verifier, beginning: format!("{bare},{answer}"), nonce, header: STANDARD.encode(header) };
    Ok((exchange, answer))
}

impl Exchange {
    /// Checks the client's proof: the message that proves the server in turn.
    pub(super) fn finish(&self, message: &[u8]) -> Result<String, Error> {
        let message = std::str::from_utf8(message).map_err(|_| Error::Malformed)?;
        let (unproven, proof) = message.rsplit_once(",p=").ok_or(Error::Malformed)?;
        let repeated =
            attribute(unproven, "c=") == Some(&self.header) && attribute(unproven, "r=") == Some(&self.nonce);
        if !repeated {
            return Err(Error::Malformed);
        }
        let proof = STANDARD.decode(proof).map_err(|_| Error::Malformed)?;
        let signed = format!("{},{unproven}", self.beginning);
        let client_signature = mac(&self.verifier.stored_key, &signed);
        let client_key: Vec<u8> = proof.iter().zip(client_signature.as_ref()).map(|(proof, key)| proof ^ key).collect();
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        constant_time::verify_slices_are_equal(stored_key.as_ref(), &self.verifier.stored_key)
            .map_err(|_| Error::WrongPassword)?;
        Ok(format!("v={}", STANDARD.encode(mac(self.verifier.server_key.expose(), &signed))))
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The head of a first message, which is about channel binding, and the rest.
fn split_header(message: &str) -> Result<(&str, &str), Error> {
    let mut commas = message.match_indices(',').map(|(at, _)| at);
    let at = commas.nth(1).ok_or(Error::Malformed)?;
    let (header, bare) = message.split_at(at + 1);
    match header.split(',').next() {
        Some("n" | "y") => Ok((header, bare)),
        Some(flag) if flag.starts_with("p=") => Err(Error::ChannelBinding),
        _ => Err(Error::Malformed),
    }
}

fn attribute<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conversation of RFC 7677 section 3, whose nonce is not random.
    const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn verifier() -> ScramVerifier {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let mut salted = [0; 32];
        let iterations = std::num::NonZeroU32::new(4096).unwrap();
        aws_lc_rs::pbkdf2::derive(aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, b"pencil", &mut salted);
        let client_key = mac(&salted, "Client Key");
        ScramVerifier {
            salt,
            iterations: 4096,
            stored_key: digest::digest(&digest::SHA256, client_key.as_ref()).as_ref().to_vec(),
            server_key: oktant_base::Secret::new(mac(&salted, "Server Key").as_ref().to_vec()),
        }
    }

    fn exchange() -> Exchange {
        let nonce = format!("rOprNGfwEbeRWgbNEkqO{SERVER_NONCE}");
        let answer = format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let (header, bare) = split_header(FIRST).unwrap();
        Exchange { verifier: verifier(), beginning: format!("{bare},{answer}"), nonce, header: STANDARD.encode(header) }
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert_eq!(exchange().finish(FINAL.as_bytes()).unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn what_is_not_the_password_is_refused() {
        let wrong = FINAL.replace("p=dHzb", "p=dHzc");
        assert_eq!(exchange().finish(wrong.as_bytes()), Err(Error::WrongPassword));
        for malformed in ["", "c=biws", "c=biws,r=x,p=AAAA", "c=eSws,r=y,p=", "\u{1}"] {
            assert_eq!(exchange().finish(malformed.as_bytes()), Err(Error::Malformed), "{malformed}");
        }
    }

    #[test]
    fn a_first_message_without_a_nonce_or_with_channel_binding_is_refused() {
        let entropy = oktant_base::SeededEntropy::new(1);
        let begin = |text: &str| begin(text.as_bytes(), verifier(), &entropy).map(|(_, answer)| answer);
        assert_eq!(begin("p=tls-server-end-point,,n=,r=abc"), Err(Error::ChannelBinding));
        for malformed in ["", "n,,n=user", "n,,n=user,r=", "x,,n=user,r=a"] {
            assert_eq!(begin(malformed), Err(Error::Malformed), "{malformed}");
        }
        let answer = begin("y,,n=,r=abc").unwrap();
        assert!(answer.starts_with("r=abc") && answer.ends_with(",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), "{answer}");
    }
}
