//! A SCIM service that forgets everything when it ends: `cargo run -p oktant-scim --example memory -- --port 0`.
//!
//! Prints one line of JSON with the base URL and the token once it listens. `--snowflake` serves Snowflake's profile.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use oktant_base::{Entropy, OsEntropy, Secret, SystemClock};
use oktant_scim::memory::Memory;
use oktant_scim::{Profile, ScimClient, Settings, router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let port: u16 = after("--port").map_or(Ok(0), |port| port.parse())?;
    let profile = match arguments.iter().any(|argument| argument == "--snowflake") {
        true => Profile::Snowflake { client: ScimClient::Okta },
        false => Profile::Rfc,
    };
    let clock = Arc::new(SystemClock);
    let memory = Memory::new(clock.clone(), Arc::new(OsEntropy));
    let token = after("--token").cloned().unwrap_or_else(|| "token".to_owned());
    memory.add_token(Secret::new(token.clone()), profile);
    let mut key = [0; 32];
    OsEntropy.fill(&mut key);
    let service = router(Arc::new(memory), Settings::new(Secret::new(key), clock));
    let app = Router::new().nest_service("/scim/v2", service);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}/scim/v2", listener.local_addr()?);
    writeln!(std::io::stdout(), "{}", serde_json::json!({ "url": url, "token": token }))?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
