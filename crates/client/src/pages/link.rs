//! Where the next page is, as answers say it.

use http::HeaderMap;
use serde::Deserialize;

/// Why a `next` that an answer holds leads nowhere. Taking it for none would end a list before its end.
pub(crate) type Unusable = &'static str;

/// The target of the `next` relation (RFC 8288) in one or several `Link` headers.
pub(crate) fn next_in_headers(headers: &HeaderMap) -> Result<Option<&str>, Unusable> {
    for line in headers.get_all(http::header::LINK) {
        // Targets may hold letters beyond ASCII, which `to_str` refuses.
        let line = std::str::from_utf8(line.as_bytes()).map_err(|_| "its link header is not text")?;
        if let Some(target) = next_in_line(line)? {
            return Ok(Some(target));
        }
    }
    Ok(None)
}

fn next_in_line(line: &str) -> Result<Option<&str>, Unusable> {
    let is_next = |link: &Link<'_>| link.relations.iter().any(|relation| relation.eq_ignore_ascii_case("next"));
    let found = links(line).find(|link| link.as_ref().map_or(true, is_next)).transpose()?;
    Ok(found.map(|link| link.target))
}

/// A link of a `Link` header (RFC 8288).
#[derive(Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it leads, as written.
    pub target: &'a str,
    /// What it leads to: the words of its parameters `rel`.
    pub relations: Vec<&'a str>,
}

/// The links of one `Link` header. One without an end is passed over, unless it may be the next page.
pub fn links(line: &str) -> impl Iterator<Item = Result<Link<'_>, &'static str>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let Some((target, after)) = after.split_once('>') else {
            rest = "";
            return after.to_ascii_lowercase().contains("next").then_some(Err("its next link has no end"));
        };
        let (parameters, following) = split_unquoted(after, ',');
        rest = following;
        Some(Ok(Link { target, relations: relations(parameters) }))
    })
}

fn relations(mut parameters: &str) -> Vec<&str> {
    let mut found = Vec::new();
    while !parameters.is_empty() {
        let (parameter, others) = split_unquoted(parameters, ';');
        match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("rel") => {
                found.extend(value.trim().trim_matches('"').split_ascii_whitespace());
            }
            _ => {}
        }
        parameters = others;
    }
    found
}

/// What stands before and after the first `separator` outside quotes.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    });
    end.map_or((text, ""), |end| (&text[..end], &text[end + 1..]))
}

/// `_links.next.href` of a wrapped list.
pub(crate) fn next_in_body(body: &[u8]) -> Result<Option<String>, Unusable> {
    #[derive(Deserialize)]
    struct Wrapper {
        #[serde(rename = "_links", default)]
        links: Option<Links>,
    }
    #[derive(Deserialize)]
    struct Links {
        #[serde(default)]
        next: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        href: String,
    }
    if body.is_empty() {
        return Ok(None);
    }
    let wrapper: Wrapper = serde_json::from_slice(body).map_err(|_| "its next link has no href, or it ended early")?;
    Ok(wrapper.links.and_then(|links| links.next).map(|next| next.href))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<&str>) {
        let headers = lines.iter().map(|line| (http::header::LINK, line.parse().unwrap())).collect();
        assert_eq!(next_in_headers(&headers), Ok(expected));
    }

    #[test]
    fn link_headers_of_every_form_are_read() {
        check(
            &["<https://a/p?limit=1>; rel=\"self\"", "<https://a/p?after=x>; rel=\"next\""],
            Some("https://a/p?after=x"),
        );
        check(&["<https://a/p>; rel=\"self\", <https://a/p?q=a,b>; rel=\"next\""], Some("https://a/p?q=a,b"));
        check(&["<u>; title=\"a, <b>; rel=next\"; rel=self"], None);
        check(&["<u>; title=\"x\"; REL=\"prev next\""], Some("u"));
        check(&["<u>; rel=self"], None);
        check(&["<https://a/p?q=Ü>; rel=next"], Some("https://a/p?q=Ü"));
        check(&["<u>; foo; rel=\"next\""], Some("u"));
        check(&["<u; rel=preload"], None);
        check(&[], None);
        let cut = HeaderMap::from_iter([(http::header::LINK, "<https://a/p?after=x; rel=\"next\"".parse().unwrap())]);
        assert!(next_in_headers(&cut).is_err());
    }

    #[test]
    fn links_in_bodies_are_read() {
        let next = |body: &str| next_in_body(body.as_bytes());
        let found = next(r#"{"roles":[],"_links":{"next":{"href":"https://a/x"}}}"#);
        assert_eq!(found, Ok(Some("https://a/x".to_owned())));
        for none in
            [r#"{"roles":[],"_links":{}}"#, r#"{"roles":[]}"#, r#"{"_links":null}"#, r#"{"_links":{"next":null}}"#, ""]
        {
            assert_eq!(next(none), Ok(None), "{none}");
        }
        for unusable in [r#"{"_links":{"next":"https://a/x"}}"#, r#"{"_links":{"next":{}}}"#, r#"{"roles":[{}"#] {
            assert!(next(unusable).is_err(), "{unusable}");
        }
    }
}
