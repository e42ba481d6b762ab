//! The accounts of desired users as a run finds and makes them, and word of them for whoever waits.

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Link;

/// About how many words of progress a run gives before its end: each has every group look through those it waits for.
const WORDS: usize = 32;

/// For each desired user its account, as far as there is one by now.
pub(super) struct Accounts {
    known: Mutex<Known>,
    /// How many words there were, and whether the last was that of the end.
    told: watch::Sender<Told>,
    /// Changes that come through between one word and the next.
    step: usize,
}

struct Known {
    links: Vec<Option<Link>>,
    /// Users whose change is not through: the account they have may be gone and made anew.
    pending: Vec<bool>,
    through: usize,
}

impl Known {
    fn lasting(&self, user: u32) -> Option<&Link> {
        self.links[user as usize].as_ref().filter(|_| !self.pending[user as usize])
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    words: usize,
    /// No account comes or goes any more.
    pub(super) is_settled: bool,
}

impl Accounts {
    /// With the accounts that are there, and the users whose accounts are about to change.
    pub(super) fn new(links: Vec<Option<Link>>, changing: impl Iterator<Item = u32>) -> Self {
        let mut pending = vec![false; links.len()];
        let mut changes = 0;
        for user in changing {
            pending[user as usize] = true;
            changes += 1;
        }
        let known = Mutex::new(Known { links, pending, through: 0 });
        Self { known, told: watch::Sender::default(), step: (changes / WORDS).max(1) }
    }

    pub(super) fn get(&self, user: u32) -> Option<Link> {
        self.known.lock().links[user as usize].clone()
    }

    /// The account of a user, unless it is about to change.
    pub(super) fn lasting(&self, user: u32) -> Option<Link> {
        self.known.lock().lasting(user).cloned()
    }

    /// All of them, in the order of the users.
    pub(super) fn all(&self) -> Vec<Link> {
        self.known.lock().links.iter().flatten().cloned().collect()
    }

    /// Notes the account of a user whose change is through.
    pub(super) fn put(&self, user: u32, link: Link) {
        let mut known = self.known.lock();
        known.links[user as usize] = Some(link);
        let was_pending = std::mem::take(&mut known.pending[user as usize]);
        known.through += usize::from(was_pending);
        let is_due = was_pending && known.through.is_multiple_of(self.step);
        drop(known);
        if is_due {
            self.told.send_modify(|told| told.words += 1);
        }
    }

    /// Says that every change of an account is through, or never will be.
    pub(super) fn settle(&self) {
        self.known.lock().pending.fill(false);
        self.told.send_modify(|told| told.is_settled = true);
    }

    /// Word of accounts from now on.
    pub(super) fn news(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    /// Takes out of `users` those who have an account that stays, in their order: as many as make up whole `batches`,
    /// or all of them once accounts are settled.
    pub(super) fn take_ready(&self, users: &mut Vec<u32>, batch: usize, is_settled: bool) -> Vec<(u32, Link)> {
        let known = self.known.lock();
        let mut take = users.iter().filter(|user| known.lasting(**user).is_some()).count();
        if !is_settled {
            take -= take % batch;
        }
        let mut ready = Vec::with_capacity(take);
        users.retain(|user| match known.lasting(*user) {
            Some(link) if ready.len() < take => {
                ready.push((*user, link.clone()));
                false
            }
            _ => true,
        });
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(key: i64) -> Link {
        Link { scim_id: format!("u{key}").into(), key }
    }

    fn keys(ready: &[(u32, Link)]) -> Vec<i64> {
        ready.iter().map(|(_, account)| account.key).collect()
    }

    #[test]
    fn whole_batches_are_ready_first_and_everyone_in_the_end() {
        let accounts = Accounts::new(vec![Some(account(0)), None, None, None, None], [1, 2, 3, 4].into_iter());
        let mut users = vec![0, 1, 2, 3, 4];
        assert!(accounts.take_ready(&mut users, 2, false).is_empty());
        accounts.put(2, account(2));
        accounts.put(3, account(3));
        assert_eq!(keys(&accounts.take_ready(&mut users, 2, false)), [0, 2]);
        assert_eq!(users, [1, 3, 4]);
        accounts.put(4, account(4));
        assert!(accounts.take_ready(&mut users, usize::MAX, false).is_empty());
        accounts.settle();
        assert_eq!(keys(&accounts.take_ready(&mut users, 2, true)), [3, 4]);
        assert_eq!(users, [1]);
    }

    #[test]
    fn an_account_that_is_about_to_change_is_not_ready() {
        let accounts = Accounts::new(vec![Some(account(0))], std::iter::once(0));
        let mut users = vec![0];
        assert!(accounts.take_ready(&mut users, 1, false).is_empty());
        accounts.put(0, account(7));
        assert_eq!(keys(&accounts.take_ready(&mut users, 1, false)), [7]);
    }

    #[test]
    fn progress_is_told_so_many_times_and_once_for_the_end() {
        let users = 10 * WORDS as u32;
        let accounts = Accounts::new(vec![None; users as usize], 0..users);
        let news = accounts.news();
        for user in 0..users {
            accounts.put(user, account(user.into()));
            accounts.put(user, account(user.into()));
        }
        assert_eq!(news.borrow().words, WORDS);
        assert!(!news.borrow().is_settled);
        accounts.settle();
        assert!(news.borrow().is_settled);
    }
}
