//! `--all`: every page of a list as one document.

use futures::StreamExt as _;
use oktant_catalog::ListShape;
use oktant_client::Pages;
use serde::Deserialize as _;
use serde_json::value::RawValue;

use crate::args::CallOptions;
use crate::failure::{Error, Result};
use crate::output::{self, Format};
use crate::progress::Progress;

/// Writes the items of all pages, one per line. A list that breaks off stays unclosed.
pub(super) async fn write(mut pages: Pages, shape: ListShape, options: &CallOptions) -> Result<()> {
    let is_document = match options.output.unwrap_or(Format::Json) {
        Format::Json => true,
        Format::Jsonl => false,
        other => {
            return Err(Error::misuse(format!("--all does not write {other}"), "choose --output json or jsonl").into());
        }
    };
    let progress = Progress::start();
    let mut count = 0;
    while let Some(page) = pages.next().await.transpose()? {
        if options.include {
            progress.aside(|| super::show_head(&page));
        }
        let mut text = String::new();
        for item in items(&page.body, shape)? {
            if is_document {
                text.push_str(if count == 0 { "[\n" } else { ",\n" });
            }
            push_line(item, &mut text);
            if !is_document {
                text.push('\n');
            }
            count += 1;
        }
        progress.aside(|| output::print_bytes(text.as_bytes()))?;
        progress.show(format!("{count} items, {} pages", page.index + 1), None);
    }
    let end = match (is_document, count) {
        (false, _) => return Ok(()),
        (true, 0) => "[]\n",
        (true, _) => "\n]\n",
    };
    progress.aside(|| output::print_bytes(end.as_bytes()))
}

fn items(body: &[u8], shape: ListShape) -> Result<Vec<&RawValue>> {
    let unreadable = |error: serde_json::Error| Error::NotAList(error.to_string());
    let ListShape::Wrapped { items, .. } = shape else {
        return Ok(serde_json::from_slice(body).map_err(unreadable)?);
    };
    let object: std::collections::HashMap<&str, &RawValue> = serde_json::from_slice(body).map_err(unreadable)?;
    let array = object.get(items).ok_or_else(|| Error::NotAList(format!("it has no member \"{items}\"")))?;
    Ok(Vec::deserialize(&mut serde_json::Deserializer::from_str(array.get())).map_err(unreadable)?)
}

/// An item that spans lines is rewritten as one.
fn push_line(item: &RawValue, text: &mut String) {
    let raw = item.get();
    match raw.contains('\n').then(|| serde_json::from_str::<serde_json::Value>(raw)) {
        Some(Ok(value)) => text.push_str(&value.to_string()),
        _ => text.push_str(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, shape: ListShape, expected: &[&str]) {
        let items = items(body.as_bytes(), shape).expect("a list");
        assert_eq!(items.iter().map(|item| item.get()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn items_of_both_shapes() {
        let wrapped = ListShape::Wrapped { items: "roles", next_in_body: true };
        check(r#"[{"id": 1}, 2]"#, ListShape::Array, &[r#"{"id": 1}"#, "2"]);
        check(r#"{"roles": [{"id":1}], "_links": {}}"#, wrapped, &[r#"{"id":1}"#]);
        check(r#"{"roles": []}"#, wrapped, &[]);
        for (body, shape) in [(r#"{"id": 1}"#, ListShape::Array), ("{}", wrapped), (r#"{"roles": null}"#, wrapped)] {
            assert!(items(body.as_bytes(), shape).is_err(), "{body}");
        }
    }
}
