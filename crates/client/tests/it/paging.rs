//! Lists whose links are right, wrong and endless.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use oktant_base::{Coded, SystemClock, codes};
use oktant_client::{Call, Error, Org, Page};

use crate::fake::{Fake, Seen, json};

async fn pages(org: &Org, call: Call) -> Result<Vec<Page>, Error> {
    let results: Vec<_> = org.pages(call).collect().await;
    results.into_iter().collect()
}

fn after(request: &Seen) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(request.query.as_bytes());
    pairs.find(|(name, _)| name == "after").map(|(_, value)| value.into_owned())
}

/// Three pages; `link` makes the next link from the cursor.
async fn three_pages(link: impl Fn(&str) -> String + Send + Sync + 'static) -> Fake {
    Fake::start(move |_, request| {
        let next = match after(request).as_deref() {
            None => Some("c 1"),
            Some("c 1") => Some("c+2"),
            _ => None,
        };
        let next = next.map(|cursor| {
            format!(
                "<{}>; rel=\"next\"",
                link(&url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect::<String>())
            )
        });
        let headers: Vec<(&str, &str)> = std::iter::once(("link", "<http://x/self>; rel=\"self\""))
            .chain(next.as_deref().map(|next| ("link", next)))
            .collect();
        json(200, &headers, "[{}]")
    })
    .await
}

async fn queries(link: impl Fn(&str) -> String + Send + Sync + 'static, call: &str) -> Vec<String> {
    let fake = three_pages(link).await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let read = pages(&org, Call::get(call).unwrap()).await.unwrap();
    assert_eq!(read.iter().map(|page| page.index).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(read.iter().map(|page| page.last).collect::<Vec<_>>(), [false, false, true]);
    let path = call.split('?').next().unwrap();
    assert!(fake.seen().iter().all(|request| request.path == path && request.header("authorization") == "SSWS t0ken"));
    fake.seen().into_iter().map(|request| request.query).collect()
}

#[tokio::test]
async fn cursors_come_from_the_link_and_the_rest_from_the_call() {
    let expected = ["limit=2&expand=user", "expand=user&after=c%201&limit=2", "expand=user&after=c%2B2&limit=2"];
    let call = "/api/v1/apps/1/users?limit=2&expand=user";
    // A link that lost its expand, one to another host, one to another path, one without a host.
    assert_eq!(queries(|c| format!("http://org.example/api/v1/apps/1/users?after={c}&limit=2"), call).await, expected);
    assert_eq!(
        queries(|c| format!("https://org-admin.okta.com/api/v1/apps/1/users?after={c}&limit=2"), call).await,
        expected
    );
    assert_eq!(
        queries(|c| format!("http://127.0.0.1/api/v1/authorizationServers?after={c}&limit=2"), call).await,
        expected
    );
    assert_eq!(queries(|c| format!("/api/v1/apps/1/users?after={c}&limit=2"), call).await, expected);
}

#[tokio::test]
async fn a_link_back_is_an_error() {
    for target in ["/api/v1/groups?limit=2", "/api/v1/groups?limit=2&after=a"] {
        let link = format!("<{target}>; rel=\"next\"");
        let fake = Fake::start(move |_, _| json(200, &[("link", &link)], "[]")).await;
        let org = fake.org(Arc::new(SystemClock)).await;
        let error = pages(&org, Call::get("/api/v1/groups?limit=2").unwrap()).await.unwrap_err();
        assert_eq!(error.code(), codes::OKT2005);
        assert!(fake.seen().len() <= 2);
    }
}

#[tokio::test]
async fn an_empty_page_does_not_end_a_list_but_ends_polling() {
    let fake = Fake::start(|number, _| {
        let link = format!("</api/v1/x?after={number}>; rel=\"next\"");
        let headers = [("link", link.as_str())];
        json(200, if number < 3 { &headers } else { &[] }, if number == 1 { "[ ]" } else { "[1]" })
    })
    .await;
    let org = fake.org(Arc::new(SystemClock)).await;
    assert_eq!(pages(&org, Call::get("/api/v1/groups").unwrap()).await.unwrap().len(), 4);

    let polling = Fake::start(|number, _| {
        let link = format!("</api/v1/logs?after={number}>; rel=\"next\"");
        json(200, &[("link", &link)], if number == 2 { "[]" } else { "[1]" })
    })
    .await;
    let org = polling.org(Arc::new(SystemClock)).await;
    assert_eq!(pages(&org, Call::get("/api/v1/logs").unwrap()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn wrapped_lists_have_their_link_in_the_body() {
    let fake = Fake::start(|number, _| match number {
        0 => json(
            200,
            &[],
            r#"{"roles":[{}],"_links":{"next":{"href":"https://a-admin.okta.com/api/v1/iam/roles?after=x"}}}"#,
        ),
        _ => json(200, &[], r#"{"roles":[]}"#),
    })
    .await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let read = pages(&org, Call::operation("listRoles").unwrap()).await.unwrap();
    assert_eq!((read.len(), fake.seen()[1].query.as_str()), (2, "after=x"));
}

#[tokio::test]
async fn a_foreign_body_never_counts_as_an_empty_list() {
    for body in ["", "{}", "null", "<html>"] {
        let fake = Fake::start(move |_, _| json(200, &[], body)).await;
        let org = fake.org(Arc::new(SystemClock)).await;
        let error = pages(&org, Call::get("/api/v1/groups").unwrap()).await.unwrap_err();
        assert_eq!(error.code(), codes::OKT2004, "{body}");
    }
}

#[tokio::test]
async fn a_failing_page_ends_the_stream_with_its_error() {
    let fake = Fake::start(|number, _| {
        let link = format!("</api/v1/groups?after={number}>; rel=\"next\"");
        if number == 1 { json(500, &[], "") } else { json(200, &[("link", &link)], "[1]") }
    })
    .await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let results: Vec<_> = org.pages(Call::get("/api/v1/groups").unwrap()).collect().await;
    assert_eq!(results.len(), 2);
    assert!(results[0].is_ok() && results[1].is_err());
}

/// Waits until the org was asked `count` times, and for a while longer that it stays so.
async fn settles_at(fake: &Fake, count: usize) {
    let reached = async {
        while fake.seen().len() < count {
            tokio::task::yield_now().await;
        }
        // Enough turns for a request that must not come to be made and counted.
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.expect("the requests are made");
    assert_eq!(fake.seen().len(), count);
}

#[tokio::test]
async fn one_page_is_read_ahead_and_dropping_stops() {
    let fake = Fake::start(|number, _| {
        let link = format!("</api/v1/groups?after={number}>; rel=\"next\"");
        json(200, &[("link", &link)], "[1]")
    })
    .await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let mut stream = org.pages(Call::get("/api/v1/groups").unwrap());
    settles_at(&fake, 0).await;
    stream.next().await.unwrap().unwrap();
    settles_at(&fake, 2).await;
    stream.next().await.unwrap().unwrap();
    settles_at(&fake, 3).await;
    drop(stream);
    settles_at(&fake, 3).await;
}
