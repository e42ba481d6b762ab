//! Who may read which tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Error;

/// The tables of the default schema that a session may read.
#[derive(Debug, Clone, Default)]
pub enum Readable {
    /// All of them.
    #[default]
    All,
    /// These, named as the catalogue spells them.
    Only(Arc<BTreeSet<String>>),
}

impl Readable {
    /// Whether a table, named as the catalogue spells it, may be read.
    pub fn allows(&self, table: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(tables) => tables.contains(table),
        }
    }

    /// Whether every table may be read, and with them what tells about all statements.
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    pub(crate) fn check(&self, table: &str) -> Result<(), Error> {
        if self.allows(table) { Ok(()) } else { Err(Error::NotGranted { table: table.to_owned() }) }
    }
}
