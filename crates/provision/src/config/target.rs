//! The address of a target, and what makes one unusable before anything is sent.

use url::{Host, Url};

use crate::error::Error;

/// Reads the base URL of a SCIM endpoint.
///
/// # Errors
///
/// [`Error::Address`] with the corrected address where there is one.
///
/// # Source
///
/// Okta developer guide, SCIM: no underscore in the URL. Snowflake documentation, "Okta SCIM integration":
/// account names with underscores are written with hyphens, private-link hosts are not supported.
pub(super) fn base(text: &str) -> Result<Url, Error> {
    let wrong = |problem: &str, hint: Option<String>| Error::Address {
        url: text.to_owned(),
        problem: problem.to_owned(),
        hint,
    };
    let advice = || Some("write it as https://HOST/scim/v2".to_owned());
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string(), advice()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !matches!(url.scheme(), "https" | "http") || host.is_empty() {
        return Err(wrong("it is no https address", advice()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("credentials, query and fragment have no place in it", advice()));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(wrong("the token would cross the network unencrypted", Some("use https".to_owned())));
    }
    let corrected = host.replace('_', "-").replace(".privatelink.", ".");
    if corrected != host {
        let problem = if host.contains('_') {
            "host names have no underscore, and SCIM clients refuse one"
        } else {
            "a private-link host does not serve SCIM"
        };
        return Err(wrong(problem, Some(format!("use {}", text.trim().replacen(&host, &corrected, 1)))));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some((before, last)) = path.rsplit_once('/')
        && ["users", "groups"].contains(&last.to_lowercase().as_str())
    {
        url.set_path(before);
        return Err(wrong("it names one endpoint, not the base of all", Some(format!("use {url}"))));
    }
    url.set_path(&path);
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use oktant_base::Coded as _;

    use super::*;

    #[track_caller]
    fn refused(text: &str, hint: &str) {
        let error = base(text).expect_err(text);
        assert_eq!(error.code().id(), "OKT6004");
        assert_eq!(error.hint().unwrap_or_default(), hint, "{text}");
    }

    #[test]
    fn known_problems_are_named_with_the_address_that_would_do() {
        refused(
            "https://acme-my_account.snowflakecomputing.com/scim/v2",
            "use https://acme-my-account.snowflakecomputing.com/scim/v2",
        );
        refused(
            "https://acme.privatelink.snowflakecomputing.com/scim/v2/",
            "use https://acme.snowflakecomputing.com/scim/v2/",
        );
        refused("http://acme.example/scim/v2", "use https");
        refused("ftp://acme.example", "write it as https://HOST/scim/v2");
        refused("acme.example", "write it as https://HOST/scim/v2");
        refused("https://a:b@acme.example", "write it as https://HOST/scim/v2");
        refused("https://acme.example/scim/v2/Users/", "use https://acme.example/scim/v2");
        refused("https://acme.example/?x=1", "write it as https://HOST/scim/v2");
    }

    #[test]
    fn good_addresses_lose_their_last_slash() {
        for (text, path) in [
            ("https://acme.snowflakecomputing.com/scim/v2/", "/scim/v2"),
            ("http://127.0.0.1:8080/scim/v2", "/scim/v2"),
            ("http://[::1]:1/", "/"),
        ] {
            assert_eq!(base(text).expect(text).path(), path);
        }
    }
}
