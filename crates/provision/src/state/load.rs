//! Reading the state.

use std::collections::HashMap;

use futures::TryStreamExt as _;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{History, State};
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
    /// Requests of an interrupted run whose answer is not known.
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

/// A request that was about to be sent when the process ended.
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

type UserRow = (i64, String, String, bool, String, String);
type GroupRow = (i64, String, String, String, Option<String>);
type OpenRow = (i64, String, String, String);

impl State {
    /// Reads everything that was applied, with values in the order of `mappings`.
    pub(crate) async fn load(&self, mappings: &Mappings) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        if !self.exists() {
            return Ok(applied);
        }
        let mut reader = self.reader().await?;
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
        let mut users = sqlx::query_as::<_, UserRow>("SELECT key, okta_id, scim_id, active, sent, answered FROM users")
            .fetch(&mut reader);
        while let Some((key, okta_id, scim_id, active, sent, answered)) = users.try_next().await? {
            let (sent, answered) = (row(&sent), row(&answered));
            let user = AppliedUser { key, scim_id: scim_id.into(), active, sent, answered };
            applied.users.insert(okta_id.into(), user);
        }
        drop(users);
        let mut groups = sqlx::query_as::<_, GroupRow>(
            "SELECT key, okta_id, scim_id, name, \
             (SELECT group_concat(user_key) FROM members WHERE group_key = groups.key) FROM groups",
        )
        .fetch(&mut reader);
        while let Some((key, okta_id, scim_id, name, members)) = groups.try_next().await? {
            let members = members.unwrap_or_default();
            let mut members: Vec<i64> = members.split(',').filter_map(|key| key.parse().ok()).collect();
            members.sort_unstable();
            let group = AppliedGroup { key, scim_id: scim_id.into(), name: name.into(), members };
            applied.groups.insert(okta_id.into(), group);
        }
        drop(groups);
        let open: Vec<OpenRow> =
            sqlx::query_as("SELECT id, object, method, path FROM journal WHERE result IS NULL ORDER BY id")
                .fetch_all(&mut reader)
                .await?;
        let unanswered = |(entry, object, method, path)| Unanswered { entry, object, method, path };
        applied.unanswered = open.into_iter().map(unanswered).collect();
        Ok(applied)
    }

    /// The number of the next run.
    pub(crate) async fn next_run(&self) -> Result<i64, Error> {
        let query = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM runs");
        Ok(query.fetch_one(&mut self.reader().await?).await?)
    }
}

impl History {
    /// All runs, the latest first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the file cannot be read.
    pub async fn runs(&mut self) -> Result<Vec<RunRow>, Error> {
        type Row = (i64, String, String, Option<String>, Option<String>);
        let query = "SELECT id, command, started_at, finished_at, outcome FROM runs ORDER BY id DESC";
        let rows: Vec<Row> = sqlx::query_as(query).fetch_all(&mut self.connection).await?;
        let row = |(run, command, started_at, finished_at, outcome)| RunRow {
            run,
            command,
            started_at,
            finished_at,
            outcome,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What became of the changes of a run.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the file cannot be read.
    pub async fn outcomes(&mut self, run: i64) -> Result<Vec<OutcomeRow>, Error> {
        type Row = (i64, String, String, String, String, String, String);
        let query = "SELECT run, change, kind, object, result, reason, at FROM outcomes WHERE run = ?1 ORDER BY id";
        let rows: Vec<Row> = sqlx::query_as(query).bind(run).fetch_all(&mut self.connection).await?;
        let row = |(run, change, kind, object, result, reason, at)| OutcomeRow {
            run,
            change,
            kind,
            object,
            result,
            reason,
            at,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}
