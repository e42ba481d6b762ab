//! Where a sign-in is kept: a file for its owner alone, or the memory of this process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use etcetera::BaseStrategy;
use oktant_base::Secret;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::{Error, private_file};

/// Version of the file's format.
const VERSION: u32 = 1;

/// What is kept of a sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) version: u32,
    /// Host of the org, with port where one was given.
    pub(super) domain: String,
    pub(super) client_id: String,
    pub(super) auth_scheme: String,
    /// Scopes granted.
    pub(super) scope: String,
    /// Scopes asked for when the person signed in, of which some may not have been granted.
    pub(super) asked_scope: String,
    #[serde(serialize_with = "exposed")]
    pub(super) access_token: Option<Secret>,
    #[serde(serialize_with = "exposed")]
    pub(super) refresh_token: Option<Secret>,
    #[serde(serialize_with = "exposed")]
    pub(super) id_token: Option<Secret>,
    /// `Bearer` or `DPoP`.
    pub(super) token_type: String,
    /// Life of the access token in seconds.
    pub(super) expires_in: u64,
    /// When the access token was issued, in epoch milliseconds.
    pub(super) token_timestamp: i64,
    /// When it was last refreshed, in epoch milliseconds; 0 for never.
    pub(super) refresh_timestamp: i64,
    /// The key that tokens are bound to.
    #[serde(serialize_with = "exposed")]
    pub(super) dpop_jwk: Option<Secret<Value>>,
    /// A sign-in begun here and continued on another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
}

/// What must be remembered between showing the address and receiving the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(serialize_with = "exposed_one")]
    pub(super) code_verifier: Secret,
    pub(super) redirect_uri: String,
}

#[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
fn exposed<T: Serialize, S: Serializer>(secret: &Option<Secret<T>>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}

fn exposed_one<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.expose().serialize(serializer)
}

/// A place for one record.
#[derive(Debug, Clone)]
pub(super) enum Store {
    File(PathBuf),
    Memory(String, Arc<Slot>),
}

/// A record in memory, shared by everyone who uses its name.
#[derive(Debug, Default)]
pub(super) struct Slot {
    record: Mutex<Option<Record>>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

static SLOTS: LazyLock<Mutex<BTreeMap<String, Arc<Slot>>>> = LazyLock::new(Mutex::default);

/// The sole right to change a record, until dropped.
#[derive(Debug)]
pub(super) enum Lock {
    File { _held: File },
    Memory { _held: tokio::sync::OwnedMutexGuard<()> },
}

impl Store {
    /// The store at `location`, else the default one for `domain`.
    pub(super) fn open(location: Option<&str>, domain: &str) -> Result<Self, Error> {
        let Some(location) = location else { return Ok(Self::File(default_path(domain)?)) };
        let Some(name) = location.strip_prefix("memory://") else { return Ok(Self::File(expanded(location)?)) };
        let slot = SLOTS.lock().entry(name.to_owned()).or_default().clone();
        Ok(Self::Memory(location.to_owned(), slot))
    }

    /// Path or `memory://` name.
    pub(super) fn location(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Memory(location, _) => location.clone(),
        }
    }

    /// Waits for the sole right to change the record, against other threads and processes alike.
    pub(super) async fn lock(&self) -> Result<Lock, Error> {
        match self {
            Self::Memory(_, slot) => Ok(Lock::Memory { _held: slot.lock.clone().lock_owned().await }),
            Self::File(path) => {
                let path = path.clone();
                let held = tokio::task::spawn_blocking(move || private_file::lock(&path)).await;
                let held = held.map_err(io::Error::other).flatten();
                Ok(Lock::File { _held: held.map_err(|error| self.unusable(format!("it cannot be locked: {error}")))? })
            }
        }
    }

    /// The record, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the file is open to others, unreadable, or of a later version.
    pub(super) fn read(&self) -> Result<Option<Record>, Error> {
        match self {
            Self::Memory(_, slot) => Ok(slot.record.lock().clone()),
            Self::File(path) => self.read_file(path),
        }
    }

    /// Replaces the record in one step: readers see the old one or the new one, whole.
    pub(super) fn write(&self, record: &Record) -> Result<(), Error> {
        let record = Record { version: VERSION, ..record.clone() };
        match self {
            Self::Memory(_, slot) => *slot.record.lock() = Some(record),
            Self::File(path) => {
                write_file(path, &record).map_err(|error| self.unusable(format!("it cannot be written: {error}")))?;
            }
        }
        Ok(())
    }

    fn read_file(&self, path: &Path) -> Result<Option<Record>, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(format!("it cannot be read: {error}"))),
        };
        if private_file::is_open_to_others(path) {
            return Err(self.unusable("others can read it; run chmod 600 on it".to_owned()));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if !text.starts_with('{') {
            return legacy(text).map(Some).ok_or_else(|| self.unusable("it is not a settings file".to_owned()));
        }
        let record: Record = serde_json::from_str(text).map_err(|error| {
            self.unusable(format!("it is damaged at line {} column {}", error.line(), error.column()))
        })?;
        if record.version > VERSION {
            return Err(self.unusable(format!("its version {} is of a later release", record.version)));
        }
        Ok(Some(record))
    }

    pub(super) fn unusable(&self, reason: String) -> Error {
        Error::Settings { location: self.location(), reason }
    }
}

/// `oktant/oauth/DOMAIN.json` in the user's configuration folder.
fn default_path(domain: &str) -> Result<PathBuf, Error> {
    let strategy = etcetera::choose_base_strategy()
        .map_err(|error| Error::Settings { location: "OAuthSettingsLocation".to_owned(), reason: error.to_string() })?;
    let file = format!("{}.json", domain.replace(':', "_"));
    Ok(strategy.config_dir().join("oktant").join("oauth").join(file))
}

/// A path with `~/` resolved.
fn expanded(location: &str) -> Result<PathBuf, Error> {
    let Some(rest) = location.strip_prefix("~/") else { return Ok(PathBuf::from(location)) };
    let home = etcetera::home_dir()
        .map_err(|error| Error::Settings { location: location.to_owned(), reason: error.to_string() })?;
    Ok(home.join(rest))
}

fn write_file(path: &Path, record: &Record) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(record)?;
    text.push(b'\n');
    private_file::write(path, &text)
}

/// Reads lines of `OAuthAccessToken=…`, the form that other tools of this family write.
fn legacy(text: &str) -> Option<Record> {
    let mut record = Record { token_type: "Bearer".to_owned(), ..Record::default() };
    let mut found = false;
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "oauthaccesstoken" => record.access_token = Some(Secret::new(value.to_owned())),
            "oauthrefreshtoken" => record.refresh_token = Some(Secret::new(value.to_owned())),
            "oauthexpiresin" => record.expires_in = value.parse().ok()?,
            "oauthtokentimestamp" => record.token_timestamp = value.parse().ok()?,
            "oauthclientid" => value.clone_into(&mut record.client_id),
            _ => continue,
        }
        found = true;
    }
    found.then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            domain: "acme.okta.com".to_owned(),
            access_token: Some(Secret::new("at".to_owned())),
            refresh_token: Some(Secret::new("rt".to_owned())),
            dpop_jwk: Some(Secret::new(serde_json::json!({"kty": "EC"}))),
            ..Record::default()
        }
    }

    fn file_store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::File(folder.path().join("deep/OAuthSettings.txt"));
        (folder, store)
    }

    #[test]
    fn a_record_survives_and_stays_private() {
        let (_folder, store) = file_store();
        assert!(store.read().unwrap().is_none());
        store.write(&record()).unwrap();
        let read = store.read().unwrap().unwrap();
        assert_eq!(read.refresh_token, record().refresh_token);
        assert_eq!(read.dpop_jwk, record().dpop_jwk);
        assert_eq!(read.version, VERSION);
        assert!(!private_file::is_open_to_others(Path::new(&store.location())));
        assert!(!format!("{read:?}").contains("rt\""), "tokens never show");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, store) = file_store();
        store.write(&record()).unwrap();
        fs::set_permissions(store.location(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(store.read().unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn files_of_other_forms_are_told_apart() {
        let (_folder, store) = file_store();
        store.write(&record()).unwrap();
        let put = |text: &str| fs::write(store.location(), text).unwrap();
        put("OAuthAccessToken=a=b\r\nOAuthRefreshToken = r\nOAuthExpiresIn=3600\n");
        let read = store.read().unwrap().unwrap();
        assert_eq!(read.access_token, Some(Secret::new("a=b".to_owned())));
        assert_eq!((read.refresh_token, read.expires_in), (Some(Secret::new("r".to_owned())), 3600));
        put("{\"version\":2}");
        assert!(store.read().unwrap_err().to_string().contains("later release"));
        put("{\"version\":");
        assert!(store.read().unwrap_err().to_string().contains("damaged"));
        put("hello");
        assert!(store.read().unwrap_err().to_string().contains("not a settings file"));
        put(" \n");
        assert!(store.read().unwrap().is_none());
    }

    #[test]
    fn memory_is_shared_by_name() {
        let open = |location| Store::open(Some(location), "acme.okta.com").unwrap();
        open("memory://a").write(&record()).unwrap();
        assert!(open("memory://a").read().unwrap().is_some());
        assert!(open("memory://b").read().unwrap().is_none());
    }
}
