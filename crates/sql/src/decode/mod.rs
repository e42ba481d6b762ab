//! From the bytes of a page to columns, in one pass.
//!
//! A [`Decoder`] is made once per scan. It holds a trie of the member paths that the scan needs;
//! the page is parsed straight into arrow builders, and members outside the trie are skipped
//! without being built.

mod builder;
mod instant;
mod secret;
mod trie;
mod visit;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use oktant_catalog::ListShape;

use crate::relation::{Origin, Relation};

use builder::ColumnBuilder;
use trie::Node;
use visit::{Page, RowState};

/// Decodes the pages of one route of a table.
#[derive(Debug)]
pub(crate) struct Decoder {
    schema: SchemaRef,
    slots: Vec<Slot>,
    root: Node,
    texts: Texts,
}

/// How texts are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    /// Whether secrets within JSON are masked.
    pub(crate) mask_secrets: bool,
    /// Whether an empty text is NULL.
    pub(crate) empty_as_null: bool,
}

/// One column to fill.
#[derive(Debug)]
struct Slot {
    name: String,
    data_type: oktant_catalog::ColumnType,
    /// Filled with what is known before the request instead of a member of the body.
    given: Option<Given>,
}

/// What a request's rows have in common.
#[derive(Debug, Clone, Copy)]
enum Given {
    /// A path parameter.
    Parameter(&'static str),
    /// A column of the parent's row.
    OfParent(&'static str),
}

/// The parent that a request is about; without both for a table that has none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parent {
    /// Path parameters.
    pub(crate) path: Vec<(&'static str, String)>,
    /// Columns of the parent's row.
    pub(crate) row: Vec<(&'static str, ScalarValue)>,
}

/// One decoded page.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Its rows.
    pub(crate) batch: RecordBatch,
    /// Values left out because their JSON type is not the column's: column, how many.
    pub(crate) mismatches: BTreeMap<String, u64>,
}

/// What a body holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    /// A list of rows.
    List(ListShape),
    /// One row.
    Single,
}

/// Why a body could not be decoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// It is not UTF-8.
    #[error("the answer is not text in UTF-8")]
    Utf8(#[from] std::str::Utf8Error),
    /// It is not the JSON that was expected.
    #[error("the answer is not the expected JSON")]
    Json(#[from] serde_json::Error),
    /// The columns do not fit together.
    #[error("the columns of the answer do not fit together")]
    Arrow(#[from] ArrowError),
    /// The parent's row, which was read before, lacks a column.
    #[error("the parent's {column} is not at hand")]
    Parent {
        /// The parent's column.
        column: &'static str,
    },
}

impl Decoder {
    /// A decoder for `columns` (positions in the relation, in this order) of one route.
    pub(crate) fn new(relation: &Relation, route: usize, columns: &[usize], texts: Texts) -> Self {
        let mut root = Node::default();
        let mut slots = Vec::with_capacity(columns.len());
        for (slot, &position) in columns.iter().enumerate() {
            let column = &relation.columns()[position];
            let mut given = None;
            match column.origin(route) {
                Origin::Path(path) => root.insert(path, slot, false),
                Origin::FirstOf(paths) => paths.iter().for_each(|path| root.insert(path, slot, false)),
                Origin::UrlTail(path) => root.insert(path, slot, true),
                Origin::Parent(name) => given = Some(Given::Parameter(name)),
                Origin::OfParent(name) => given = Some(Given::OfParent(name)),
                Origin::Absent | Origin::Input(_) => {}
            }
            slots.push(Slot { name: column.name.clone(), data_type: column.data_type, given });
        }
        let fields: Vec<_> = columns
            .iter()
            // A route may lack a column that the table declares NOT NULL, and the org may omit one.
            .map(|&position| relation.schema().field(position).clone().with_nullable(true))
            .collect();
        Self { schema: Arc::new(Schema::new(fields)), slots, root, texts }
    }

    /// Decodes one body of a request about `parent`.
    pub(crate) fn decode(&self, body: &[u8], shape: Body, parent: &Parent) -> Result<Decoded, DecodeError> {
        let text = std::str::from_utf8(body)?;
        let mut builders: Vec<_> = self.slots.iter().map(|slot| ColumnBuilder::new(slot.data_type)).collect();
        let mut state = RowState::new(&mut builders, self.texts);
        let mut json = serde_json::Deserializer::from_str(text);
        Page { root: &self.root, shape }.read(&mut json, &mut state)?;
        json.end()?;
        let (rows, mismatches) = state.finish();
        let arrays = self
            .slots
            .iter()
            .zip(&mut builders)
            .map(|(slot, builder)| slot.array(builder, rows, parent))
            .collect::<Result<Vec<ArrayRef>, DecodeError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        let mismatches = mismatches.into_iter().map(|(slot, count)| (self.slots[slot].name.clone(), count)).collect();
        Ok(Decoded { batch, mismatches })
    }
}

impl Slot {
    fn array(&self, builder: &mut ColumnBuilder, rows: usize, parent: &Parent) -> Result<ArrayRef, DecodeError> {
        match self.given {
            Some(Given::Parameter(parameter)) => {
                let value = parent.path.iter().find(|(name, _)| *name == parameter);
                Ok(value.map_or_else(|| builder.finish(), |(_, value)| builder::repeat(value, rows)))
            }
            Some(Given::OfParent(column)) => {
                let value = parent.row.iter().find(|(name, _)| *name == column);
                let (_, value) = value.ok_or(DecodeError::Parent { column })?;
                value.to_array_of_size(rows).map_err(|_| DecodeError::Parent { column })
            }
            None => Ok(builder.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
