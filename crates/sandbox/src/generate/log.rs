//! Sign-ins of a generated org, so that its log has a past.

use chrono::TimeDelta;
use oktant_base::{Entropy, Timestamp};

use crate::logs::{Kind, Target, system_event};
use crate::store::{Status, Store};

/// Sign-ins at most.
const EVENTS_MAX: usize = 5_000;

/// How far back they reach, in days: inside the log's retention.
const DAYS: i64 = 80;

/// Adds sign-ins of active users, evenly spread up to `now`.
pub(super) fn add(store: &mut Store, entropy: &dyn Entropy, now: Timestamp) {
    let active = store.users.iter().map(|(_, user)| user).filter(|user| user.status == Status::Active);
    let actors: Vec<_> = active.take(EVENTS_MAX).map(Target::user).collect();
    let start = now - TimeDelta::days(DAYS);
    let step = TimeDelta::days(DAYS) / (actors.len() as i32 + 1);
    for (index, actor) in actors.into_iter().enumerate() {
        let published = start + step * index as i32;
        store.log.push(published, &system_event(Kind::SESSION_START, &actor, published, entropy));
    }
}
