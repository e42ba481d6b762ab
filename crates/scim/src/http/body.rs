//! Bodies of requests.

use axum::body::Body;
use futures::StreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::error::Error;

/// Bytes that a body may turn out to have.
///
/// # Errors
///
/// 415 for another media type or an encoding, 413 for one that says to have more than `bytes_max`.
pub(super) fn announced(headers: &HeaderMap, bytes_max: usize) -> Result<usize, Error> {
    check_media_type(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > bytes_max => Err(too_large(bytes_max)),
        length => Ok(length.unwrap_or(bytes_max)),
    }
}

/// Reads a body as JSON.
///
/// # Errors
///
/// 413 beyond `bytes_max` (nothing more is read then), 400 `invalidSyntax` for what is no JSON or nests deeper than 127
/// levels.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Value, Error> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::invalid_syntax("the body ended early"))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        // The message has a place and what was expected there, nothing of the text.
        Error::invalid_syntax(format!("the body is no JSON: line {}, column {}", error.line(), error.column()))
    })
}

fn too_large(bytes_max: usize) -> Error {
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body may have at most {bytes_max} bytes"))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Error> {
    let refuse = |detail: &'static str| Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    let encoding = headers.get(CONTENT_ENCODING).map(http::HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return refuse("bodies must not be compressed");
    }
    let Some(media_type) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = media_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if ["application/scim+json", "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    refuse("send application/scim+json or application/json")
}
