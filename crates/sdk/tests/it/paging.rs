//! Lists: pages, items, cursors, and the System Log as it grows.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use oktant_base::{Coded, ManualClock};
use oktant_sdk::models::{LogEvent, User};
use oktant_sdk::{Cursor, Items};

use crate::script::{Answer, Script};

fn three_pages() -> [Answer; 3] {
    [
        Answer::page(r#"[{"id":"1"},{"id":"2"}]"#, "/api/v1/users?after=2&limit=2"),
        // A page may be empty, and is not the end.
        Answer::page("[]", "/api/v1/users?after=3&limit=2"),
        Answer::new(200, r#"[{"id":"3"}]"#),
    ]
}

fn id(user: &User) -> &str {
    user.id.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn items_of_all_pages_come_in_order() {
    let script = Script::start(three_pages()).await;
    let list = script.okta().await.users().list_users().limit(2).search("status eq \"ACTIVE\"");
    let users: Vec<User> = list.stream().try_collect().await.unwrap();
    assert_eq!(users.iter().map(id).collect::<Vec<_>>(), ["1", "2", "3"]);
    let queries: Vec<_> = script.asked().into_iter().map(|asked| asked.query).collect();
    let search = "search=status%20eq%20%22ACTIVE%22";
    assert_eq!(
        queries,
        [format!("limit=2&{search}"), format!("{search}&after=2&limit=2"), format!("{search}&after=3&limit=2")]
    );
}

#[tokio::test]
async fn pages_carry_what_came_with_them() {
    let script = Script::start(three_pages().map(|answer| {
        answer
            .header("x-rate-limit-limit", "600")
            .header("x-rate-limit-remaining", "599")
            .header("x-rate-limit-reset", "1767225600")
    }))
    .await;
    let mut pages = script.okta().await.users().list_users().pages();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.items.len());
        assert_eq!((page.meta.status, page.meta.attempts), (200, 1));
        assert_eq!(page.meta.request_id.as_deref(), Some("req1"));
        assert_eq!(page.meta.rate_limit.as_ref().map(|limit| (limit.limit, limit.remaining)), Some((600, 599)));
    }
    assert_eq!(sizes, [2, 0, 1]);
}

#[tokio::test]
async fn a_cursor_that_was_written_down_is_resumed() {
    let script = Script::start(three_pages()).await;
    let okta = script.okta().await;
    let page = okta.users().list_users().limit(2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let written = page.next.unwrap().to_string();

    let cursor: Cursor = written.parse().unwrap();
    let rest = okta.users().list_users().resume(&cursor).collect().await.unwrap();
    assert_eq!(rest.iter().map(id).collect::<Vec<_>>(), ["3"]);
    assert_eq!(script.asked()[1].query, "after=2&limit=2");
}

#[tokio::test]
async fn the_first_item_takes_no_more_pages_than_needed() {
    let script = Script::start(three_pages()).await;
    let first = script.okta().await.users().list_users().first().await.unwrap();
    assert_eq!(first.as_ref().map(id), Some("1"));
    assert_eq!(script.asked().len(), 1);

    let empty = Script::start([Answer::new(200, "[]")]).await;
    assert_eq!(empty.okta().await.users().list_users().first().await.unwrap(), None);
}

#[tokio::test]
async fn a_page_that_fails_is_an_error_and_the_end() {
    let script = Script::start([three_pages()[0].clone(), Answer::new(403, r#"{"errorCode":"E0000006"}"#)]).await;
    let mut users = script.okta().await.users().list_users().stream();
    assert!(users.next().await.unwrap().is_ok());
    assert!(users.next().await.unwrap().is_ok());
    assert_eq!(users.next().await.unwrap().unwrap_err().status(), Some(403));
    assert!(users.next().await.is_none());
    let again = Script::start([three_pages()[0].clone(), Answer::new(403, "")]).await;
    assert_eq!(again.okta().await.users().list_users().collect().await.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_an_error_and_the_end() {
    let [first, _, last] = three_pages();
    let broken = Answer::page(r#"{"items":[]}"#, "/api/v1/users?after=3&limit=2");
    let script = Script::start([first.clone(), broken, last.clone()]).await;
    let users = script.okta().await.users().list_users().stream();
    // As a caller reads that skips what fails.
    let seen: Vec<_> = users.map(|user| user.map(|user| id(&user).to_owned()).ok()).collect().await;
    assert_eq!(seen, [Some("1".to_owned()), Some("2".to_owned()), None]);

    let odd = Answer::page(r#"[{"id":7}]"#, "/api/v1/users?after=3&limit=2");
    let script = Script::start([first, odd, last]).await;
    let pages = script.okta().await.strict(true).users().list_users().pages();
    let read: Vec<_> = pages.map(|page| page.is_ok()).collect().await;
    assert_eq!(read, [true, false]);
}

#[tokio::test]
async fn an_element_that_does_not_fit_loses_nothing_and_is_not_hidden() {
    let pages =
        || [Answer::page(r#"[{"id":"1"},7]"#, "/api/v1/users?after=2"), Answer::new(200, r#"["x",{"id":"2"}]"#)];
    let script = Script::start(pages()).await;
    let mut users = script.okta().await.users().list_users().stream();
    let mut seen = Vec::new();
    while let Some(user) = users.next().await {
        seen.push(user.map_or_else(|error| error.to_string(), |user| id(&user).to_owned()));
    }
    let misfit =
        |at| format!("the answer to GET /api/v1/users cannot be read at $[{at}]: the element is of another kind");
    assert_eq!(seen, ["1".to_owned(), misfit(1), misfit(0), "2".to_owned()]);

    let script = Script::start(pages()).await;
    let all = script.okta().await.users().list_users().collect().await.unwrap();
    assert_eq!(oktant_sdk::models::Model::write(&all), br#"[{"id":"1"},7,"x",{"id":"2"}]"#);
}

#[tokio::test]
async fn no_content_is_an_empty_list_but_an_empty_body_is_not() {
    let script = Script::start([Answer::new(204, ""), Answer::new(200, "")]).await;
    let okta = script.okta().await;
    assert!(okta.users().list_users().collect().await.unwrap().is_empty());
    assert!(okta.users().list_users().collect().await.is_err());
}

#[tokio::test]
async fn any_path_can_be_listed() {
    let script = Script::start(three_pages()).await;
    let list =
        script.okta().await.request(oktant_sdk::Method::Get, "/api/v1/new-things?kind=a").unwrap().list_of::<User>();
    assert_eq!(list.collect().await.unwrap().len(), 3);
    assert_eq!(script.asked()[2].path, "/api/v1/new-things");
    assert_eq!(script.asked()[2].query, "kind=a&after=3&limit=2");
}

fn event(id: &str, after: &str) -> Answer {
    Answer::page(&format!(r#"[{{"uuid":"{id}"}}]"#), &format!("/api/v1/logs?after={after}"))
}

async fn next_event(items: &mut Items<LogEvent>) -> String {
    items.next().await.unwrap().unwrap().uuid.as_deref().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_log_is_asked_again_after_a_wait_when_nothing_is_there() {
    let nothing = |after: &str| Answer::page("[]", &format!("/api/v1/logs?after={after}"));
    let script =
        Script::start([event("e1", "1"), nothing("1"), nothing("1"), event("e2", "2"), event("e3", "3")]).await;
    let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let okta = script.okta_at(Arc::clone(&clock) as _).await;
    let interval = Duration::from_secs(30);
    let mut events = okta.system_log().list_log_events().since("2026-01-01T00:00:00Z").poll(interval);

    assert_eq!(next_event(&mut events).await, "e1");
    let pass_time = async {
        for waits in 1..=2 {
            while clock.slept().len() < waits {
                tokio::task::yield_now().await;
            }
            assert_eq!(script.asked().len(), 1 + waits);
            clock.advance(interval);
        }
    };
    let (e2, ()) = tokio::join!(next_event(&mut events), pass_time);
    assert_eq!(e2, "e2");
    assert_eq!(next_event(&mut events).await, "e3");
    assert_eq!(clock.slept(), [interval, interval]);
    let queries: Vec<_> = script.asked().into_iter().map(|asked| asked.query).collect();
    let since = "since=2026-01-01T00%3A00%3A00Z";
    assert_eq!(queries[0], since);
    assert_eq!(queries[1..4], [format!("{since}&after=1"), format!("{since}&after=1"), format!("{since}&after=1")]);
    assert_eq!(queries[4], format!("{since}&after=2"));
}

#[tokio::test]
async fn a_log_with_an_end_is_streamed_and_not_polled() {
    let script = Script::start([event("e1", "1"), Answer::new(200, r#"[{"uuid":"e2"}]"#)]).await;
    let log = script.okta().await.system_log().list_log_events().until("2026-01-01T00:00:00Z");
    assert_eq!(log.clone().collect().await.unwrap().len(), 2);
    let error = log.poll(Duration::from_secs(30)).next().await.unwrap().unwrap_err();
    assert_eq!(error.code().id(), "OKT2016");
}

#[tokio::test]
async fn a_log_that_loses_its_place_is_an_error() {
    let script = Script::start([Answer::new(200, r#"[{"uuid":"e1"}]"#)]).await;
    let mut pages = script.okta().await.system_log().list_log_events().poll_pages(Duration::from_secs(30));
    assert_eq!(pages.next().await.unwrap().unwrap_err().code().id(), "OKT2004");
}
