//! The floor that scans are measured against: one connection, one page after the other, the JSON
//! of each page parsed into a typed struct, three fields of each user written as CSV.
//!
//! It has no retries, no limits, no engine and no checks, so nothing that reads the same pages
//! in order over HTTP can be much faster. Usage: `oktant-bench-floor URL API_TOKEN`.

use std::io::{BufWriter, Write};

use reqwest::header::{AUTHORIZATION, LINK};
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
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: oktant-bench-floor URL API_TOKEN".into());
    };
    let client = reqwest::Client::builder().build()?;
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

fn next_link(response: &reqwest::Response) -> Option<String> {
    let links = response.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(", <")).find_map(|link| {
        let (target, rest) = link.trim_start_matches('<').split_once('>')?;
        rest.contains("rel=\"next\"").then(|| target.to_owned())
    })
}
