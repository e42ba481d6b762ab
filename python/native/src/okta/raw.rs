//! Answers as they came over the wire, which the client turns into errors of its own where they refuse.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use oktant_client::Error;
use oktant_client::service::{Failure, HttpService, Layer, Request, Response};
use parking_lot::Mutex;

/// An answer as it came.
pub(super) type Raw = Response;

/// A status that has no body to be read.
const NO_CONTENT: u16 = 204;

tokio::task_local! {
    /// The last answer that was no success.
    static REFUSED: Arc<Mutex<Option<Raw>>>;
    /// The path whose request is only looked at, and its headers.
    static PROBED: (String, Arc<Mutex<HeaderMap>>);
}

/// Keeps refusals for [`keep`], and requests for [`probe`].
#[derive(Debug)]
pub(super) struct Keep;

#[derive(Debug)]
struct Keeping(Arc<dyn HttpService>);

/// Does `work`, and gives the last refusal that came meanwhile.
pub(super) async fn keep<T>(work: impl Future<Output = T>) -> (T, Option<Raw>) {
    let slot = Arc::new(Mutex::new(None));
    let outcome = REFUSED.scope(slot.clone(), work).await;
    let refused = slot.lock().take();
    (outcome, refused)
}

/// Does `work` without sending its request to `path`, and gives the headers that it would have.
pub(super) async fn probe<T>(path: &str, work: impl Future<Output = Result<T, Error>>) -> Result<HeaderMap, Error> {
    let slot = Arc::new(Mutex::new(HeaderMap::new()));
    let path = path.split_once('?').map_or(path, |(path, _)| path).to_owned();
    PROBED.scope((path, slot.clone()), work).await?;
    let headers = std::mem::take(&mut *slot.lock());
    Ok(headers)
}

impl Layer for Keep {
    fn layer(&self, inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(Keeping(inner))
    }
}

#[async_trait]
impl HttpService for Keeping {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let probed = PROBED.try_with(|(path, slot)| {
            let is_it = request.url.path() == path;
            if is_it {
                slot.lock().clone_from(&request.headers);
            }
            is_it
        });
        if probed.unwrap_or_default() {
            return Ok(Response { status: NO_CONTENT, headers: HeaderMap::new(), body: bytes::Bytes::new() });
        }
        let response = self.0.send(request).await?;
        if !(200..300).contains(&response.status) {
            let _ = REFUSED.try_with(|slot| *slot.lock() = Some(response.clone()));
        }
        Ok(response)
    }
}
