//! What is looked at before the first write.

use oktant_base::Clock;
use serde_json::Value as Json;

use crate::attribute::USER_SCHEMA;
use crate::config::{Config, TargetConfig};
use crate::error::Error;
use crate::nearest::nearest;
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
        let answer = target.send(&request).await.map_err(|error| misplaced(target, error))?;
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
    check_attributes(target, config).await?;
    Ok(Preflight { warnings, patch_supported })
}

/// RFC 7643, 3.1 and 4.1: the attributes of users that every target knows.
const CORE_ATTRIBUTES: [&str; 20] = [
    "userName",
    "externalId",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
];

/// Looks mapped attributes up that the standard does not have: a target that says what its users are made of would
/// refuse each of them with a misspelt one.
async fn check_attributes(target: &Target, config: &Config) -> Result<(), Error> {
    let is_core = |name: &&str| CORE_ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let named = config.mappings.iter().filter_map(|mapping| mapping.path.core_name());
    let own: Vec<&str> = named.filter(|name| !is_core(name)).collect();
    if own.is_empty() {
        return Ok(());
    }
    // Not every target describes itself.
    let Ok(answer) = target.send(&Request::get(Endpoint::Schemas)).await else { return Ok(()) };
    let body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let schemas = body["Resources"].as_array().or_else(|| body.as_array());
    let Some(users) = schemas.into_iter().flatten().find(|schema| schema["id"] == USER_SCHEMA) else { return Ok(()) };
    let attributes = users["attributes"].as_array().into_iter().flatten();
    let known: Vec<&str> = attributes.filter_map(|attribute| attribute["name"].as_str()).collect();
    for name in own {
        if !known.is_empty() && !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let advice = nearest(name, known.iter().copied().chain(CORE_ATTRIBUTES));
            let advice = advice.map_or_else(String::new, |name| format!("; did you mean {name}?"));
            let problem = format!("the target's users have no such attribute{advice}");
            return Err(Error::Mapping { attribute: name.to_owned(), problem });
        }
    }
    Ok(())
}

/// Nothing where every SCIM endpoint has its users is an address that is wrong.
fn misplaced(target: &Target, error: scim::Error) -> Error {
    if !matches!(&error, scim::Error::NotFound { .. } | scim::Error::Rejected { status: 405, .. }) {
        return error.into();
    }
    let url = target.url().to_owned();
    let hint = if url.trim_end_matches('/').ends_with("/scim/v2") {
        "check the host, and that its SCIM endpoint is there".to_owned()
    } else {
        format!("write the base of the SCIM endpoint, such as {}/scim/v2", origin(&url))
    };
    Error::Address { url, problem: format!("it is no SCIM endpoint: {error}"), hint: Some(hint) }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
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
