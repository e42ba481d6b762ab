//! Answers from a recording.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use super::{Failure, HttpService, Interaction, Layer, RecordedRequest, Recording, Request, Response};
use crate::ConnectFailure;

/// Answers requests from a recording, each interaction once. Nothing is sent. Clones share what is left.
///
/// A request is answered by the first interaction left with the same method, path, query (in any
/// order) and, where both are JSON, the same body.
#[derive(Debug, Clone)]
pub struct Replay(Arc<Mutex<Vec<Interaction>>>);

impl Replay {
    /// Answers from `recording`.
    pub fn new(recording: Recording) -> Self {
        Self(Arc::new(Mutex::new(recording.interactions)))
    }

    /// What has not been asked for yet.
    pub fn left(&self) -> Vec<Interaction> {
        self.0.lock().clone()
    }
}

impl Layer for Replay {
    fn layer(&self, _inner: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl HttpService for Replay {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let asked = RecordedRequest::of(&request);
        let mut left = self.0.lock();
        let Some(found) = left.iter().position(|interaction| matches(&interaction.request, &asked)) else {
            let source = format!("the recording holds no further {} {}", asked.method, asked.path);
            return Err(Failure { transient: false, ..Failure::connection(&request, ConnectFailure::Other, source) });
        };
        Ok(left.remove(found).response.response())
    }
}

fn matches(recorded: &RecordedRequest, asked: &RecordedRequest) -> bool {
    let same_line = recorded.method == asked.method && recorded.path == asked.path;
    same_line
        && pairs(&recorded.query) == pairs(&asked.query)
        && same_body(recorded.body.as_deref(), asked.body.as_deref())
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort_unstable();
    pairs
}

/// Forms hold assertions that differ each time, and a recording made by hand may leave bodies out.
fn same_body(recorded: Option<&str>, asked: Option<&str>) -> bool {
    let parsed = |text: Option<&str>| serde_json::from_str::<Value>(text?).ok();
    match (parsed(recorded), parsed(asked)) {
        (Some(recorded), Some(asked)) => recorded == asked,
        _ => true,
    }
}
