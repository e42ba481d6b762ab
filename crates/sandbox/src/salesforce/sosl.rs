//! SOSL: words in the texts of several objects.

use serde_json::Value;

use super::error::Refusal;
use super::schema::{Kind, Object};
use super::soql::{self, Pattern, Scene};
use super::store::Row;

/// Records of a search.
const ROWS_MAX: usize = 2_000;

/// Objects that a search without `RETURNING` looks at.
const SEARCHED: [&str; 6] = ["Account", "Contact", "Lead", "Opportunity", "Case", "User"];

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Search {
    /// Alternatives, each of words all of which must be there; folded, with `*` and `?`.
    words: Vec<Vec<String>>,
    fields: Scope,
    returning: Vec<Returning>,
    limit: usize,
}

/// Which texts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Name,
    Email,
    Phone,
}

/// What is given of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Returning {
    pub(super) object: String,
    pub(super) fields: String,
    /// Conditions, order and limit.
    pub(super) tail: String,
}

impl Search {
    /// A search by its parts.
    ///
    /// # Errors
    ///
    /// `MALFORMED_SEARCH` if there is too little to look for.
    pub(super) fn new(term: &str, returning: Vec<Returning>, limit: usize) -> Result<Self, Refusal> {
        let words: Vec<Vec<String>> = term.split(" OR ").map(words).filter(|words| !words.is_empty()).collect();
        if words.is_empty()
            || words.iter().flatten().all(|word| word.chars().filter(|letter| !"*?".contains(*letter)).count() < 2)
        {
            return Err(malformed(format!("search term must be longer than one character: {term}")));
        }
        Ok(Self { words, fields: Scope::All, returning, limit: limit.min(ROWS_MAX) })
    }

    /// Reads `FIND {…} …`.
    ///
    /// # Errors
    ///
    /// `MALFORMED_SEARCH` at what cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = after_word(text, "FIND").ok_or_else(|| malformed("a search begins with FIND"))?;
        let rest = rest.strip_prefix('{').ok_or_else(|| malformed("the search term stands in braces"))?;
        let (term, rest) = braced(rest).ok_or_else(|| malformed("the search term is not closed"))?;
        let mut rest = rest.trim_start();
        let mut scope = Scope::All;
        if let Some(after) = after_word(rest, "IN") {
            let scopes = [("ALL", Scope::All), ("NAME", Scope::Name), ("EMAIL", Scope::Email), ("PHONE", Scope::Phone)];
            let found = scopes.into_iter().find_map(|(word, scope)| Some((scope, after_word(after, word)?)));
            let (found, after) = found.ok_or_else(|| malformed("unknown group of fields"))?;
            scope = found;
            rest = after_word(after, "FIELDS").ok_or_else(|| malformed("FIELDS is missing"))?;
        }
        let mut returning = Vec::new();
        if let Some(after) = after_word(rest, "RETURNING") {
            (returning, rest) = returned(after)?;
        }
        let mut limit = ROWS_MAX;
        if let Some(after) = after_word(rest, "LIMIT") {
            limit = after.trim().parse().map_err(|_| malformed(format!("unexpected token: '{after}'")))?;
            rest = "";
        }
        if !rest.trim().is_empty() {
            return Err(malformed(format!("unexpected token: '{}'", rest.trim())));
        }
        Ok(Self { fields: scope, ..Self::new(&term, returning, limit)? })
    }

    /// What is found, object by object.
    ///
    /// # Errors
    ///
    /// As a query, for objects, fields and conditions.
    pub(super) fn run(&self, scene: Scene<'_>) -> Result<Vec<Value>, Refusal> {
        let everywhere;
        let returning = if self.returning.is_empty() {
            let plain =
                |name: &&str| Returning { object: (*name).to_owned(), fields: "Id".to_owned(), tail: String::new() };
            everywhere = SEARCHED.iter().map(plain).collect::<Vec<_>>();
            &everywhere
        } else {
            &self.returning
        };
        let mut found = Vec::new();
        for returning in returning {
            let object = scene.schema.object(&returning.object).ok_or_else(|| {
                Refusal::new("INVALID_TYPE", format!("sObject type '{}' is not supported.", returning.object))
            })?;
            let matches = |row: &Row| self.matches(object, row);
            found.extend(soql::search(scene, object, &returning.fields, &returning.tail, &matches)?);
        }
        found.truncate(self.limit);
        Ok(found)
    }

    fn matches(&self, object: &Object, row: &Row) -> bool {
        let looked_at = object.fields.iter().filter(|field| match self.fields {
            Scope::All => !field.kind.is_id() && !matches!(field.kind, Kind::Date | Kind::DateTime),
            Scope::Name => field.is_name || field.name.ends_with("Name"),
            Scope::Email => field.kind == Kind::Email,
            Scope::Phone => field.kind == Kind::Phone,
        });
        let tokens: Vec<String> = looked_at.flat_map(|field| words(row.text(&field.name))).collect();
        let there = |word: &String| {
            let pattern = Pattern::of_wildcards(word);
            tokens.iter().any(|token| pattern.matches(token))
        };
        self.words.iter().any(|words| words.iter().all(there))
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("MALFORMED_SEARCH", message)
}

/// The rest behind a keyword; `None` if it does not stand there.
fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let text = text.trim_start();
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start())
}

/// The term up to its brace, without escapes, and what follows.
fn braced(text: &str) -> Option<(String, &str)> {
    let mut term = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '}' => return Some((term, &text[at + 1..])),
            '\\' => term.push(letters.next()?.1),
            other => term.push(other),
        }
    }
    None
}

/// The list behind `RETURNING`, and what follows it.
fn returned(text: &str) -> Result<(Vec<Returning>, &str), Refusal> {
    let (mut all, mut rest) = (Vec::new(), text);
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (object, after) = rest.split_at(end);
        if object.is_empty() {
            return Err(malformed("the name of an object is missing"));
        }
        rest = after.trim_start();
        let (mut fields, mut tail) = ("Id", "");
        if let Some(inside) = rest.strip_prefix('(') {
            let end = closing(inside).ok_or_else(|| malformed("a parenthesis is not closed"))?;
            (fields, tail) = clauses(&inside[..end]);
            rest = inside[end + 1..].trim_start();
        }
        all.push(Returning { object: object.to_owned(), fields: fields.to_owned(), tail: tail.to_owned() });
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => return Ok((all, rest)),
        }
    }
}

/// Where the parenthesis closes that was opened before; quoted texts do not count.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return Some(at),
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Fields, and what follows them from the first keyword on.
fn clauses(text: &str) -> (&str, &str) {
    let starts = text.char_indices().filter(|(_, letter)| letter.is_whitespace()).map(|(at, _)| at);
    let is_clause =
        |at: &usize| ["WHERE", "ORDER", "LIMIT", "OFFSET"].iter().any(|word| after_word(&text[*at..], word).is_some());
    let (fields, tail) = starts.into_iter().find(is_clause).map_or((text, ""), |at| text.split_at(at));
    (if fields.trim().is_empty() { "Id" } else { fields.trim() }, tail)
}

/// The words of a text, folded; `*` and `?` belong to them.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && !"*?".contains(letter));
    words.filter(|word| !word.is_empty() && *word != "AND").map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_read_in_all_its_parts() {
        let search = Search::parse(
            r"FIND {Acme\-Corp OR Jo*} IN NAME FIELDS RETURNING Contact(Id, Name WHERE Name != 'a)b' ORDER BY Name LIMIT 5), Account LIMIT 7",
        );
        let search = search.unwrap();
        assert_eq!(search.words, [vec!["acme".to_owned(), "corp".to_owned()], vec!["jo*".to_owned()]]);
        assert_eq!((search.fields, search.limit), (Scope::Name, 7));
        assert_eq!(search.returning[0].fields, "Id, Name");
        assert_eq!(search.returning[0].tail, " WHERE Name != 'a)b' ORDER BY Name LIMIT 5");
        assert_eq!(search.returning[1].object, "Account");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in [
            "",
            "FIND",
            "FIND {ab",
            "FIND {a}",
            "FIND {abc} RETURNING",
            "FIND {abc} RETURNING Contact(Id",
            "FIND {abc} NOW",
        ] {
            assert_eq!(Search::parse(text).unwrap_err().code, "MALFORMED_SEARCH", "{text}");
        }
    }
}
