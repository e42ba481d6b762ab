//! The floor that others are measured against. Reading: one connection, one page after the other, the
//! JSON of each page parsed into a typed struct, three fields of each user written as CSV. Writing:
//! bodies of users sent as they are, so many requests in flight.
//!
//! It has no retries, no limits, no engine and no checks, so nothing that sends the same requests
//! in order over HTTP can be much faster. Usage: `oktant-bench-floor URL API_TOKEN [COUNT IN_FLIGHT]`;
//! with a count it creates so many users.

use std::io::{BufWriter, Write};

use futures::{StreamExt, TryStreamExt};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LINK};
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct User {
    id: String,
    status: String,
    profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    first_name: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let client = reqwest::Client::builder().build()?;
    match arguments.as_slice() {
        [url, token] => list(&client, url, token).await,
        [url, token, count, in_flight] => create(&client, url, token, count.parse()?, in_flight.parse()?).await,
        _ => Err("usage: oktant-bench-floor URL API_TOKEN [COUNT IN_FLIGHT]".into()),
    }
}

async fn list(client: &reqwest::Client, url: &str, token: &str) -> Result<(), Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    // The plain list leaves out DEPROVISIONED users; a second list makes the scan whole, as in SQL.
    for query in ["limit=200", "filter=status%20eq%20%22DEPROVISIONED%22&limit=200"] {
        let mut next = Some(format!("{url}/api/v1/users?{query}"));
        while let Some(page) = next {
            let response = client.get(&page).header(AUTHORIZATION, format!("SSWS {token}")).send().await?;
            let response = response.error_for_status()?;
            next = next_link(&response);
            let users: Vec<User> = serde_json::from_slice(&response.bytes().await?)?;
            for user in users {
                writeln!(output, "{},{},{}", user.id, user.profile.first_name.unwrap_or_default(), user.status)?;
            }
        }
    }
    Ok(output.flush()?)
}

async fn create(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    count: usize,
    in_flight: usize,
) -> Result<(), Failure> {
    let send = |number: usize| {
        let login = format!("bench.{number}@oktant.example");
        let body = format!(
            r#"{{"profile":{{"firstName":"Bench","lastName":"User {number}","email":"{login}","login":"{login}"}}}}"#
        );
        let request = client.post(format!("{url}/api/v1/users")).header(AUTHORIZATION, format!("SSWS {token}"));
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        async move { request.send().await?.error_for_status()?.bytes().await }
    };
    let answers = futures::stream::iter(0..count).map(send).buffer_unordered(in_flight);
    let created = answers.try_fold(0, |created, _| async move { Ok(created + 1) }).await?;
    writeln!(std::io::stdout(), "{created}")?;
    Ok(())
}

fn next_link(response: &reqwest::Response) -> Option<String> {
    let links = response.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(", <")).find_map(|link| {
        let (target, rest) = link.trim_start_matches('<').split_once('>')?;
        rest.contains("rel=\"next\"").then(|| target.to_owned())
    })
}
