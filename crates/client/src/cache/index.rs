//! What is kept, and what a write makes of it.

use std::collections::{BTreeMap, HashMap};

use oktant_base::Timestamp;

/// The keys that are kept, with the places their answers are about.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: HashMap<String, Entry>,
    /// Keys by the number of their last use.
    uses: BTreeMap<u64, String>,
    /// What is being read, by the number of the reading; a write takes out what it may have changed.
    readings: HashMap<u64, Places>,
    next_number: u64,
}

#[derive(Debug)]
struct Entry {
    places: Places,
    used_at: Timestamp,
    use_number: u64,
}

/// Where in the org an answer belongs: the objects along its path, and the collection it lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// Collections and the objects in them: `("groups", "00g1")` and `("users", "")` for
    /// `/api/v1/groups/00g1/users`; the last one is what the path names.
    steps: Vec<(String, String)>,
}

impl Places {
    pub(super) fn of(path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        // Every path of the management API begins so; what follows alternates between collections and ids.
        let segments: Vec<&str> = segments.skip_while(|segment| matches!(*segment, "api" | "v1")).collect();
        let steps =
            segments.chunks(2).map(|step| (step[0].to_owned(), step.get(1).copied().unwrap_or_default().to_owned()));
        Self { steps: steps.collect() }
    }

    /// Whether a write to `written` may have changed the answer at this place.
    ///
    /// A write changes the objects along its path and everything below them, under every name they
    /// have, and the lists of their collections wherever they stand. What it does beyond that is
    /// not known, so an answer about none of them stays.
    pub(super) fn is_changed_by(&self, written: &Self) -> bool {
        written.steps.iter().any(|(collection, id)| {
            let mut own = self.steps.iter().filter(|(own, _)| own == collection).map(|(_, own)| own);
            own.any(|own| own.is_empty() || !id.is_empty() && may_be_same(own, id))
        })
    }
}

/// Whether two names may be of one object. Ids are unique; a login, a name or `me` may stand for any.
fn may_be_same(one: &str, other: &str) -> bool {
    one == other || !(is_id(one) && is_id(other))
}

/// Whether a segment is one of Okta's own ids: 20 letters and digits, the first two or three of the kind.
fn is_id(segment: &str) -> bool {
    segment.len() == 20 && segment.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Index {
    pub(super) fn insert(&mut self, key: &str, places: Places, now: Timestamp) {
        self.forget(key);
        self.next_number += 1;
        self.uses.insert(self.next_number, key.to_owned());
        self.entries.insert(key.to_owned(), Entry { places, used_at: now, use_number: self.next_number });
    }

    /// Notes that the answer for `path` is on its way; gives the number of this reading.
    pub(super) fn begin_reading(&mut self, path: &str) -> u64 {
        self.next_number += 1;
        self.readings.insert(self.next_number, Places::of(path));
        self.next_number
    }

    /// Whether nothing was written since the reading began that may have changed its answer.
    pub(super) fn is_current(&self, reading: u64) -> bool {
        self.readings.contains_key(&reading)
    }

    pub(super) fn end_reading(&mut self, reading: u64) {
        self.readings.remove(&reading);
    }

    pub(super) fn used_at(&self, key: &str) -> Option<Timestamp> {
        self.entries.get(key).map(|entry| entry.used_at)
    }

    pub(super) fn forget(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.uses.remove(&entry.use_number);
        }
    }

    /// Forgets every key, and what is on its way.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.uses.clear();
        self.readings.clear();
    }

    /// The keys beyond `entries_max`, those unused for longest.
    pub(super) fn surplus(&self, entries_max: usize) -> Vec<String> {
        let surplus = self.uses.len().saturating_sub(entries_max);
        self.uses.values().take(surplus).cloned().collect()
    }

    /// The keys whose answers a write to `path` may have changed; those still on their way will not be kept.
    pub(super) fn changed_by(&mut self, path: &str) -> Vec<String> {
        let written = Places::of(path);
        self.readings.retain(|_, places| !places.is_changed_by(&written));
        let changed = self.entries.iter().filter(|(_, entry)| entry.places.is_changed_by(&written));
        changed.map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANE: &str = "/api/v1/users/00u00000000000000001";
    const JOHN: &str = "/api/v1/users/00u00000000000000002";

    #[track_caller]
    fn check(written: &str, read: &str, expected: bool) {
        let changed = Places::of(read).is_changed_by(&Places::of(written));
        assert_eq!(changed, expected, "{written} changes {read}");
    }

    #[test]
    fn a_write_changes_the_object_what_is_below_it_and_its_lists() {
        check(JANE, JANE, true);
        check(JANE, JOHN, false);
        check(&format!("{JANE}/lifecycle/deactivate"), JANE, true);
        check(JANE, &format!("{JANE}/factors"), true);
        check(JANE, "/api/v1/users", true);
        check(JANE, "/api/v1/groups/00g00000000000000001/users", true);
        check(JANE, "/api/v1/groups/00g00000000000000001", false);
        check("/api/v1/users", "/api/v1/users", true);
        check("/api/v1/groups", JANE, false);
        check("/api/v1/users", JANE, false);
    }

    #[test]
    fn an_object_has_several_names() {
        check(JANE, "/api/v1/users/me", true);
        check(JANE, "/api/v1/users/jane@acme.example", true);
        check("/api/v1/users/jane@acme.example", JANE, true);
        check("/api/v1/users/jane@acme.example", "/api/v1/groups/00g00000000000000001", false);
    }

    #[test]
    fn a_membership_is_about_both_its_ends() {
        let membership = "/api/v1/groups/00g00000000000000001/users/00u00000000000000001";
        check(membership, "/api/v1/groups/00g00000000000000001/users", true);
        check(membership, &format!("{JANE}/groups"), true);
        check(membership, &format!("{JOHN}/appLinks"), false);
    }
}
