//! RSA keys with certificates: what applications sign assertions with, and the metadata that shows them.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{Datelike as _, TimeDelta};
use oktant_base::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use x509_parser::public_key::PublicKey;

use crate::store::Stamp;

/// Years for which a certificate is valid unless the caller says otherwise.
pub(crate) const YEARS: i64 = 10;

/// A public key and the certificate around it.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    der: Vec<u8>,
    created: Timestamp,
    expires: Timestamp,
}

/// The certificate that the org's applications have unless they were given another. It is made at its
/// first use: most sandboxes never need it.
#[derive(Debug, Default)]
pub(crate) struct OrgCertificate(OnceLock<Option<Certificate>>);

impl OrgCertificate {
    /// The certificate; `None` if the crypto library made no key.
    pub(crate) fn get(&self, host: &str, now: Timestamp) -> Option<&Certificate> {
        self.0.get_or_init(|| Certificate::generate(host, now, YEARS)).as_ref()
    }
}

impl Certificate {
    /// A new key of 2,048 bits with a certificate of its own. The private half is dropped: nothing here signs with it.
    pub(crate) fn generate(host: &str, now: Timestamp, years: i64) -> Option<Self> {
        let key = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let public = key.public_key();
        let (modulus, exponent) = (public.modulus().big_endian_without_leading_zero().to_vec(), public.exponent());
        let exponent = exponent.big_endian_without_leading_zero().to_vec();
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().ok()?;
        let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256).ok()?;
        let expires = now + TimeDelta::days(365 * years);
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(host);
        // The library has times of its own; days are as fine as it needs to be.
        let day = |time: Timestamp| rcgen::date_time_ymd(time.year(), time.month() as u8, time.day() as u8);
        (params.not_before, params.not_after) = (day(now), day(expires));
        let der = params.self_signed(&signer).ok()?.der().to_vec();
        Some(Self { modulus, exponent, der, created: now, expires })
    }

    /// The certificate of an RSA key in DER; `None` if it is none.
    pub(crate) fn parse(der: &[u8], now: Timestamp) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
        let PublicKey::RSA(key) = parsed.public_key().parsed().ok()? else { return None };
        let expires = Timestamp::from_timestamp(parsed.validity().not_after.timestamp(), 0)?;
        let without_zeros = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        let (modulus, exponent) = (without_zeros(key.modulus), without_zeros(key.exponent));
        Some(Self { modulus, exponent, der: der.to_vec(), created: now, expires })
    }

    /// The certificate in base64, as metadata and keys hold it.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// The key as the API shows it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        let created = Stamp::of(self.created).text();
        json!({
            "kty": "RSA",
            "created": created,
            "lastUpdated": created,
            "expiresAt": Stamp::of(self.expires).text(),
            "kid": kid,
            "use": "sig",
            "x5c": [self.base64()],
            "x5t#S256": URL_SAFE_NO_PAD.encode(digest),
            "e": URL_SAFE_NO_PAD.encode(&self.exponent),
            "n": URL_SAFE_NO_PAD.encode(&self.modulus),
        })
    }
}

/// A new key's request for a certificate (PKCS #10) in base64, for a subject as the API describes it.
/// The private half is dropped: nothing here signs with it.
pub(crate) fn signing_request(subject: &Value, names: Vec<String>) -> Option<String> {
    const PARTS: [(&str, DnType); 6] = [
        ("countryName", DnType::CountryName),
        ("stateOrProvinceName", DnType::StateOrProvinceName),
        ("localityName", DnType::LocalityName),
        ("organizationName", DnType::OrganizationName),
        ("organizationalUnitName", DnType::OrganizationalUnitName),
        ("commonName", DnType::CommonName),
    ];
    let key = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().ok()?;
    let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_ref().into(), &PKCS_RSA_SHA256).ok()?;
    let mut params = CertificateParams::new(names).ok()?;
    params.distinguished_name = DistinguishedName::new();
    for (member, part) in PARTS {
        if let Some(text) = subject[member].as_str() {
            params.distinguished_name.push(part, text);
        }
    }
    Some(STANDARD.encode(params.serialize_request(&signer).ok()?.der()))
}

fn subject(host: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "US");
    name.push(DnType::OrganizationName, "Oktant");
    name.push(DnType::CommonName, host);
    name
}
