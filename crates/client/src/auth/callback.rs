//! The page that a sign-in comes back to, on a loopback address.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use oktant_base::Clock;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Time that the last page has to reach the browser, which may have gone.
const FAREWELL_TIME: Duration = Duration::from_secs(2);

/// The code, or why there is none.
pub(super) type Outcome = Result<String, String>;

/// Serves `path` until the answer to the sign-in with this `state` arrives.
pub(super) async fn serve(listeners: Vec<TcpListener>, path: &str, state: &str) -> (Outcome, Browser) {
    let (sender, mut receiver) = mpsc::channel(1);
    let (stop, stopped) = watch::channel(());
    let router = router(path, SignIn { state: state.to_owned(), sender });
    let mut servers = JoinSet::new();
    for listener in listeners {
        let mut stopped = stopped.clone();
        let signal = async move {
            // An error says that `stop` was dropped, which is the signal.
            let _ = stopped.changed().await;
        };
        servers.spawn(axum::serve(listener, router.clone()).with_graceful_shutdown(signal).into_future());
    }
    drop(router);
    let (outcome, page) = match receiver.recv().await {
        Some((outcome, page)) => (outcome, Some(page)),
        None => (Err("the callback address stopped listening".to_owned()), None),
    };
    (outcome, Browser { page, stop, servers })
}

/// The browser that brought the answer. It waits for the last page, which only who redeems the code can choose.
pub struct Browser {
    page: Option<oneshot::Sender<Page>>,
    stop: watch::Sender<()>,
    servers: JoinSet<std::io::Result<()>>,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

impl Browser {
    /// Shows whether the sign-in succeeded, and stops serving.
    pub async fn dismiss(mut self, page: Page, clock: &dyn Clock) {
        if let Some(waiting) = self.page.take() {
            // The browser may have gone.
            let _ = waiting.send(page);
        }
        drop(self.stop);
        let farewell = async { while self.servers.join_next().await.is_some() {} };
        tokio::select! {
            () = farewell => {}
            () = clock.sleep(FAREWELL_TIME) => {}
        }
    }
}

fn router(path: &str, sign_in: SignIn) -> Router {
    // A path is taken to the letter, also where it looks like a pattern of earlier routers.
    Router::new().without_v07_checks().route(path, get(receive)).fallback(async || Page::NOT_FOUND).with_state(sign_in)
}

/// The sign-in that is waiting.
#[derive(Clone)]
struct SignIn {
    state: String,
    sender: mpsc::Sender<(Outcome, oneshot::Sender<Page>)>,
}

/// What the org sends along (RFC 6749, 4.1.2).
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

async fn receive(State(sign_in): State<SignIn>, answer: Result<Query<Answer>, QueryRejection>) -> Page {
    let Ok(Query(answer)) = answer else { return Page::FOREIGN };
    let Some(outcome) = judge(&sign_in.state, answer) else { return Page::FOREIGN };
    let (page, chosen) = oneshot::channel();
    // The first one counts; whoever comes later is not waited for.
    if sign_in.sender.try_send((outcome, page)).is_err() {
        return Page::FOREIGN;
    }
    chosen.await.unwrap_or(Page::FOREIGN)
}

/// Reads the query of an answer that came another way; `None` if it does not belong to the sign-in with this `state`.
pub(super) fn read(query: &str, state: &str) -> Option<Outcome> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let answer = Answer {
        state: value("state").unwrap_or_default(),
        code: value("code"),
        error: value("error"),
        error_description: value("error_description"),
    };
    judge(state, answer)
}

/// The state tells the answer to this sign-in from anything else that knocks.
fn judge(state: &str, answer: Answer) -> Option<Outcome> {
    verify_slices_are_equal(answer.state.as_bytes(), state.as_bytes()).ok()?;
    if let Some(error) = answer.error {
        let reason = answer.error_description.unwrap_or(error);
        return Some(Err(format!("the org refused: {reason}")));
    }
    answer.code.map(Ok)
}

/// A page of the callback address. It holds no text from the request.
#[derive(Debug)]
pub struct Page {
    status: StatusCode,
    title: &'static str,
    text: &'static str,
}

impl Page {
    /// The sign-in succeeded.
    pub const DONE: Self =
        Self { status: StatusCode::OK, title: "Signed in", text: "Oktant is signed in. You can close this window." };
    /// It did not.
    pub const REFUSED: Self = Self {
        status: StatusCode::OK,
        title: "Not signed in",
        text: "The org refused. The program that asked shows the reason. You can close this window.",
    };
    const FOREIGN: Self = Self {
        status: StatusCode::BAD_REQUEST,
        title: "Not this sign-in",
        text: "This answer does not belong to the sign-in that is waiting. Start again from the program.",
    };
    const NOT_FOUND: Self =
        Self { status: StatusCode::NOT_FOUND, title: "Nothing here", text: "There is nothing here." };
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let page = include_str!("callback.html").replace("{{title}}", self.title).replace("{{text}}", self.text);
        let headers = [
            (CACHE_CONTROL, "no-store"),
            (CONNECTION, "close"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
            (REFERRER_POLICY, "no-referrer"),
        ];
        (self.status, headers, Html(page)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;

    #[track_caller]
    fn check(query: &str, outcome: Option<&Outcome>) {
        let uri: Uri = format!("http://localhost/?{query}").parse().unwrap();
        let Query(answer) = Query::try_from_uri(&uri).unwrap();
        assert_eq!(judge("s", answer).as_ref(), outcome, "{query}");
    }

    #[test]
    fn only_the_answer_to_this_sign_in_counts() {
        check("code=c&state=s", Some(&Ok("c".to_owned())));
        check("code=c&state=other", None);
        check("code=c", None);
        check("state=s", None);
        check(
            "error=access_denied&error_description=User+is+not+assigned&state=s",
            Some(&Err("the org refused: User is not assigned".to_owned())),
        );
    }

    #[test]
    fn any_path_can_be_registered() {
        for path in ["/", "/callback", "/:code/*", "/%7Bid%7D"] {
            let (sender, _receiver) = mpsc::channel(1);
            drop(router(path, SignIn { state: String::new(), sender }));
        }
    }
}
