//! The System Log: every change writes an event, and the org can be asked for them.

mod event;
mod kind;
mod list;
mod store;
mod target;

use crate::http::{Call, Handler};
use crate::store::{Store, UserNumber};

use event::Origin;

pub(crate) use event::system_event;
pub(crate) use kind::Kind;
pub(crate) use store::Log;
pub(crate) use target::Target;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[("listLogEvents", Handler::Read(list::list))];

/// Writes what a call did.
pub(crate) fn record(store: &mut Store, call: &Call<'_>, kind: Kind, targets: &[Target]) {
    let actor = event::actor(store, call);
    let event = event::event(&Origin::Call(call), kind, &actor, targets);
    store.log.push(call.now, &event);
}

/// Writes what the org itself did because of a call.
pub(crate) fn record_job(store: &mut Store, call: &Call<'_>, kind: Kind, targets: &[Target]) {
    let event = event::event(&Origin::Job(call), kind, &Target::system(), targets);
    store.log.push(call.now, &event);
}

/// Writes what a call did to one user.
pub(crate) fn record_user(store: &mut Store, call: &Call<'_>, user: UserNumber, kind: Kind) {
    let target = store.users.get(user).map(Target::user);
    record(store, call, kind, target.as_slice());
}
