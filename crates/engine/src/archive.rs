//! The history of flows for someone who takes no part in running them: read only, without a lock.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use oktant_base::Timestamp;
use oktant_flow::model::Flow;
use oktant_store::{Conditions, Store, StoreError, Test};
use parking_lot::Mutex;

use crate::error::EngineError;
use crate::history::{Cards, Definition, RunSummary, StepPages, StepSummary};
use crate::journal::{RunState, SCHEMA};
use crate::name::Name;
use crate::redact::Redactor;

/// Runs that are read at once.
const PAGE: usize = 200;

/// The history that a database of flows holds.
#[derive(Clone)]
pub struct Archive {
    store: Arc<dyn Store>,
    redactor: Arc<Redactor>,
    definitions: Arc<Mutex<HashMap<Definition, Arc<Flow>>>>,
    cards: Arc<Cards>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("store", &self.store).finish_non_exhaustive()
    }
}

/// What runs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunColumn {
    /// [`RunSummary::id`].
    Id,
    /// [`RunSummary::flow`].
    Flow,
    /// [`RunSummary::trigger_kind`].
    TriggerKind,
    /// [`RunSummary::event_key`].
    EventKey,
    /// [`RunSummary::parent`].
    Parent,
    /// The name of [`RunSummary::state`].
    State,
    /// [`RunSummary::error_code`].
    ErrorCode,
    /// [`RunSummary::created_at`], in milliseconds since 1970.
    CreatedAt,
    /// [`RunSummary::ended_at`], likewise; runs that have not ended count as the last.
    EndedOrNever,
    /// [`RunSummary::ended_at`], likewise.
    EndedAt,
}

impl RunColumn {
    const fn sql(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Flow => "flow",
            Self::TriggerKind => "trigger_kind",
            Self::EventKey => "event_key",
            Self::Parent => "parent",
            Self::State => "state",
            Self::ErrorCode => "error_code",
            Self::CreatedAt => "created_at",
            Self::EndedOrNever => "COALESCE(ended_at, 9223372036854775807)",
            Self::EndedAt => "ended_at",
        }
    }
}

/// A flow as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowSummary {
    /// Its id.
    pub id: Name,
    /// What people call it.
    pub name: String,
    /// The definition that counts.
    pub version: Name,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether its history keeps data.
    pub keeps_data: bool,
    /// When it was last saved, switched or set.
    pub updated_at: Timestamp,
}

impl Archive {
    /// The history in a database, if flows were ever run there. `redact` names values that are not shown, beside the
    /// usual ones: as [`Settings::redact`](crate::Settings::redact).
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`] if the database cannot be read, or is newer than this program.
    pub async fn open(store: Arc<dyn Store>, redact: &[String]) -> Result<Option<Self>, EngineError> {
        let is_in = SCHEMA.is_in(&*store).await?;
        Ok(is_in.then(|| Self {
            store,
            redactor: Arc::new(Redactor::new(redact)),
            definitions: Arc::default(),
            cards: Arc::default(),
        }))
    }

    /// A page of the runs of which all `conditions` hold, the newest first; those before the run `before`, if one is
    /// given. Empty behind the last one.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn runs(
        &self,
        conditions: &[(RunColumn, Test)],
        before: Option<&Name>,
        limit: Option<usize>,
    ) -> Result<Vec<RunSummary>, EngineError> {
        let mut wanted = Conditions::default();
        for (column, test) in conditions {
            wanted.add(column.sql(), test);
        }
        if let Some(before) = before {
            wanted.add("id", &Test::Compare("<", before.as_str().into()));
        }
        let query = format!(
            "SELECT {} FROM flow_runs{} ORDER BY id DESC LIMIT {}",
            RunSummary::COLUMNS,
            wanted.clause(),
            limit.map_or(PAGE, |limit| limit.min(PAGE))
        );
        let rows = self.store.reader().await?.fetch(&query, wanted.values()).await?;
        Ok(rows.iter().map(RunSummary::read).collect::<Result<_, _>>()?)
    }

    /// The steps of a run, page by page.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`], [`EngineError::Definition`].
    pub async fn steps(&self, run: &RunSummary) -> Result<ArchivedSteps, EngineError> {
        let flow = self.definition(&run.flow, &run.version).await?;
        let own = (run.flow.clone(), run.version.clone());
        let pages = StepPages::new(run.id.clone(), own, &flow, Arc::clone(&self.redactor), Arc::clone(&self.cards));
        Ok(ArchivedSteps { store: Arc::clone(&self.store), pages })
    }

    /// The flows, by id.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`], [`EngineError::Definition`].
    pub async fn flows(&self) -> Result<Vec<FlowSummary>, EngineError> {
        let query = "SELECT flow, version, active, updated_at FROM flows ORDER BY flow";
        let rows = self.store.reader().await?.fetch(query, &[]).await?;
        let mut flows = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, version): (Name, Name) = (row.text(0)?.into(), row.text(1)?.into());
            let definition = self.definition(&id, &version).await?;
            flows.push(FlowSummary {
                id,
                name: definition.name.clone(),
                version,
                active: row.int(2)? != 0,
                keeps_data: definition.log,
                updated_at: DateTime::from_timestamp_millis(row.int(3)?)
                    .ok_or_else(|| StoreError::Corrupt("the time of a flow".to_owned()))?,
            });
        }
        Ok(flows)
    }

    async fn definition(&self, flow: &Name, version: &Name) -> Result<Arc<Flow>, EngineError> {
        let key = (flow.clone(), version.clone());
        if let Some(known) = self.definitions.lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let definition = Arc::new(crate::flows::definition(&*self.store, flow, version).await?);
        self.definitions.lock().insert(key, Arc::clone(&definition));
        Ok(definition)
    }
}

/// The steps of one run.
#[derive(Debug)]
pub struct ArchivedSteps {
    store: Arc<dyn Store>,
    pages: StepPages,
}

impl ArchivedSteps {
    /// The next steps, those first that ended first; `None` behind the last ones.
    ///
    /// # Errors
    ///
    /// [`EngineError::Journal`].
    pub async fn next(&mut self) -> Result<Option<Vec<StepSummary>>, EngineError> {
        Ok(self.pages.next(&*self.store).await?)
    }
}

/// Names of the states of runs.
pub const RUN_STATES: [&str; 8] = {
    let mut names = [""; 8];
    let mut index = 0;
    while index < names.len() {
        names[index] = RunState::ALL[index].name();
        index += 1;
    }
    names
};
