//! Whether PEM text holds what it should, before a connection is made with it.

use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// One certificate or more, and nothing broken between them.
pub(super) fn certificates(text: &str) -> Result<(), String> {
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        certificate.map_err(|error| reason(&error))?;
        count += 1;
    }
    if count == 0 { Err("it holds no certificate".to_owned()) } else { Ok(()) }
}

/// One private key that is not encrypted.
pub(super) fn private_key(text: &str) -> Result<(), String> {
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Err("it is encrypted".to_owned());
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(Error::NoItemsFound) => Err("it holds no private key".to_owned()),
        Err(error) => Err(reason(&error)),
    }
}

/// What is wrong, without a word of the text: it may be a key.
fn reason(error: &Error) -> String {
    match error {
        Error::Base64Decode(_) => "it is not base64 between its BEGIN and END lines",
        Error::MissingSectionEnd { .. } => "its END line is missing",
        Error::IllegalSectionStart { .. } => "its BEGIN line is broken",
        _ => "it is not PEM",
    }
    .to_owned()
}
