//! From what a user calls the org to its base URL.

use oktant_base::{Code, codes};
use url::{Host, Url};

use super::{Liberties, Problem, shown};

/// The base URL of an org, and what was corrected on the way.
pub(super) struct Base {
    pub(super) url: Url,
    pub(super) warnings: Vec<String>,
}

/// The base URL for `BaseURL`, else for `Domain`.
pub(super) fn base(base_url: Option<&str>, domain: Option<&str>, liberties: &Liberties) -> Result<Base, Problem> {
    match (base_url, domain) {
        (Some(base_url), _) => from_url("BaseURL", base_url, liberties),
        (None, Some(domain)) if domain.contains("://") => from_url("Domain", domain, liberties),
        (None, Some(domain)) => from_domain(domain, liberties),
        (None, None) => Err(Problem::new("Domain", codes::OKT1004, "Domain is missing")
            .hint("add Domain=acme.okta.com, the org's host name as in the browser")),
    }
}

fn from_domain(domain: &str, liberties: &Liberties) -> Result<Base, Problem> {
    let https = from_url("Domain", &format!("https://{domain}"), liberties)?;
    // A sandbox speaks plain http; a loopback address with a port is one.
    if is_loopback(&https.url) && https.url.port().is_some() {
        return from_url("Domain", &format!("http://{domain}"), liberties);
    }
    Ok(https)
}

fn from_url(property: &'static str, text: &str, liberties: &Liberties) -> Result<Base, Problem> {
    let bad = |message: String| Problem::new(property, codes::OKT1005, message);
    let shown = shown(text);
    if text.contains(['{', '}', '<', '>']) {
        return Err(bad(format!("{property} still holds the placeholder of an example: {shown}")));
    }
    let mut url = Url::parse(text).map_err(|error| bad(format!("{property}={shown} is not an address: {error}")))?;
    let Some(host) = url.host_str().map(ToOwned::to_owned) else {
        return Err(bad(format!("{property}={shown} names no host")));
    };
    if host.contains(['&', '=', ';', ',']) {
        return Err(bad(format!("{property}={shown} is not a host name"))
            .hint("properties are separated by ; in Name=value pairs, and by & only behind okta:///?"));
    }
    check_scheme(property, &url, liberties)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(bad(format!("{property}={shown} holds more than a host")).hint(format!("use {host} alone")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(format!("{property} holds credentials"))
            .hint("use OAuthClientId and OAuthClientSecret, or okta://id:secret@host/"));
    }
    if host.ends_with(".com.com") {
        let corrected = host.trim_end_matches(".com");
        return Err(
            bad(format!("{property}={shown} ends in .com twice")).hint(format!("did you mean {corrected}.com?"))
        );
    }
    let mut warnings = Vec::new();
    if let Some(corrected) = without_admin(&host) {
        if liberties.strict_domain {
            return Err(bad(format!("{property}={shown} is the org's admin console"))
                .hint(format!("use {}://{corrected}", url.scheme())));
        }
        url.set_host(Some(&corrected)).map_err(|error| bad(format!("{property}={shown}: {error}")))?;
        warnings.push(format!("{host} is the org's admin console; {corrected} is used instead"));
    }
    Ok(Base { url, warnings })
}

fn check_scheme(property: &'static str, url: &Url, liberties: &Liberties) -> Result<(), Problem> {
    let (code, message): (Code, String) = match url.scheme() {
        "https" => return Ok(()),
        "http" if liberties.any_host || is_loopback(url) => return Ok(()),
        "http" => (codes::OKT1006, format!("{property} uses plain http for a host that is not loopback")),
        scheme => (codes::OKT1005, format!("{property} has scheme {scheme}, not https")),
    };
    Err(Problem::new(property, code, message))
}

/// Whether the host is this machine itself, by its name or address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Domains below which Okta gives every org a host, and its console one with `-admin`. Elsewhere
/// a host may have that name for itself, and another one would get the credentials.
const OKTA_DOMAINS: [&str; 5] = ["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"];

/// `acme.okta.com` for `acme-admin.okta.com`.
fn without_admin(host: &str) -> Option<String> {
    let (label, domain) = host.split_once('.')?;
    let org = label.strip_suffix("-admin").filter(|_| OKTA_DOMAINS.contains(&domain))?;
    Some(format!("{org}.{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(domain: &str, expected: Result<&str, Code>) {
        let found = base(None, Some(domain), &Liberties::default())
            .map(|base| base.url.to_string())
            .map_err(|problem| problem.code.id());
        assert_eq!(found.as_deref().map_err(|id| *id), expected.map_err(Code::id), "{domain}");
    }

    #[test]
    fn domains_become_base_urls() {
        check("acme.okta.com", Ok("https://acme.okta.com/"));
        check("https://login.acme.example/", Ok("https://login.acme.example/"));
        check("acme-admin.okta.com", Ok("https://acme.okta.com/"));
        check("acme-admin.oktapreview.com", Ok("https://acme.oktapreview.com/"));
        check("payroll-admin.example.com", Ok("https://payroll-admin.example.com/"));
        check("acme-admin.okta.com.example.com", Ok("https://acme-admin.okta.com.example.com/"));
        check("127.0.0.1:8080", Ok("http://127.0.0.1:8080/"));
        check("localhost:8080", Ok("http://localhost:8080/"));
        check("http://acme.okta.com", Err(codes::OKT1006));
        check("{yourOktaDomain}", Err(codes::OKT1005));
        check("acme.okta.com.com", Err(codes::OKT1005));
        check("acme.okta.com/api/v1", Err(codes::OKT1005));
        check("ftp://acme.okta.com", Err(codes::OKT1005));
        check("acme.okta.com&APIToken=00abc", Err(codes::OKT1005));
        check("", Err(codes::OKT1005));
    }
}
