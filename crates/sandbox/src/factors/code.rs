//! One-time passwords and codes.

use aws_lc_rs::hmac;
use oktant_base::{Entropy, Timestamp};

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Seconds that a one-time password stands for.
pub(super) const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 6;

/// The one-time password of a time step (RFC 4226 5.3, RFC 6238 4; HMAC-SHA-1, six digits).
pub(super) fn totp(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    let offset = usize::from(hash[hash.len() - 1] & 0x0f);
    let word = hash[offset..offset + 4].iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 10_u32.pow(DIGITS))
}

/// The step of a time.
pub(super) fn step(time: Timestamp) -> i64 {
    time.timestamp().div_euclid(STEP_SECONDS)
}

/// Bytes in base32 without padding (RFC 4648).
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(BASE32[(bits >> count & 31) as usize]));
        }
    }
    if count > 0 {
        text.push(char::from(BASE32[(bits << (5 - count) & 31) as usize]));
    }
    text
}

/// A fresh code of six digits.
pub(super) fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    format!("{:06}", u64::from_le_bytes(bytes) % 10_u64.pow(DIGITS))
}

/// A fresh key of `length` bytes.
pub(super) fn random_key(entropy: &dyn Entropy, length: usize) -> Vec<u8> {
    let mut key = vec![0; length];
    entropy.fill(&mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_those_of_the_rfc() {
        // RFC 6238, appendix B, SHA-1; the last six of its eight digits.
        let key = b"12345678901234567890";
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(totp(key, step(time)), expected);
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        // RFC 4648, section 10, without padding.
        for (bytes, expected) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), expected);
        }
    }
}
