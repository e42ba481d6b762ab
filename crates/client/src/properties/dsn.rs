//! The forms of a connection string, reduced to pairs of name and value.

use percent_encoding::percent_decode_str;
use url::Url;

use super::shown_name;

/// Reads `okta://` URLs and `Name=value;…` strings.
///
/// ```text
/// okta:///?Domain=acme.okta.com&APIToken=00abc
/// okta://acme.okta.com/?APIToken=00abc
/// okta://clientid:secret@acme.okta.com/
/// Domain=acme.okta.com;Scope="okta.users.read; okta.groups.read"
/// ```
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.trim();
    match text.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("okta") => url_pairs(text),
        _ if text.starts_with("okta:") || text.starts_with("okta/") => {
            Err("an okta URL begins with okta://".to_owned())
        }
        _ => semicolon_pairs(text),
    }
}

fn url_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.path(), "" | "/") {
        return Err("it holds a path, which has no meaning here; properties follow after ?".to_owned());
    }
    let mut pairs = Vec::new();
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        let domain = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        pairs.push(("Domain".to_owned(), decoded(&domain)));
    }
    if !url.username().is_empty() {
        pairs.push(("OAuthClientId".to_owned(), decoded(url.username())));
    }
    if let Some(password) = url.password() {
        pairs.push(("OAuthClientSecret".to_owned(), decoded(password)));
    }
    pairs.extend(url.query_pairs().into_owned());
    Ok(pairs)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn semicolon_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.trim_matches([' ', '\t', '\r', '\n', ';']).is_empty() {
        // What stands there instead may be a secret, and is not repeated.
        let (name, after) = rest.split_once('=').ok_or_else(|| match pairs.last() {
            Some((name, _)) => format!("what follows the value of {} has no =", shown_name(name)),
            None => "it has no =".to_owned(),
        })?;
        let name = name.trim_matches([' ', '\t', '\r', '\n', ';']);
        if name.is_empty() {
            return Err("a name is missing before =".to_owned());
        }
        let (value, remaining) = value(name, after)?;
        pairs.push((name.to_owned(), value));
        rest = remaining;
    }
    Ok(pairs)
}

/// Splits a value, quoted or not, from what follows it. A quote inside quotes is doubled.
fn value<'a>(name: &str, text: &'a str) -> Result<(String, &'a str), String> {
    let (text, name) = (text.trim_start(), shown_name(name));
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Ok((value.trim_end().to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            value.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            value.push(quote);
        } else {
            let rest = text[at + 1..].trim_start();
            let end = rest.is_empty() || rest.starts_with(';');
            return if end { Ok((value, rest)) } else { Err(format!("; expected after the quoted value of {name}")) };
        }
    }
    Err(format!("the quoted value of {name} has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(pairs(text), Ok(expected));
    }

    #[test]
    fn every_form_gives_pairs() {
        check(
            "okta:///?Domain=a.okta.com&OAuthSettingsLocation=/p/O%20A.txt",
            &[("Domain", "a.okta.com"), ("OAuthSettingsLocation", "/p/O A.txt")],
        );
        check("okta://a.okta.com/?APIToken=x", &[("Domain", "a.okta.com"), ("APIToken", "x")]);
        check(
            "okta://id:s%2Fc@a.okta.com:8443/",
            &[("Domain", "a.okta.com:8443"), ("OAuthClientId", "id"), ("OAuthClientSecret", "s/c")],
        );
        check(
            "okta:///?BaseURL=http://127.0.0.1:80&APIToken=t",
            &[("BaseURL", "http://127.0.0.1:80"), ("APIToken", "t")],
        );
        check("Domain = a.okta.com ; Scope=\"x; \"\"y\"\"\";", &[("Domain", "a.okta.com"), ("Scope", "x; \"y\"")]);
        check("", &[]);
    }

    #[test]
    fn broken_forms_are_explained() {
        assert_eq!(pairs("okta///?Domain=a").unwrap_err(), "an okta URL begins with okta://");
        assert_eq!(
            pairs("okta://a/path").unwrap_err(),
            "it holds a path, which has no meaning here; properties follow after ?"
        );
        assert_eq!(pairs("Domain").unwrap_err(), "it has no =");
        assert_eq!(pairs("Domain=a;00abc").unwrap_err(), "what follows the value of Domain has no =");
        assert_eq!(pairs("A='x").unwrap_err(), "the quoted value of A has no end");
        assert_eq!(pairs("A='x'y").unwrap_err(), "; expected after the quoted value of A");
    }
}
