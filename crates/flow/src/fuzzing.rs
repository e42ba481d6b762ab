//! Files that people give to the readers: targets for fuzzing.
//!
//! Each target takes any bytes and must not panic; what it asserts besides must hold for all of them.

use crate::{flopack, text};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("flopacks", flopacks), ("flow_texts", texts)];

/// What is imported is exported, or refused with a reason; never half.
pub fn flopacks(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(imported) = flopack::import(&text)
        && let Ok(pack) = flopack::export(&imported.project)
    {
        assert!(flopack::import(&pack.to_string()).is_ok(), "an export is imported");
    }
}

/// What is read is written in a form that is read as the same flow.
pub fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(written) = text::format(&text) {
        assert_eq!(text::format(&written).ok().as_ref(), Some(&written), "formatting twice is formatting once");
    }
}
