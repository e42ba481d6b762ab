//! What no card may give back: the secrets of the connections that were opened lately.

use std::collections::{HashMap, VecDeque};

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderName, USER_AGENT};
use oktant_engine::Hidden;
use parking_lot::Mutex;

use super::Live;

/// Forms of one connection that are remembered: a service may send back the token of before it was renewed.
const FORMS: usize = 4;

/// Headers of a connection that are no secrets: what they say stands in many an answer.
const PUBLIC: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

/// Connections as they were opened, by their ids, the oldest form first.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<HashMap<String, VecDeque<Live>>>);

impl Opened {
    /// Remembers a connection with its secrets.
    pub(super) fn remember(&self, live: &Live) {
        let mut opened = self.0.lock();
        let forms = opened.entry(live.connection.id.clone()).or_default();
        if forms.back().is_some_and(|last| last.secrets == live.secrets) {
            return;
        }
        if forms.len() == FORMS {
            forms.pop_front();
        }
        forms.push_back(live.clone());
    }

    /// The secrets of a connection.
    pub(super) fn hidden(&self, id_or_name: &str) -> Hidden {
        let mut hidden = Hidden::default();
        for live in self.0.lock().values().flatten() {
            if [&live.connection.id, &live.connection.name].into_iter().any(|known| known == id_or_name) {
                hide(live, &mut hidden);
            }
        }
        hidden
    }
}

/// Adds the secrets of a connection, and what its headers make of them.
fn hide(live: &Live, hidden: &mut Hidden) {
    let is_public = |name: &str| {
        let header = name.strip_prefix(super::HEADER).and_then(|name| HeaderName::try_from(name).ok());
        name == "expires_at" || header.is_some_and(|header| PUBLIC.contains(&header))
    };
    let secrets = live.secrets.0.iter().filter(|(name, _)| !is_public(name));
    secrets.for_each(|(_, secret)| hidden.add(secret.expose().as_str()));
    // One whose secrets make no headers has sent none.
    let headers = live.credentials().unwrap_or_default();
    for (_, value) in headers.iter().filter(|(name, _)| !PUBLIC.contains(name)) {
        if let Some(word) = value.to_str().ok().and_then(|text| text.split(' ').next_back()) {
            hidden.add(word);
        }
    }
}
