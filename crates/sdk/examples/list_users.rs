//! Prints login and status of every user of the org that `okta.yaml` or the environment names.
//!
//! ```console
//! $ OKTA_CLIENT_ORGURL=https://acme.okta.com OKTA_CLIENT_TOKEN=00… cargo run -p oktant-sdk --example list_users
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]

use oktant_client::config::Loader;
use oktant_sdk::Okta;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Loader::system().load()?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    let okta = Okta::connect(&config.properties).await?;
    let mut users = okta.users().list_users().limit(200).stream();
    while let Some(user) = users.next().await {
        let user = user?;
        let login = user.profile.as_ref().and_then(|profile| profile.login.as_deref()).unwrap_or_default();
        println!("{login} {}", user.status.as_ref().map_or("", |status| status.as_str()));
    }
    Ok(())
}
