//! Lists whose links are right, wrong and endless.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use http::HeaderMap;
use oktant_base::{Coded, SystemClock, codes};
use oktant_client::service::{Failure, HttpService, Layer, Request, Response};
use oktant_client::{Call, Cursor, Error, Org, Page, Properties};

use crate::fake::{Fake, Seen, edges, json};

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
async fn a_next_link_that_cannot_be_followed_is_not_the_end_of_a_list() {
    for link in ["<http://[bad/p?after=x>; rel=\"next\"", "<http://a/p?after=x; rel=\"next\""] {
        let fake = Fake::start(move |_, _| json(200, &[("link", link)], "[1]")).await;
        let org = fake.org(Arc::new(SystemClock)).await;
        for stream in
            [org.pages(Call::get("/api/v1/groups").unwrap()), org.pages_on_demand(Call::get("/api/v1/groups").unwrap())]
        {
            let read: Vec<_> = stream.collect().await;
            assert_eq!(read[0].as_ref().unwrap_err().code(), codes::OKT2004, "{link}");
        }
    }
    let fake = Fake::start(|_, _| json(200, &[], r#"{"roles":[{}],"_links":{"next":"url"}}"#)).await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let error = pages(&org, Call::operation("listRoles").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), codes::OKT2004);
}

/// Answers one page and falls over at the next.
#[derive(Debug)]
struct Mortal;

impl Layer for Mortal {
    fn layer(&self, _: Arc<dyn HttpService>) -> Arc<dyn HttpService> {
        Arc::new(Self)
    }
}

#[async_trait]
impl HttpService for Mortal {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        assert!(request.url.query().is_none(), "the second page");
        let link = "</api/v1/groups?after=x>; rel=\"next\"".parse().unwrap();
        Ok(Response { status: 200, headers: HeaderMap::from_iter([(http::header::LINK, link)]), body: "[1]".into() })
    }
}

#[tokio::test]
async fn a_reader_that_dies_is_not_the_end_of_a_list() {
    let edges = edges(Arc::new(SystemClock)).layer(Arc::new(Mortal));
    let org = Org::connect(&Properties::parse("Domain=a.okta.com;APIToken=t").unwrap(), edges).await.unwrap();
    let results: Vec<_> = org.pages(Call::get("/api/v1/groups").unwrap()).collect().await;
    assert_eq!(results.len(), 2);
    assert!(!results[0].as_ref().unwrap().last);
    assert_eq!(results[1].as_ref().unwrap_err().code(), codes::OKT2014);
}

#[tokio::test]
async fn a_failing_page_ends_the_stream_with_its_error() {
    let fake = Fake::start(|number, _| {
        let link = format!("</api/v1/groups?after={number}>; rel=\"next\"");
        if number > 0 { json(500, &[], "") } else { json(200, &[("link", &link)], "[1]") }
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

/// Pages of one number each, the size asked for; the org fails where `fails` says so.
async fn sized(fails: impl Fn(u32) -> Option<u16> + Send + Sync + 'static) -> Fake {
    Fake::start(move |_, request| {
        let query: Vec<_> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
        let find = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let size: u32 = find("limit").unwrap().parse().unwrap();
        if let Some(status) = fails(size) {
            return json(status, &[], "");
        }
        let next = find("after").map_or(1, |after| after.parse::<u32>().unwrap() + 1);
        // As real links do, it names the size that was asked for first.
        let link = format!("</api/v1/users?after={next}&limit=200>; rel=\"next\"");
        let headers = [("link", link.as_str())];
        json(200, if next < 3 { &headers } else { &[] }, &format!("[{size}]"))
    })
    .await
}

#[tokio::test]
async fn a_page_that_is_too_large_for_the_org_is_halved_once_per_size() {
    for status in [500, 504] {
        let fake = sized(move |size| (size > 60).then_some(status)).await;
        let clock = crate::fake::JumpingClock::at("2026-01-01T12:00:00Z");
        let org = fake.org(clock.clone()).await;
        let read = pages(&org, Call::operation("listUsers").unwrap().arg("limit", "200").unwrap()).await.unwrap();
        let bodies: Vec<_> = read.iter().map(|page| page.body.as_ref()).collect();
        assert_eq!(bodies, [b"[50]", b"[50]", b"[50]"]);
        assert_eq!((fake.seen().len(), clock.waits().len()), (5, 0), "200, 100, and three pages of 50");
    }
}

#[tokio::test]
async fn halving_ends_at_a_floor_and_is_no_repeat_where_none_is_allowed() {
    let sizes = |fake: &Fake| -> Vec<String> {
        fake.seen().iter().map(|request| request.query.trim_start_matches("limit=").to_owned()).collect()
    };
    let call = || Call::operation("listUsers").unwrap().arg("limit", "200").unwrap();
    let fake = sized(|_| Some(500)).await;
    let error = pages(&fake.org(Arc::new(SystemClock)).await, call()).await.unwrap_err();
    assert_eq!((error.code(), sizes(&fake)), (codes::OKT2003, ["200", "100", "50", "25"].map(str::to_owned).to_vec()));
    let fake = sized(|_| Some(500)).await;
    let org = fake.org_with("APIToken=t;MaxRetries=0", Arc::new(SystemClock)).await;
    pages(&org, call()).await.unwrap_err();
    assert_eq!(sizes(&fake), ["200"]);
    let fake = sized(|_| Some(403)).await;
    pages(&fake.org(Arc::new(SystemClock)).await, call()).await.unwrap_err();
    assert_eq!(sizes(&fake), ["200"]);
}

#[tokio::test]
async fn a_list_is_taken_up_where_it_was_left() {
    let fake = three_pages(|c| format!("/api/v1/apps/1/users?after={c}&limit=2")).await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let call = Call::operation("listApplicationUsers").unwrap().arg("appId", "1").unwrap().query("expand", "user");
    let first = org.pages_on_demand(call).next().await.unwrap().unwrap();
    let cursor = first.next.expect("a second page");
    assert_eq!(cursor.page(), 1);

    let written = cursor.to_string();
    assert!(written.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')), "{written}");
    let as_object: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
    assert_eq!(as_object, cursor);
    let call = Call::resume(&written.parse().unwrap()).unwrap();
    let rest = pages(&org, call).await.unwrap();
    assert_eq!(rest.iter().map(|page| page.index).collect::<Vec<_>>(), [1, 2]);
    assert!(rest[1].last && rest[1].next.is_none());
    assert_eq!(fake.seen()[1].query, "expand=user&after=c%201&limit=2");
    assert_eq!("nonsense".parse::<Cursor>().unwrap_err().code(), codes::OKT2016);
}

#[tokio::test]
async fn polling_waits_when_there_is_nothing_new_and_never_ends() {
    // Two events, nothing twice, an event, nothing from then on.
    let fake = Fake::start(|number, request| {
        let at: usize = after(request).map_or(0, |after| after.parse().unwrap());
        let has_news = matches!(number, 0 | 1 | 4);
        let link = format!("</api/v1/logs?after={}>; rel=\"next\"", at + usize::from(has_news));
        json(200, &[("link", &link)], if has_news { "[{}]" } else { "[]" })
    })
    .await;
    let clock = crate::fake::JumpingClock::at("2026-01-01T12:00:00Z");
    let org = fake.org(clock.clone()).await;
    let polled: Vec<_> = org.poll(Call::get("/api/v1/logs").unwrap(), Duration::from_secs(7)).take(7).collect().await;
    let bodies: Vec<_> = polled.iter().map(|page| page.as_ref().unwrap().body.as_ref()).collect();
    assert_eq!(bodies, [b"[{}]".as_slice(), b"[{}]", b"[]", b"[]", b"[{}]", b"[]", b"[]"]);
    assert!(polled.iter().all(|page| page.as_ref().is_ok_and(|page| page.next.is_some())));
    assert_eq!(clock.waits(), [7, 7, 7], "after each empty page, before the next request");
    assert_eq!(fake.seen().len(), 7);
    for bounded in ["/api/v1/logs?until=2026-01-01T00:00:00Z", "/api/v1/logs?sortOrder=DESCENDING", "/api/v1/users"] {
        let error = org.poll(Call::get(bounded).unwrap(), Duration::ZERO).next().await.unwrap().unwrap_err();
        assert_eq!(error.code(), codes::OKT2016);
    }
}

#[tokio::test]
async fn polling_does_not_read_one_page_again_and_again() {
    let fake = Fake::start(|_, _| json(200, &[("link", "</api/v1/logs?after=1>; rel=\"next\"")], "[{}]")).await;
    let org = fake.org(Arc::new(SystemClock)).await;
    let mut polled = org.poll(Call::get("/api/v1/logs").unwrap(), Duration::ZERO);
    assert!(polled.next().await.unwrap().is_ok());
    assert_eq!(polled.next().await.unwrap().unwrap_err().code(), codes::OKT2005);
}
