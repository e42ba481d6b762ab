//! Identifiers made of names, and identifiers that a flopack needs made of ours.

use std::collections::HashSet;

/// `Create Users in Salesforce` as `create_users_in_salesforce`; `fallback` where nothing is left.
pub(crate) fn slug(name: &str, fallback: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') && c != '\'' {
            out.push('_');
        }
        if out.len() >= 60 {
            break;
        }
    }
    let out = out.trim_end_matches('_');
    match out.bytes().next() {
        None => fallback.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{fallback}_{out}"),
        Some(_) => out.to_owned(),
    }
}

/// The title that an identifier stands for unless another one is given: `Read User` for
/// `read_user` and for `read_user_2`.
pub(crate) fn title(id: &str) -> String {
    let base = id.rsplit_once('_').filter(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let id = base.map_or(id, |(base, _)| base);
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    id.split('_').map(word).collect::<Vec<_>>().join(" ")
}

/// A key without the mark of the connector builder: an underscore and six capitals or digits.
pub fn without_mark(key: &str) -> &str {
    match key.rsplit_once('_') {
        Some((plain, mark))
            if mark.len() == 6 && mark.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) =>
        {
            plain
        }
        _ => key,
    }
}

/// Hands out each name once: the second `read_user` is `read_user_2`.
#[derive(Debug, Default)]
pub(crate) struct Unique(HashSet<String>);

impl Unique {
    pub(crate) fn take(&mut self, name: String) -> String {
        let free = if self.0.contains(&name) {
            let last = self.0.len() + 2;
            (2..=last).map(|n| format!("{name}_{n}")).find(|name| !self.0.contains(name)).unwrap_or(name)
        } else {
            name
        };
        self.0.insert(free.clone());
        free
    }
}

/// Whether a card's identifier in a flopack was chosen by a person: words of lower-case letters.
/// Those that the editor draws are 8 to 12 characters with digits or capitals.
fn chosen(card: &str) -> bool {
    let drawn = (8..=12).contains(&card.len()) && !card.contains('_') && card.bytes().any(|b| b.is_ascii_digit());
    card.starts_with(|c: char| c.is_ascii_lowercase())
        && card.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !drawn
}

/// The identifier of a step's card in a flopack. An underscore behind it marks those that would
/// be taken for drawn ones.
pub(crate) fn card_of_step(step: &str) -> String {
    if chosen(step) && !step.ends_with('_') { step.to_owned() } else { format!("{step}_") }
}

/// The step that [`card_of_step`] made a card's identifier of, if it did.
pub(crate) fn step_of_card(card: &str) -> Option<String> {
    let step = card.strip_suffix('_').unwrap_or(card);
    (chosen(card) && !step.is_empty() && card_of_step(step) == card).then(|| step.to_owned())
}

/// 128 bits that depend on all of the parts and on nothing else (FNV-1a).
fn hash(parts: &[&str]) -> u128 {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash ^= u128::from(byte);
            hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
    hash ^ (hash >> 67)
}

/// An identifier as a flopack's editor draws them: ten letters, digits, `_` and `-`.
pub(crate) fn drawn(parts: &[&str]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let hash = hash(parts);
    (0..10).map(|n| ALPHABET[(hash >> (6 * n)) as usize & 63] as char).collect()
}

/// A UUID (version 8: by a rule of our own) made of the parts.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let bits = hash(parts) & !(0xf << 76) & !(0x3 << 62) | (8 << 76) | (2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Whether the text has the form of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(n, b)| match n {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers_and_back() {
        assert_eq!(slug("Create Users in Salesforce", "flow"), "create_users_in_salesforce");
        assert_eq!(slug("1.1 Don't", "flow"), "flow_1_1_dont");
        assert_eq!(slug("日本", "flow"), "flow");
        assert_eq!(title("read_user"), "Read User");
        assert_eq!(title("read_user_2"), "Read User");
        for step in ["read_user", "base64decode", "a", "read_", "x1"] {
            assert_eq!(step_of_card(&card_of_step(step)).as_deref(), Some(step));
        }
        for card in ["QiuwphmLK", "cYes00001", "a-b-c-d-e", "abcdefgh1", ""] {
            assert_eq!(step_of_card(card), None, "{card}");
        }
    }

    #[test]
    fn made_identifiers_look_like_the_original_ones() {
        assert_eq!(drawn(&["a", "b"]).len(), 10);
        assert_ne!(drawn(&["a", "b"]), drawn(&["ab"]));
        let uuid = uuid(&["flow", "a"]);
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
    }
}
