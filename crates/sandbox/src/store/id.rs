//! Identifiers as Okta makes them.

use super::FixedText;

const LENGTH: usize = 20;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of an id that count up, so that ids sort by creation.
const COUNTED: usize = 6;

/// Where the count starts: the first id then looks like one of an org that has lived a while.
const FIRST: u64 = 20_000_000_000;

/// A 20-character identifier: prefix of the kind, 14 characters, three that the whole org shares.
///
/// # Source
///
/// Observed in recorded answers; ids of one org sort by creation.
pub(crate) type Id = FixedText<LENGTH>;

impl Id {
    /// Reads an id that a caller sent; `None` if it cannot be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// The same id with another prefix of three characters: a user type and its schema share a tail.
    #[must_use]
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        self.0[..3].copy_from_slice(&prefix.as_bytes()[..3]);
        self
    }

    /// Another id that is made out of this one: the same `step` gives the same id.
    #[must_use]
    pub(crate) fn stepped(mut self, step: usize) -> Self {
        // One of the drawn characters, so that the order of creation stays.
        let place = 3 + COUNTED;
        let digit = DIGITS.iter().position(|known| *known == self.0[place]).unwrap_or_default();
        self.0[place] = DIGITS[(digit + step) % DIGITS.len()];
        self
    }
}

/// Makes the ids of one org; the same seed gives the same ids.
#[derive(Debug)]
pub(crate) struct IdSource {
    made: u64,
    seed: u64,
    tail: [u8; 3],
}

impl IdSource {
    pub(crate) fn new(seed: u64) -> Self {
        let mut source = Self { made: 0, seed, tail: *b"5d7" };
        let drawn = source.mix(u64::MAX);
        source.tail = [DIGITS[(drawn % 10) as usize], DIGITS[36 + (drawn >> 8) as usize % 26], b'7'];
        source
    }

    /// The next id of a kind. `prefix` has three characters.
    pub(crate) fn next(&mut self, prefix: &str) -> Id {
        let mut id = [b'0'; LENGTH];
        id[..3].copy_from_slice(&prefix.as_bytes()[..3]);
        write_base62(FIRST + self.made, &mut id[3..3 + COUNTED]);
        write_base62(self.mix(self.made), &mut id[3 + COUNTED..LENGTH - 3]);
        id[LENGTH - 3..].copy_from_slice(&self.tail);
        self.made += 1;
        FixedText(id)
    }

    /// `SplitMix64` over seed and count: no state, so that the ids of two orgs differ from the first.
    fn mix(&self, n: u64) -> u64 {
        let mut z = self.seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Writes a number in base 62, with leading zeros; digits that do not fit are left out.
pub(crate) fn write_base62(mut value: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[(value % 62) as usize];
        value /= 62;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_and_keep_the_shape() {
        let mut source = IdSource::new(7);
        let ids: Vec<_> = (0..10_000).map(|_| source.next("00u")).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.as_str().starts_with("00u") && Id::parse(id.as_str()) == Some(*id)));
        assert!(ids.iter().all(|id| id.as_str()[17..] == ids[0].as_str()[17..]));
    }

    #[test]
    fn another_seed_gives_other_ids() {
        assert_ne!(IdSource::new(1).next("00u"), IdSource::new(2).next("00u"));
        assert_eq!(IdSource::new(1).next("00u"), IdSource::new(1).next("00u"));
    }
}
