//! `flow_runs`: each condition that it takes is one of the journal's statement.

use oktant_base::Timestamp;
use oktant_engine::{Archive, Name, RunColumn, RunSummary};
use oktant_sql::{Cell, Condition, Error, Pages, Read, Test};
use oktant_store::Test as Wanted;

use super::{failed, pages, projected};

/// What the columns are told apart by, those that take conditions.
const COLUMNS: [Option<RunColumn>; 13] = [
    Some(RunColumn::Id),
    Some(RunColumn::Flow),
    None,
    Some(RunColumn::TriggerKind),
    Some(RunColumn::EventKey),
    Some(RunColumn::Parent),
    Some(RunColumn::State),
    Some(RunColumn::CreatedAt),
    Some(RunColumn::EndedAt),
    None,
    None,
    Some(RunColumn::ErrorCode),
    None,
];

/// The rows of the table.
pub(super) fn rows(archive: Archive, read: &Read) -> Pages {
    let wanted = read.conditions.iter().map(wanted).collect::<Result<Vec<_>, Error>>();
    let (columns, limit) = (read.columns.clone(), read.limit);
    pages(read, None, move |before: Option<Name>| {
        let (archive, wanted, columns) = (archive.clone(), wanted.clone(), columns.clone());
        async move {
            let runs = archive.runs(&wanted?, before.as_ref(), limit).await.map_err(failed)?;
            let Some(last) = runs.last() else { return Ok(None) };
            let last = last.id.clone();
            Ok(Some((runs.into_iter().map(|run| projected(row(run), &columns)).collect(), Some(last))))
        }
    })
}

fn wanted(condition: &Condition) -> Result<(RunColumn, Wanted), Error> {
    let column = COLUMNS.get(condition.column).copied().flatten();
    let internal = || Error::Internal { message: format!("flow_runs takes no condition {condition:?}") };
    Ok((column.ok_or_else(internal)?, test(&condition.test).ok_or_else(internal)?))
}

/// A condition in the words of the store, of text and instants.
pub(super) fn test(test: &Test) -> Option<Wanted> {
    let value = |cell: &Cell| match cell {
        Cell::Text(words) => Some(words.as_str().into()),
        Cell::Instant(millis) => Some((*millis).into()),
        _ => None,
    };
    Some(match test {
        Test::OneOf(values) => Wanted::OneOf(values.iter().map(value).collect::<Option<_>>()?),
        Test::Compare(comparison, cell) => Wanted::Compare(comparison.sql(), value(cell)?),
    })
}

fn row(run: RunSummary) -> Vec<Cell> {
    let text = |name: &Name| Cell::Text(name.as_str().to_owned());
    vec![
        text(&run.id),
        text(&run.flow),
        text(&run.version),
        Cell::Text(run.trigger_kind),
        run.event_key.into(),
        run.parent.as_ref().map_or(Cell::Null, text),
        Cell::Text(run.state.name().to_owned()),
        Cell::Instant(run.created_at.timestamp_millis()),
        instant(run.ended_at),
        instant(run.wake_at),
        duration(run.created_at, run.ended_at),
        run.error_code.into(),
        run.message.into(),
    ]
}

pub(super) fn instant(instant: Option<Timestamp>) -> Cell {
    instant.map_or(Cell::Null, |instant| Cell::Instant(instant.timestamp_millis()))
}

/// Milliseconds between the two.
pub(super) fn duration(start: Timestamp, end: Option<Timestamp>) -> Cell {
    end.map_or(Cell::Null, |end| Cell::Integer((end - start).num_milliseconds().max(0)))
}
