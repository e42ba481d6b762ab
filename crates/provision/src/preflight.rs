//! What is looked at before the first write.

use oktant_base::Clock;
use serde_json::Value as Json;

use crate::config::{Config, TargetConfig};
use crate::error::Error;
use crate::plan::Warning;
use crate::scim::{self, Endpoint, Request, Target};

/// Days before its end at which a token is worth a warning.
const TOKEN_WARNING_DAYS: [i64; 4] = [1, 7, 14, 30];

/// What was found.
pub(crate) struct Preflight {
    pub(crate) warnings: Vec<Warning>,
    /// Whether the target says that it understands PATCH.
    pub(crate) patch_supported: Option<bool>,
}

/// Asks the target what Okta asks when a configuration is saved, and looks at the age of the token.
///
/// # Source
///
/// Okta developer guide: the two fixed calls of "Test API credentials". The address was checked when the
/// configuration was read; ownership shows in the answers to writes.
pub(crate) async fn check(target: &Target, config: &Config, clock: &dyn Clock) -> Result<Preflight, Error> {
    let mut warnings: Vec<Warning> = token_age(&config.target, clock).into_iter().collect();
    for (endpoint, count) in [(Endpoint::Users, "2"), (Endpoint::Groups, "100")] {
        let request = Request::get(endpoint).query("startIndex", "1").query("count", count);
        let answer = target.send(&request).await?;
        let body: Json = serde_json::from_slice(&answer.body)
            .map_err(|error| unreadable(&request, &format!("it is no JSON: {error}")))?;
        if body.get("totalResults").and_then(Json::as_u64).is_none() {
            return Err(unreadable(&request, "it is no list of resources").into());
        }
    }
    let request = Request::get(Endpoint::ServiceProviderConfig);
    let patch_supported = match target.send(&request).await {
        Ok(answer) => {
            let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
            body["patch"]["supported"].as_bool()
        }
        Err(error) if error.stops_the_run() => return Err(error.into()),
        // Not every target describes itself.
        Err(_) => None,
    };
    if patch_supported == Some(false) && config.target.update == crate::config::Update::Auto {
        let message = "the target has no PATCH: profiles and groups are replaced as a whole".to_owned();
        warnings.push(Warning { kind: "no_patch", message });
    }
    Ok(Preflight { warnings, patch_supported })
}

fn unreadable(request: &Request, reason: &str) -> scim::Error {
    scim::Error::Unreadable {
        method: request.method.to_string(),
        path: request.path(),
        reason: format!("{reason}; is target.url the base of a SCIM 2.0 endpoint?"),
    }
}

/// A warning when the token ends soon. Generating a second one leaves the first valid, so there is no gap.
fn token_age(target: &TargetConfig, clock: &dyn Clock) -> Option<Warning> {
    let ends = target.token_issued? + chrono::TimeDelta::from_std(target.token_lifetime).ok()?;
    let left = (ends - clock.now()).num_seconds();
    let days = left.div_euclid(24 * 60 * 60);
    let date = ends.format("%Y-%m-%d");
    let advice = "generate a new one (the old one stays valid) and note its date in target.token_issued";
    let message = if left <= 0 {
        format!("the token has probably expired on {date}: {advice}")
    } else {
        let mark = TOKEN_WARNING_DAYS.into_iter().find(|mark| days < *mark)?;
        format!("the token expires on {date}, in less than {mark} days: {advice}")
    };
    Some(Warning { kind: "token_age", message })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use oktant_base::ManualClock;

    use super::*;
    use crate::config::Variables;

    #[test]
    fn the_end_of_a_token_is_announced_at_its_marks() {
        let variables: Variables = [("T".to_owned(), "t".to_owned())].into();
        let text = "app = \"x\"\n[target]\nurl = \"https://t.example\"\ntoken_env = \"T\"\ntoken_issued = 2026-01-01\n\
                    token_lifetime_days = 100";
        let config = Config::parse(text, Path::new("p.toml"), &variables).expect("a file");
        let warning = |now: &str| {
            let clock = ManualClock::at(format!("{now}T12:00:00Z").parse().expect("an instant"));
            token_age(&config.target, &clock).map(|warning| warning.message)
        };
        assert_eq!(warning("2026-03-01"), None);
        for (now, says) in [
            ("2026-03-15", "in less than 30 days"),
            ("2026-03-29", "in less than 14 days"),
            ("2026-04-05", "in less than 7 days"),
            ("2026-04-10", "in less than 1 days"),
            ("2026-04-12", "has probably expired on 2026-04-11"),
        ] {
            let message = warning(now).expect(now);
            assert!(message.contains(says), "{now}: {message}");
        }
    }
}
