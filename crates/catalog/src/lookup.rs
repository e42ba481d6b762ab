//! Finds facts by name. The generated statics are sorted, so that a look-up is a binary search.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::bucket::Bucket;
use crate::generated::operations::{BUCKETS, OPERATIONS};
use crate::generated::schemas::SCHEMAS;
use crate::generated::tables::TABLES;
use crate::operation::Operation;
use crate::schema::Schema;
use crate::table::Table;

/// Every operation, by id. Those of the management API are the ones whose `api` is `Management`.
pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

/// The operation with this id, such as `listUsers`.
pub fn operation(id: &str) -> Option<&'static Operation> {
    by_name(OPERATIONS, id, |operation| operation.id)
}

/// Every schema, by name.
pub fn schemas() -> &'static [Schema] {
    SCHEMAS
}

/// The schema with this name, such as `User`.
pub fn schema(name: &str) -> Option<&'static Schema> {
    by_name(SCHEMAS, name, |schema| schema.name)
}

/// Every rate-limit bucket, by id.
pub fn buckets() -> &'static [Bucket] {
    BUCKETS
}

/// The rate-limit bucket with this id, such as `users-list`.
pub fn bucket(id: &str) -> Option<&'static Bucket> {
    by_name(BUCKETS, id, |bucket| bucket.id)
}

/// Every SQL table, by name.
pub fn tables() -> &'static [Table] {
    TABLES
}

/// The SQL table with this name or alias, in any case.
pub fn table(name: &str) -> Option<&'static Table> {
    static INDEX: LazyLock<HashMap<String, &'static Table>> = LazyLock::new(|| {
        let names = |table: &'static Table| table.aliases.iter().copied().chain([table.name]);
        TABLES.iter().flat_map(|table| names(table).map(move |name| (name.to_ascii_lowercase(), table))).collect()
    });
    INDEX.get(&name.to_ascii_lowercase()).copied()
}

fn by_name<T>(sorted: &'static [T], name: &str, key: impl Fn(&T) -> &'static str) -> Option<&'static T> {
    let position = sorted.binary_search_by(|item| key(item).cmp(name)).ok()?;
    sorted.get(position)
}
