//! Bodies of requests.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use futures::future::{Either, select};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use oktant_base::Clock;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Limits;
use crate::error::Error;

/// Bytes that a body may turn out to have.
///
/// # Errors
///
/// 415 for another media type or an encoding, 413 for one that says to have more than `bytes_max`.
fn announced(headers: &HeaderMap, bytes_max: usize) -> Result<usize, Error> {
    check_media_type(headers)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > bytes_max => Err(too_large(bytes_max)),
        length => Ok(length.unwrap_or(bytes_max)),
    }
}

/// Bytes of a body that counts once it is read.
const SMALL_BYTES: usize = 64 * 1024;

/// What bodies take in memory, all of them together.
#[derive(Debug)]
pub(super) struct Bodies {
    bytes_max: usize,
    time_max: Duration,
    /// Bytes that bodies of up to [`SMALL_BYTES`] may still take.
    small: Share,
    /// Bytes that larger ones may still take.
    large: Share,
}

#[derive(Debug)]
struct Share {
    free: Semaphore,
    all: usize,
}

impl Share {
    fn new(bytes: usize) -> Self {
        let all = bytes.clamp(1, u32::MAX as usize);
        Self { free: Semaphore::new(all), all }
    }

    /// Waits for so many bytes; a body that is larger than the share takes all of it.
    async fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Error> {
        let bytes = u32::try_from(bytes.min(self.all)).unwrap_or(u32::MAX);
        self.free.acquire_many(bytes).await.map_err(|_| Error::internal())
    }
}

impl Bodies {
    pub(super) fn new(limits: &Limits) -> Self {
        let half = limits.bodies_bytes / 2;
        let (bytes_max, time_max) = (limits.body_bytes, limits.body_time);
        Self { bytes_max, time_max, small: Share::new(half), large: Share::new(half) }
    }

    /// Reads a body as JSON, with its share of the memory, to be kept until it is worked on.
    ///
    /// # Errors
    ///
    /// 415 for another media type or an encoding, 413 beyond the limit (nothing more is read then), 408 for one that
    /// takes too long, 400 `invalidSyntax` for what is no JSON or nests deeper than 127 levels.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        clock: &dyn Clock,
    ) -> Result<(Value, SemaphorePermit<'_>), Error> {
        let bytes = announced(headers, self.bytes_max)?;
        if bytes <= SMALL_BYTES {
            let bytes = self.receive(body, bytes, clock).await?;
            let share = self.small.take(bytes.len()).await?;
            return Ok((parse(&bytes)?, share));
        }
        let share = self.large.take(bytes).await?;
        Ok((parse(&self.receive(body, bytes, clock).await?)?, share))
    }

    async fn receive(&self, body: Body, bytes_max: usize, clock: &dyn Clock) -> Result<Vec<u8>, Error> {
        let receiving = pin!(receive(body, bytes_max));
        match select(receiving, clock.sleep(self.time_max)).await {
            Either::Left((bytes, _)) => bytes,
            Either::Right(_) => {
                let seconds = self.time_max.as_secs_f32();
                Err(Error::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {seconds} seconds")))
            }
        }
    }
}

/// The bytes of a body.
async fn receive(body: Body, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::invalid_syntax("the body ended early"))?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
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
