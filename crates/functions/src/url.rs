//! URLs and their parts.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::convert::to_text;
use crate::error::FunctionError;
use crate::registry::{Call, Fields, Function, output, pure};
use crate::value::Value;

pub(crate) fn table() -> Vec<Function> {
    vec![
        pure("url:encodeComponent", "Encode Component", encode)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":"a b&é/-_.!~*'()"}"#, r#"{"output":"a%20b%26%C3%A9%2F-_.!~*'()"}"#)]),
        pure("url:decodeComponent", "Decode Component", decode)
            .takes("string: text")
            .gives("output: text")
            .examples(&[(r#"{"string":"a%20b%C3%A9+"}"#, r#"{"output":"a bé+"}"#)])
            .beyond_templates(),
        pure("url:parse", "Parse", parse)
            .takes("url*: text")
            .gives("protocol: text, host: text, hostname: text, port: number, path: text, query: object, hash: text, username: text")
            .note("Of several query parameters of one name the values form a list.")
            .examples(&[(
                r#"{"url":"https://example.com:8443/a%20b?x=1&y=2&x=3#top"}"#,
                r#"{"protocol":"https","host":"example.com:8443","hostname":"example.com","port":8443,"path":"/a%20b","query":{"x":["1","3"],"y":"2"},"hash":"top","username":null}"#,
            )])
            .beyond_templates(),
        pure("url:format", "Format", format)
            .takes("protocol: text = \"https\", host*: text, path: text, query: object, hash: text")
            .gives("url: text")
            .examples(&[(
                r#"{"host":"example.com","path":"a/b","query":{"q":"x y","n":[1,2]}}"#,
                r#"{"url":"https://example.com/a/b?q=x+y&n=1&n=2"}"#,
            )])
            .beyond_templates(),
    ]
}

/// What JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

fn encode(call: &Call<'_>) -> Result<Fields, FunctionError> {
    output(utf8_percent_encode(call.text("string"), COMPONENT).to_string())
}

fn decode(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let text = call.text("string");
    let malformed = || FunctionError::invalid("string: the text is not percent-encoded UTF-8");
    let escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.into_iter().all(is_escape) {
        return Err(malformed());
    }
    output(percent_decode_str(text).decode_utf8().map_err(|_| malformed())?.into_owned())
}

fn not_a_url(key: &str) -> FunctionError {
    FunctionError::invalid(format!("{key}: the text is no absolute URL"))
}

fn parse(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let url = url::Url::parse(call.text("url").trim()).map_err(|_| not_a_url("url"))?;
    let mut query: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.into_owned()).or_default().push(value.into_owned().into());
    }
    let single_or_list = |mut values: Vec<Value>| if values.len() == 1 { values.remove(0) } else { values.into() };
    let hostname = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| hostname.to_owned(), |port| format!("{hostname}:{port}"));
    Ok([
        ("protocol", url.scheme().into()),
        ("host", host.into()),
        ("hostname", hostname.into()),
        ("port", url.port().map(f64::from).into()),
        ("path", url.path().into()),
        ("query", Value::object(query.into_iter().map(|(name, values)| (name, single_or_list(values))))),
        ("hash", url.fragment().into()),
        ("username", Some(url.username()).filter(|name| !name.is_empty()).into()),
    ]
    .into())
}

fn format(call: &Call<'_>) -> Result<Fields, FunctionError> {
    let protocol = call.text("protocol").trim_end_matches([':', '/']);
    let mut url =
        url::Url::parse(&format!("{protocol}://{}", call.text("host").trim())).map_err(|_| not_a_url("host"))?;
    url.set_path(call.text("path"));
    for (name, value) in call.object("query").iter() {
        let values = match value {
            Value::List(items) => items.to_vec(),
            single => vec![single.clone()],
        };
        for value in values {
            url.query_pairs_mut().append_pair(name, &to_text(&value));
        }
    }
    url.set_fragment(Some(call.text("hash")).filter(|hash| !hash.is_empty()));
    Ok([("url", String::from(url).into())].into())
}
