//! What an org sends, fed to the reader of it: a target for fuzzing.

use crate::{read_named, schemas, write_value};

/// The first line names a schema, the rest is an answer. Any other text is read as a schema that
/// its bytes choose.
///
/// # Panics
///
/// If what was read and written does not stay the same when read and written again.
pub fn answers(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let named = std::str::from_utf8(&bytes[..end]).ok().and_then(|name| Some((rewritten(name, &bytes[end..])?, name)));
    let (written, name) = if let Some(named) = named {
        named
    } else {
        let sum: usize = bytes.iter().map(|byte| usize::from(*byte)).sum();
        let Some(name) = schemas().nth(sum % schemas().count().max(1)) else { return };
        (rewritten(name, bytes).unwrap_or_default(), name)
    };
    if let Some(written) = written {
        let again = rewritten(name, &written).flatten();
        assert!(again.as_deref() == Some(&*written), "{name} does not survive being read again");
    }
}

/// An answer, read and written: `None` if there is no such schema, then `None` if it cannot be read.
#[expect(clippy::option_option, reason = "the two answer different questions")]
fn rewritten(schema: &str, json: &[u8]) -> Option<Option<Vec<u8>>> {
    let decoded = read_named(schema, json)?.ok();
    Some(decoded.map(|decoded| write_value(decoded.value.as_ref())))
}
