//! The tables that flows keep: conditions and limits are those of the store's statement.

use oktant_base::Timestamp;
use oktant_connect::tables::{Choice, Selection, Stored, Table, TableReader};
use oktant_sql::{Cell, Error, Pages, Read, Test};

use super::{failed, pages};

/// The rows of a table.
pub(super) fn rows(reader: TableReader, table: Table, read: &Read) -> Pages {
    let choices = read.conditions.iter().map(|condition| Some((condition.column, choice(&condition.test)?)));
    let choices = choices.collect::<Option<Vec<_>>>();
    let columns = read.columns.clone();
    let limit = read.limit;
    pages(read, None, move |after: Option<String>| {
        let (reader, table) = (reader.clone(), table.clone());
        let (choices, columns) = (choices.clone(), columns.clone());
        async move {
            let choices = choices
                .ok_or_else(|| Error::Internal { message: "a table of flows takes no such value".to_owned() })?;
            let selection = Selection { columns, choices, after, limit };
            let page = reader.page(&table, &selection).await.map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            let last = last.clone();
            let rows = page.into_iter().map(|(_, values)| values.into_iter().map(cell).collect()).collect();
            Ok(Some((rows, Some(last))))
        }
    })
}

fn choice(test: &Test) -> Option<Choice> {
    Some(match test {
        Test::OneOf(values) => Choice::OneOf(values.iter().map(stored).collect::<Option<_>>()?),
        Test::Compare(comparison, value) => Choice::Compare(comparison.sql(), stored(value)?),
    })
}

fn stored(cell: &Cell) -> Option<Stored> {
    Some(match cell {
        Cell::Text(text) => Stored::Text(text.clone()),
        Cell::Double(number) => Stored::Number(*number),
        Cell::Boolean(truth) => Stored::Boolean(*truth),
        Cell::Instant(millis) => Stored::Date(Timestamp::from_timestamp_millis(*millis)?),
        Cell::Null | Cell::Integer(_) => return None,
    })
}

fn cell(stored: Stored) -> Cell {
    match stored {
        Stored::Nothing => Cell::Null,
        Stored::Text(text) => Cell::Text(text),
        Stored::Number(number) => Cell::Double(number),
        Stored::Boolean(truth) => Cell::Boolean(truth),
        Stored::Date(instant) => Cell::Instant(instant.timestamp_millis()),
    }
}
