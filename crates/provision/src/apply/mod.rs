//! Carrying a plan out.
//!
//! Three lanes run side by side, so that access is taken away whatever happens to those who get it, and large groups
//! are filled while users are made:
//!
//! 1. create, adopt, update and reactivate users; behind them and lane 2 users who had to wait for a name, and
//!    passwords
//! 2. remove members, together with members to add whose accounts are there and stay; then deactivate users
//! 3. behind the removal of members: groups (deleted, then renamed, then created, so that names are free), then
//!    members to add, whole batches as they get their accounts and the rest when lanes 1 and 2 are through
//!
//! At last users are deleted. One object has one request under way at a time. Each request is written into the journal
//! before it is sent; its answer and what follows from it are one transaction.

mod accounts;
mod groups;
mod journal;
mod members;
mod upkeep;
mod users;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, stream};
use oktant_base::{Clock, Entropy, Secret};
use parking_lot::Mutex;
use serde::Serialize;

use crate::error::Error;
use crate::plan::{Change, Plan};
use crate::scim::{self, Target};
use crate::state::{State, Write};
use accounts::Accounts;

/// Changes that are worked on at a time; the limiters of the target decide how many requests are in flight.
const CHANGES_TOGETHER: usize = 512;

/// Reasons that an error message repeats.
const REASONS_SHOWN: usize = 3;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of the run in the log.
    pub run: i64,
    /// Changes that were made.
    pub done: usize,
    /// Changes that failed.
    pub failed: usize,
    /// Changes that wait for a person.
    pub blocked: usize,
    /// Memberships that wait for their users.
    pub deferred: usize,
    /// Requests sent to the target, repeats included.
    pub requests: u64,
    /// Why changes failed or are blocked: the first reasons.
    pub reasons: Vec<String>,
}

impl Report {
    /// An error if something was not provisioned.
    ///
    /// # Errors
    ///
    /// [`Error::Unfinished`].
    pub fn complete(&self) -> Result<(), Error> {
        let failed = self.failed + self.blocked + self.deferred;
        if failed == 0 {
            return Ok(());
        }
        Err(Error::Unfinished { failed, total: failed + self.done, reasons: self.reasons.clone() })
    }
}

/// Carries out one plan.
pub(crate) struct Executor<'a> {
    plan: &'a Plan,
    target: &'a Target,
    state: &'a State,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
    run: i64,
    passwords: HashMap<u32, Secret>,
    accounts: Accounts,
    /// For each desired group what it is at the target, as far as there is anything by now.
    group_links: Mutex<Vec<Option<Link>>>,
    /// Members that were added by this run, by group and position of the user.
    added: Mutex<HashMap<u32, Vec<u32>>>,
    tally: Mutex<Tally>,
}

/// An object at the target and its key in the state.
#[derive(Debug, Clone)]
struct Link {
    scim_id: Arc<str>,
    key: i64,
}

#[derive(Default)]
struct Tally {
    results: BTreeMap<&'static str, usize>,
    reasons: Vec<String>,
    /// Okta ids of objects whose changes did not succeed.
    unfinished: HashSet<Box<str>>,
    /// Why the run has to end.
    stop: Option<Error>,
    /// Whether a request is left without an answer.
    is_open: bool,
    /// Updates that ran into a name which a later update sets free.
    postponed: Vec<Change>,
}

/// How one change ended.
#[derive(Debug)]
enum Verdict {
    Done(String),
    Failed(String),
    Blocked(String),
    /// For a later run.
    Deferred(String),
    /// Worth another attempt when the others are through.
    Postponed,
}

impl<'a> Executor<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        target: &'a Target,
        state: &'a State,
        (clock, entropy): (&'a dyn Clock, &'a dyn Entropy),
        run: i64,
        passwords: HashMap<u32, Secret>,
    ) -> Self {
        let world = &plan.world;
        let link = |(user, link): (&crate::source::DesiredUser, &Option<u32>)| {
            let known = world.applied.users.get(&user.okta_id)?;
            let there = &world.actual.users[(*link)? as usize];
            (there.scim_id == known.scim_id).then(|| Link { scim_id: (&*there.scim_id).into(), key: known.key })
        };
        let links = world.desired.users.iter().zip(&world.links).map(link).collect();
        let group_link = |(group, link): (&crate::source::DesiredGroup, &Option<u32>)| {
            let known = world.applied.groups.get(&group.okta_id)?;
            let there = &world.actual.groups[(*link)? as usize];
            Some(Link { scim_id: (&*there.scim_id).into(), key: known.key })
        };
        let group_links = world.desired.groups.iter().zip(&world.group_links).map(group_link).collect();
        Self {
            plan,
            target,
            state,
            clock,
            entropy,
            run,
            passwords,
            accounts: Accounts::new(links, plan.changes.iter().filter_map(Change::granted)),
            group_links: Mutex::new(group_links),
            added: Mutex::default(),
            tally: Mutex::default(),
        }
    }

    /// Carries everything out.
    ///
    /// # Errors
    ///
    /// What stops a whole run: a refused token, a state that cannot be written. Everything else is counted.
    pub(crate) async fn execute(self, command: &'static str) -> Result<Report, Error> {
        let spent = self.target.requests();
        let (at, first_entry) = (self.state.now(), self.state.next_entry());
        let started = Write::RunStarted { id: self.run, command, at, first_entry };
        self.state.write(vec![Write::RunsInterrupted, started]).await?;
        self.lanes().await;
        self.delete_users().await;
        if !self.is_stopped() {
            self.upkeep().await.unwrap_or_else(|error| self.stop(error));
        }
        let mut tally = self.tally.into_inner();
        let count = |result: &str| tally.results.get(result).copied().unwrap_or_default();
        let report = Report {
            run: self.run,
            done: count("done"),
            failed: count("failed"),
            blocked: count("blocked"),
            deferred: count("deferred"),
            requests: self.target.requests() - spent,
            reasons: std::mem::take(&mut tally.reasons),
        };
        let outcome = match &tally.stop {
            Some(error) => format!("stopped: {error}"),
            None => format!(
                "{} done, {} failed, {} blocked, {} deferred",
                report.done, report.failed, report.blocked, report.deferred
            ),
        };
        // An error may end the run between a request whose answer was lost and the look at what came of it.
        let is_open = tally.is_open || tally.stop.is_some();
        let finished = Write::RunFinished { id: self.run, outcome, at: self.state.now(), is_open };
        let written = self.state.write(vec![finished]).await;
        match tally.stop {
            Some(error) => Err(error),
            None => written.map(|()| report),
        }
    }

    async fn lanes(&self) {
        let removed = self.remove_members().boxed().shared();
        let users = async {
            let deactivated = removed.clone().then(|()| self.deactivate_users());
            tokio::join!(self.grant_users(), deactivated);
            self.again().await;
            self.set_passwords().await;
            self.accounts.settle();
        };
        let groups = async {
            removed.clone().await;
            self.change_groups().await;
            self.add_members().await;
        };
        tokio::join!(users, groups);
    }

    /// Everyone who gets an account or other values.
    async fn grant_users(&self) {
        let changes = self.changes(|change| change.granted().is_some() || matches!(change, Change::Blocked { .. }));
        self.each(changes, |change| self.user_change(change, true)).await;
    }

    async fn deactivate_users(&self) {
        let changes = self.changes(|change| matches!(change, Change::DeactivateUser { .. }));
        self.each(changes, |change| self.user_change(change, false)).await;
    }

    /// Whoever had to wait for a name, once more.
    async fn again(&self) {
        let postponed = std::mem::take(&mut self.tally.lock().postponed);
        self.each(postponed.iter().collect(), |change| self.user_change(change, false)).await;
    }

    async fn set_passwords(&self) {
        let changes = self.changes(|change| matches!(change, Change::SetPassword { .. }));
        self.each(changes, |change| self.user_change(change, false)).await;
    }

    async fn change_groups(&self) {
        let deletions = self.changes(|change| matches!(change, Change::DeleteGroup { .. }));
        self.each(deletions, |change| self.group_change(change)).await;
        self.rename_groups().await;
        let changes = self.changes(|change| matches!(change, Change::CreateGroup { .. } | Change::AdoptGroup { .. }));
        self.each(changes, |change| self.group_change(change)).await;
    }

    async fn delete_users(&self) {
        let users = self.changes(|change| matches!(change, Change::DeleteUser { .. }));
        self.each(users, |change| self.user_change(change, false)).await;
    }

    fn changes(&self, wanted: impl Fn(&Change) -> bool) -> Vec<&'a Change> {
        self.plan.changes.iter().filter(|change| wanted(change)).collect()
    }

    /// Does `work` for each item, many at a time. Once the run is stopped, nothing new begins.
    async fn each<T, F: Future<Output = Result<(), Error>>>(&self, items: Vec<T>, work: impl Fn(T) -> F) {
        let work = &work;
        stream::iter(items)
            .for_each_concurrent(CHANGES_TOGETHER, |item| async move {
                if !self.is_stopped()
                    && let Err(error) = work(item).await
                {
                    self.stop(error);
                }
            })
            .await;
    }

    fn stop(&self, error: Error) {
        self.tally.lock().stop.get_or_insert(error);
    }

    fn is_stopped(&self) -> bool {
        self.tally.lock().stop.is_some()
    }

    fn group_link(&self, group: u32) -> Option<Link> {
        self.group_links.lock()[group as usize].clone()
    }
}

/// Ends the run for an error that every other change would meet as well.
fn halting(error: scim::Error) -> Result<scim::Error, Error> {
    if error.stops_the_run() { Err(error.into()) } else { Ok(error) }
}
