//! Where the next page is, as answers say it.

use http::HeaderMap;
use serde::Deserialize;

/// The target of the `next` relation (RFC 8288) in one or several `Link` headers.
pub(crate) fn next_in_headers(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(http::header::LINK).iter().filter_map(|line| line.to_str().ok());
    lines.into_iter().find_map(next_in_line)
}

fn next_in_line(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let (mut parameters, following) = split_unquoted(after, ',');
        while !parameters.is_empty() {
            let (parameter, others) = split_unquoted(parameters, ';');
            if is_next(parameter) {
                return Some(target);
            }
            parameters = others;
        }
        rest = following;
    }
    None
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

fn is_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// `_links.next.href` of a wrapped list.
pub(crate) fn next_in_body(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapper {
        #[serde(rename = "_links")]
        links: Links,
    }
    #[derive(Deserialize)]
    struct Links {
        next: Target,
    }
    #[derive(Deserialize)]
    struct Target {
        href: String,
    }
    serde_json::from_slice::<Wrapper>(body).ok().map(|wrapper| wrapper.links.next.href)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<&str>) {
        let headers = lines.iter().map(|line| (http::header::LINK, line.parse().unwrap())).collect();
        assert_eq!(next_in_headers(&headers), expected);
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
        check(&[], None);
    }

    #[test]
    fn links_in_bodies_are_read() {
        assert_eq!(
            next_in_body(br#"{"roles":[],"_links":{"next":{"href":"https://a/x"}}}"#).as_deref(),
            Some("https://a/x")
        );
        assert_eq!(next_in_body(br#"{"roles":[],"_links":{}}"#), None);
        assert_eq!(next_in_body(br#"{"roles":[]}"#), None);
    }
}
