//! What every user-visible error has: a code, a cause and a way out.

use std::error::Error;
use std::fmt;

use crate::Code;

/// An error that a user may see.
///
/// `Display` says what was attempted on which object, in lower case and without a full stop;
/// [`Error::source`] holds what it was caused by and is not repeated in the text.
pub trait Coded: Error {
    /// The entry of [`crate::codes`] that this error belongs to.
    fn code(&self) -> Code;

    /// One sentence that says how to mend it here; the code's own advice where there is none.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Figures worth seeing: requests made, limits, identifiers.
    fn detail(&self) -> Option<String> {
        None
    }
}

/// An error laid out for people: code, message, causes, detail, hint.
///
/// ```text
/// error[OKT2011]: rate limit of users-list is used up until 10:42:07Z
///   detail: 600 requests in this window
///   hint: lower RateLimitShare to leave room for other clients
/// ```
#[derive(Debug)]
pub struct Report<'a, E: ?Sized>(pub &'a E);

impl<E: Coded + ?Sized> fmt::Display for Report<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.0.code();
        write!(f, "error[{}]: {}", code.id(), self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, "\n  cause: {error}")?;
            cause = error.source();
        }
        if let Some(detail) = self.0.detail() {
            write!(f, "\n  detail: {detail}")?;
        }
        let hint = self.0.hint();
        write!(f, "\n  hint: {}", hint.as_deref().unwrap_or_else(|| code.fix()))
    }
}
