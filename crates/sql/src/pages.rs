//! The pages of a list, each paid for before it is requested.

use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};
use oktant_client::{Call, Org, Page, Pages};

use crate::Error;

/// Why a page did not come.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It was not requested.
    Refused(Error),
    /// The request failed.
    Failed(oktant_client::Error),
}

/// A page on its way, and the list that goes on after it.
type Request = BoxFuture<'static, Result<(Page, Pages), Unread>>;

/// The pages from `call` on. Before each request, `pay` may refuse it. With `ahead`, the next page
/// is on its way while the consumer works on this one.
pub(crate) fn pages(
    org: &Org,
    call: Call,
    pay: impl Fn() -> Result<(), Error> + Send + Sync + 'static,
    ahead: bool,
) -> BoxStream<'static, Result<Page, Unread>> {
    let pay = Arc::new(pay);
    let request = move |mut list: Pages| {
        let pay = Arc::clone(&pay);
        async move {
            pay().map_err(Unread::Refused)?;
            match list.next().await {
                Some(page) => Ok((page.map_err(Unread::Failed)?, list)),
                None => Err(lost("the list ended before its last page")),
            }
        }
    };
    // The client's own reading ahead asks nobody whether it may send.
    let first = request(org.pages_on_demand(call)).boxed();
    stream::unfold(Some(first), move |next: Option<Request>| {
        let request = request.clone();
        async move {
            Some(match next?.await {
                Ok((page, _)) if page.last => (Ok(page), None),
                Ok((page, list)) => {
                    let next = request(list);
                    (Ok(page), Some(if ahead { spawned(next) } else { next.boxed() }))
                }
                Err(unread) => (Err(unread), None),
            })
        }
    })
    .boxed()
}

/// The request in a task of its own, which is cancelled when nobody waits for it any more.
fn spawned(request: impl Future<Output = Result<(Page, Pages), Unread>> + Send + 'static) -> Request {
    let task = SpawnedTask::spawn(request);
    // A panic goes on here.
    async move { task.join_unwind().await.unwrap_or_else(|error| Err(lost(&error.to_string()))) }.boxed()
}

fn lost(message: &str) -> Unread {
    Unread::Refused(Error::Internal { message: message.to_owned() })
}
