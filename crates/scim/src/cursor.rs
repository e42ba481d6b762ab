//! Cursors: positions in a list that clients carry and cannot forge.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oktant_base::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ScimType};

/// Bytes of the authentication code at the end of a cursor.
const TAG_BYTES: usize = 32;

/// A position in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Until when it is good, in seconds since 1970.
    #[serde(rename = "e")]
    pub(crate) expires: i64,
    /// Resources of each page.
    #[serde(rename = "c")]
    pub(crate) count: usize,
    /// Which of the kinds that the list spans.
    #[serde(rename = "k")]
    pub(crate) kind: usize,
    /// The provider's position; none at the beginning of a kind.
    #[serde(rename = "p")]
    pub(crate) position: Option<String>,
}

/// Makes and reads cursors.
///
/// A cursor is its content and a code that only the holder of the key can make, over the content and the query: it is good
/// for no other query. Everyone can read the content.
///
/// # Source
///
/// RFC 9865, 2 and 4.
pub(crate) struct Cursors {
    key: hmac::Key,
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursors").finish_non_exhaustive()
    }
}

impl Cursors {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()) }
    }

    /// The cursor as text of unreserved characters.
    pub(crate) fn write(&self, cursor: &Cursor, query: &str) -> Result<String, Error> {
        let mut bytes = serde_json::to_vec(cursor).map_err(|_| Error::internal())?;
        let tag = hmac::sign(&self.key, &signed(query, &bytes));
        bytes.extend_from_slice(tag.as_ref());
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a cursor of the same query.
    ///
    /// # Errors
    ///
    /// 400 `invalidCursor` for a text of another origin or another query, `expiredCursor` for one of long ago.
    pub(crate) fn read(&self, text: &str, query: &str, now: Timestamp) -> Result<Cursor, Error> {
        let invalid = || Error::bad_request(ScimType::InvalidCursor, "the cursor does not belong to this query");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let split = bytes.len().checked_sub(TAG_BYTES).ok_or_else(invalid)?;
        let (content, tag) = bytes.split_at(split);
        hmac::verify(&self.key, &signed(query, content), tag).map_err(|_| invalid())?;
        let cursor: Cursor = serde_json::from_slice(content).map_err(|_| invalid())?;
        if cursor.expires < now.timestamp() {
            return Err(Error::bad_request(
                ScimType::ExpiredCursor,
                "the cursor has expired: begin with the first page",
            ));
        }
        Ok(cursor)
    }
}

/// The length keeps query and content apart.
fn signed(query: &str, content: &[u8]) -> Vec<u8> {
    [&(query.len() as u64).to_be_bytes()[..], query.as_bytes(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_query_and_time_alone() {
        let cursors = Cursors::new(&Secret::new([7; 32]));
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let cursor = Cursor { expires: now.timestamp() + 60, count: 5, kind: 0, position: Some("é\"".into()) };
        let text = cursors.write(&cursor, "users").unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "P3");
        assert_eq!(cursors.read(&text, "users", now).as_ref(), Ok(&cursor));
        let of = |error: Error| error.scim_type();
        assert_eq!(cursors.read(&text, "groups", now).map_err(of), Err(Some(ScimType::InvalidCursor)));
        let later = now + chrono::TimeDelta::seconds(61);
        assert_eq!(cursors.read(&text, "users", later).map_err(of), Err(Some(ScimType::ExpiredCursor)));
        let other = Cursors::new(&Secret::new([8; 32]));
        assert_eq!(other.read(&text, "users", now).map_err(of), Err(Some(ScimType::InvalidCursor)));
        for forged in ["", "x", "====", &text[1..], &format!("{text}A")] {
            assert_eq!(cursors.read(forged, "users", now).map_err(of), Err(Some(ScimType::InvalidCursor)), "{forged}");
        }
    }
}
