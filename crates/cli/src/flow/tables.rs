//! `oktant flow tables`: the tables of flows, and CSV in and out.

use std::io::Read as _;
use std::path::Path;

use oktant_base::{Code, Coded};
use oktant_connect::tables::{ColumnType, Table};
use oktant_engine::CardError;
use serde_json::{Map, Value};

use super::desk::Desk;
use super::lines;
use crate::args::TablesCommand;
use crate::failure::{Error, Result};
use crate::output::{self, Format};
use crate::terminal;

/// What a table said to a command.
#[derive(Debug, thiserror::Error)]
#[error("table {table}: {}", .source.message)]
struct Refused {
    table: String,
    source: Box<CardError>,
}

impl Coded for Refused {
    fn code(&self) -> Code {
        oktant_base::codes::OKT4201
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was changed; `oktant flow tables list` shows the columns and what they hold".to_owned())
    }
}

fn refused(table: &Table) -> impl Fn(CardError) -> Refused {
    |error| Refused { table: table.name.clone(), source: Box::new(error) }
}

/// Runs one of the commands.
pub(super) async fn run(command: &TablesCommand) -> Result<()> {
    match command {
        TablesCommand::List { output, store } => list(&Desk::open(store).await?, *output).await,
        TablesCommand::Show { table, output, store } => show(&Desk::open(store).await?, table, *output).await,
        TablesCommand::Import { table, file, store } => import(&Desk::open(store).await?, table, file).await,
        TablesCommand::Export { table, out, store } => {
            let desk = Desk::open(store).await?;
            let table = desk.connectors.tables().get(table).await?;
            let text = desk.connectors.tables().export(&table).await.map_err(refused(&table))?;
            match out {
                Some(path) => {
                    Ok(std::fs::write(path, text).map_err(|source| Error::Write { path: path.clone(), source })?)
                }
                None => output::print_bytes(&text),
            }
        }
    }
}

async fn list(desk: &Desk, format: Option<Format>) -> Result<()> {
    let tables = desk.connectors.tables().list().await?;
    if tables.is_empty() {
        terminal::note("there are no tables; `oktant flow on PATH` makes those of a project");
    }
    let rows = tables.iter().map(|table| {
        let kind = |kind: ColumnType| match kind {
            ColumnType::Text => "text",
            ColumnType::Number => "number",
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
        };
        let columns: Vec<String> =
            table.columns.iter().map(|column| format!("{} {}", column.name, kind(column.kind))).collect();
        vec![table.id.as_str().into(), table.name.as_str().into(), columns.join(", ").into()]
    });
    let rows: Vec<Vec<Value>> = rows.collect();
    lines::write(format.unwrap_or(Format::Table), &["Table", "Name", "Columns"], &rows)
}

async fn show(desk: &Desk, table: &str, format: Option<Format>) -> Result<()> {
    let tables = desk.connectors.tables();
    let table = tables.get(table).await?;
    let rows = tables.rows(&table).await.map_err(refused(&table))?;
    let own = table.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<&str> = ["Row ID", "Created", "Updated"].into_iter().chain(own).collect();
    let cells =
        |row: Map<String, Value>| columns.iter().map(|name| row.get(*name).cloned().unwrap_or_default()).collect();
    let rows: Vec<Vec<Value>> = rows.into_iter().map(cells).collect();
    lines::write(format.unwrap_or(Format::Table), &columns, &rows)
}

async fn import(desk: &Desk, table: &str, file: &Path) -> Result<()> {
    let tables = desk.connectors.tables();
    let table = tables.get(table).await?;
    let mut text = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut text).map_err(Error::Stdin)?;
    } else {
        text = std::fs::read(file).map_err(|source| Error::Read { path: file.into(), source })?;
    }
    let (clock, entropy) = (&*desk.edges().clock, &*desk.edges().entropy);
    let count = tables.import(&table, &text, clock, entropy).await.map_err(refused(&table))?;
    output::print(&format!("{count} rows were added to {}\n", table.name))
}
