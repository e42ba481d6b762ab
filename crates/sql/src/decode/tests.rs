use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, TimestampMillisecondType};
use oktant_catalog::{Column, ColumnType, Ops, Source, Table};

use super::*;

const fn column(name: &'static str, data_type: ColumnType, sources: &'static [Source]) -> Column {
    Column {
        name,
        aliases: &[],
        data_type,
        nullable: true,
        read_only: true,
        sources,
        attribute: "",
        filter: Ops::NONE,
        search: Ops::NONE,
        expand: None,
        values: &[],
        hidden: false,
    }
}

static TABLE: Table = Table {
    name: "Things",
    aliases: &[],
    routes: &[],
    get: None,
    key: &["Id"],
    scopes: &[],
    columns: &[
        column("Id", ColumnType::Text, &[Source::Path(&["id"])]),
        column("Name", ColumnType::Text, &[Source::Path(&["profile", "name"])]),
        column("Profile", ColumnType::Json, &[Source::Path(&["profile"])]),
        column("Count", ColumnType::Integer, &[Source::FirstOf(&[&["stats", "old"], &["stats", "new"]])]),
        column("Created", ColumnType::Timestamp, &[Source::Path(&["created"])]),
        column("SourceId", ColumnType::Text, &[Source::UrlTail(&["_links", "source", "href"])]),
        column("ParentId", ColumnType::Text, &[Source::Parent("parentId")]),
        column("ParentCreated", ColumnType::Timestamp, &[Source::OfParent("Created")]),
        column("First", ColumnType::Text, &[Source::Path(&["list", "0", "id"])]),
        column("Missing", ColumnType::Boolean, &[Source::Absent]),
        column("RawJson", ColumnType::Json, &[Source::Path(&[])]),
    ],
    custom_attributes: None,
    covers: &[],
};

fn decode(columns: &[&str], shape: Body, body: &str) -> Result<Decoded, DecodeError> {
    let relation = Relation::new(&TABLE, Vec::new());
    let positions: Vec<_> = columns.iter().map(|name| relation.position(name).unwrap()).collect();
    Decoder::new(&relation, 0, &positions, Texts { mask_secrets: true, empty_as_null: false }).decode(
        body.as_bytes(),
        shape,
        &Parent {
            path: vec![("parentId", "p1".to_owned())],
            row: vec![("Created", ScalarValue::TimestampMillisecond(Some(7), Some("UTC".into())))],
        },
    )
}

const LIST: Body = Body::List(ListShape::Array);

#[track_caller]
fn texts(decoded: &Decoded, column: usize) -> Vec<Option<&str>> {
    decoded.batch.column(column).as_string::<i32>().iter().collect()
}

#[test]
fn the_parent_fills_what_the_rows_lack() {
    let decoded = decode(&["Id", "ParentId", "ParentCreated"], LIST, r#"[{"id":"a"},{"id":"b"}]"#).unwrap();
    assert_eq!(texts(&decoded, 1), [Some("p1"), Some("p1")]);
    let created = decoded.batch.column(2).as_primitive::<arrow::datatypes::TimestampMillisecondType>();
    assert_eq!(created.values(), &[7, 7]);
    assert_eq!(decoded.batch.column(2).data_type(), decoded.batch.schema().field(2).data_type());
}

#[test]
fn only_the_columns_asked_for_are_built() {
    let body = r#"[{"id":"a","profile":{"x":[{}],"name":"n","other":1}},{"profile":{"name":"m"},"id":"b"},{"id":"c"}]"#;
    let decoded = decode(&["Id", "Name"], LIST, body).unwrap();
    assert_eq!(texts(&decoded, 0), [Some("a"), Some("b"), Some("c")]);
    assert_eq!(texts(&decoded, 1), [Some("n"), Some("m"), None]);
    assert!(decoded.mismatches.is_empty());
}

#[test]
fn an_object_is_both_json_and_its_members() {
    let body = r#"[{"id":"a","profile":{"name":"q\"é","password":"p"}}]"#;
    let decoded = decode(&["Profile", "Name", "RawJson"], LIST, body).unwrap();
    assert_eq!(texts(&decoded, 0), [Some(r#"{"name":"q\"é","password":"***"}"#)]);
    assert_eq!(texts(&decoded, 1), [Some("q\"é")]);
    assert_eq!(texts(&decoded, 2), [Some(r#"{"id":"a","profile":{"name":"q\"é","password":"***"}}"#)]);
}

#[test]
fn a_value_of_another_type_is_null_and_counted() {
    let body = r#"[{"id":1,"profile":true,"created":"never","stats":{"old":{"a":1}}},{"id":"b","created":""}]"#;
    let decoded = decode(&["Id", "Name", "Created", "Count"], LIST, body).unwrap();
    assert_eq!(texts(&decoded, 0), [None, Some("b")]);
    assert_eq!(decoded.batch.column(2).null_count(), 2);
    let mismatches: Vec<_> = decoded.mismatches.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(mismatches, [("Count", 1), ("Created", 1), ("Id", 1)]);
}

#[test]
fn null_and_absent_are_null_and_a_repeated_member_counts_once() {
    let body = r#"[{"id":null},{"id":"a","id":"b"},{}]"#;
    let decoded = decode(&["Id"], LIST, body).unwrap();
    assert_eq!(texts(&decoded, 0), [None, Some("a"), None]);
}

#[test]
fn values_come_from_either_place_from_urls_from_elements_and_from_the_request() {
    let body = r#"[{"stats":{"new":3},"created":"1970-01-01T00:00:01.000Z","_links":{"source":{"href":"https://x/apps/0oa1"}},
        "list":[{"id":"f"},{"id":"g"}]},{"stats":{"old":null,"new":4}}]"#;
    let decoded = decode(&["Count", "Created", "SourceId", "First", "ParentId", "Missing"], LIST, body).unwrap();
    assert_eq!(decoded.batch.column(0).as_primitive::<Int32Type>().values(), &[3, 4]);
    assert_eq!(decoded.batch.column(1).as_primitive::<TimestampMillisecondType>().value(0), 1_000);
    assert_eq!(texts(&decoded, 2), [Some("0oa1"), None]);
    assert_eq!(texts(&decoded, 3), [Some("f"), None]);
    assert_eq!(texts(&decoded, 4), [Some("p1"), Some("p1")]);
    assert_eq!(decoded.batch.column(5).null_count(), 2);
}

#[test]
fn rows_are_counted_without_columns() {
    assert_eq!(decode(&[], LIST, r#"[{"id":"a"},{}]"#).unwrap().batch.num_rows(), 2);
}

#[test]
fn wrapped_lists_and_single_objects_are_read() {
    let wrapped = Body::List(ListShape::Wrapped { items: "roles", next_in_body: true });
    let body = r#"{"_links":{"next":{}},"roles":[{"id":"a"}]}"#;
    assert_eq!(texts(&decode(&["Id"], wrapped, body).unwrap(), 0), [Some("a")]);
    assert_eq!(texts(&decode(&["Id"], Body::Single, r#"{"id":"a"}"#).unwrap(), 0), [Some("a")]);
}

#[test]
fn a_body_that_is_not_the_list_expected_is_an_error() {
    let wrapped = Body::List(ListShape::Wrapped { items: "roles", next_in_body: true });
    for (shape, body) in [
        (LIST, r#"[{"id":"a"},{"id":"#),
        (LIST, r#"{"errorCode":"E0000009"}"#),
        (LIST, "[] trailing"),
        (LIST, ""),
        (wrapped, r#"{"other":[]}"#),
    ] {
        assert!(decode(&["Id"], shape, body).is_err(), "{body}");
    }
}
