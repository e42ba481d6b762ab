//! What clients send, fed to the readers of it: targets for fuzzing.
//!
//! Each target takes any bytes and must not panic; what it asserts besides must hold for all of them.

/// The bytes are a query, which is run if it can be read, and a search.
pub fn soql(bytes: &[u8]) {
    crate::salesforce::fuzz_soql(bytes);
}
