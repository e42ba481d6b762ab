//! Errors as the protocol carries them: SQLSTATE, message, detail with our code, hint.

use std::error::Error as StdError;
use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use oktant_base::{Code, Coded, codes};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::PgWireBackendMessage;

/// How an error of ours is told.
pub(super) fn coded(error: &dyn Coded) -> PgWireError {
    let mut message = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    let code = error.code();
    let hint = error.hint().unwrap_or_else(|| code.fix().to_owned());
    let detail = error.detail().unwrap_or_else(|| code.title().to_owned());
    info("ERROR", code.sqlstate(), message, Some(format!("{}: {detail}", code.id())), Some(hint))
}

/// An error of which only the code is known.
pub(super) fn of_code(code: Code, message: impl Into<String>) -> PgWireError {
    let detail = format!("{}: {}", code.id(), code.title());
    info("ERROR", code.sqlstate(), message.into(), Some(detail), Some(code.fix().to_owned()))
}

/// A value that cannot be read.
pub(super) fn value(error: impl Display) -> PgWireError {
    of_code(codes::OKT3006, format!("a parameter cannot be read: {error}"))
}

/// A client that does not keep to the protocol.
pub(super) fn protocol(message: impl Into<String>) -> PgWireError {
    info("ERROR", "08P01", message.into(), None, None)
}

/// The end of a connection.
pub(super) fn fatal(sqlstate: &str, message: impl Into<String>, hint: Option<&str>) -> PgWireError {
    info("FATAL", sqlstate, message.into(), None, hint.map(str::to_owned))
}

/// What a connection is told for which there is no room, before it has said anything.
///
/// # Source
///
/// `PostgreSQL`'s error 53300, `too_many_connections`.
pub(super) fn too_many_connections() -> Bytes {
    let info = ErrorInfo::new("FATAL".to_owned(), "53300".to_owned(), "sorry, too many clients already".to_owned());
    let mut message = BytesMut::new();
    // A message this short can be encoded.
    let _ = PgWireBackendMessage::ErrorResponse(info.into()).encode(&mut message);
    message.freeze()
}

/// Whatever went wrong, as the end of a connection: pgwire takes a connection that survives an error
/// for one that may send statements, which nobody may before signing in.
pub(super) fn as_fatal(error: PgWireError) -> PgWireError {
    let mut info: ErrorInfo = error.into();
    "FATAL".clone_into(&mut info.severity);
    PgWireError::UserError(Box::new(info))
}

fn info(severity: &str, sqlstate: &str, message: String, detail: Option<String>, hint: Option<String>) -> PgWireError {
    let mut info = ErrorInfo::new(severity.to_owned(), sqlstate.to_owned(), message);
    info.detail = detail;
    info.hint = hint;
    PgWireError::UserError(Box::new(info))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_refusal_is_a_message_of_the_protocol() {
        let told = super::too_many_connections();
        let length = u32::from_be_bytes(told[1..5].try_into().unwrap());
        assert_eq!((told[0], length as usize), (b'E', told.len() - 1));
        assert!(told.windows(5).any(|window| window == b"53300"));
    }
}
