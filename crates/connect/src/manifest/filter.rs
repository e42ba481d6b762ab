//! What expressions can make of a value.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::expression::{is_empty, text, walk};

/// Applies the filter `name`. An empty value stays empty, except where a filter says otherwise.
pub(super) fn apply(name: &str, argument: &str, value: Value) -> Result<Value, String> {
    // Known before the value is looked at, so that a misspelt name shows at once.
    let filter = FILTERS.iter().find(|(known, _)| *known == name).map(|(_, filter)| filter);
    let filter = filter.ok_or_else(|| format!("there is no filter \"{name}\""))?;
    filter(value, argument)
}

type Filter = fn(Value, &str) -> Result<Value, String>;

/// Every filter, by name.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    // Text.
    ("text", |value, _| Ok(if value.is_null() { value } else { text(&value).into() })),
    ("lower", |value, _| on_text(value, str::to_lowercase)),
    ("upper", |value, _| on_text(value, str::to_uppercase)),
    ("base64", |value, _| on_text(value, |text| STANDARD.encode(text))),
    ("base64url", |value, _| on_text(value, |text| URL_SAFE_NO_PAD.encode(text))),
    ("url", |value, _| on_text(value, |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string())),
    ("before", |value, mark| on_text(value, |text| text.split(mark).next().unwrap_or_default().to_owned())),
    ("after_last", |value, mark| on_text(value, |text| text.rsplit(mark).next().unwrap_or_default().to_owned())),
    ("first_chars", |value, count| {
        let count = count.parse().map_err(|_| format!("first_chars:{count} needs a number"))?;
        on_text(value, |text| text.chars().take(count).collect())
    }),
    // An address from a host name.
    ("origin", |value, _| {
        on_text(value, |text| {
            let text = text.trim_end_matches('/');
            if text.contains("://") || text.is_empty() { text.to_owned() } else { format!("https://{text}") }
        })
    }),
    ("line", |value, _| on_text(value, |text| text.split(['\r', '\n']).collect::<Vec<_>>().join(" "))),
    // Numbers and truth.
    ("number", number),
    ("divide", |value, by| {
        Ok(match (value.as_f64(), by.parse::<f64>()) {
            (Some(value), Ok(by)) if by != 0.0 => json!(value / by),
            _ => Value::Null,
        })
    }),
    ("multiply", |value, by| {
        Ok(match (number(value, "")?.as_f64(), by.parse::<f64>()) {
            (Some(value), Ok(by)) => whole(value * by),
            _ => Value::Null,
        })
    }),
    ("bool", |value, _| {
        Ok(match &value {
            Value::Null => Value::Null,
            Value::Bool(_) => value,
            other => matches!(text(other).to_ascii_lowercase().as_str(), "true" | "yes" | "1").into(),
        })
    }),
    ("not", |value, _| Ok(Value::Bool(is_empty(&value) || value == Value::Bool(false)))),
    ("present", |value, _| Ok(Value::Bool(!is_empty(&value)))),
    // Either of several words: `choose:Yes=1,No=0`; one that is not named comes to nothing.
    ("choose", |value, pairs| {
        let wanted = text(&value);
        let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
        Ok(pairs.into_iter().find(|(from, _)| *from == wanted).map_or(Value::Null, |(_, to)| to.into()))
    }),
    // Empty text is nothing.
    ("filled", |value, _| Ok(if is_empty(&value) { Value::Null } else { value })),
    // JSON.
    ("json", |value, _| Ok(value.to_string().into())),
    ("parse", |value, _| match value {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| format!("it is no JSON: {error}")),
        other => Ok(other),
    }),
    // Lists.
    ("list", |value, _| {
        Ok(match value {
            Value::Array(_) => value,
            empty if is_empty(&empty) => Value::Null,
            Value::String(text) => text.split(',').map(|part| Value::from(part.trim())).collect(),
            one => Value::Array(vec![one]),
        })
    }),
    ("join", |value, separator| {
        Ok(match value {
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(separator).into(),
            other => other,
        })
    }),
    ("count", |value, _| Ok(value.as_array().map_or(Value::Null, |items| items.len().into()))),
    ("first", |value, _| {
        Ok(match value {
            Value::Array(items) => items.into_iter().next().unwrap_or_default(),
            other => other,
        })
    }),
    // Of each item one member; of each item an object with one member.
    ("each", |value, path| {
        Ok(match value {
            Value::Array(items) => items.iter().map(|item| walk(item, path).clone()).collect(),
            _ => Value::Null,
        })
    }),
    ("wrap", |value, path| {
        Ok(match value {
            Value::Array(items) => {
                items.into_iter().filter(|item| !is_empty(item)).map(|item| wrapped(path, item)).collect()
            }
            _ => Value::Null,
        })
    }),
    // The items whose member has a value: `where:name=x`.
    ("where", |value, condition| {
        Ok(match (value, condition.split_once('=')) {
            (Value::Array(items), Some((path, wanted))) => {
                items.into_iter().filter(|item| text(walk(item, path)) == wanted).collect()
            }
            _ => Value::Null,
        })
    }),
    ("chunks", |value, size| match (value, size.parse::<usize>()) {
        (Value::Array(items), Ok(size)) if size > 0 => {
            Ok(items.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect())
        }
        (Value::Null, _) => Ok(Value::Null),
        _ => Err(format!("chunks:{size} needs a list and a number")),
    }),
    ("at", |value, path| Ok(walk(&value, path).clone())),
    ("named_like", |value, prefix| Ok(select(value, |item| text(walk(item, "name")).starts_with(prefix)))),
    ("and", |value, _| {
        Ok(match value {
            Value::Array(terms) if terms.len() > 1 => {
                terms.iter().map(|term| format!("({})", text(term))).collect::<Vec<_>>().join(" and ").into()
            }
            Value::Array(terms) => terms.into_iter().next().unwrap_or_default(),
            other => other,
        })
    }),
    // Kept apart at its slashes where it goes into a path.
    ("path", |value, _| Ok(value)),
    ("digits", |value, _| {
        let digits: String = text(&value).chars().filter(char::is_ascii_digit).collect();
        Ok(digits.parse::<u64>().map_or(Value::Null, Value::from))
    }),
    // Google Sheets: cells in the order of the numbers that their keys begin with; a sheet as rows under its first line.
    ("placed", |value, _| {
        Ok(match value {
            Value::Object(members) => {
                let mut cells: Vec<(usize, Value)> = members
                    .into_iter()
                    .filter_map(|(key, value)| Some((key.split('-').next()?.parse().ok()?, value)))
                    .collect();
                cells.sort_by_key(|(place, _)| *place);
                let width = cells.last().map_or(0, |(place, _)| place + 1);
                let mut row = vec![Value::from(""); width.min(SHEET_COLUMNS_MAX)];
                for (place, value) in cells.into_iter().filter(|(place, _)| *place < SHEET_COLUMNS_MAX) {
                    row[place] = value;
                }
                Value::Array(row)
            }
            other => other,
        })
    }),
    ("one", |value, _| Ok(Value::Array(vec![value]))),
    ("sheet_rows", |value, _| Ok(sheet_rows(&value))),
    // Jira: a project by its id or its key.
    ("project_key", |value, _| {
        Ok(match text(&value) {
            empty if empty.is_empty() => Value::Null,
            id if id.bytes().all(|byte| byte.is_ascii_digit()) => json!({"id": id}),
            key => json!({"key": key}),
        })
    }),
    // Objects, or each of a list of them.
    ("keep", |value, names| {
        let names: Vec<&str> = names.split(',').collect();
        Ok(on_objects(value, |members| members.retain(|name, _| names.contains(&name.as_str()))))
    }),
    // Salesforce's collections name the type of each record.
    ("typed", |value, kind| {
        Ok(on_objects(value, |members| {
            if !members.contains_key("attributes") {
                members.insert("attributes".to_owned(), json!({"type": kind}));
            }
        }))
    }),
    // Profiles of an identity source: the whole object, under the id in one of its members.
    ("source_profiles", |value, key| {
        Ok(match value {
            Value::Array(items) => {
                items.into_iter().map(|item| json!({"externalId": text(walk(&item, key)), "profile": item})).collect()
            }
            other => other,
        })
    }),
    ("without", |value, names| {
        Ok(match value {
            Value::Object(members) => {
                let names: Vec<&str> = names.split(',').collect();
                let kept = members.into_iter().filter(|(name, _)| !names.contains(&name.as_str()));
                Value::Object(kept.collect())
            }
            other => other,
        })
    }),
    // Members by the names that the service has for them: `rename:Mobile Phone=MobilePhone,City=City`.
    ("rename", |value, pairs| {
        Ok(match value {
            Value::Object(members) => {
                let pairs: Vec<(&str, &str)> = pairs.split(',').filter_map(|pair| pair.split_once('=')).collect();
                let renamed = members.into_iter().map(|(name, value)| {
                    let new = pairs.iter().find(|(old, _)| *old == name).map(|(_, new)| (*new).to_owned());
                    (new.unwrap_or(name), value)
                });
                Value::Object(renamed.collect())
            }
            other => other,
        })
    }),
    ("values", |value, _| {
        Ok(match value {
            Value::Object(members) => members.into_iter().map(|(_, value)| value).collect(),
            other => other,
        })
    }),
    ("pairs", |value, names| {
        Ok(match (value, names.split_once(',')) {
            (Value::Object(members), Some((name, content))) => members
                .into_iter()
                .map(|(key, value)| {
                    Value::Object(Map::from_iter([(name.to_owned(), key.into()), (content.to_owned(), value)]))
                })
                .collect(),
            _ => Value::Null,
        })
    }),
    // The languages that services are asked in.
    ("soql", |value, _| on_text(value, soql_text)),
    ("soql_name", |value, _| match value {
        Value::String(name) if is_name(&name) => Ok(name.into()),
        other => Err(format!("\"{}\" is no name of an object or a field", text(&other))),
    }),
    ("soql_where", soql_where),
    ("odata", |value, _| on_text(value, |text| text.replace('\'', "''"))),
    ("scim", |value, _| on_text(value, |text| text.replace('\\', "\\\\").replace('"', "\\\""))),
    ("scim_where", scim_where),
    ("lucene_where", |value, _| {
        Ok(match value {
            Value::Object(members) => {
                let terms = members.iter().filter(|(_, value)| !is_empty(value));
                let terms: Vec<String> =
                    terms.map(|(name, value)| format!("{name}:{}", Value::from(text(value)))).collect();
                if terms.is_empty() { Value::Null } else { terms.join(" AND ").into() }
            }
            _ => Value::Null,
        })
    }),
    ("lucene_and", |value, _| {
        Ok(match value {
            Value::Array(terms) if !terms.is_empty() => {
                terms.iter().map(|term| format!("({})", text(term))).collect::<Vec<_>>().join(" AND ").into()
            }
            _ => Value::Null,
        })
    }),
];

/// Columns that a Google sheet can have.
const SHEET_COLUMNS_MAX: usize = 18_278;

/// Rows below the first line, which names the columns as `place-name`.
fn sheet_rows(values: &Value) -> Value {
    let Some((names, rows)) = values.as_array().and_then(|rows| rows.split_first()) else {
        return Value::Array(Vec::new());
    };
    let row = |(number, row): (usize, &Value)| {
        let names = names.as_array().into_iter().flatten().enumerate();
        let columns =
            names.map(|(place, name)| (format!("{place}-{}", text(name)), row.get(place).cloned().unwrap_or_default()));
        json!({"Row Number": number + 2, "Columns": Value::Object(columns.collect())})
    };
    rows.iter().enumerate().map(row).collect()
}

fn select(value: Value, wanted: impl Fn(&Value) -> bool) -> Value {
    match value {
        Value::Array(items) => items.into_iter().filter(wanted).collect(),
        _ => Value::Null,
    }
}

fn on_objects(value: Value, change: impl Fn(&mut Map<String, Value>)) -> Value {
    match value {
        Value::Object(mut members) => {
            change(&mut members);
            Value::Object(members)
        }
        Value::Array(items) => {
            items.into_iter().map(|item| on_objects(item, &change as &dyn Fn(&mut Map<String, Value>))).collect()
        }
        other => other,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what filters return")]
fn on_text(value: Value, change: impl FnOnce(&str) -> String) -> Result<Value, String> {
    Ok(if value.is_null() { value } else { change(&text(&value)).into() })
}

fn number(value: Value, _: &str) -> Result<Value, String> {
    match value {
        Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
        Value::String(text) => text.trim().parse().map(whole).map_err(|_| format!("\"{text}\" is no number")),
        other => Ok(other),
    }
}

/// A number without a fraction as an integer, which is how services want it.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

/// `a.b` and a value as `{"a": {"b": value}}`.
fn wrapped(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |value, name| Value::Object(Map::from_iter([(name.to_owned(), value)])))
}

/// Whether a text is a name of an object or a field of Salesforce.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

fn soql_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '\'' | '"' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Whether a text is a date or an instant as SOQL writes them, which is without quotation marks.
fn is_date(text: &str) -> bool {
    let is_day = text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    is_day || (text.contains('T') && chrono::DateTime::parse_from_rfc3339(text).is_ok())
}

/// An object as the condition that every member has its value, in SOQL.
fn soql_where(value: Value, _: &str) -> Result<Value, String> {
    let Value::Object(members) = value else { return Ok(Value::Null) };
    let mut terms = Vec::new();
    for (name, value) in members.iter().filter(|(_, value)| !is_empty(value)) {
        if !is_name(name) {
            return Err(format!("\"{name}\" is no name of a field"));
        }
        terms.push(match value {
            Value::Bool(_) | Value::Number(_) => format!("{name} = {value}"),
            Value::String(date) if is_date(date) => format!("{name} = {date}"),
            other => format!("{name} = '{}'", soql_text(&text(other))),
        });
    }
    Ok(if terms.is_empty() { Value::Null } else { terms.join(" AND ").into() })
}

/// An object as the condition that every member has its value, in the expressions of Okta and SCIM.
#[expect(clippy::unnecessary_wraps, reason = "it is a filter")]
fn scim_where(value: Value, _: &str) -> Result<Value, String> {
    let Value::Object(members) = value else { return Ok(Value::Null) };
    let term = |(name, value): (&String, &Value)| match value {
        Value::Bool(_) | Value::Number(_) => format!("{name} eq {value}"),
        other => format!("{name} eq {}", Value::from(text(other))),
    };
    let terms: Vec<String> = members.iter().filter(|(_, value)| !is_empty(value)).map(term).collect();
    Ok(if terms.is_empty() { Value::Null } else { terms.join(" and ").into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, value: Value, expected: Value) {
        let (name, argument) = filter.split_once(':').unwrap_or((filter, ""));
        assert_eq!(apply(name, argument, value), Ok(expected), "{filter}");
    }

    #[test]
    fn filters_make_what_services_want() {
        check("list", json!("a, b"), json!(["a", "b"]));
        check("list", json!(""), json!(null));
        check("join:;", json!(["a", 1]), json!("a;1"));
        check("wrap:emailAddress.address", json!(["a", ""]), json!([{"emailAddress": {"address": "a"}}]));
        check("where:name=x", json!([{"name": "x", "n": 1}, {"name": "y"}]), json!([{"name": "x", "n": 1}]));
        check("choose:Yes=true,No=false", json!("No"), json!("false"));
        check("choose:Yes=true", json!("maybe"), json!(null));
        check("multiply:1073741824", json!("10"), json!(10_737_418_240_i64));
        check("number", json!("2.5"), json!(2.5));
        check("bool", json!("Yes"), json!(true));
        check("line", json!("a\r\nb"), json!("a  b"));
        check("first_chars:3", json!("ünïcode"), json!("ünï"));
        check("rename:A B=ab", json!({"A B": 1, "c": 2}), json!({"ab": 1, "c": 2}));
    }

    #[test]
    fn text_of_others_stays_text() {
        check(
            "soql_where",
            json!({"Name": "O'Neil\\", "Active": true}),
            json!("Name = 'O\\'Neil\\\\' AND Active = true"),
        );
        check(
            "soql_where",
            json!({"Born": "2001-02-03", "Seen": "2026-01-02T03:04:05.000Z", "Code": "2001-02-33", "T": "2001-02-03' OR"}),
            json!(
                "Born = 2001-02-03 AND Seen = 2026-01-02T03:04:05.000Z AND Code = '2001-02-33' AND T = '2001-02-03\\' OR'"
            ),
        );
        check(
            "scim_where",
            json!({"profile.login": "a\"b", "status": "ACTIVE", "x": ""}),
            json!("profile.login eq \"a\\\"b\" and status eq \"ACTIVE\""),
        );
        check("odata", json!("O'Neil"), json!("O''Neil"));
        assert!(apply("soql_where", "", json!({"Name = '' OR Id": "x"})).is_err());
        assert!(apply("soql_name", "", json!("User WHERE")).is_err());
    }
}
