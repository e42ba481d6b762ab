//! SQL tables.

use oktant_catalog::{Column, ColumnType, ListShape, Ops, ParameterIn, Source, Table, operation, table, tables};

/// The columns as the design lists them, one a line.
fn listing(table: &Table) -> String {
    table.columns.iter().filter(|column| column.name != "RawJson").map(line).collect()
}

fn line(column: &Column) -> String {
    let yes_no = |flag: bool| if flag { "yes" } else { "no" };
    format!(
        "{} | {} | null {} | read-only {} | filter {} | search {}\n",
        column.name,
        sql_type(column.data_type),
        yes_no(column.nullable),
        yes_no(column.read_only),
        operators(column.filter),
        operators(column.search)
    )
}

fn sql_type(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Text => "VARCHAR",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Date => "DATE",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Double => "DOUBLE",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Json => "JSON",
    }
}

fn operators(set: Ops) -> String {
    let known = [
        ("eq", Ops::EQ),
        ("ne", Ops::NE),
        ("sw", Ops::SW),
        ("co", Ops::CO),
        ("ew", Ops::EW),
        ("gt", Ops::GT),
        ("ge", Ops::GE),
        ("lt", Ops::LT),
        ("le", Ops::LE),
        ("pr", Ops::PR),
    ];
    let names: Vec<_> =
        known.into_iter().filter(|(_, operator)| set.contains(*operator)).map(|(name, _)| name).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}

#[track_caller]
fn check(name: &str, expected: &str) {
    let listing = listing(table(name).expect("a known table"));
    for (position, (ours, expected)) in listing.lines().zip(expected.lines()).enumerate() {
        assert_eq!(ours, expected, "column {} of {name}", position + 1);
    }
    assert_eq!(listing.lines().count(), expected.lines().count(), "number of columns of {name}");
}

#[test]
fn users_have_the_columns_of_the_design() {
    check("Users", include_str!("../data/users.txt"));
}

#[test]
fn groups_have_the_columns_of_the_design() {
    check("Groups", include_str!("../data/groups.txt"));
}

#[test]
fn group_members_have_the_columns_of_the_design() {
    check("GroupMembers", include_str!("../data/group_members.txt"));
}

#[test]
fn applications_have_the_columns_of_the_design() {
    check("Applications", include_str!("../data/applications.txt"));
}

#[test]
fn the_system_log_has_the_columns_of_the_design() {
    check("SystemLog", include_str!("../data/system_log.txt"));
}

#[test]
fn tables_are_found_in_any_case_and_by_alias() {
    for (name, expected) in
        [("users", "Users"), ("USERS", "Users"), ("apps", "Applications"), ("SystemLogs", "SystemLog")]
    {
        assert_eq!(table(name).map(|table| table.name), Some(expected), "{name}");
    }
    assert!(table("nothing").is_none());
}

#[test]
fn every_route_has_an_operation_that_answers_rows() {
    for table in tables() {
        assert!(!table.routes.is_empty(), "{} has no route", table.name);
        for route in table.routes {
            let operation = operation(route.operation).expect(route.operation);
            let parameters: Vec<_> =
                operation.parameters_in(ParameterIn::Path).map(|parameter| parameter.name).collect();
            let parents: Vec<_> = route.parents.iter().map(|parent| parent.parameter).collect();
            assert_eq!(parents, parameters, "{}", table.name);
            assert!(!route.full_scan.is_empty(), "{} has no full scan", table.name);
            if route.page > 0 {
                assert_ne!(operation.list, ListShape::None, "{}", table.name);
            }
        }
    }
}

#[test]
fn every_column_that_a_table_names_exists() {
    for table in tables() {
        let has = |name: &str| table.columns.iter().any(|column| column.name == name);
        for name in table.key {
            assert!(has(name), "{}.{name}", table.name);
        }
        for route in table.routes {
            assert!(route.parents.iter().all(|parent| has(parent.column)), "{}", table.name);
            assert!(route.parameters.iter().all(|parameter| has(parameter.column)), "{}", table.name);
            for parent in route.parents {
                let listed = self::table(parent.table).expect(parent.table);
                assert!(listed.columns.iter().any(|column| column.name == parent.table_column), "{}", table.name);
            }
        }
        for column in table.columns {
            assert_eq!(column.sources.len(), table.routes.len(), "{}.{}", table.name, column.name);
            let is_pushed = !column.filter.is_empty() || !column.search.is_empty();
            assert!(!is_pushed || !column.attribute.is_empty(), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn every_table_has_its_raw_json_hidden_and_last() {
    for table in tables() {
        let last = table.columns.last().expect("columns");
        assert_eq!((last.name, last.hidden, last.sources[0]), ("RawJson", true, Source::Path(&[])), "{}", table.name);
    }
}

#[test]
fn no_column_is_a_secret() {
    const SECRETS: [&str; 9] = [
        "client_secret",
        "secret_hash",
        "secretKey",
        "password",
        "answer",
        "sharedSecret",
        "privateKey",
        "apiKey",
        "token",
    ];
    // What a rule says about the lives of tokens.
    const RULES: &[&str] = &["actions", "token"];
    for table in tables() {
        for column in table.columns {
            for source in column.sources {
                let Source::Path(path) = source else { continue };
                if *path == RULES {
                    continue;
                }
                assert!(!path.iter().any(|segment| SECRETS.contains(segment)), "{}.{}", table.name, column.name);
            }
        }
    }
}

#[test]
fn deprovisioned_users_take_a_second_stream() {
    let route = &table("Users").expect("a known table").routes[0];
    assert_eq!(route.full_scan, ["", r#"filter=status eq "DEPROVISIONED""#]);
}

#[test]
fn policies_go_through_every_type() {
    let parameter = &table("Policies").expect("a known table").routes[0].parameters[0];
    assert_eq!((parameter.name, parameter.enumerate.len()), ("type", 12));
}

#[test]
fn the_source_of_a_group_is_the_end_of_a_link() {
    let groups = table("Groups").expect("a known table");
    let column = groups.columns.iter().find(|column| column.name == "SourceId").expect("a known column");
    assert_eq!(column.sources, [Source::UrlTail(&["_links", "source", "href"])]);
    assert_eq!(column.attribute, "source.id");
}
