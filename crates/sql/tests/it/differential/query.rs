//! Random statements.

use std::fmt;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_pcg::Pcg64;

use super::data::{TEXTS, Values};
use super::dialect::{Dialect, either, spelled};
use super::model::{
    APP_GROUPS, APPLICATIONS, ASSIGNMENTS, Column, GROUP_APPS, GROUPS, Kind, MEMBERS, Table, USER_GROUPS, USERS,
};

/// A statement for both engines.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// What it is, for the tally.
    pub(crate) kind: &'static str,
    /// Whether it fixes the order of its rows.
    pub(crate) ordered: bool,
    sql: String,
}

impl Statement {
    pub(crate) fn text(&self, dialect: Dialect) -> String {
        spelled(&self.sql, dialect)
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nokta:   {}\nsqlite: {}", self.text(Dialect::Okta), self.text(Dialect::Sqlite))
    }
}

/// Makes statements from chance and from values that the org has.
pub(crate) struct Generator<'a> {
    random: Pcg64,
    values: &'a Values,
}

/// A table and the name it has in the statement.
#[derive(Debug, Clone, Copy)]
struct Source {
    table: Table,
    alias: &'static str,
}

impl Source {
    fn of(table: Table, alias: &'static str) -> Self {
        Self { table, alias }
    }

    fn name(&self, column: &Column) -> String {
        format!("{}.{}", self.alias, column.name)
    }

    fn key(&self) -> String {
        self.table.key.iter().map(|key| format!("{}.{key}", self.alias)).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Generator<'a> {
    pub(crate) fn new(random: Pcg64, values: &'a Values) -> Self {
        Self { random, values }
    }

    pub(crate) fn statement(&mut self) -> Statement {
        match self.random.random_range(0..22) {
            0..=6 => self.rows_of_one_table(),
            7..=9 => self.first_rows(),
            10..=12 => self.aggregate(),
            13..=15 => self.join(),
            16 => self.outer_join(),
            17..=18 => self.semi_join(),
            19 => self.count_of_members(),
            20 => self.recursion(),
            _ => self.union(),
        }
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.random_ratio(1, count)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.random).unwrap()
    }

    fn source(&mut self) -> Source {
        let relations = [MEMBERS, USER_GROUPS, ASSIGNMENTS, GROUP_APPS, APP_GROUPS];
        let table = match self.random.random_range(0..11) {
            0..=2 => USERS,
            3..=4 => GROUPS,
            5 => APPLICATIONS,
            _ => self.pick(&relations),
        };
        Source::of(table, "t")
    }

    fn column(&mut self, source: Source) -> &'static Column {
        source.table.columns.choose(&mut self.random).unwrap()
    }

    fn rows_of_one_table(&mut self) -> Statement {
        let source = self.source();
        let distinct = self.one_in(5);
        let columns = self.columns(source);
        let filter = self.filter(&[source]);
        let from = source.table.name;
        let distinct_word = if distinct { "DISTINCT " } else { "" };
        let sql = format!("SELECT {distinct_word}{columns} FROM {from} t{filter}");
        Statement { kind: if distinct { "distinct" } else { "rows" }, ordered: false, sql }
    }

    fn first_rows(&mut self) -> Statement {
        let source = self.source();
        let columns = self.columns(source);
        let filter = self.filter(&[source]);
        let order = self.order(source);
        let (limit, offset) = (self.random.random_range(0..12), self.random.random_range(0..4));
        let offset = if offset == 0 { String::new() } else { format!(" OFFSET {offset}") };
        let sql =
            format!("SELECT {columns} FROM {} t{filter} ORDER BY {order} LIMIT {limit}{offset}", source.table.name);
        Statement { kind: "first rows", ordered: true, sql }
    }

    /// An order that leaves no ties, mostly by instants, which the org can sort.
    fn order(&mut self, source: Source) -> String {
        let sortable: Vec<_> = source.table.columns.iter().filter(|column| column.kind != Kind::Member).collect();
        let instants: Vec<_> = sortable.iter().filter(|column| column.kind == Kind::Instant).copied().collect();
        let column = if instants.is_empty() || self.one_in(3) { self.pick(&sortable) } else { self.pick(&instants) };
        let direction = self.pick(&["ASC NULLS FIRST", "ASC NULLS LAST", "DESC NULLS FIRST", "DESC NULLS LAST"]);
        format!("{} {direction}, {}", source.name(column), source.key())
    }

    fn columns(&mut self, source: Source) -> String {
        let mut columns: Vec<_> = source.table.columns.iter().collect();
        columns.shuffle(&mut self.random);
        columns.truncate(self.random.random_range(1..5));
        columns.iter().map(|column| source.name(column)).collect::<Vec<_>>().join(", ")
    }

    fn aggregate(&mut self) -> Statement {
        let source = self.source();
        let groups: Vec<_> =
            source.table.columns.iter().filter(|column| !matches!(column.kind, Kind::Instant | Kind::Real)).collect();
        let group = (!self.one_in(3)).then(|| self.pick(&groups));
        let mut parts: Vec<String> = group.map(|column| source.name(column)).into_iter().collect();
        parts.push("COUNT(*)".to_owned());
        for number in 0..self.random.random_range(0..4) {
            let column = self.column(source);
            // Named, since the engine refuses the same expression twice without a name.
            parts.push(format!("{} AS a{number}", self.aggregated(&source.name(column), column.kind)));
        }
        let filter = self.filter(&[source]);
        let mut sql = format!("SELECT {} FROM {} t{filter}", parts.join(", "), source.table.name);
        if let Some(column) = group {
            sql = format!("{sql} GROUP BY {}", source.name(column));
            if self.one_in(3) {
                sql = format!("{sql} HAVING COUNT(*) > {}", self.random.random_range(0..4));
            }
        }
        Statement { kind: if group.is_some() { "group by" } else { "aggregate" }, ordered: false, sql }
    }

    /// Which groups' own statistics can answer.
    fn count_of_members(&mut self) -> Statement {
        let source = Source::of(self.pick(&[MEMBERS, USER_GROUPS]), "t");
        let group = source.table.column("GroupId");
        let name = source.name(group);
        let filter =
            if self.one_in(3) { String::new() } else { format!(" WHERE {}", self.key_test(source, group, &name)) };
        let from = source.table.name;
        let sql = match self.random.random_range(0..3) {
            0 => format!("SELECT COUNT(*) FROM {from} t{filter}"),
            1 => format!("SELECT {name}, COUNT(*) FROM {from} t{filter} GROUP BY {name}"),
            _ => format!("SELECT {name}, COUNT(*) AS n FROM {from} t{filter} GROUP BY {name} HAVING COUNT(*) > 3"),
        };
        Statement { kind: "count of members", ordered: false, sql }
    }

    fn aggregated(&mut self, column: &str, kind: Kind) -> String {
        let function = match kind {
            Kind::Integer => self.pick(&["SUM", "AVG", "MIN", "MAX", "COUNT"]),
            Kind::Member | Kind::Boolean => "COUNT",
            _ => self.pick(&["MIN", "MAX", "COUNT"]),
        };
        let distinct = if function == "COUNT" && self.one_in(2) { "DISTINCT " } else { "" };
        format!("{function}({distinct}{column})")
    }

    /// Two tables and the one that relates them, or one of the two, in any order.
    fn join(&mut self) -> Statement {
        let (groups, users, apps) = (Source::of(GROUPS, "g"), Source::of(USERS, "u"), Source::of(APPLICATIONS, "a"));
        let members = |table| (Source::of(table, "m"), (groups, "g.Id = m.GroupId"), (users, "m.UserId = u.Id"));
        let assignments = (Source::of(ASSIGNMENTS, "m"), (apps, "a.Id = m.AppId"), (users, "u.Id = m.Id"));
        let assigned = |table| (Source::of(table, "m"), (apps, "a.Id = m.AppId"), (groups, "g.Id = m.GroupId"));
        let (relation, one, other) = self.pick(&[
            members(MEMBERS),
            members(USER_GROUPS),
            assignments,
            assigned(GROUP_APPS),
            assigned(APP_GROUPS),
        ]);
        let (mut parts, conditions) = match self.random.random_range(0..4) {
            0 => (vec![relation, one.0], vec![one.1]),
            1 => (vec![relation, other.0], vec![other.1]),
            _ => (vec![relation, one.0, other.0], vec![one.1, other.1]),
        };
        parts.shuffle(&mut self.random);
        let from: Vec<_> = parts.iter().map(|part| format!("{} {}", part.table.name, part.alias)).collect();
        let mut where_clause = conditions.join(" AND ");
        for part in &parts {
            if self.one_in(2) {
                where_clause = format!("{where_clause} AND {}", self.predicate(*part, 1));
            }
        }
        if self.one_in(3) {
            // Few keys of the relation, so that it is the start.
            let key = relation.table.column(self.pick(relation.table.key));
            where_clause = format!("{where_clause} AND {} IN ({})", relation.name(key), self.list(relation, key, 4));
        }
        let columns: Vec<_> = parts.iter().map(|part| self.columns(*part)).collect();
        // Some as `JOIN … ON`, the rest as a list of tables: both must find the same plan.
        let sql = if self.one_in(2) {
            format!("SELECT {} FROM {} WHERE {where_clause}", columns.join(", "), from.join(", "))
        } else {
            format!("SELECT {} FROM {} WHERE {where_clause}", columns.join(", "), from.join(" CROSS JOIN "))
        };
        self.perhaps_counted(Statement { kind: "join", ordered: false, sql })
    }

    fn outer_join(&mut self) -> Statement {
        let (groups, members, users) = (Source::of(GROUPS, "g"), Source::of(MEMBERS, "m"), Source::of(USERS, "u"));
        let assignments = Source::of(ASSIGNMENTS, "m");
        let (kept, condition, optional) = self.pick(&[
            (groups, "g.Id = m.GroupId", members),
            (users, "u.Id = m.UserId", members),
            (members, "u.Id = m.UserId", users),
            (users, "u.Id = m.Id", assignments),
            (assignments, "u.Id = m.Id", users),
        ]);
        let narrowed = if self.one_in(2) { format!(" AND {}", self.predicate(optional, 0)) } else { String::new() };
        let filter = self.filter(&[kept]);
        let columns = format!("{}, {}", self.columns(kept), self.columns(optional));
        let sql = format!(
            "SELECT {columns} FROM {} {} LEFT JOIN {} {} ON {condition}{narrowed}{filter}",
            kept.table.name, kept.alias, optional.table.name, optional.alias
        );
        self.perhaps_counted(Statement { kind: "outer join", ordered: false, sql })
    }

    fn perhaps_counted(&mut self, statement: Statement) -> Statement {
        if !self.one_in(4) {
            return statement;
        }
        let from = statement.sql.find(" FROM ").unwrap();
        Statement { sql: format!("SELECT COUNT(*){}", &statement.sql[from..]), ..statement }
    }

    fn semi_join(&mut self) -> Statement {
        let not = if self.one_in(3) { "NOT " } else { "" };
        let (outer, inner, key, reference) = self.pick(&[
            (Source::of(USERS, "t"), Source::of(MEMBERS, "m"), "Id", "UserId"),
            (Source::of(USERS, "t"), Source::of(USER_GROUPS, "m"), "Id", "UserId"),
            (Source::of(GROUPS, "t"), Source::of(MEMBERS, "m"), "Id", "GroupId"),
            (Source::of(MEMBERS, "t"), Source::of(GROUPS, "m"), "GroupId", "Id"),
            (Source::of(MEMBERS, "t"), Source::of(USERS, "m"), "UserId", "Id"),
            (Source::of(USERS, "t"), Source::of(ASSIGNMENTS, "m"), "Id", "Id"),
            (Source::of(ASSIGNMENTS, "t"), Source::of(USERS, "m"), "Id", "Id"),
        ]);
        let inner_filter = self.predicate(inner, 1);
        let columns = self.columns(outer);
        let rest = if self.one_in(2) { format!(" AND {}", self.predicate(outer, 1)) } else { String::new() };
        let test = if self.one_in(2) {
            format!("t.{key} {not}IN (SELECT m.{reference} FROM {} m WHERE {inner_filter})", inner.table.name)
        } else {
            let correlated = format!("m.{reference} = t.{key} AND {inner_filter}");
            format!("{not}EXISTS (SELECT 1 FROM {} m WHERE {correlated})", inner.table.name)
        };
        let sql = format!("SELECT {columns} FROM {} t WHERE {test}{rest}", outer.table.name);
        Statement { kind: "semi-join", ordered: false, sql }
    }

    /// Up or down the chain of managers: each round reads by the keys of the one before.
    fn recursion(&mut self) -> Statement {
        let source = Source::of(USERS, "u");
        let start = self.predicate(source, 1);
        let (next, rounds) =
            (self.pick(&["u.Id = r.manager", "u.ProfileManagerId = r.id"]), self.random.random_range(1..5));
        let columns = "u.Id AS id, u.ProfileManagerId AS manager";
        let chain = format!(
            "WITH RECURSIVE r AS (SELECT {columns}, 0 AS round FROM Users u WHERE {start} \
             UNION ALL SELECT u.Id, u.ProfileManagerId, r.round + 1 FROM r JOIN Users u ON {next} WHERE r.round < {rounds})"
        );
        let sql = match self.random.random_range(0..3) {
            0 => format!("{chain} SELECT r.round, COUNT(*) FROM r GROUP BY r.round"),
            1 => format!("{chain} SELECT r.id, r.round, m.GroupId FROM r JOIN UserGroups m ON m.UserId = r.id"),
            _ => format!("{chain} SELECT r.id, r.manager, r.round FROM r"),
        };
        Statement { kind: "recursion", ordered: false, sql }
    }

    fn union(&mut self) -> Statement {
        let operator = self.pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
        let source = Source::of(self.pick(&[USERS, GROUPS]), "t");
        let texts: Vec<_> = source.table.columns.iter().filter(|column| column.kind == Kind::Text).collect();
        let columns = format!("t.Id, {}", source.name(self.pick(&texts)));
        let one = self.predicate(source, 1);
        let other = self.predicate(source, 1);
        let name = source.table.name;
        let sql = format!(
            "SELECT {columns} FROM {name} t WHERE {one} {operator} SELECT {columns} FROM {name} t WHERE {other}"
        );
        Statement { kind: "union", ordered: false, sql }
    }

    fn filter(&mut self, sources: &[Source]) -> String {
        if self.one_in(8) {
            return String::new();
        }
        let source = self.pick(sources);
        format!(" WHERE {}", self.predicate(source, 2))
    }

    fn predicate(&mut self, source: Source, depth: u32) -> String {
        if depth == 0 || self.one_in(2) {
            return self.test(source);
        }
        let left = self.predicate(source, depth - 1);
        match self.random.random_range(0..5) {
            0..=1 => format!("({left} AND {})", self.predicate(source, depth - 1)),
            2..=3 => format!("({left} OR {})", self.predicate(source, depth - 1)),
            _ => format!("NOT ({left})"),
        }
    }

    fn test(&mut self, source: Source) -> String {
        let column = self.column(source);
        let name = source.name(column);
        if self.one_in(12) {
            let not = if self.one_in(2) { "NOT " } else { "" };
            return format!("{name} IS {not}NULL");
        }
        match column.kind {
            Kind::Key => self.key_test(source, column, &name),
            Kind::Member => self.member_test(source, column, &name),
            Kind::Text | Kind::Ascii => self.text_test(source, column, &name),
            Kind::Boolean => self.pick(&["{} = true", "{} = false", "{} <> true", "{}", "NOT {}"]).replace("{}", &name),
            Kind::Instant if self.one_in(4) => {
                let day = &self.value(source, column)[..10];
                let comparison = self.comparison();
                // SQLite has no names of zones.
                let zones = [
                    ("", "+0 hours"),
                    (" AT TIME ZONE 'UTC'", "+0 hours"),
                    (" AT TIME ZONE '+09:00'", "+9 hours"),
                    (" AT TIME ZONE '-03:30'", "-210 minutes"),
                ];
                let (zone, shift) = self.pick(&zones);
                let day_of = either(&format!("CAST({name}{zone} AS DATE)"), &format!("date({name}, '{shift}')"));
                format!("{day_of} {comparison} '{day}'")
            }
            Kind::Instant | Kind::Day | Kind::Integer | Kind::Real => self.order_test(source, column, &name),
        }
    }

    fn comparison(&mut self) -> &'static str {
        self.pick(&["=", "<>", "<", "<=", ">", ">="])
    }

    /// A value that the column has in the org, or one of its kind.
    fn value(&mut self, source: Source, column: &Column) -> String {
        let known = &self.values[&(source.table.name, column.name)];
        if !known.is_empty() && !self.one_in(6) {
            return known.choose(&mut self.random).unwrap().clone();
        }
        match column.kind {
            Kind::Key => "00u00000000000000000".to_owned(),
            Kind::Text => self.pick(TEXTS).to_owned(),
            Kind::Ascii => self.pick(&["nobody@example.com", "Ann", "a", "10"]).to_owned(),
            Kind::Member => self.pick(&["Active", "staged", "OKTA_GROUP", "Bogus"]).to_owned(),
            Kind::Instant => self.pick(&["2020-02-29T00:00:00.000Z", "2026-01-01T12:00:00.001Z"]).to_owned(),
            Kind::Day => self.pick(&["2020-02-29", "2026-01-01"]).to_owned(),
            Kind::Integer => self.pick(&["0", "-1", "7", "39"]).to_owned(),
            Kind::Real => self.pick(&["0", "1.5", "4.99"]).to_owned(),
            Kind::Boolean => "true".to_owned(),
        }
    }

    fn literal(&mut self, source: Source, column: &Column) -> String {
        let value = self.value(source, column);
        match column.kind {
            Kind::Integer | Kind::Real | Kind::Boolean => value,
            _ => quoted(&value),
        }
    }

    fn list(&mut self, source: Source, column: &Column, longest: usize) -> String {
        let count = self.random.random_range(1..=longest);
        (0..count).map(|_| self.literal(source, column)).collect::<Vec<_>>().join(", ")
    }

    fn key_test(&mut self, source: Source, column: &Column, name: &str) -> String {
        match self.random.random_range(0..5) {
            0..=1 => format!("{name} = {}", self.literal(source, column)),
            2 => format!("{name} IN ({})", self.list(source, column, 4)),
            // Enough for several requests.
            3 => format!("{name} IN ({})", self.list(source, column, 120)),
            _ => format!("{name} <> {}", self.literal(source, column)),
        }
    }

    fn member_test(&mut self, source: Source, column: &Column, name: &str) -> String {
        let literal = self.literal(source, column);
        // The spelling of a member is of no consequence.
        let literal = if self.one_in(2) { literal.to_lowercase() } else { literal };
        // It is of consequence to what a function returns.
        let function = self.pick(&["", "", "lower", "upper"]);
        let name = if function.is_empty() { name.to_owned() } else { format!("{function}({name})") };
        match self.random.random_range(0..4) {
            0 => format!("{name} <> {literal}"),
            1 => format!("{name} IN ({literal}, {})", self.list(source, column, 3)),
            2 => format!("{name} NOT IN ({literal}, {})", self.list(source, column, 2)),
            _ => format!("{name} = {literal}"),
        }
    }

    fn order_test(&mut self, source: Source, column: &Column, name: &str) -> String {
        let literal = self.literal(source, column);
        match self.random.random_range(0..6) {
            0 => format!("{name} BETWEEN {literal} AND {}", self.literal(source, column)),
            1 => format!("{name} NOT BETWEEN {literal} AND {}", self.literal(source, column)),
            2 => format!("{name} IN ({literal}, {})", self.list(source, column, 5)),
            _ => format!("{name} {} {literal}", self.comparison()),
        }
    }

    fn text_test(&mut self, source: Source, column: &Column, name: &str) -> String {
        let literal = self.literal(source, column);
        match self.random.random_range(0..14) {
            0..=2 => format!("{name} = {literal}"),
            3 => format!("{name} {} {literal}", self.comparison()),
            4 => format!("{name} IN ({literal}, {})", self.list(source, column, 5)),
            5 => format!("{name} NOT IN ({literal}, {})", self.list(source, column, 2)),
            6 => format!("{name} NOT IN ({literal}, NULL)"),
            7 => format!("{name} BETWEEN {literal} AND {}", self.literal(source, column)),
            // In parentheses: the parser takes what follows a bare one for part of its right side.
            8 => format!("({name} IS NOT DISTINCT FROM {literal})"),
            9 if column.kind == Kind::Ascii => format!("lower({name}) = {}", literal.to_lowercase()),
            10 if column.kind == Kind::Ascii => format!("upper({name}) = {}", literal.to_uppercase()),
            11 if column.kind == Kind::Ascii => {
                let pattern = self.pattern(source, column).to_lowercase();
                either(&format!("{name} ILIKE {pattern}"), &format!("lower({name}) LIKE {pattern} ESCAPE '\\'"))
            }
            _ => {
                let not = if self.one_in(6) { "NOT " } else { "" };
                let pattern = self.pattern(source, column);
                format!("{name} {not}LIKE {pattern}{}", either("", " ESCAPE '\\'"))
            }
        }
    }

    /// A pattern made of a piece of a value and wildcards.
    fn pattern(&mut self, source: Source, column: &Column) -> String {
        let value: Vec<char> = self.value(source, column).chars().collect();
        let start = self.random.random_range(0..=value.len());
        let end = self.random.random_range(start..=value.len());
        let mut pattern = String::new();
        for &c in &value[start..end] {
            match c {
                '%' | '_' | '\\' => pattern.extend(['\\', c]),
                _ if self.one_in(10) => pattern.push('_'),
                c => pattern.push(c),
            }
        }
        let before = if start > 0 { "%" } else { "" };
        let after = if end < value.len() || self.one_in(3) { "%" } else { "" };
        quoted(&format!("{before}{pattern}{after}"))
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
