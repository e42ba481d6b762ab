//! Names for columns of a result that would otherwise share one.
//!
//! `SELECT Created, CAST(Created AS DATE)` names both columns after what they read, which the engine
//! refuses. A cast is then named by its text, and anything else by a number: `Id`, `Id_1`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{
    self, ExcludeSelectItem, Expr, Ident, ObjectName, Select, SelectItem, SetExpr, TableFactor, TableWithJoins,
    VisitMut, VisitorMut,
};

use super::Statement;
use crate::relation::Relation;

impl Statement {
    /// Gives aliases to columns whose names are taken, in every `SELECT`. A hidden column that the
    /// statement names is no part of `*`, so that `SELECT *, RawJson` shows it once.
    pub(crate) fn label_repeats(
        &mut self,
        relations: &BTreeMap<String, Arc<Relation>>,
        model: &HashMap<String, String>,
    ) {
        let mut query = self.query.clone();
        let mut labels = Labels { statement: self, relations, model, given: Vec::new() };
        let _ = VisitMut::visit(&mut query, &mut labels);
        let given = labels.given;
        self.query = query;
        self.spellings.aliases.extend(given);
    }
}

/// See [`Statement::texts_of_columns`].
pub(super) fn texts_of_columns(statement: &ast::Statement, width: usize) -> Vec<Option<String>> {
    let mut texts = vec![None; width];
    let ast::Statement::Query(query) = statement else { return texts };
    let Some(select) = outermost(&query.body) else { return texts };
    let is_wild = |item: &&SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    // How many columns a wildcard is, the schema knows; what stands before and after it has its place.
    let before = select.projection.iter().take_while(|item| !is_wild(item)).enumerate();
    let after = select.projection.iter().rev().take_while(|item| !is_wild(item)).enumerate();
    let after = after.filter_map(|(place, item)| Some((width.checked_sub(place + 1)?, item)));
    for (place, item) in before.chain(after).filter(|(place, _)| *place < width) {
        texts[place] = text_of(item);
    }
    texts
}

/// The first `SELECT`, which names the columns.
fn outermost(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => outermost(&query.body),
        SetExpr::SetOperation { left, .. } => outermost(left),
        _ => None,
    }
}

fn text_of(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) if !is_named(expr) => Some(expr.to_string()),
        _ => None,
    }
}

/// Whether the engine names the expression after a column alone.
fn is_named(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_named(expr),
        _ => false,
    }
}

struct Labels<'a> {
    statement: &'a Statement,
    relations: &'a BTreeMap<String, Arc<Relation>>,
    model: &'a HashMap<String, String>,
    given: Vec<(String, String)>,
}

impl VisitorMut for Labels<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let only = match select.from.as_slice() {
            [only] if only.joins.is_empty() => Some(only),
            _ => None,
        };
        let relation = only.and_then(|table| self.relation(table));
        let mut taken: HashSet<String> = select.projection.iter().filter_map(alias).collect();
        let one_table = only.is_some();
        if let Some(relation) = relation {
            self.spell_out(&mut select.projection, relation, &mut taken);
        }
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            let name = name_of(expr, one_table);
            if taken.insert(name.clone()) {
                continue;
            }
            let (label, shown) = self.label(expr, &name, &taken);
            taken.insert(label.clone());
            self.given.push((label.clone(), shown));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', label) };
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Labels<'a> {
    fn relation(&self, table: &TableWithJoins) -> Option<&'a Relation> {
        let TableFactor::Table { name, .. } = &table.relation else { return None };
        let name = name.0.last()?.as_ident()?;
        self.relations.get(&name.value).map(Arc::as_ref)
    }

    /// Leaves hidden columns out of `*`, and notes the names that it takes.
    fn spell_out(&self, projection: &mut [SelectItem], relation: &Relation, taken: &mut HashSet<String>) {
        for item in projection {
            let SelectItem::Wildcard(options) = item else { continue };
            let (hidden, shown): (Vec<_>, Vec<_>) = relation.columns().iter().partition(|column| column.hidden);
            let lower = |column: &crate::relation::RelationColumn| column.name.to_lowercase();
            let hidden: Vec<String> =
                hidden.into_iter().map(lower).filter(|name| self.statement.words.contains(name)).collect();
            if !hidden.is_empty() && options.opt_exclude.is_none() {
                let names = hidden.into_iter().map(|name| ObjectName::from(vec![Ident::with_quote('"', name)]));
                options.opt_exclude = Some(ExcludeSelectItem::Multiple(names.collect()));
            }
            taken.extend(shown.into_iter().map(lower));
        }
    }

    /// A name that is free, in lower case and as it is shown.
    fn label(&self, expr: &Expr, name: &str, taken: &HashSet<String>) -> (String, String) {
        let text = expr.to_string();
        if matches!(expr, Expr::Cast { .. }) && !taken.contains(&text.to_lowercase()) {
            return (text.to_lowercase(), self.statement.display(&text, self.model));
        }
        let name = name.rsplit('.').next().unwrap_or(name);
        let shown = self.statement.display(name, self.model);
        // Among one more than there are names, one is free.
        let mut numbered = (1..=taken.len() + 1)
            .map(|number| (format!("{name}_{number}").to_lowercase(), format!("{shown}_{number}")));
        numbered.find(|(label, _)| !taken.contains(label)).unwrap_or_default()
    }
}

fn alias(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        _ => None,
    }
}

/// The name that the engine gives to a column: casts do not show in it.
fn name_of(expr: &Expr, one_table: bool) -> String {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => name_of(expr, one_table),
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(parts) => {
            let shown = if one_table { &parts[parts.len().saturating_sub(1)..] } else { parts };
            shown.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".")
        }
        other => other.to_string(),
    }
}
