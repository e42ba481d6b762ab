//! Why a statement could not be answered.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use oktant_base::{Code, Coded, codes};

/// An error of another crate that a user may see, shared so that it survives the engine's plumbing.
#[derive(Clone)]
pub struct Cause(Arc<dyn Coded + Send + Sync>);

impl Cause {
    /// Shares an error.
    pub fn new(error: impl Coded + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }

    /// The error.
    pub fn coded(&self) -> &(dyn Coded + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Why a statement could not be answered from an org.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Connecting, or a request outside the scan of a table.
    #[error("{attempt}")]
    Org {
        /// What was attempted, such as `the org cannot be opened`.
        attempt: String,
        /// What failed.
        #[source]
        source: Cause,
    },

    /// A page of a scan. Rows read before it are withheld: half a table is never handed out as a
    /// whole one.
    #[error("page {} of table \"{table}\" could not be read", .page + 1)]
    Page {
        /// The table.
        table: String,
        /// Number of the page within its list, from 0.
        page: u32,
        /// What failed.
        #[source]
        source: Cause,
    },

    /// The text is not SQL, or makes no sense as such.
    #[error("{message}")]
    Syntax {
        /// What is wrong, with the place where that is known.
        message: String,
    },

    /// No such table.
    #[error("unknown table \"{name}\"")]
    UnknownTable {
        /// As written.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },

    /// No such attached table, and there could be one.
    #[error("there is no table \"{name}\" yet")]
    NoSuchTableYet {
        /// As written.
        name: String,
        /// What to do for it.
        instead: String,
    },

    /// No such column.
    #[error("unknown column \"{name}\"")]
    UnknownColumn {
        /// As written.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
        /// The table, where the statement names only one there.
        table: Option<String>,
        /// Whether it stood in double quotes, as text does elsewhere.
        quoted: bool,
    },

    /// A name that fits several columns.
    #[error("column \"{name}\" is ambiguous")]
    Ambiguous {
        /// As written.
        name: String,
    },

    /// More requests than allowed.
    #[error("the scan of table \"{table}\" {needs}, but a statement may make {budget}")]
    Budget {
        /// The table that causes it.
        table: String,
        /// What it needs, such as `needs at least 100000 requests (one per user)`.
        needs: String,
        /// The requests that are known to be needed; there may be more.
        least: u64,
        /// The limit.
        budget: u64,
        /// A cheaper form of the statement.
        cheaper: Option<String>,
    },

    /// Something that is not offered.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: String,
        /// What does the same, completes "write …".
        instead: Option<String>,
    },

    /// A value cannot be converted or computed.
    #[error("{message}")]
    Value {
        /// What went wrong with which value.
        message: String,
    },

    /// Text that is compared with a number: the engine would read every row and make numbers of its
    /// texts.
    #[error("column \"{column}\" is text and is compared with the number {number}")]
    TextAgainstNumber {
        /// The column.
        column: String,
        /// The number as written.
        number: String,
    },

    /// The parameters do not fit the statement.
    #[error("{message}")]
    Parameters {
        /// What does not fit.
        message: String,
    },

    /// A child table without a way to its parents.
    #[error("table \"{table}\" is read per {column}, and the statement does not say which")]
    ParentKey {
        /// The table.
        table: String,
        /// The key column that needs a value.
        column: String,
    },

    /// A table that the session may not read.
    #[error("permission denied for table \"{table}\"")]
    NotGranted {
        /// The table.
        table: String,
    },

    /// A write.
    #[error("{verb} is refused: the connection only reads")]
    ReadOnly {
        /// Such as `INSERT`.
        verb: String,
    },

    /// Sorting, joining or grouping ran out of memory.
    #[error("the statement needs more memory than allowed: {message}")]
    Memory {
        /// The engine's words.
        message: String,
    },

    /// The statement took longer than `StatementTimeout`.
    #[error("the statement was cancelled after {seconds} s")]
    TimedOut {
        /// The time allowed.
        seconds: u64,
    },

    /// A mistake of ours.
    #[error("the engine failed: {message}")]
    Internal {
        /// What it says.
        message: String,
    },
}

impl Error {
    /// A scan that failed: on its first page the cause itself says it best; later ones are
    /// [`Error::Page`], since rows before them are lost.
    pub(crate) fn page(table: &str, page: u32, source: impl Coded + Send + Sync + 'static) -> Self {
        let source = Cause::new(source);
        match page {
            0 => Self::Org { attempt: format!("table \"{table}\" could not be read"), source },
            page => Self::Page { table: table.to_owned(), page, source },
        }
    }
}

impl Error {
    /// The same error about the same statement, its message or name spelled by `spell`.
    pub(crate) fn spelled(self, spell: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Syntax { message } => Self::Syntax { message: spell(&message) },
            Self::UnknownTable { name, nearest } => Self::UnknownTable { name: spell(&name), nearest },
            other => other,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Org { source, .. } => source.coded().code(),
            Self::Page { .. } => codes::OKT2014,
            Self::Syntax { .. } => codes::OKT3001,
            Self::UnknownTable { .. } | Self::NoSuchTableYet { .. } => codes::OKT3002,
            Self::UnknownColumn { .. } => codes::OKT3003,
            Self::Ambiguous { .. } => codes::OKT3011,
            Self::Budget { .. } => codes::OKT3004,
            Self::Unsupported { .. } => codes::OKT3005,
            Self::Value { .. } | Self::TextAgainstNumber { .. } => codes::OKT3006,
            Self::Parameters { .. } => codes::OKT3007,
            Self::ParentKey { .. } => codes::OKT3008,
            Self::NotGranted { .. } => codes::OKT3014,
            Self::ReadOnly { .. } => codes::OKT3009,
            Self::Memory { .. } => codes::OKT3013,
            Self::TimedOut { .. } => codes::OKT2002,
            Self::Internal { .. } => codes::OKT9001,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Org { source, .. } => {
                let coded = source.coded();
                Some(coded.hint().unwrap_or_else(|| coded.code().fix().to_owned()))
            }
            Self::Page { source, .. } => {
                let coded = source.coded();
                let cause = coded.hint().unwrap_or_else(|| coded.code().fix().to_owned());
                Some(format!("run the statement again; {cause}"))
            }
            Self::UnknownTable { nearest: Some(nearest), .. } | Self::UnknownColumn { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            Self::Budget { least, cheaper, .. } => {
                let raise = format!("raise MaxApiRequests to {least} or more");
                Some(cheaper.as_ref().map_or_else(|| raise.clone(), |cheaper| format!("try {cheaper}, or {raise}")))
            }
            Self::NoSuchTableYet { instead, .. } => Some(instead.clone()),
            Self::UnknownTable { nearest: None, .. } => Some("SHOW TABLES lists the tables".to_owned()),
            Self::UnknownColumn { name, quoted: true, .. } => {
                Some(format!("if it is text, write '{name}': double quotes are for names"))
            }
            Self::UnknownColumn { table, .. } => {
                let table = table.as_ref().map_or_else(|| "with the name of the table".to_owned(), Clone::clone);
                Some(format!("DESCRIBE {table} lists the columns"))
            }
            Self::Unsupported { instead: Some(instead), .. } => Some(format!("write {instead}")),
            Self::TextAgainstNumber { column, number } => {
                Some(format!("write '{number}', or CAST({column} AS INTEGER) to compare numbers"))
            }
            Self::ParentKey { column, .. } => Some(format!("add {column} = '…', or join the parent table")),
            Self::NotGranted { table } => {
                let schema = if table.contains('.') { "OKTA" } else { "OKTA.PUBLIC" };
                Some(format!("ask an administrator for: GRANT SELECT ON TABLE {schema}.{table} TO ROLE …"))
            }
            Self::TimedOut { .. } => Some("narrow the statement, or raise StatementTimeout".to_owned()),
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Org { source, .. } | Self::Page { source, .. } => source.coded().detail(),
            _ => None,
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

/// Our own error inside an error of DataFusion, however it was wrapped on its way up.
pub(crate) fn own(error: &DataFusionError) -> Option<&Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own);
        }
        // An error shared by several consumers shows its content through `source` only partly.
        if let Some(DataFusionError::Shared(shared)) = error.downcast_ref() {
            return own_in(shared);
        }
        cause = error.source();
    }
    None
}

fn own_in(error: &DataFusionError) -> Option<&Error> {
    match error {
        DataFusionError::External(inner) => {
            inner.downcast_ref::<Error>().or_else(|| inner.downcast_ref::<DataFusionError>().and_then(own))
        }
        other => own(other),
    }
}
