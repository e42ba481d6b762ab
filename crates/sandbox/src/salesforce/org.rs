//! The org as its endpoints see it: records, sessions, settings, time and chance.

use std::str::FromStr as _;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use oktant_base::{Clock, Entropy, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::id::Id;
use super::oauth::Grants;
use super::rest::Cursors;
use super::schema::Schema;
use super::store::Store;
use crate::http::Traffic;
use crate::oauth::KeyRing;

/// What can be changed while the org runs; see `POST /sandbox/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// How long a session lives that is not used.
    pub(super) token_lifetime_seconds: u32,
    /// Whether a refresh token is exchanged for a new one when it is used, in every app.
    pub(super) rotate_refresh_tokens: bool,
    /// Requests of a day.
    pub(super) daily_api_requests: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { token_lifetime_seconds: 7_200, rotate_refresh_tokens: false, daily_api_requests: 15_000 }
    }
}

/// Requests made today.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) used: u64,
    pub(super) max: u64,
    day: i64,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) user: Id,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    /// Number of the grant that it was made from, and with which it ends.
    pub(super) grant: Option<u64>,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

impl Session {
    /// The time zone of the user; that of Greenwich if it has none that is known.
    pub(super) fn zone(&self, store: &Store) -> Tz {
        let user = store.get("User", self.user);
        user.and_then(|user| Tz::from_str(user.text("TimeZoneSidKey")).ok()).unwrap_or(Tz::GMT)
    }

    /// Whether one of the scopes is among its own; `full` is all of them.
    pub(super) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope || own == "full")
    }
}

/// One Salesforce org.
#[derive(Debug)]
pub(super) struct Org {
    /// Where it listens, which is also where people log in.
    pub(super) url: String,
    pub(super) id: Id,
    pub(super) schema: Arc<Schema>,
    pub(super) store: Mutex<Store>,
    pub(super) grants: Mutex<Grants>,
    pub(super) cursors: Mutex<Cursors>,
    pub(super) settings: Mutex<Settings>,
    pub(super) usage: Mutex<Usage>,
    pub(super) traffic: Traffic,
    pub(super) keys: KeyRing,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) started: Timestamp,
}

impl Org {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When the org was made.
    pub(super) fn started(&self) -> Timestamp {
        self.started
    }

    /// Random text of `length` letters, digits, `-` and `_`.
    pub(super) fn token(&self, length: usize) -> String {
        crate::org::token(self.entropy.as_ref(), length)
    }

    /// How long a session lives that is not used.
    pub(super) fn lifetime(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.settings.lock().token_lifetime_seconds))
    }

    /// The address under which a user is described.
    pub(super) fn identity_url(&self, user: Id) -> String {
        format!("{}/id/{}/{user}", self.url, self.id)
    }

    /// Requests made and allowed today; the count begins anew with the day.
    pub(super) fn usage(&self) -> Usage {
        self.count_usage(0)
    }

    /// Counts one request; `None` if the day's are used up.
    pub(super) fn take_request(&self) -> Option<Usage> {
        let usage = self.usage();
        (usage.used < usage.max).then(|| self.count_usage(1))
    }

    fn count_usage(&self, more: u64) -> Usage {
        let max = self.settings.lock().daily_api_requests;
        let day = self.now().timestamp().div_euclid(86_400);
        let mut usage = self.usage.lock();
        let used = if usage.day == day { usage.used + more } else { more };
        *usage = Usage { used, max, day };
        *usage
    }
}
