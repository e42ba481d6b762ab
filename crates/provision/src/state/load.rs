//! Reading the state.

use std::collections::HashMap;

use rusqlite::Row;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{History, State, UNANSWERED};
use crate::config::Mappings;
use crate::error::Error;
use crate::expression::Value;

/// What was applied, as the state remembers it.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// By Okta id.
    pub(crate) users: HashMap<Box<str>, AppliedUser>,
    /// By Okta id.
    pub(crate) groups: HashMap<Box<str>, AppliedGroup>,
    /// Requests of earlier runs whose answer is not known.
    pub(crate) unanswered: Vec<Unanswered>,
}

/// A user as last applied.
#[derive(Debug, Clone)]
pub(crate) struct AppliedUser {
    pub(crate) key: i64,
    pub(crate) scim_id: Box<str>,
    pub(crate) active: bool,
    /// Values last sent, in the order of the mappings; `None` where none was sent yet.
    pub(crate) sent: Box<[Option<Value>]>,
    /// What the target had afterwards, where it differs.
    pub(crate) answered: Box<[Option<Value>]>,
}

impl AppliedUser {
    /// What the target had after the last time that the attribute was sent.
    pub(crate) fn held(&self, index: usize) -> Option<&Value> {
        self.answered[index].as_ref().or(self.sent[index].as_ref())
    }
}

/// A group as last applied.
#[derive(Debug, Clone)]
pub(crate) struct AppliedGroup {
    pub(crate) key: i64,
    pub(crate) scim_id: Box<str>,
    pub(crate) name: Box<str>,
    /// Keys of its members, in order.
    pub(crate) members: Vec<i64>,
}

/// A request that was about to be sent when the run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unanswered {
    pub(crate) entry: i64,
    pub(crate) object: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// One run of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// Its number.
    pub run: i64,
    /// `apply` or `watch`.
    pub command: String,
    /// When it began.
    pub started_at: String,
    /// When it ended; `None` for one that is under way or was interrupted.
    pub finished_at: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeRow {
    /// The run.
    pub run: i64,
    /// Stable id of the change, such as `create_user:00u1abcd`.
    pub change: String,
    /// Kind of the change.
    pub kind: String,
    /// Name of the object.
    pub object: String,
    /// `done`, `failed`, `blocked` or `deferred`.
    pub result: String,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: String,
}

impl State {
    /// Reads everything that was applied, with values in the order of `mappings`.
    pub(crate) fn load(&self, mappings: &Mappings) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        if !self.exists() {
            return Ok(applied);
        }
        let reader = self.reader()?;
        let names: HashMap<String, usize> =
            mappings.iter().enumerate().map(|(index, mapping)| (mapping.path.to_string(), index)).collect();
        let row = |text: &str| {
            let mut values = vec![None; mappings.len()];
            for (name, value) in serde_json::from_str::<Map<String, Json>>(text).unwrap_or_default() {
                if let Some(index) = names.get(&name) {
                    values[*index] = Some(Value::of_json(&value).normal());
                }
            }
            values.into_boxed_slice()
        };
        let mut users = reader.prepare("SELECT key, okta_id, scim_id, active, sent, answered FROM users")?;
        let mut users = users.query([])?;
        while let Some(user) = users.next()? {
            let okta_id: Box<str> = user.get(1)?;
            let (sent, answered) = (row(&user.get::<_, Box<str>>(4)?), row(&user.get::<_, Box<str>>(5)?));
            let user = AppliedUser { key: user.get(0)?, scim_id: user.get(2)?, active: user.get(3)?, sent, answered };
            applied.users.insert(okta_id, user);
        }
        let mut groups = reader.prepare(
            "SELECT key, okta_id, scim_id, name, \
             (SELECT group_concat(user_key) FROM members WHERE group_key = groups.key) FROM groups",
        )?;
        let mut groups = groups.query([])?;
        while let Some(group) = groups.next()? {
            let members: Option<String> = group.get(4)?;
            let members = members.unwrap_or_default();
            let mut members: Vec<i64> = members.split(',').filter_map(|key| key.parse().ok()).collect();
            members.sort_unstable();
            let okta_id: Box<str> = group.get(1)?;
            let group = AppliedGroup { key: group.get(0)?, scim_id: group.get(2)?, name: group.get(3)?, members };
            applied.groups.insert(okta_id, group);
        }
        let query = format!("SELECT entry, object, method, path FROM ({UNANSWERED}) ORDER BY entry");
        let open = |row: &Row<'_>| {
            Ok(Unanswered { entry: row.get(0)?, object: row.get(1)?, method: row.get(2)?, path: row.get(3)? })
        };
        applied.unanswered = reader.prepare(&query)?.query_map([], open)?.collect::<Result<_, _>>()?;
        Ok(applied)
    }

    /// The number of the next run.
    pub(crate) fn next_run(&self) -> Result<i64, Error> {
        let query = "SELECT coalesce(max(id), 0) + 1 FROM runs";
        Ok(self.reader()?.query_row(query, [], |row| row.get(0))?)
    }
}

impl History {
    /// All runs, the latest first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunRow>, Error> {
        let query = "SELECT id, command, started_at, finished_at, outcome FROM runs ORDER BY id DESC";
        let run = |row: &Row<'_>| {
            Ok(RunRow {
                run: row.get(0)?,
                command: row.get(1)?,
                started_at: row.get(2)?,
                finished_at: row.get(3)?,
                outcome: row.get(4)?,
            })
        };
        Ok(self.connection.prepare(query)?.query_map([], run)?.collect::<Result<_, _>>()?)
    }

    /// What became of the changes of a run.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the file cannot be read.
    pub fn outcomes(&self, run: i64) -> Result<Vec<OutcomeRow>, Error> {
        let query = "SELECT run, change, kind, object, result, reason, at FROM outcomes WHERE run = ?1 ORDER BY entry";
        let outcome = |row: &Row<'_>| {
            Ok(OutcomeRow {
                run: row.get(0)?,
                change: row.get(1)?,
                kind: row.get(2)?,
                object: row.get(3)?,
                result: row.get(4)?,
                reason: row.get(5)?,
                at: row.get(6)?,
            })
        };
        Ok(self.connection.prepare(query)?.query_map([run], outcome)?.collect::<Result<_, _>>()?)
    }
}
