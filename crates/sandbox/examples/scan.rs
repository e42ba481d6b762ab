//! How fast the sandbox starts and serves: `cargo run --release --example scan -- [USERS] [GROUPS]`.
//!
//! Reads every user with a bare HTTP client over one connection, so that what is measured is the
//! server and not a client of ours.

use std::error::Error;
use std::time::Instant;

use oktant_sandbox::Sandbox;
use reqwest::header::{AUTHORIZATION, LINK};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "printing the figures is what it is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let users = arguments.next().transpose()?.unwrap_or(100_000);
    let groups = arguments.next().transpose()?.unwrap_or(1_000);

    let start = Instant::now();
    let sandbox = Sandbox::builder().users(users).groups(groups).start().await?;
    println!("started with {users} users and {groups} groups in {:.2?}", start.elapsed());

    let expression = "profile.department+eq+%22engineering%22";
    for path in ["/api/v1/users?limit=200".to_owned(), format!("/api/v1/users?search={expression}&limit=200")] {
        let (pages, bytes, elapsed) = scan(&sandbox, &path).await?;
        let rate = f64::from(pages) / elapsed.as_secs_f64();
        let megabytes = bytes as f64 / 1e6;
        println!("{path}: {pages} pages, {megabytes:.1} MB in {elapsed:.2?}: {rate:.0} pages/s");
    }
    sandbox.shutdown().await;
    Ok(())
}

/// Follows the list to its end: pages, bytes, time.
async fn scan(sandbox: &Sandbox, path: &str) -> Result<(u32, usize, std::time::Duration), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "the server is measured with a bare client")]
    let client = reqwest::Client::new();
    let credentials = format!("SSWS {}", sandbox.api_token());
    let start = Instant::now();
    let (mut pages, mut bytes, mut next) = (0, 0, Some(format!("{}{path}", sandbox.url())));
    while let Some(url) = next {
        let response = client.get(url).header(AUTHORIZATION, &credentials).send().await?.error_for_status()?;
        let lines = response.headers().get_all(LINK).iter().filter_map(|line| line.to_str().ok());
        let line = lines.into_iter().find(|line| line.ends_with("rel=\"next\""));
        next = line.and_then(|line| line.split(['<', '>']).nth(1)).map(str::to_owned);
        bytes += response.bytes().await?.len();
        pages += 1;
    }
    Ok((pages, bytes, start.elapsed()))
}
