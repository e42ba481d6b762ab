//! What rules do to memberships.

use super::expression::{Scope, Value};
use super::{Rule, RuleStatus};
use crate::groups::{groups_of, targets};
use crate::http::Call;
use crate::logs::{self, Kind, Target};
use crate::store::{Datum, GroupNumber, Id, Status, Store, User, UserNumber};

/// A user as expressions see one.
struct Subject<'a> {
    store: &'a Store,
    user: &'a User,
}

impl Scope for Subject<'_> {
    fn attribute(&self, name: &str) -> Value {
        self.user.profile.get(name).map_or(Value::Null, value_of)
    }

    fn internal(&self, name: &str) -> Value {
        let user = self.user;
        let time = match name {
            "id" => return Value::Text(user.id.to_string()),
            "status" => return Value::Text(user.status.as_str().to_owned()),
            "created" => Some(user.created),
            "lastUpdated" => Some(user.last_updated),
            "activated" => user.activated,
            "statusChanged" => user.status_changed,
            "passwordChanged" => user.password_changed,
            "lastLogin" => user.last_login,
            _ => None,
        };
        time.map_or(Value::Null, |time| Value::Text(time.text()))
    }

    fn is_member(&self, id: &str) -> bool {
        let group = Id::parse(id).and_then(|id| self.store.groups.number(id));
        group.is_some_and(|group| groups_of(self.store, self.user).contains(&group))
    }

    fn group_names(&self) -> Vec<String> {
        let groups = groups_of(self.store, self.user);
        groups.into_iter().filter_map(|group| Some(self.store.groups.get(group)?.name().to_owned())).collect()
    }
}

fn value_of(datum: &Datum) -> Value {
    match datum {
        Datum::Null => Value::Null,
        Datum::Boolean(value) => Value::Boolean(*value),
        Datum::Integer(value) => Value::Number(*value as f64),
        Datum::Number(value) => Value::Number(*value),
        Datum::Text(text) => Value::Text(text.to_string()),
        Datum::List(items) => Value::List(items.iter().map(value_of).collect()),
    }
}

fn matches(store: &Store, rule: &Rule, user: &User) -> bool {
    user.status != Status::Deprovisioned
        && !rule.excluded_users.iter().any(|excluded| excluded == user.id.as_str())
        && rule.expression.holds(&Subject { store, user })
}

/// Brings every user's memberships in line with a rule that has just become active.
pub(super) fn evaluate_all(store: &mut Store, call: &Call<'_>, rule: Id) {
    let users: Vec<_> = store.users.iter().map(|(number, _)| number).collect();
    for user in users {
        evaluate(store, call, rule, user);
    }
}

/// Brings one user's memberships in line with every active rule, after the user has changed.
pub(crate) fn evaluate_user(store: &mut Store, call: &Call<'_>, user: UserNumber) {
    let active = store.rules.values().filter(|rule| rule.status == RuleStatus::Active);
    let rules: Vec<_> = active.map(|rule| rule.id).collect();
    for rule in rules {
        evaluate(store, call, rule, user);
    }
}

fn evaluate(store: &mut Store, call: &Call<'_>, rule: Id, user: UserNumber) {
    let (Some(rule), Some(subject)) = (store.rules.get(&rule), store.users.get(user)) else { return };
    let wanted = matches(store, rule, subject);
    let id = rule.id;
    let groups: Vec<_> = rule.group_ids.iter().filter_map(|group| store.groups.number(*group)).collect();
    for group in groups {
        let made = store.rules.get(&id).is_some_and(|rule| rule.made.contains(&(group, user)));
        if wanted && store.add_member(group, user, call.stamp()) {
            note(store, id, |rule| _ = rule.made.insert((group, user)));
            let targets = targets(store, group, user);
            logs::record_job(store, call, Kind::MEMBER_ADD, &targets);
        } else if !wanted && made {
            take_back(store, call, id, group, user);
        }
    }
}

/// Ends a membership that a rule made.
fn take_back(store: &mut Store, call: &Call<'_>, rule: Id, group: GroupNumber, user: UserNumber) {
    note(store, rule, |rule| _ = rule.made.remove(&(group, user)));
    if store.remove_member(group, user, call.stamp()) {
        let targets = targets(store, group, user);
        logs::record_job(store, call, Kind::MEMBER_REMOVE, &targets);
    }
}

fn note(store: &mut Store, rule: Id, change: impl FnOnce(&mut Rule)) {
    if let Some(rule) = store.rules.get_mut(&rule) {
        change(rule);
    }
}

/// Ends every membership that a rule made.
pub(super) fn take_all_back(store: &mut Store, call: &Call<'_>, rule: Id) {
    let made = store.rules.get(&rule).map(|rule| rule.made.clone()).unwrap_or_default();
    for (group, user) in made {
        take_back(store, call, rule, group, user);
    }
}

/// Someone has made the membership by hand: no rule takes it back any more.
pub(crate) fn claim(store: &mut Store, group: GroupNumber, user: UserNumber) {
    for rule in store.rules.values_mut() {
        rule.made.remove(&(group, user));
    }
}

/// A group is gone: active rules that assign it no longer work.
pub(crate) fn invalidate(store: &mut Store, call: &Call<'_>, group: Id) {
    let broken = store.rules.values_mut().filter(|rule| rule.group_ids.contains(&group));
    let mut targets = Vec::new();
    for rule in broken.filter(|rule| rule.status == RuleStatus::Active) {
        rule.status = RuleStatus::Invalid;
        targets.push(Target::named("PolicyRule", rule.id.as_str(), &rule.name));
    }
    for target in targets {
        logs::record_job(store, call, Kind::RULE_INVALIDATE, &[target]);
    }
}
