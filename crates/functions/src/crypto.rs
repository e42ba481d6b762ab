//! Digests and message authentication codes.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, output, pure};

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("crypto:hmac", "HMAC", hmac)
            .takes("algorithm*: text, key*: text, data*: text, digest: text = \"hex\"")
            .gives("output: text")
            .note("Algorithms: md5, sha1, sha224, sha256, sha384, sha512, also by older names such as RSA-SHA256. Digests: hex, base64, binary.")
            .examples(&[
                // RFC 4231, test case 2, and RFC 2202, test case 2.
                (r#"{"algorithm":"sha256","key":"Jefe","data":"what do ya want for nothing?","digest":"hex"}"#, r#"{"output":"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}"#),
                (r#"{"algorithm":"RSA-SHA1","key":"Jefe","data":"what do ya want for nothing?","digest":"base64"}"#, r#"{"output":"7/zfauXrL6LSdBbV8YTfnCWafHk="}"#),
                (r#"{"algorithm":"md5","key":"Jefe","data":"what do ya want for nothing?"}"#, r#"{"output":"750c783e6ab0b503eaa86e310a5db738"}"#),
            ]),
        pure("crypto:hash", "Hash", hash)
            .takes("algorithm*: text, data: text, digest: text = \"hex\"")
            .gives("output: text")
            .examples(&[(r#"{"algorithm":"sha256","data":"abc"}"#, r#"{"output":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#)])
            .beyond_templates(),
    ]
}

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The digest of an OpenSSL name, be it the digest's own or that of a signature with it.
fn algorithm(name: &str) -> Result<Algorithm, FunctionError> {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let digest = lower.strip_prefix("rsa-").or_else(|| lower.strip_prefix("ecdsa-with-")).unwrap_or(&lower);
    let digest = digest.strip_suffix("withrsaencryption").unwrap_or(digest);
    Ok(match digest.replace("sha-", "sha").as_str() {
        "md5" | "ssl3-md5" => Algorithm::Md5,
        "sha1" | "ssl3-sha1" | "sha1-2" | "dss1" | "dsa-sha1" | "dsa-sha" | "dsawithsha1" => Algorithm::Sha1,
        "sha224" => Algorithm::Sha224,
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        _ => {
            return Err(FunctionError::invalid(format!("algorithm: {name} is not supported"))
                .hinted("one of md5, sha1, sha224, sha256, sha384, sha512"));
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn shown(call: &Call<'_>, bytes: &[u8]) -> Result<Fields, FunctionError> {
    match call.text("digest") {
        "hex" | "" => output(hex(bytes)),
        "base64" => output(BASE64_STANDARD.encode(bytes)),
        // Node's name for ISO 8859-1: each byte is the character of that number.
        "binary" | "latin1" => output(bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
        _ => Err(FunctionError::invalid("digest: it must be hex, base64 or binary")),
    }
}

fn hmac(call: &Call<'_>) -> Result<Fields, FunctionError> {
    fn code<M: Mac + KeyInit>(key: &str, data: &str) -> Vec<u8> {
        let mac = <M as KeyInit>::new_from_slice(key.as_bytes()).expect("a key of any length will do");
        mac.chain_update(data).finalize().into_bytes().to_vec()
    }
    let code = match algorithm(call.text("algorithm"))? {
        Algorithm::Md5 => code::<Hmac<Md5>>,
        Algorithm::Sha1 => code::<Hmac<Sha1>>,
        Algorithm::Sha224 => code::<Hmac<Sha224>>,
        Algorithm::Sha256 => code::<Hmac<Sha256>>,
        Algorithm::Sha384 => code::<Hmac<Sha384>>,
        Algorithm::Sha512 => code::<Hmac<Sha512>>,
    };
    shown(call, &code(call.text("key"), call.text("data")))
}

fn hash(call: &Call<'_>) -> Result<Fields, FunctionError> {
    fn of<D: Digest>(data: &str) -> Vec<u8> {
        D::digest(data).to_vec()
    }
    let of = match algorithm(call.text("algorithm"))? {
        Algorithm::Md5 => of::<Md5>,
        Algorithm::Sha1 => of::<Sha1>,
        Algorithm::Sha224 => of::<Sha224>,
        Algorithm::Sha256 => of::<Sha256>,
        Algorithm::Sha384 => of::<Sha384>,
        Algorithm::Sha512 => of::<Sha512>,
    };
    shown(call, &of(call.text("data")))
}
