//! Secrets at rest: sealed with AES-256-GCM-SIV under a key that stands elsewhere.
//!
//! The SIV form keeps its promise even if a nonce should come twice. A sealed text is bound to the
//! id of its connection, so that nobody who can write the database can move secrets from one
//! connection to another, say to one whose address is theirs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use etcetera::BaseStrategy as _;
use oktant_base::{Entropy, Secret};
use oktant_client::private_file;

use crate::Error;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Bound into every sealed text, so that it fits no other use of the key.
const PURPOSE: &str = "oktant connection secrets 1";

/// The key that seals secrets. Cannot be printed.
pub struct SealingKey {
    key: LessSafeKey,
    /// Tells keys apart without telling anything about them.
    id: String,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SealingKey {
    /// A key from the base64 text of its 32 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if it is anything else.
    pub fn from_text(text: &Secret) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.expose().trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES);
        let wrong = || {
            Error::Key("the key is not the base64 text of 32 bytes, such as `openssl rand -base64 32` makes".to_owned())
        };
        let bytes = bytes.ok_or_else(wrong)?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &bytes).map_err(|_| wrong())?;
        let fingerprint = digest(&SHA256, &[PURPOSE.as_bytes(), &bytes].concat());
        let id = crate::hex(&fingerprint.as_ref()[..4]);
        Ok(Self { key: LessSafeKey::new(key), id })
    }

    /// A new key, as text.
    pub fn generate(entropy: &dyn Entropy) -> Secret {
        let mut bytes = [0; KEY_BYTES];
        entropy.fill(&mut bytes);
        Secret::new(STANDARD.encode(bytes))
    }

    /// The key that the environment names: `OKTANT_KEY` is the key, `OKTANT_KEY_COMMAND` a command that prints it
    /// (that of a keyring, such as `secret-tool lookup service oktant`), `OKTANT_KEY_FILE` its file; else the file
    /// `oktant/key` in the user's configuration folder, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if what is named cannot be read, is open to others, or is no key.
    pub fn find(variables: &BTreeMap<String, String>, entropy: &dyn Entropy) -> Result<Self, Error> {
        let variable = |name: &str| variables.get(name).filter(|value| !value.trim().is_empty());
        if let Some(text) = variable("OKTANT_KEY") {
            return Self::from_text(&Secret::new(text.clone()));
        }
        if let Some(command) = variable("OKTANT_KEY_COMMAND") {
            return Self::from_text(&printed_by(command)?);
        }
        match variable("OKTANT_KEY_FILE") {
            Some(path) => Self::from_file(Path::new(path)),
            None => Self::from_own_file(&default_path()?, entropy),
        }
    }

    /// The key in a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Error::Key(format!("the key at {shown} cannot be read: {error}")))?;
        if private_file::is_open_to_others(path) {
            return Err(Error::Key(format!("others can read the key at {shown}; run chmod 600 on it")));
        }
        Self::from_text(&Secret::new(text))
    }

    /// The same; the file is made with a new key if there is none.
    fn from_own_file(path: &Path, entropy: &dyn Entropy) -> Result<Self, Error> {
        let failed =
            |error: std::io::Error| Error::Key(format!("the key at {} cannot be made: {error}", path.display()));
        if !path.exists() {
            let _lock = private_file::lock(path).map_err(failed)?;
            // Another process may have been first.
            if !path.exists() {
                private_file::write(path, Self::generate(entropy).expose().as_bytes()).map_err(failed)?;
            }
        }
        Self::from_file(path)
    }

    /// Seals `plain` for the connection `id`.
    pub(crate) fn seal(&self, id: &str, plain: &[u8], entropy: &dyn Entropy) -> String {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        let (nonce_used, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(bound_to(id)));
        self.key
            .seal_in_place_append_tag(nonce_used, aad, &mut sealed)
            .expect("secrets are far below the cipher's limit");
        format!("{}.{}", self.id, STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// Opens what [`SealingKey::seal`] made for the same connection.
    pub(crate) fn open(&self, id: &str, sealed: &str) -> Result<Secret<Vec<u8>>, Error> {
        let damaged = || Error::Key("the connection's secrets are damaged".to_owned());
        let (key_id, text) = sealed.split_once('.').ok_or_else(damaged)?;
        if key_id != self.id {
            let ours = &self.id;
            return Err(Error::Key(format!(
                "the connection's secrets were sealed with key {key_id}, and this is key {ours}"
            )));
        }
        let mut bytes = STANDARD.decode(text).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_BYTES).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let plain = self.key.open_in_place(nonce, Aad::from(bound_to(id)), sealed).map_err(|_| damaged())?;
        Ok(Secret::new(plain.to_vec()))
    }
}

fn bound_to(id: &str) -> Vec<u8> {
    format!("{PURPOSE}\0{id}").into_bytes()
}

fn default_path() -> Result<PathBuf, Error> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| Error::Key(error.to_string()))?;
    Ok(strategy.config_dir().join("oktant").join("key"))
}

/// What a command of the user's own environment prints, run by the shell.
fn printed_by(command: &str) -> Result<Secret, Error> {
    let failed = |reason: String| Error::Key(format!("OKTANT_KEY_COMMAND failed: {reason}"));
    let shell = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
    let output =
        Command::new(shell[0]).arg(shell[1]).arg(command).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map(Secret::new).map_err(|_| failed("it does not print text".to_owned()))
}

#[cfg(test)]
mod tests {
    use oktant_base::SeededEntropy;

    use super::*;

    fn key(seed: u64) -> SealingKey {
        SealingKey::from_text(&SealingKey::generate(&SeededEntropy::new(seed))).unwrap()
    }

    #[test]
    fn secrets_open_with_their_key_and_for_their_connection_only() {
        let (ours, entropy) = (key(1), SeededEntropy::new(9));
        let sealed = ours.seal("c1", b"s3cret", &entropy);
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, ours.seal("c1", b"s3cret", &entropy), "the same secret looks different each time");
        assert_eq!(ours.open("c1", &sealed).unwrap().expose(), b"s3cret");
        assert!(ours.open("c2", &sealed).unwrap_err().to_string().contains("damaged"));
        assert!(key(2).open("c1", &sealed).unwrap_err().to_string().contains("sealed with key"));
        let mut bent = sealed.clone().into_bytes();
        let last = bent.len() - 5;
        bent[last] = if bent[last] == b'A' { b'B' } else { b'A' };
        assert!(ours.open("c1", &String::from_utf8(bent).unwrap()).is_err());
        for text in ["", "x", "aabbccdd.", "aabbccdd.AAAA"] {
            assert!(ours.open("c1", text).is_err());
        }
        assert!(!format!("{ours:?}").contains("LessSafe"));
    }

    #[test]
    fn the_environment_says_where_the_key_is() {
        let folder = tempfile::tempdir().unwrap();
        let text = SealingKey::generate(&SeededEntropy::new(1));
        let path = folder.path().join("deep/key");
        private_file::write(&path, text.expose().as_bytes()).unwrap();
        let entropy = SeededEntropy::new(2);
        let find = |name: &str, value: String| {
            SealingKey::find(&BTreeMap::from([(name.to_owned(), value)]), &entropy).map(|key| key.id)
        };
        let expected = key(1).id;
        assert_eq!(find("OKTANT_KEY", text.expose().clone()).unwrap(), expected);
        assert_eq!(find("OKTANT_KEY_FILE", path.display().to_string()).unwrap(), expected);
        assert_eq!(find("OKTANT_KEY_COMMAND", format!("cat '{}'", path.display())).unwrap(), expected);
        assert!(find("OKTANT_KEY_COMMAND", "exit 3".to_owned()).unwrap_err().to_string().contains("exit status: 3"));
        assert!(find("OKTANT_KEY", "short".to_owned()).is_err());
        let own = folder.path().join("own/key");
        let made = SealingKey::from_own_file(&own, &entropy).unwrap().id;
        assert_eq!(SealingKey::from_own_file(&own, &entropy).unwrap().id, made, "it is made once");
    }
}
