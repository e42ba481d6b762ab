//! Reading the lists of an org: what provisioning has to read before it writes.

use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::header::LINK;
use http::response::Parts;
use serde_json::json;

use crate::connection::{Ask, Connection, Server};
use crate::{Failure, print};

/// Reads the lists whose first pages are the lines of a file, so many at a time.
pub(crate) async fn run(server: &Server, file: &str, in_flight: usize) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)?;
    let began = Instant::now();
    let pages = stream::iter(text.lines()).map(|path| list(server, path)).buffer_unordered(in_flight);
    let requests = pages.try_fold(0, |sum, pages| async move { Ok(sum + pages) }).await?;
    let seconds = began.elapsed().as_secs_f64();
    print(&json!({ "row": "lists", "requests": requests, "seconds": seconds, "problem": null }))
}

/// Reads one list to its end: the number of its pages.
async fn list(server: &Server, path: &str) -> Result<usize, Failure> {
    let mut connection = Connection::new(server);
    let (mut next, mut pages) = (Some(path.to_owned()), 0);
    while let Some(path) = next {
        let (head, body) = connection.exchange(&Ask::get(path.clone())).await?;
        if !head.status.is_success() {
            return Err(format!("GET {path}: {} {}", head.status, String::from_utf8_lossy(&body)).into());
        }
        pages += 1;
        next = next_page(server, &head);
    }
    Ok(pages)
}

/// Path and query of the next page.
fn next_page(server: &Server, head: &Parts) -> Option<String> {
    let links = head.headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    let next = links.flat_map(|links| links.split(", <")).find(|link| link.contains("rel=\"next\""))?;
    let target = server.base.join(next.trim_start_matches('<').split_once('>')?.0).ok()?;
    Some(target[url::Position::BeforePath..].to_owned())
}
