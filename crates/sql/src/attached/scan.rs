//! The scan of an attached table as a node of DataFusion's plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMillisecondArray,
};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt as _;
use oktant_catalog::ColumnType;

use super::condition::{conditions, written};
use super::{Attached, Cell, Entry, Read};
use crate::Error;
use crate::node::leaf;
use crate::table::needs_the_plan;

/// An attached table within one statement.
#[derive(Debug)]
pub(crate) struct AttachedProvider {
    entry: Entry,
    schema: SchemaRef,
    /// Whether the reader is to choose rows.
    narrows: bool,
    /// Whether nothing may be read: the statement is only explained.
    dry: bool,
}

impl AttachedProvider {
    pub(crate) fn new(entry: Entry, narrows: bool, dry: bool) -> Self {
        Self { schema: entry.table.arrow_schema(), entry, narrows, dry }
    }
}

#[async_trait]
impl TableProvider for AttachedProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let verdict = |filter: &&Expr| match conditions(filter, &self.entry.table) {
            Some(_) if self.narrows => TableProviderFilterPushDown::Exact,
            // The scan is told for `EXPLAIN`, the engine evaluates it.
            _ if !needs_the_plan(filter) => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(verdict).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let table = &self.entry.table;
        let columns: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..table.columns.len()).collect());
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for filter in filters {
            match conditions(filter, table).filter(|_| self.narrows) {
                Some(conditions) => taken.extend(conditions),
                None => rest.push(filter.to_string()),
            }
        }
        let limit = limit.filter(|_| self.narrows && rest.is_empty());
        let schema = Arc::new(self.schema.project(&columns)?);
        let descending = SortOptions { descending: true, nulls_first: true };
        let ordered = columns.iter().enumerate().filter(|(_, position)| table.descending.contains(position));
        let orderings = ordered.map(|(index, &position)| {
            let column = Column::new(self.schema.field(position).name(), index);
            [PhysicalSortExpr::new(Arc::new(column), descending)]
        });
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), orderings),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Arc::new(AttachedScanExec {
            origin: Arc::clone(&self.entry.origin),
            read: Read { table: Arc::clone(table), columns, conditions: taken, limit },
            rest,
            dry: self.dry,
            properties: Arc::new(properties),
        }))
    }
}

/// Reads an attached table.
#[derive(Debug, Clone)]
pub(crate) struct AttachedScanExec {
    origin: Arc<dyn Attached>,
    read: Read,
    /// Predicates that the engine evaluates.
    rest: Vec<String>,
    dry: bool,
    properties: Arc<PlanProperties>,
}

impl AttachedScanExec {
    /// What is read, as `EXPLAIN` shows it.
    pub(crate) fn explanation(&self, display: impl Fn(&str) -> String) -> String {
        let table = &self.read.table;
        let mut lines = vec![format!("{}: read from the store", table.privilege_name())];
        let conditions = self.conditions();
        if !conditions.is_empty() {
            lines.push(format!("  evaluated by the store: {}", conditions.join(" AND ")));
        }
        if let Some(limit) = self.read.limit {
            lines.push(format!("  rows at most: {limit}"));
        }
        if !self.rest.is_empty() {
            lines.push(format!("  evaluated here: {}", display(&self.rest.join(" AND "))));
        }
        lines.join("\n")
    }

    fn conditions(&self) -> Vec<String> {
        self.read.conditions.iter().map(|condition| written(condition, &self.read.table)).collect()
    }
}

impl DisplayAs for AttachedScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.read.table;
        let columns: Vec<&str> = self.read.columns.iter().map(|index| table.columns[*index].name.as_str()).collect();
        write!(f, "AttachedScanExec: table={}, columns=[{}]", table.privilege_name(), columns.join(", "))?;
        write!(f, ", pushed=[{}]", self.conditions().join(", "))?;
        self.read.limit.map_or(Ok(()), |limit| write!(f, ", limit={limit}"))
    }
}

impl ExecutionPlan for AttachedScanExec {
    leaf!(AttachedScanExec);

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 || self.dry {
            return internal_err!("a scan of an attached table was executed that was only to be explained");
        }
        let schema = Arc::clone(self.properties.eq_properties.schema());
        let types: Vec<ColumnType> =
            self.read.columns.iter().map(|position| self.read.table.columns[*position].data_type).collect();
        let told = Arc::clone(&schema);
        let pages = self.origin.read(self.read.clone());
        let batches = pages.and_then(move |rows| std::future::ready(batch(&rows, &types, &told))).map_err(Into::into);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn fetch(&self) -> Option<usize> {
        self.read.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        // What the engine filters may take any number of rows to find the first ones.
        if !self.rest.is_empty() {
            return None;
        }
        let limit = limit.into_iter().chain(self.read.limit).min();
        Some(Arc::new(Self { read: Read { limit, ..self.read.clone() }, ..self.clone() }))
    }
}

/// Rows as columns. A cell of another type than its column's is a mistake of whoever reads.
fn batch(rows: &[Vec<Cell>], types: &[ColumnType], schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let internal = |message: String| Error::Internal { message };
    for (index, data_type) in types.iter().enumerate() {
        if let Some(cell) = rows.iter().map(|row| &row[index]).find(|cell| !fits(cell, *data_type)) {
            return Err(internal(format!("a row of an attached table has {cell} in a column of {data_type:?}")));
        }
    }
    let arrays = types.iter().enumerate().map(|(index, data_type)| array(rows, index, *data_type)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(|error| internal(error.to_string()))
}

fn fits(cell: &Cell, data_type: ColumnType) -> bool {
    use ColumnType::{BigInt, Boolean, Date, Double, Integer, Json, Text, Timestamp};
    match cell {
        Cell::Null => true,
        Cell::Text(_) => matches!(data_type, Text | Json),
        Cell::Integer(_) => matches!(data_type, Integer | BigInt | Date),
        Cell::Double(_) => data_type == Double,
        Cell::Boolean(_) => data_type == Boolean,
        Cell::Instant(_) => data_type == Timestamp,
    }
}

macro_rules! cells {
    ($rows:expr, $index:expr, $kind:path, $value:ident => $make:expr) => {
        $rows.iter().map(|row| if let $kind($value) = &row[$index] { $make } else { None }).collect()
    };
}

fn array(rows: &[Vec<Cell>], index: usize, data_type: ColumnType) -> ArrayRef {
    match data_type {
        ColumnType::Text | ColumnType::Json => {
            let texts: StringArray = cells!(rows, index, Cell::Text, text => Some(text.as_str()));
            Arc::new(texts)
        }
        ColumnType::Timestamp => {
            let instants: TimestampMillisecondArray = cells!(rows, index, Cell::Instant, millis => Some(*millis));
            Arc::new(instants.with_timezone("UTC"))
        }
        ColumnType::BigInt => {
            let numbers: Int64Array = cells!(rows, index, Cell::Integer, number => Some(*number));
            Arc::new(numbers)
        }
        ColumnType::Integer => {
            let numbers: Int32Array = cells!(rows, index, Cell::Integer, number => i32::try_from(*number).ok());
            Arc::new(numbers)
        }
        ColumnType::Date => {
            let days: Date32Array = cells!(rows, index, Cell::Integer, number => i32::try_from(*number).ok());
            Arc::new(days)
        }
        ColumnType::Double => {
            let numbers: Float64Array = cells!(rows, index, Cell::Double, number => Some(*number));
            Arc::new(numbers)
        }
        ColumnType::Boolean => {
            let truths: BooleanArray = cells!(rows, index, Cell::Boolean, truth => Some(*truth));
            Arc::new(truths)
        }
    }
}
