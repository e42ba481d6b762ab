//! Record ids: 15 characters that tell case apart, and three more that make them fit for those who do not.

use crate::store::{FixedText, write_base62};

const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const SHORT: usize = 15;
const LONG: usize = 18;

/// A record id in its long form of 18 characters.
pub(super) type Id = FixedText<LONG>;

impl Id {
    /// Reads an id of 15 or 18 characters; `None` if it cannot be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let short = bytes.first_chunk::<SHORT>()?;
        let id = Self::of(*short);
        (bytes.len() == SHORT || bytes == id.0).then_some(id)
    }

    fn of(short: [u8; SHORT]) -> Self {
        let mut long = [0; LONG];
        long[..SHORT].copy_from_slice(&short);
        for (chunk, check) in short.chunks_exact(5).zip(&mut long[SHORT..]) {
            let bits = chunk.iter().enumerate().map(|(bit, letter)| usize::from(letter.is_ascii_uppercase()) << bit);
            *check = CHECK[bits.sum::<usize>()];
        }
        Self(long)
    }

    /// The n-th id of an org, of a kind whose prefix has three characters.
    ///
    /// # Source
    ///
    /// Layout as in public examples: prefix, two characters of the instance, a zero, a count.
    pub(super) fn numbered(prefix: &str, number: u64) -> Self {
        let mut short = *b"000Kx0000000000";
        short[..3].copy_from_slice(&prefix.as_bytes()[..3]);
        // Beginning far from zero leaves letters in, which is what catches a client that changes their case.
        write_base62(52_000_000 + number, &mut short[6..]);
        Self::of(short)
    }

    /// The first 15 characters.
    pub(super) fn short(&self) -> &str {
        &self.as_str()[..SHORT]
    }

    /// The three characters that name the kind.
    pub(super) fn prefix(&self) -> &str {
        &self.as_str()[..3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_a_wrong_check_is_not() {
        // A pair that public documentation shows.
        let id = Id::parse("001D000000IqhSL").unwrap();
        assert_eq!(id.as_str(), "001D000000IqhSLIAZ");
        assert_eq!(Id::parse("001D000000IqhSLIAZ"), Some(id));
        assert_eq!(Id::parse("001D000000IqhSLIAA"), None);
        assert_eq!(Id::parse("001D000000Iqh-L"), None);
        assert_eq!(Id::parse("001D"), None);
    }

    #[test]
    fn numbered_ids_differ_and_sort() {
        let ids: Vec<_> = (0..5_000).map(|number| Id::numbered("003", number)).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Id::parse(ids[7].short()), Some(ids[7]));
    }
}
