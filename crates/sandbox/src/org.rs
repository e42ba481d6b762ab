//! The org as its handlers see it: state, settings, time and chance.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oktant_base::{Clock, Entropy};
use parking_lot::RwLock;

use crate::certificate::OrgCertificate;
use crate::hooks::Outgoing;
use crate::http::{ApiToken, Limits, Traffic};
use crate::oauth::{AuthorizationServer, BuiltInClients};
use crate::store::Store;

/// One org.
#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) store: RwLock<Store>,
    pub(crate) traffic: Traffic,
    pub(crate) limits: Limits,
    pub(crate) latency: Duration,
    pub(crate) api_token: ApiToken,
    /// The OAuth clients that the sandbox begins with.
    pub(crate) clients: BuiltInClients,
    pub(crate) oauth: Arc<AuthorizationServer>,
    /// Calls to other servers on this machine.
    pub(crate) outgoing: Arc<dyn Outgoing>,
    /// What applications sign with.
    pub(crate) certificate: OrgCertificate,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Org {
    /// Random text of `length` characters out of `[A-Za-z0-9_-]`.
    pub(crate) fn token(&self, length: usize) -> String {
        token(self.entropy.as_ref(), length)
    }

    /// Random lower-case hex digits, two per byte.
    pub(crate) fn hex(&self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.entropy.fill(&mut random);
        hex(&random)
    }
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// Random text of `length` characters out of `[A-Za-z0-9_-]`.
pub(crate) fn token(entropy: &dyn Entropy, length: usize) -> String {
    let mut random = vec![0; length.div_ceil(4) * 3];
    entropy.fill(&mut random);
    let mut text = BASE64_URL_SAFE_NO_PAD.encode(random);
    text.truncate(length);
    text
}

/// A random UUID.
pub(crate) fn uuid(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
