//! `flow_steps`: the journal chooses the runs, each run is read in pages, and the rest is chosen here.

use std::collections::VecDeque;

use oktant_engine::{Archive, ArchivedSteps, Fields, Name, RunColumn, RunSummary, StepSummary};
use oktant_sql::{Cell, Comparison, Condition, Error, Pages, Read, Test};
use oktant_store::Test as Wanted;

use super::runs::{duration, instant, test};
use super::{failed, holds, pages, projected};

/// Positions of columns that choose runs.
const RUN: usize = 0;
const FLOW: usize = 3;
const STARTED_AT: usize = 7;

/// How far the times of a run and of its steps may lie beside each other: they are read one after another, maybe by
/// workers with different clocks. Milliseconds.
const SLACK: i64 = 60_000;

/// How far the table has been read.
#[derive(Default)]
struct Place {
    /// Runs of the page that are to be read.
    runs: VecDeque<RunSummary>,
    /// The last run of the page.
    last: Option<Name>,
    /// The run that is being read.
    open: Option<(RunSummary, ArchivedSteps)>,
}

/// The rows of the table.
pub(super) fn rows(archive: Archive, read: &Read) -> Pages {
    let wanted: Vec<(RunColumn, Wanted)> = read.conditions.iter().filter_map(wanted).collect();
    let (columns, conditions) = (read.columns.clone(), read.conditions.clone());
    pages(read, Place::default(), move |mut place| {
        let (archive, wanted) = (archive.clone(), wanted.clone());
        let (columns, conditions) = (columns.clone(), conditions.clone());
        async move {
            loop {
                let Some((run, steps)) = next(&archive, &wanted, &mut place).await? else { return Ok(None) };
                let rows = steps.into_iter().map(|step| row(&run, step)).filter(|row| holds(row, &conditions));
                let rows: Vec<_> = rows.map(|row| projected(row, &columns)).collect();
                if !rows.is_empty() {
                    return Ok(Some((rows, place)));
                }
            }
        }
    })
}

/// The next steps, and their run.
async fn next(
    archive: &Archive,
    wanted: &[(RunColumn, Wanted)],
    place: &mut Place,
) -> Result<Option<(RunSummary, Vec<StepSummary>)>, Error> {
    loop {
        if let Some((run, steps)) = &mut place.open {
            if let Some(page) = steps.next().await.map_err(failed)? {
                return Ok(Some((run.clone(), page)));
            }
            place.open = None;
        }
        if place.runs.is_empty() {
            place.runs = archive.runs(wanted, place.last.as_ref(), None).await.map_err(failed)?.into();
            let Some(last) = place.runs.back() else { return Ok(None) };
            place.last = Some(last.id.clone());
        }
        if let Some(run) = place.runs.pop_front() {
            let steps = archive.steps(&run).await.map_err(failed)?;
            place.open = Some((run, steps));
        }
    }
}

/// What holds of a run that has steps of which the condition holds.
fn wanted(condition: &Condition) -> Option<(RunColumn, Wanted)> {
    match (condition.column, &condition.test) {
        (RUN, one_of) => Some((RunColumn::Id, test(one_of)?)),
        (FLOW, one_of) => Some((RunColumn::Flow, test(one_of)?)),
        (STARTED_AT, Test::Compare(comparison, Cell::Instant(millis))) => Some(match comparison {
            Comparison::Less | Comparison::AtMost => {
                (RunColumn::CreatedAt, Wanted::Compare("<=", millis.saturating_add(SLACK).into()))
            }
            Comparison::More | Comparison::AtLeast => {
                (RunColumn::EndedOrNever, Wanted::Compare(">=", millis.saturating_sub(SLACK).into()))
            }
        }),
        _ => None,
    }
}

fn row(run: &RunSummary, step: StepSummary) -> Vec<Cell> {
    let text = |name: &Name| Cell::Text(name.as_str().to_owned());
    let json = |fields: Option<Fields>| fields.map(|fields| fields.to_object().to_json()).into();
    let error = step.error.as_ref();
    let kind = error.and_then(|error| serde_json::to_value(error.kind).ok()?.as_str().map(str::to_owned));
    let shown = |code: &oktant_functions::Value| code.as_text().map_or_else(|| code.to_json(), str::to_owned);
    let own = error.and_then(|error| error.service_code.as_ref()).map(ToString::to_string);
    let code = own.or_else(|| error?.code.as_ref().map(shown));
    vec![
        text(&run.id),
        text(&step.path),
        Cell::Integer(i64::try_from(step.number).unwrap_or(i64::MAX)),
        text(&run.flow),
        step.flow.as_ref().map_or(Cell::Null, text),
        step.address.as_ref().map_or(Cell::Null, text),
        Cell::Text(step.state.name().to_owned()),
        Cell::Instant(step.started_at.timestamp_millis()),
        instant(step.ended_at),
        duration(step.started_at, step.ended_at),
        kind.into(),
        code.into(),
        error.and_then(|error| error.status).map_or(Cell::Null, |status| Cell::Integer(i64::from(status))),
        error.map(|error| error.message.clone()).into(),
        error.and_then(|error| error.body.as_deref()).map(oktant_functions::Value::to_json).into(),
        json(step.inputs),
        json(step.outputs),
    ]
}
