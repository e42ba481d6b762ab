//! Why text is not an expression.

/// Why text is not an expression. Positions are in bytes from the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something else was expected at a place.
    #[error("expected {expected} at byte {position}")]
    Expected {
        /// What would have been right.
        expected: &'static str,
        /// Where.
        position: usize,
    },
    /// A string that does not end, or an escape that means nothing.
    #[error("bad string at byte {position}")]
    BadString {
        /// Where the string starts.
        position: usize,
    },
    /// A number that is none.
    #[error("bad number at byte {position}")]
    BadNumber {
        /// Where the number starts.
        position: usize,
    },
    /// The text is longer than [`oktant_base::limits::EXPRESSION_BYTES_MAX`].
    #[error("expression of {bytes} bytes is too long")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The parentheses nest deeper than [`oktant_base::limits::EXPRESSION_DEPTH_MAX`].
    #[error("expression nests too deep at byte {position}")]
    TooDeep {
        /// Where the limit was passed.
        position: usize,
    },
}

impl Error {
    /// Where the trouble starts, in bytes.
    pub const fn position(&self) -> usize {
        match self {
            Self::Expected { position, .. }
            | Self::BadString { position }
            | Self::BadNumber { position }
            | Self::TooDeep { position } => *position,
            Self::TooLong { .. } => 0,
        }
    }
}
