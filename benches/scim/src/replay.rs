//! Sending requests that someone else has noted.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::connection::{Ask, Server};
use crate::measure::{Amount, measure};
use crate::{Failure, print};

#[derive(Deserialize)]
struct Noted {
    method: String,
    path: String,
    body: Value,
}

/// Sends the requests of a file, part after part.
pub(crate) async fn run(server: &Server, file: &str, in_flight: usize) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)?;
    for part in text.split("\n\n") {
        let noted: Vec<Noted> = part.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let methods: Vec<Method> = noted.iter().map(|noted| noted.method.parse()).collect::<Result<_, _>>()?;
        let ask = |index: usize| Ask::with_body(methods[index].clone(), noted[index].path.clone(), &noted[index].body);
        let amount = Amount { requests: noted.len(), in_flight, time: None };
        let row = measure("replay", server, amount, ask, |_, status, body| {
            (!status.is_success()).then(|| format!("{status} {}", String::from_utf8_lossy(body)))
        });
        print(&row.await?)?;
    }
    Ok(())
}
