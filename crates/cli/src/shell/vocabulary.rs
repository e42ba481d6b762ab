//! The words the shell knows: for completion and for colours.

use clap::ValueEnum as _;
use oktant_sql::lexer::{self, Kind, Token};

use crate::output::Format;

use super::command::COMMANDS;

/// Keywords worth completing.
const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COALESCE",
    "COUNT",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOWER",
    "MAX",
    "MIN",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "SELECT",
    "SUM",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION",
    "UPPER",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Tables that statements start from.
const STARTING_POINTS: &[&str] = &["Users", "Groups", "Applications", "SystemLog"];

/// Substrings shorter than this match too much to be a help.
const SUBSTRING_MIN: usize = 3;

/// Tables and their columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    tables: Vec<(String, Vec<String>)>,
}

/// What may be put in place of the word that ends at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Completion {
    /// Where the word starts, in bytes.
    pub(super) start: usize,
    /// The candidates, the likeliest first.
    pub(super) candidates: Vec<String>,
}

impl Vocabulary {
    /// A vocabulary of tables with their columns.
    pub(super) fn new(tables: Vec<(String, Vec<String>)>) -> Self {
        Self { tables }
    }

    /// Candidates for the word before byte `position` of `line`.
    pub(super) fn complete(&self, line: &str, position: usize) -> Completion {
        let before = &line[..position];
        if before.trim_start().starts_with('.') {
            return self.complete_command(before);
        }
        let tokens: Vec<Token<'_>> = lexer::tokens(before).collect();
        let is_inside = |token: &Token<'_>| match token.kind {
            Kind::Text => !token.closed,
            Kind::Comment => !token.closed || (token.text.starts_with("--") && !token.text.ends_with('\n')),
            _ => false,
        };
        if tokens.last().is_some_and(is_inside) {
            return Completion { start: position, candidates: Vec::new() };
        }
        let (prefix, head) = match tokens.split_last() {
            Some((last, head)) if last.kind == Kind::Word => (last.text, head),
            _ => ("", tokens.as_slice()),
        };
        let start = position - prefix.len();
        let candidates = self.candidates(line, head, prefix);
        Completion { start, candidates }
    }

    fn complete_command(&self, before: &str) -> Completion {
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = &before[start..];
        let candidates = match before[..start].trim() {
            "" => matching(COMMANDS.iter().map(|(name, _, _)| *name), word),
            ".inspect" => matching(self.table_names(), word),
            ".timing" => matching(["on", "off"].into_iter(), word),
            ".output" => {
                let formats = Format::value_variants().iter().filter(|format| **format != Format::Parquet);
                let names: Vec<String> = formats.map(ToString::to_string).collect();
                matching(names.iter().map(String::as_str), word)
            }
            _ => Vec::new(),
        };
        Completion { start, candidates }
    }

    fn candidates(&self, line: &str, head: &[Token<'_>], prefix: &str) -> Vec<String> {
        let significant: Vec<&Token<'_>> =
            head.iter().filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment)).collect();
        if let [.., qualifier, dot] = significant[..]
            && dot.text == "."
        {
            // An alias may be used before it is given.
            return match self.table_of(line, unquoted(qualifier.text)) {
                Some(columns) => matching(columns.iter().map(String::as_str), prefix),
                None => matching(self.columns(line, prefix, true).into_iter(), prefix),
            };
        }
        if is_table_place(&significant) {
            return matching(self.table_names(), prefix);
        }
        let mut candidates = matching(self.columns(line, prefix, false).into_iter(), prefix);
        let is_lower = prefix.chars().next().is_some_and(char::is_lowercase);
        let keywords = KEYWORDS.iter().filter(|word| starts_with(word, prefix));
        candidates.extend(keywords.map(|word| if is_lower { word.to_lowercase() } else { (*word).to_owned() }));
        candidates
    }

    fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|(name, _)| name.as_str())
    }

    /// Columns of the tables that the statement names. Before it names one, those of the tables that
    /// statements start from, or else of all tables, once something is typed, be it a qualifier.
    fn columns(&self, line: &str, prefix: &str, is_qualified: bool) -> Vec<&str> {
        let mut tables = self.mentioned(line);
        if tables.is_empty() && (is_qualified || !prefix.is_empty()) {
            tables = STARTING_POINTS.iter().filter_map(|name| self.find(name)).collect();
            let fits = |(_, columns): &&(String, Vec<String>)| columns.iter().any(|column| starts_with(column, prefix));
            if !tables.iter().any(fits) {
                tables = self.tables.iter().collect();
            }
        }
        let mut seen = std::collections::HashSet::new();
        let columns = tables.into_iter().flat_map(|(_, columns)| columns.iter().map(String::as_str));
        columns.filter(|column| seen.insert(*column)).collect()
    }

    fn find(&self, name: &str) -> Option<&(String, Vec<String>)> {
        self.tables.iter().find(|(table, _)| table.eq_ignore_ascii_case(name))
    }

    /// The tables that the statement names anywhere, also after the cursor.
    fn mentioned(&self, line: &str) -> Vec<&(String, Vec<String>)> {
        let mut mentioned: Vec<&(String, Vec<String>)> = Vec::new();
        for token in lexer::tokens(line).filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted)) {
            let Some(table) = self.find(unquoted(token.text)) else { continue };
            if !mentioned.iter().any(|(name, _)| *name == table.0) {
                mentioned.push(table);
            }
        }
        mentioned
    }

    /// Columns of the table that `qualifier` stands for: its name, or an alias after it.
    fn table_of(&self, line: &str, qualifier: &str) -> Option<&Vec<String>> {
        if let Some((_, columns)) = self.find(qualifier) {
            return Some(columns);
        }
        let words: Vec<&str> = lexer::tokens(line)
            .filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment))
            .map(|token| unquoted(token.text))
            .filter(|word| !word.eq_ignore_ascii_case("AS"))
            .collect();
        words.windows(2).find_map(|pair| {
            let [table, alias] = pair else { return None };
            if !alias.eq_ignore_ascii_case(qualifier) {
                return None;
            }
            self.find(table).map(|(_, columns)| columns)
        })
    }
}

/// Whether the next word names a table: after FROM, JOIN and the like, or after a comma in FROM.
fn is_table_place(tokens: &[&Token<'_>]) -> bool {
    let introduces = |token: &&Token<'_>| {
        ["FROM", "JOIN", "DESCRIBE", "TABLE"].iter().any(|word| token.text.eq_ignore_ascii_case(word))
    };
    let Some(last) = tokens.last() else { return false };
    if last.text != "," {
        return introduces(last);
    }
    let clause = tokens.iter().rev().find(|token| is_keyword(token.text));
    clause.is_some_and(introduces)
}

/// Whether a bare word is one of the keywords.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '`'])
}

fn starts_with(word: &str, prefix: &str) -> bool {
    word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The words that start with `part`, the shortest first, then those that contain it.
fn matching<'a>(words: impl Iterator<Item = &'a str>, part: &str) -> Vec<String> {
    let needle = part.to_lowercase();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for word in words {
        if starts_with(word, part) {
            first.push(word.to_owned());
        } else if needle.len() >= SUBSTRING_MIN && word.to_lowercase().contains(&needle) {
            second.push(word.to_owned());
        }
    }
    first.sort_by_key(String::len);
    first.append(&mut second);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` marks the cursor.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let vocabulary = Vocabulary::new(vec![
            ("Users".to_owned(), names(&["Id", "Status", "ProfileLogin", "ProfileFirstName"])),
            ("UserGroups".to_owned(), names(&["UserId", "GroupId"])),
            ("Groups".to_owned(), names(&["Id", "ProfileName"])),
        ]);
        let position = text.find('|').expect("a cursor");
        let completion = vocabulary.complete(&text.replace('|', ""), position);
        assert_eq!(completion.candidates, expected, "{text}");
    }

    #[test]
    fn tables_stand_after_from_and_join() {
        check("SELECT * FROM us|", &["Users", "UserGroups"]);
        check("SELECT * FROM Users JOIN gro|", &["Groups", "UserGroups"]);
        check("SELECT * FROM Users, Gr|", &["Groups"]);
        check("SELECT Id, Status FROM Users ORDER BY Id, gr|", &["group"]);
    }

    #[test]
    fn columns_come_from_the_tables_of_the_statement() {
        check("SELECT pro| FROM Users", &["ProfileLogin", "ProfileFirstName"]);
        check("SELECT first| FROM Users", &["ProfileFirstName"]);
        check("SELECT u.st| FROM \"Users\" AS u", &["Status"]);
        check("SELECT Groups.| FROM Groups", &["Id", "ProfileName"]);
        check("SELECT x.pro| FROM Users u", &["ProfileLogin", "ProfileFirstName"]);
        check("SELECT u.groupi|", &["GroupId"]);
    }

    #[test]
    fn keywords_follow_the_case_of_the_word() {
        check("sel|", &["select"]);
        check("SEL|", &["SELECT"]);
        check("SELECT pr|", &["ProfileName", "ProfileLogin", "ProfileFirstName"]);
    }

    #[test]
    fn nothing_inside_text_and_comments() {
        check("SELECT 'sel|", &[]);
        check("SELECT 1 -- sel|", &[]);
    }

    #[test]
    fn dot_commands_and_their_arguments() {
        check(".in|", &[".inspect"]);
        check(".inspect user|", &["Users", "UserGroups"]);
        check(".output c|", &["csv"]);
    }
}
