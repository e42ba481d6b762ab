//! The typed client as a contender: all users of an org as CSV, or new users with some requests in flight.
//!
//! Usage: `oktant-bench-sdk URL API_TOKEN [COUNT IN_FLIGHT]`; with a count it creates so many users.

use std::io::{BufWriter, Write};

use futures::{StreamExt, TryStreamExt};
use oktant_sdk::models::{CreateUserRequest, UserProfile};
use oktant_sdk::{Okta, Properties};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (okta, work) = match arguments.as_slice() {
        [url, token, work @ ..] => (connect(url, token).await?, work),
        _ => return Err("usage: oktant-bench-sdk URL API_TOKEN [COUNT IN_FLIGHT]".into()),
    };
    match work {
        [] => list(&okta).await,
        [count, in_flight] => create(&okta, count.parse()?, in_flight.parse()?).await,
        _ => Err("both COUNT and IN_FLIGHT are needed".into()),
    }
}

async fn connect(url: &str, token: &str) -> Result<Okta, Failure> {
    let text = format!("okta:///?BaseURL={url}&AuthScheme=APIToken&APIToken={token}&RateLimitShare=100");
    Ok(Okta::connect(&Properties::parse(&text)?).await?)
}

async fn list(okta: &Okta) -> Result<(), Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    // The plain list leaves out DEPROVISIONED users; a second list makes it whole.
    let plain = okta.users().list_users().limit(200);
    let deprovisioned = okta.users().list_users().limit(200).filter("status eq \"DEPROVISIONED\"");
    for request in [plain, deprovisioned] {
        let mut users = request.stream();
        while let Some(user) = users.try_next().await? {
            let first_name = user.profile.as_ref().and_then(|profile| profile.first_name.as_deref());
            let status = user.status.as_ref().map_or("", |status| status.as_str());
            let id = user.id.as_deref().unwrap_or_default();
            writeln!(output, "{id},{},{status}", first_name.unwrap_or_default())?;
        }
    }
    Ok(output.flush()?)
}

async fn create(okta: &Okta, count: usize, in_flight: usize) -> Result<(), Failure> {
    let created = futures::stream::iter(0..count)
        .map(|number| async move { okta.users().create_user(&request(number)).await })
        .buffer_unordered(in_flight)
        .try_fold(0, |created, _| async move { Ok(created + 1) })
        .await?;
    writeln!(std::io::stdout(), "{created}")?;
    Ok(())
}

fn request(number: usize) -> CreateUserRequest {
    let login = format!("bench.{number}@oktant.example");
    let profile = UserProfile {
        first_name: "Bench".into(),
        last_name: format!("User {number}").into(),
        email: login.clone().into(),
        login: login.into(),
        ..UserProfile::default()
    };
    CreateUserRequest { profile: profile.into(), ..CreateUserRequest::default() }
}
