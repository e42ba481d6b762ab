//! From text to [`Statement`].
//!
//! Queries are read by sqlparser with Snowflake's dialect. What manages an account is read here: most of
//! it is not in that grammar, and reading all of it one way gives every statement the same errors.

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, masked};
use super::{
    Change, CreateMode, CurrentGrants, Grant, GrantObject, Grantee, ObjectKind, Show, Shown, Statement, TokenChange,
    Use, Within,
};
use crate::error::SnowflakeError;

type Result<T> = std::result::Result<T, SnowflakeError>;

/// Words that begin statements of Snowflake which this account does not have.
const NOT_OFFERED: [&str; 24] = [
    "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "PUT", "GET", "LIST", "LS", "REMOVE", "RM", "CALL",
    "EXECUTE", "UNDROP", "COMMENT", "EXPLAIN", "SET", "UNSET", "DECLARE", "LET", "RETURN", "UNLOAD", "ANALYZE",
];

/// Reads one statement.
pub(crate) fn parse(sql: &str) -> Result<Statement> {
    let mut cursor = Cursor::new(sql)?;
    let Some(first) = cursor.peek_word() else {
        return if cursor.eat_sign(&Token::LParen) { query(&cursor, sql) } else { Err(cursor.unexpected()) };
    };
    let statement = match first.as_str() {
        "SELECT" | "WITH" | "VALUES" => return query(&cursor, sql),
        "CREATE" => create(&mut cursor)?,
        "ALTER" => alter(&mut cursor)?,
        "DROP" => drop_object(&mut cursor)?,
        "DESC" | "DESCRIBE" => describe(&mut cursor)?,
        "SHOW" => Statement::Show(show(&mut cursor)?),
        "GRANT" => Statement::Grant(grant(&mut cursor)?),
        "REVOKE" => Statement::Revoke(revoke(&mut cursor)?),
        "USE" => Statement::Use(usage(&mut cursor)?),
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" => transaction(&mut cursor)?,
        _ if NOT_OFFERED.contains(&first.as_str()) => return Err(SnowflakeError::unsupported(&first)),
        _ => return Err(cursor.unexpected()),
    };
    cursor.expect_end()?;
    Ok(statement)
}

fn query(cursor: &Cursor, sql: &str) -> Result<Statement> {
    refuse_deep_trees(cursor.tokens())?;
    let mut statements = Parser::parse_sql(&SnowflakeDialect {}, sql).map_err(|error| syntax_error(&error))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(sqlparser::ast::Statement::Query(query)), true) => Ok(Statement::Query(query)),
        _ => Err(SnowflakeError::unsupported("MULTIPLE STATEMENTS")),
    }
}

/// Operators that a query may have at most. Each makes the tree of a chain, `1 + 1 + …`, one node deeper, and what
/// reads, evaluates or drops a tree goes as deep into the stack; that of a thread is 2 MiB.
const OPERATORS_MAX: usize = 500;

/// Brackets within brackets that a query may have at most; the parser's own bound, which types do not keep.
const BRACKETS_MAX: usize = 50;

/// Words that join what stands before them to what comes after, in expressions, between queries and tables.
const OPERATOR_WORDS: [&str; 28] = [
    "AND",
    "OR",
    "XOR",
    "NOT",
    "IS",
    "IN",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "REGEXP",
    "SIMILAR",
    "MATCH",
    "DIV",
    "MEMBER",
    "OVERLAPS",
    "OPERATOR",
    "NOTNULL",
    "ISNULL",
    "AT",
    "COLLATE",
    "UNION",
    "EXCEPT",
    "MINUS",
    "INTERSECT",
    "JOIN",
    "PIVOT",
    "UNPIVOT",
];

/// Refuses a query whose tree would be too deep for the stack, before there is a tree: the parser bounds how deep its
/// calls go, not how deep a chain becomes that it reads in a loop.
fn refuse_deep_trees<'a>(tokens: impl Iterator<Item = &'a Token>) -> Result<()> {
    let (mut operators, mut depth) = (0_usize, 0_usize);
    for token in tokens {
        match token {
            Token::LParen | Token::LBrace => depth += 1,
            Token::RParen | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Word(word) if word.quote_style.is_none() => {
                operators += usize::from(OPERATOR_WORDS.iter().any(|name| word.value.eq_ignore_ascii_case(name)));
            }
            Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::Placeholder(_)
            | Token::Comma
            | Token::Period
            | Token::SemiColon => {}
            _ => operators += 1,
        }
        if depth > BRACKETS_MAX {
            return Err(SnowflakeError::unsupported("NESTING OF THIS DEPTH"));
        }
        if operators > OPERATORS_MAX {
            return Err(SnowflakeError::unsupported(&format!("MORE THAN {OPERATORS_MAX} OPERATORS")));
        }
    }
    Ok(())
}

/// Snowflake's error for one of sqlparser's, which ends in `found: TOKEN at Line: 1, Column: 8`.
fn syntax_error(error: &ParserError) -> SnowflakeError {
    let (ParserError::ParserError(text) | ParserError::TokenizerError(text)) = error else {
        return SnowflakeError::unsupported("NESTING OF THIS DEPTH");
    };
    let number = |label: &str| {
        let digits = text.rsplit_once(label)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let line = number("Line: ").unwrap_or(1);
    let pos = number("Column: ").unwrap_or(1).saturating_sub(1);
    let found = text.rsplit_once("found: ").map_or("<EOF>", |(_, rest)| rest.split(" at Line").next().unwrap_or(rest));
    SnowflakeError::syntax(line, pos, if found == "EOF" { "<EOF>" } else { masked(found) })
}

/// Reads the kind of an object: `[SECURITY] INTEGRATION`, `NETWORK POLICY`, `USER`, …
fn kind(cursor: &mut Cursor) -> Result<ObjectKind> {
    for prefix in ["SECURITY", "API", "NOTIFICATION", "STORAGE", "EXTERNAL ACCESS", "CATALOG"] {
        if prefix == "SECURITY" {
            if cursor.eat("SECURITY INTEGRATION") {
                return Ok(ObjectKind::Integration);
            }
        } else if cursor.eat(&format!("{prefix} INTEGRATION")) {
            return Err(SnowflakeError::unsupported(&format!("{prefix} INTEGRATION")));
        }
    }
    for (keywords, kind) in [
        ("INTEGRATION", ObjectKind::Integration),
        ("NETWORK POLICY", ObjectKind::NetworkPolicy),
        ("USER", ObjectKind::User),
        ("ROLE", ObjectKind::Role),
        ("DATABASE", ObjectKind::Database),
        ("SCHEMA", ObjectKind::Schema),
        ("WAREHOUSE", ObjectKind::Warehouse),
    ] {
        if cursor.eat(keywords) {
            return Ok(kind);
        }
    }
    for keyword in ["TABLE", "VIEW", "STAGE", "FUNCTION", "PROCEDURE", "TASK", "STREAM", "TAG", "SEQUENCE", "RESOURCE"]
    {
        if cursor.eat(keyword) {
            return Err(SnowflakeError::unsupported(keyword));
        }
    }
    Err(cursor.unexpected())
}

fn create(cursor: &mut Cursor) -> Result<Statement> {
    cursor.expect("CREATE")?;
    let mut mode = CreateMode::New;
    if cursor.eat("OR REPLACE") {
        mode = CreateMode::OrReplace;
    } else if cursor.eat("OR ALTER") {
        mode = CreateMode::OrAlter;
    }
    // Databases and schemas may be TRANSIENT: they hold nothing here.
    cursor.eat("TRANSIENT");
    let kind = kind(cursor)?;
    if cursor.eat("IF NOT EXISTS") {
        if mode != CreateMode::New {
            return Err(SnowflakeError::conflicting_options("OR REPLACE", "IF NOT EXISTS"));
        }
        mode = CreateMode::IfNotExists;
    }
    let name = cursor.path()?;
    Ok(Statement::Create { kind, mode, name, properties: cursor.properties()? })
}

fn alter(cursor: &mut Cursor) -> Result<Statement> {
    cursor.expect("ALTER")?;
    if cursor.eat("ACCOUNT") {
        return Ok(Statement::AlterAccount(change(cursor)?));
    }
    if cursor.eat("SESSION") {
        change(cursor)?;
        return Ok(Statement::AlterSession);
    }
    let kind = kind(cursor)?;
    let if_exists = cursor.eat("IF EXISTS");
    if kind == ObjectKind::User {
        return alter_user(cursor, if_exists);
    }
    let name = cursor.path()?;
    Ok(Statement::Alter { kind, if_exists, name, change: change(cursor)? })
}

fn alter_user(cursor: &mut Cursor, if_exists: bool) -> Result<Statement> {
    // Without a name it is the caller.
    let named = !["SET", "UNSET", "ADD", "REMOVE", "MODIFY", "RENAME", "RESET", "ABORT"]
        .iter()
        .any(|word| cursor.peek_word().as_deref() == Some(*word));
    let user = named.then(|| cursor.name()).transpose()?;
    if cursor.eat("ADD PROGRAMMATIC ACCESS TOKEN") || cursor.eat("ADD PAT") {
        let change = TokenChange::Add { name: cursor.name()?, properties: cursor.properties()? };
        return Ok(Statement::Token { user, change });
    }
    if cursor.eat("REMOVE PROGRAMMATIC ACCESS TOKEN") || cursor.eat("REMOVE PAT") {
        return Ok(Statement::Token { user, change: TokenChange::Remove { name: cursor.name()? } });
    }
    let change = change(cursor)?;
    Ok(Statement::Alter { kind: ObjectKind::User, if_exists, name: user.into_iter().collect(), change })
}

fn change(cursor: &mut Cursor) -> Result<Change> {
    if cursor.eat("RENAME TO") {
        return Ok(Change::RenameTo(cursor.name()?));
    }
    if cursor.eat("UNSET") {
        let mut names = Vec::new();
        loop {
            if cursor.eat("TAG") {
                cursor.path()?;
                names.push("TAG".to_owned());
            } else {
                names.push(cursor.word()?);
            }
            if !cursor.eat_sign(&Token::Comma) && cursor.is_at_end() {
                return Ok(Change::Unset(names));
            }
        }
    }
    if cursor.eat("SET") {
        if cursor.is_at_end() {
            return Err(cursor.unexpected());
        }
        return Ok(Change::Set(cursor.properties()?));
    }
    if cursor.eat("ABORT ALL QUERIES") || cursor.eat("RESUME") || cursor.eat("SUSPEND") {
        return Ok(Change::Nothing);
    }
    Err(cursor.unexpected())
}

fn drop_object(cursor: &mut Cursor) -> Result<Statement> {
    cursor.expect("DROP")?;
    let kind = kind(cursor)?;
    let if_exists = cursor.eat("IF EXISTS");
    let name = cursor.path()?;
    if !cursor.eat("CASCADE") {
        cursor.eat("RESTRICT");
    }
    Ok(Statement::Drop { kind, if_exists, name })
}

fn describe(cursor: &mut Cursor) -> Result<Statement> {
    cursor.word()?;
    if !(cursor.eat("TABLE") || cursor.eat("VIEW")) {
        return Ok(Statement::Describe { kind: kind(cursor)?, name: cursor.path()? });
    }
    let name = cursor.path()?;
    if cursor.eat("TYPE") {
        cursor.expect_sign(&Token::Eq)?;
        if cursor.eat("STAGE") {
            return Err(SnowflakeError::unsupported("DESCRIBE TABLE TYPE = STAGE"));
        }
        cursor.expect("COLUMNS")?;
    }
    Ok(Statement::Describe { kind: ObjectKind::Table, name })
}

fn transaction(cursor: &mut Cursor) -> Result<Statement> {
    cursor.word()?;
    let _ = cursor.eat("TRANSACTION") || cursor.eat("WORK");
    if cursor.eat("NAME") {
        cursor.name()?;
    }
    Ok(Statement::Transaction)
}

fn usage(cursor: &mut Cursor) -> Result<Use> {
    cursor.expect("USE")?;
    if cursor.eat("SECONDARY ROLES") {
        let all = cursor.eat("ALL");
        if !all {
            cursor.expect("NONE")?;
        }
        return Ok(Use::SecondaryRoles { all });
    }
    if cursor.eat("ROLE") {
        return cursor.name().map(Use::Role);
    }
    if cursor.eat("WAREHOUSE") {
        return cursor.name().map(Use::Warehouse);
    }
    if cursor.eat("DATABASE") {
        return cursor.name().map(Use::Database);
    }
    if cursor.eat("SCHEMA") {
        return cursor.path().map(Use::Schema);
    }
    cursor.path().map(Use::Namespace)
}

/// Reads the plural of a kind of object in `SHOW`.
fn shown(cursor: &mut Cursor) -> Result<Shown> {
    if cursor.eat("SECURITY") {
        cursor.expect("INTEGRATIONS")?;
        return Ok(Shown::Integrations);
    }
    for (keywords, what) in [
        ("USERS", Shown::Users),
        ("ROLES", Shown::Roles),
        ("INTEGRATIONS", Shown::Integrations),
        ("NETWORK POLICIES", Shown::NetworkPolicies),
        ("DATABASES", Shown::Databases),
        ("SCHEMAS", Shown::Schemas),
        ("WAREHOUSES", Shown::Warehouses),
        ("TABLES", Shown::Tables),
        ("COLUMNS", Shown::Columns),
        ("PARAMETERS", Shown::Parameters),
    ] {
        if cursor.eat(keywords) {
            return Ok(what);
        }
    }
    if cursor.eat("USER PROGRAMMATIC ACCESS TOKENS") || cursor.eat("USER PATS") {
        let user = cursor.eat("FOR USER").then(|| cursor.name()).transpose()?;
        return Ok(Shown::AccessTokens { user });
    }
    cursor.expect("GRANTS")?;
    shown_grants(cursor)
}

fn shown_grants(cursor: &mut Cursor) -> Result<Shown> {
    if cursor.eat("ON ACCOUNT") {
        return Ok(Shown::GrantsOnAccount);
    }
    if cursor.eat("ON TABLE") {
        return Ok(Shown::GrantsOn { kind: ObjectKind::Table, name: cursor.path()? });
    }
    if cursor.eat("ON") {
        return Ok(Shown::GrantsOn { kind: kind(cursor)?, name: cursor.path()? });
    }
    if cursor.eat("TO ROLE") {
        return cursor.name().map(Shown::GrantsToRole);
    }
    if cursor.eat("TO USER") {
        return cursor.name().map(Shown::GrantsToUser);
    }
    if cursor.eat("OF ROLE") {
        return cursor.name().map(Shown::GrantsOfRole);
    }
    Ok(Shown::Grants)
}

fn show(cursor: &mut Cursor) -> Result<Show> {
    cursor.expect("SHOW")?;
    let terse = cursor.eat("TERSE");
    let what = shown(cursor)?;
    let mut show =
        Show { what, within: Within::Default, terse, like: None, starts_with: None, limit: None, from: None };
    // Past objects: nothing is kept of what was dropped.
    cursor.eat("HISTORY");
    if cursor.eat("LIKE") {
        show.like = Some(cursor.text()?);
    }
    show.within = within(cursor, &show.what)?;
    if cursor.eat("STARTS WITH") {
        show.starts_with = Some(cursor.text()?);
    }
    if cursor.eat("LIMIT") {
        show.limit = Some(cursor.number()?);
        if cursor.eat("FROM") {
            show.from = Some(cursor.text()?);
        }
    }
    Ok(show)
}

/// Reads where `SHOW` is to look. A name alone is that of what the objects are in.
fn within(cursor: &mut Cursor, what: &Shown) -> Result<Within> {
    if cursor.eat("IN CLASS") {
        return Err(SnowflakeError::unsupported("CLASS"));
    }
    if cursor.eat("IN ACCOUNT") || cursor.eat("FOR ACCOUNT") {
        return Ok(Within::Account);
    }
    if cursor.eat("IN DATABASE") {
        return Ok(Within::Database(path_if_any(cursor)?.and_then(|mut path| path.pop())));
    }
    if cursor.eat("IN SCHEMA") {
        return Ok(Within::Schema(path_if_any(cursor)?));
    }
    if cursor.eat("IN TABLE") || cursor.eat("IN VIEW") {
        return Ok(Within::Table(cursor.path()?));
    }
    if !cursor.eat("IN") {
        return Ok(Within::Default);
    }
    let mut path = cursor.path()?;
    Ok(match what {
        Shown::Columns => Within::Table(path),
        Shown::Tables => Within::Schema(Some(path)),
        _ => Within::Database(path.pop()),
    })
}

fn path_if_any(cursor: &mut Cursor) -> Result<Option<Vec<String>>> {
    let is_next = !cursor.is_at_end() && !matches!(cursor.peek_word().as_deref(), Some("STARTS" | "LIMIT"));
    is_next.then(|| cursor.path()).transpose()
}

/// Reads `GRANT … TO …`.
fn grant(cursor: &mut Cursor) -> Result<Grant> {
    cursor.expect("GRANT")?;
    let mut grant = granted(cursor, "TO")?;
    match &mut grant {
        // Users have roles without the option: they grant nothing.
        Grant::Role { grantee: Grantee::User(_), .. } => {}
        Grant::Privileges { grant_option, .. } | Grant::Role { grant_option, .. } => {
            *grant_option = cursor.eat("WITH GRANT OPTION");
        }
        Grant::Ownership { current_grants, .. } => {
            if cursor.eat("REVOKE CURRENT GRANTS") {
                *current_grants = Some(CurrentGrants::Revoke);
            } else if cursor.eat("COPY CURRENT GRANTS") {
                *current_grants = Some(CurrentGrants::Copy);
            }
        }
    }
    Ok(grant)
}

/// Reads `REVOKE … FROM …`.
fn revoke(cursor: &mut Cursor) -> Result<Grant> {
    cursor.expect("REVOKE")?;
    let option_only = cursor.eat("GRANT OPTION FOR");
    let place = cursor.unexpected();
    let mut grant = granted(cursor, "FROM")?;
    match &mut grant {
        Grant::Privileges { grant_option, .. } => {
            *grant_option = option_only;
            let _ = cursor.eat("CASCADE") || cursor.eat("RESTRICT");
        }
        _ if option_only => return Err(place),
        _ => {}
    }
    Ok(grant)
}

/// Reads what `GRANT` and `REVOKE` have in common.
fn granted(cursor: &mut Cursor, preposition: &str) -> Result<Grant> {
    if cursor.eat("ROLE") {
        let role = cursor.name()?;
        return Ok(Grant::Role { role, grantee: grantee(cursor, preposition)?, grant_option: false });
    }
    if cursor.eat("OWNERSHIP ON") {
        let (kind, name) = grant_target(cursor)?;
        cursor.expect(preposition)?;
        cursor.expect("ROLE")?;
        return Ok(Grant::Ownership { kind, name, role: cursor.name()?, current_grants: None });
    }
    let privileges = privileges(cursor)?;
    let object = grant_object(cursor)?;
    let grantee = grantee(cursor, preposition)?;
    Ok(Grant::Privileges { privileges, object, grantee, grant_option: false })
}

/// Reads `CREATE USER, MONITOR ROLE … ON`.
fn privileges(cursor: &mut Cursor) -> Result<Vec<String>> {
    let mut privileges = vec![cursor.word()?];
    while !cursor.eat("ON") {
        if cursor.eat_sign(&Token::Comma) {
            privileges.push(cursor.word()?);
        } else if let (Some(privilege), word) = (privileges.last_mut(), cursor.word()?) {
            privilege.push(' ');
            privilege.push_str(&word);
        }
    }
    let short = |privilege: String| if privilege == "ALL PRIVILEGES" { "ALL".to_owned() } else { privilege };
    Ok(privileges.into_iter().map(short).collect())
}

fn grant_object(cursor: &mut Cursor) -> Result<GrantObject> {
    if cursor.eat("ACCOUNT") {
        return Ok(GrantObject::Account);
    }
    if cursor.eat("ALL TABLES IN SCHEMA") || cursor.eat("ALL TABLES IN DATABASE") {
        return Ok(GrantObject::AllTables { container: cursor.path()? });
    }
    if cursor.eat("FUTURE") {
        return Err(SnowflakeError::unsupported("FUTURE GRANTS"));
    }
    let (kind, name) = grant_target(cursor)?;
    Ok(GrantObject::One { kind, name })
}

fn grant_target(cursor: &mut Cursor) -> Result<(ObjectKind, Vec<String>)> {
    let kind = if cursor.eat("TABLE") || cursor.eat("VIEW") { ObjectKind::Table } else { kind(cursor)? };
    Ok((kind, cursor.path()?))
}

fn grantee(cursor: &mut Cursor, preposition: &str) -> Result<Grantee> {
    cursor.expect(preposition)?;
    if cursor.eat("USER") {
        return cursor.name().map(Grantee::User);
    }
    // The word ROLE may be left out where a role is granted privileges.
    cursor.eat("ROLE");
    cursor.name().map(Grantee::Role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(sql: &str, message: &str) {
        let error = parse(sql).expect_err(sql);
        assert_eq!(error.to_string(), message, "{sql}");
    }

    #[test]
    fn mistakes_are_reported_where_they_stand() {
        fails(
            "badsql 1",
            "001003 (42000): SQL compilation error:\nsyntax error line 1 at position 0 unexpected 'badsql'.",
        );
        fails(
            "use\n  role",
            "001003 (42000): SQL compilation error:\nsyntax error line 2 at position 6 unexpected '<EOF>'.",
        );
        fails(
            "create role a b",
            "001003 (42000): SQL compilation error:\nsyntax error line 1 at position 15 unexpected '<EOF>'.",
        );
        fails(
            "drop role a b",
            "001003 (42000): SQL compilation error:\nsyntax error line 1 at position 12 unexpected 'b'.",
        );
        fails("insert into t values (1)", "000002 (0A000): Unsupported feature 'INSERT'.");
    }

    #[test]
    fn nesting_is_no_way_to_crash() {
        let sql = format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(parse(&sql).is_err());
        assert!(parse(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn chains_are_no_way_to_crash() {
        for (begin, link) in [
            ("select 1", " + 1"),
            ("select 1", "+1"),
            ("select true", " and true"),
            ("select true", " or not false"),
            ("select 'a'", " || 'a'"),
            ("select 1", "::int"),
            ("select 1", " is null"),
            ("select a", "[1]"),
            ("select a", ":b"),
            ("select 1 where 1 = 1", " and 1 in (1)"),
            ("select 1", " union all select 1"),
            ("select * from a", " join a"),
            ("select * from a", " pivot (sum(a) for b in (1))"),
            ("select 1", " collate x"),
            ("select (1", ") + (1"),
            ("select cast(1 as ", "table(a "),
            ("select ", "- "),
            ("select ", "not "),
            ("select ", "case when "),
            ("select ", "f("),
            ("select ", "{'a': "),
            ("select ", "[1, "),
        ] {
            let _ = parse(&format!("{begin}{}", link.repeat(600))).expect_err(link);
        }
        for link in [" + 1", " and true", " || 'a'"] {
            let _ = parse(&format!("select 1{}", link.repeat(100_000))).expect_err(link);
        }
        // Lists are flat, however long.
        let list = format!("select 1 where 1 in (1{})", ", 'a'".repeat(10_000));
        assert!(matches!(parse(&list), Ok(Statement::Query(_))));
    }
}
