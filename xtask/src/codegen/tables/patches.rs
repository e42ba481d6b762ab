//! Applies the overlay's corrections to the columns of a table.

use toml::Spanned;

use super::super::Error;
use super::super::overlay::{self, ColumnPatch, ColumnType, Overlay};
use super::{Column, OPERATORS, Operator, Route, Source};

/// Corrects, adds, drops and orders columns.
pub(crate) fn apply(
    overlay: &Overlay,
    entry: &overlay::Table,
    routes: &[Route<'_>],
    columns: &mut Vec<Column>,
) -> Result<(), Error> {
    let mut editor = Editor { overlay, table: entry.name.get_ref(), routes: routes.len(), columns };
    for patch in &entry.column {
        for name in &patch.names {
            if patch.reason.trim().is_empty() {
                return Err(overlay.error(name, "the entry gives no reason"));
            }
            editor.patch(patch, name)?;
        }
    }
    for name in entry.not_null.iter().chain(&entry.key) {
        let position = editor.position(name)?;
        editor.columns[position].nullable = false;
    }
    editor.order(&entry.first)
}

/// Applies the corrections of one table.
struct Editor<'a> {
    overlay: &'a Overlay,
    table: &'a str,
    routes: usize,
    columns: &'a mut Vec<Column>,
}

impl Editor<'_> {
    fn position(&self, name: &Spanned<String>) -> Result<usize, Error> {
        let found = self.columns.iter().position(|column| column.name == *name.get_ref());
        let problem = || format!("{} has no column {}", self.table, name.get_ref());
        found.ok_or_else(|| self.overlay.error(name, problem()))
    }

    fn patch(&mut self, patch: &ColumnPatch, name: &Spanned<String>) -> Result<(), Error> {
        if let Some(prefix) = name.get_ref().strip_suffix('*') {
            return self.patch_all(patch, name, prefix);
        }
        let known = self.columns.iter().any(|column| column.name == *name.get_ref());
        if !known && patch.source.is_some() {
            self.add(patch, name)?;
        }
        let position = self.position(name)?;
        if patch.drop {
            self.columns.remove(position);
            return Ok(());
        }
        self.correct(patch, position, name)
    }

    /// Corrects every column whose name starts so, leaving out JSON: no operator works on it.
    fn patch_all(&mut self, patch: &ColumnPatch, name: &Spanned<String>, prefix: &str) -> Result<(), Error> {
        let matching: Vec<_> = (0..self.columns.len())
            .filter(|position| self.columns[*position].name.starts_with(prefix))
            .filter(|position| self.columns[*position].data_type != ColumnType::Json)
            .collect();
        if matching.is_empty() {
            return Err(self.overlay.error(name, format!("no column of {} is called {}", self.table, name.get_ref())));
        }
        if patch.drop {
            matching.into_iter().rev().for_each(|position| drop(self.columns.remove(position)));
            return Ok(());
        }
        matching.into_iter().try_for_each(|position| self.correct(patch, position, name))
    }

    fn add(&mut self, patch: &ColumnPatch, name: &Spanned<String>) -> Result<(), Error> {
        let position = match &patch.after {
            Some(after) => self.position(after)? + 1,
            None => self.columns.len(),
        };
        let data_type = patch.data_type.unwrap_or(ColumnType::Text);
        self.columns.insert(position, Column::new(name.get_ref(), data_type, Vec::new()));
        Ok(())
    }

    fn correct(&mut self, patch: &ColumnPatch, position: usize, name: &Spanned<String>) -> Result<(), Error> {
        let sources = patch.source.as_ref().map(|sources| self.sources(sources, name)).transpose()?;
        let operators = |text: &Option<Spanned<String>>| text.as_ref().map(|text| self.operators(text)).transpose();
        let (filter, search) = (operators(&patch.filter)?, operators(&patch.search)?);
        let column = &mut self.columns[position];
        set(&mut column.sources, sources);
        set(&mut column.data_type, patch.data_type);
        set(&mut column.nullable, patch.nullable);
        set(&mut column.read_only, patch.read_only);
        set(&mut column.attribute, patch.attribute.clone());
        set(&mut column.filter, filter);
        set(&mut column.search, search);
        set(&mut column.values, patch.values.clone());
        set(&mut column.hidden, patch.hidden);
        column.aliases.extend(patch.aliases.iter().cloned());
        if patch.expand.is_some() {
            column.expand.clone_from(&patch.expand);
        }
        if column.attribute.is_empty() && !(column.filter.is_empty() && column.search.is_empty()) {
            let Some(Source::Path(segments)) = column.sources.first() else {
                return Err(self.overlay.error(name, "a column without a member path needs an `attribute`"));
            };
            column.attribute = segments.join(".");
        }
        Ok(())
    }

    fn sources(&self, texts: &[Spanned<String>], name: &Spanned<String>) -> Result<Vec<Source>, Error> {
        let sources: Vec<_> = texts.iter().map(|text| source(text.get_ref())).collect();
        match sources.as_slice() {
            [one] => Ok(vec![one.clone(); self.routes]),
            several if several.len() == self.routes => Ok(sources),
            several => {
                let problem = format!("{} sources for {} routes", several.len(), self.routes);
                Err(self.overlay.error(name, problem))
            }
        }
    }

    fn operators(&self, text: &Spanned<String>) -> Result<Vec<Operator>, Error> {
        let known = |word: &str| OPERATORS.into_iter().find(|operator| *operator == word);
        let unknown = |word: &str| self.overlay.error(text, format!("unknown operator {word}"));
        text.get_ref().split_whitespace().map(|word| known(word).ok_or_else(|| unknown(word))).collect()
    }

    fn order(&mut self, first: &[Spanned<String>]) -> Result<(), Error> {
        for (target, name) in first.iter().enumerate() {
            let position = self.position(name)?;
            let column = self.columns.remove(position);
            self.columns.insert(target, column);
        }
        Ok(())
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn source(text: &str) -> Source {
    let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    match text.split_once(':') {
        Some(("of-parent", column)) => Source::OfParent(column.to_owned()),
        Some(("parent", parameter)) => Source::Parent(parameter.to_owned()),
        Some(("input", parameter)) => Source::Input(parameter.to_owned()),
        Some(("url", member)) => Source::UrlTail(path(member)),
        Some(("first", members)) => Source::FirstOf(members.split('|').map(path).collect()),
        _ if text == "absent" => Source::Absent,
        _ => Source::Path(path(text)),
    }
}
