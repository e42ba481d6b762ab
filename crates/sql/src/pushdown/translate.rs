//! From SQL predicates to Okta's expressions.
//!
//! The rule that everything here keeps: the expression holds for every row for which the SQL
//! predicate is true. Whether it holds for others too is the translation's [`Class`]. NULL needs
//! no care in `and` and `or`, since only rows for which a predicate is *true* matter; `NOT` is
//! moved down to the comparisons, where the opposite comparison is again untrue of NULL.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Like, Operator as SqlOperator};
use oktant_catalog::{CaseRule, ColumnType, Ops};

use super::expression::{Expression, Literal, Operator};
use super::literal::{Constant, iso_day, iso_instant};
use super::operand::{Operand, View};
use super::pattern::Pattern;
use super::spelling::{self, Casing, Spellings};
use crate::relation::{Origin, Relation, RelationColumn};

/// Characters a `co` must have.
const CONTAINS_CHARS_MIN: usize = 3;

/// What becomes of a predicate.
#[derive(Debug, Clone, PartialEq)]
pub enum Translation {
    /// It is true of no row: no request is needed.
    Never,
    /// It is true of every row.
    Always,
    /// The org can narrow the rows down.
    Pushed(Pushed),
    /// The org cannot help.
    Local,
}

/// A predicate that the org evaluates.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// What is sent.
    pub expression: Expression,
    /// How far it can be trusted.
    pub class: Class,
    /// How far it narrows the rows down.
    pub selectivity: Selectivity,
}

/// How the rows that the org returns relate to those that the predicate is true of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// They are the same.
    Exact,
    /// There may be more: the predicate is evaluated again.
    Superset,
}

/// How far a test narrows the rows down, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selectivity {
    /// Presence, ranges, members of enumerations.
    Weak,
    /// Text somewhere in a value.
    Contains,
    /// The start or the end of a value.
    Prefix,
    /// A value.
    Value,
}

/// Translates predicates over one table for one parameter of one of its routes.
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a> {
    /// The table.
    pub relation: &'a Relation,
    /// Index of the route.
    pub route: usize,
    /// The parameter and its rules.
    pub parameter: &'static oktant_catalog::Expression,
    /// Whether SQL takes an empty text for NULL.
    pub empty_string_as_null: bool,
}

impl Translator<'_> {
    /// Translates a predicate.
    pub fn translate(&self, predicate: &Expr) -> Translation {
        self.signed(predicate, false)
    }

    /// Translates `expr`, or its negation.
    fn signed(&self, expr: &Expr, negated: bool) -> Translation {
        match expr {
            Expr::Alias(alias) => self.signed(&alias.expr, negated),
            Expr::Not(inner) => self.signed(inner, !negated),
            Expr::IsTrue(inner) if !negated => self.signed(inner, false),
            Expr::IsFalse(inner) if !negated => self.signed(inner, true),
            Expr::IsNotTrue(inner) if negated => self.signed(inner, false),
            Expr::IsNotFalse(inner) if negated => self.signed(inner, true),
            Expr::IsNotNull(inner) if !negated => self.present(inner),
            Expr::IsNull(inner) if negated => self.present(inner),
            Expr::BinaryExpr(BinaryExpr { left, op: SqlOperator::And, right }) => {
                self.junction([left, right], negated, !negated)
            }
            Expr::BinaryExpr(BinaryExpr { left, op: SqlOperator::Or, right }) => {
                self.junction([left, right], negated, negated)
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.comparison(left, *op, right, negated),
            Expr::Between(between) => self.between(between, negated),
            Expr::InList(list) => self.in_list(list, negated),
            Expr::Like(like) if like.negated == negated => self.like(like),
            Expr::ScalarFunction(call) if !negated && call.args.len() == 2 => {
                self.text_function(call.func.name(), &call.args[0], &call.args[1])
            }
            Expr::Literal(..) => match Constant::of(expr) {
                Some(Constant::Boolean(truth)) if truth != negated => Translation::Always,
                Some(Constant::Boolean(_) | Constant::Null) => Translation::Never,
                _ => Translation::Local,
            },
            Expr::Column(_) | Expr::Cast(_) => match Operand::of(expr, self.relation) {
                Some(operand) => self.constant_comparison(operand, Operator::Eq, &Constant::Boolean(!negated)),
                None => Translation::Local,
            },
            _ => Translation::Local,
        }
    }

    fn junction(&self, sides: [&Expr; 2], negated: bool, all: bool) -> Translation {
        let parts = sides.map(|side| self.signed(side, negated)).to_vec();
        if all { self.conjunction(parts) } else { self.disjunction(parts) }
    }

    fn between(&self, between: &Between, negated: bool) -> Translation {
        let Between { expr, low, high, .. } = between;
        if between.negated == negated {
            let low = self.comparison(expr, SqlOperator::GtEq, low, false);
            self.conjunction(vec![low, self.comparison(expr, SqlOperator::LtEq, high, false)])
        } else {
            let low = self.comparison(expr, SqlOperator::Lt, low, false);
            self.disjunction(vec![low, self.comparison(expr, SqlOperator::Gt, high, false)])
        }
    }

    fn in_list(&self, list: &InList, negated: bool) -> Translation {
        let inside = list.negated == negated;
        let operator = if inside { SqlOperator::Eq } else { SqlOperator::NotEq };
        let parts = list.list.iter().map(|item| self.comparison(&list.expr, operator, item, false)).collect();
        if inside { self.disjunction(parts) } else { self.conjunction(parts) }
    }

    fn comparison(&self, left: &Expr, operator: SqlOperator, right: &Expr, negated: bool) -> Translation {
        let sql_operator = operator;
        let Some(operator) = comparison_operator(operator, negated) else { return Translation::Local };
        let (side, operator, constant) = match (Constant::of(left), Constant::of(right)) {
            (None, Some(constant)) => (left, operator, constant),
            (Some(constant), None) => (right, mirrored(operator), constant),
            _ => return Translation::Local,
        };
        if constant == Constant::Null {
            let is_true_of_null = sql_operator == SqlOperator::IsNotDistinctFrom;
            return if is_true_of_null { Translation::Local } else { Translation::Never };
        }
        if let Some(operand) = Operand::of(side, self.relation) {
            return self.constant_comparison(operand, operator, &constant);
        }
        self.position_comparison(side, operator, &constant)
    }

    /// `strpos(column, 'text')` tested for "at the start" or "somewhere".
    fn position_comparison(&self, side: &Expr, operator: Operator, constant: &Constant) -> Translation {
        let Expr::ScalarFunction(call) = side else { return Translation::Local };
        if call.func.name() != "strpos" || call.args.len() != 2 {
            return Translation::Local;
        }
        let function = match (operator, constant) {
            (Operator::Eq, Constant::Integer(1)) => "starts_with",
            (Operator::Gt | Operator::Ne, Constant::Integer(0)) | (Operator::Ge, Constant::Integer(1)) => "contains",
            _ => return Translation::Local,
        };
        self.text_function(function, &call.args[0], &call.args[1])
    }

    fn constant_comparison(&self, operand: Operand<'_>, operator: Operator, constant: &Constant) -> Translation {
        let column = operand.column;
        match (column.data_type, constant) {
            (ColumnType::Text, Constant::Text(text)) if column.is_enum() => self.enum_test(operand, operator, text),
            (ColumnType::Text, Constant::Text(text)) => self.text_test(column, operator, text, operand.view.casing()),
            (ColumnType::Boolean, Constant::Boolean(truth)) => match operator {
                Operator::Eq => self.term(column, Operator::Eq, Literal::Boolean(*truth)),
                Operator::Ne => self.term(column, Operator::Eq, Literal::Boolean(!truth)),
                _ => Translation::Local,
            },
            (ColumnType::Integer | ColumnType::BigInt, Constant::Float(number)) => {
                self.ordered(column, operator, Literal::Integer(number.floor() as i64), true)
            }
            (ColumnType::Integer | ColumnType::BigInt | ColumnType::Double, Constant::Integer(number)) => {
                self.ordered(column, operator, Literal::Integer(*number), false)
            }
            (ColumnType::Double, Constant::Float(number)) => {
                self.ordered(column, operator, Literal::Float(*number), false)
            }
            (ColumnType::Timestamp, _) => self.instant_test(operand, operator, constant),
            (ColumnType::Date, _) => self.day_test(column, operator, constant),
            _ => Translation::Local,
        }
    }

    fn instant_test(&self, operand: Operand<'_>, operator: Operator, constant: &Constant) -> Translation {
        let Some(instant) = constant.as_instant() else { return Translation::Local };
        let literal = |millis| iso_instant(millis).map(Literal::Text);
        if operand.view != View::Day {
            return match literal(instant.millis) {
                Some(literal) => self.ordered(operand.column, operator, literal, instant.rounded),
                None => Translation::Local,
            };
        }
        let Constant::Day(day) = constant else { return Translation::Local };
        let start = Constant::Day(*day).as_instant().and_then(|start| literal(start.millis));
        let end =
            day.checked_add(1).and_then(|day| Constant::Day(day).as_instant()).and_then(|end| literal(end.millis));
        let (Some(start), Some(end)) = (start, end) else { return Translation::Local };
        let term = |operator, literal| self.term(operand.column, operator, literal);
        match operator {
            Operator::Eq => self.conjunction(vec![term(Operator::Ge, start), term(Operator::Lt, end)]),
            Operator::Ne => self.disjunction(vec![term(Operator::Lt, start), term(Operator::Ge, end)]),
            Operator::Lt => term(Operator::Lt, start),
            Operator::Le => term(Operator::Lt, end),
            Operator::Gt => term(Operator::Ge, end),
            Operator::Ge => term(Operator::Ge, start),
            Operator::Sw | Operator::Co | Operator::Ew => Translation::Local,
        }
    }

    fn day_test(&self, column: &RelationColumn, operator: Operator, constant: &Constant) -> Translation {
        const MILLIS_PER_DAY: i64 = 86_400_000;
        let Some(instant) = constant.as_instant() else { return Translation::Local };
        let rounded = instant.rounded || instant.millis.rem_euclid(MILLIS_PER_DAY) != 0;
        let day = i32::try_from(instant.millis.div_euclid(MILLIS_PER_DAY)).ok().and_then(iso_day);
        match day {
            Some(day) => self.ordered(column, operator, Literal::Text(day), rounded),
            None => Translation::Local,
        }
    }

    /// A comparison in an order that the org shares. `rounded` says that the constant lies between
    /// `floor` and the next value the column can have.
    fn ordered(&self, column: &RelationColumn, operator: Operator, floor: Literal, rounded: bool) -> Translation {
        match operator {
            Operator::Eq if rounded => Translation::Never,
            Operator::Ne if rounded => Translation::Local,
            Operator::Gt | Operator::Ge if rounded => self.term(column, Operator::Gt, floor),
            Operator::Lt | Operator::Le if rounded => self.term(column, Operator::Le, floor),
            Operator::Ne => self.disjunction(vec![
                self.term(column, Operator::Lt, floor.clone()),
                self.term(column, Operator::Gt, floor),
            ]),
            operator => self.term(column, operator, floor),
        }
    }

    /// Members of an enumeration are compared ignoring case, by SQL and by the org alike. What a
    /// function makes of a member is plain text: that it differs from `text` says nothing of the
    /// member that `text` names.
    fn enum_test(&self, operand: Operand<'_>, operator: Operator, text: &str) -> Translation {
        let column = operand.column;
        let is_plain_text = operand.view != View::Value;
        if is_plain_text && operator != Operator::Eq {
            return Translation::Local;
        }
        let Some(member) = column.member(text) else {
            return if operator == Operator::Eq { Translation::Never } else { Translation::Local };
        };
        let is = |member: &str| self.term(column, Operator::Eq, Literal::Text(member.to_owned()));
        let translation = match operator {
            Operator::Eq => is(member),
            Operator::Ne if self.operators(column).contains(Ops::NE) => {
                superset(self.term(column, Operator::Ne, Literal::Text(member.to_owned())))
            }
            Operator::Ne => {
                let others = column.values.iter().filter(|other| other.as_str() != member);
                self.disjunction(others.map(|other| is(other)).collect())
            }
            _ => Translation::Local,
        };
        if is_plain_text { superset(translation) } else { translation }
    }

    fn text_test(&self, column: &RelationColumn, operator: Operator, text: &str, casing: Casing) -> Translation {
        match operator {
            Operator::Eq => self.text_equality(column, text, casing),
            // The org may take for equal what SQL tells apart, so it would drop too much.
            Operator::Ne if self.parameter.case == CaseRule::Exact && casing == Casing::Kept && is_sendable(text) => {
                superset(self.term(column, Operator::Ne, Literal::Text(text.to_owned())))
            }
            // Where both ignore case and agree on what that means for this text. An order of all
            // values they may see differently.
            Operator::Ne if self.parameter.case == CaseRule::Folded && casing == Casing::Ignored => {
                match spelling::of_whole(text, casing) {
                    Spellings::Known(spellings) if spellings == [text] && is_sendable(text) => {
                        superset(self.ordered(column, operator, Literal::Text(text.to_owned()), false))
                    }
                    _ => Translation::Local,
                }
            }
            _ => Translation::Local,
        }
    }

    fn text_equality(&self, column: &RelationColumn, text: &str, casing: Casing) -> Translation {
        if column.attribute.is_empty() {
            return Translation::Local;
        }
        if has_four_byte_character(text) {
            return Translation::Never;
        }
        match spelling::of_whole(text, casing) {
            Spellings::Nothing => Translation::Never,
            Spellings::Unknown => Translation::Local,
            Spellings::Known(spellings) => {
                self.spelled(column, Operator::Eq, spellings, casing, self.text_class(casing))
            }
        }
    }

    /// A disjunction of the same test with several spellings.
    fn spelled(
        &self,
        column: &RelationColumn,
        operator: Operator,
        spellings: Vec<String>,
        casing: Casing,
        class: Class,
    ) -> Translation {
        if !spellings.iter().all(|text| is_sendable(text)) || !self.finds_all(casing) {
            return Translation::Local;
        }
        let terms = spellings.into_iter().map(|text| self.term(column, operator, Literal::Text(text))).collect();
        let test = self.disjunction(terms);
        if class == Class::Exact { test } else { superset(test) }
    }

    /// A parameter that tells cases apart does not find all that a comparison ignoring case finds.
    fn finds_all(&self, casing: Casing) -> bool {
        match self.parameter.case {
            CaseRule::Folded => true,
            CaseRule::Exact => casing == Casing::Kept,
        }
    }

    fn text_class(&self, casing: Casing) -> Class {
        let alike = self.parameter.case == CaseRule::Exact && casing == Casing::Kept;
        if alike { Class::Exact } else { Class::Superset }
    }

    fn like(&self, like: &Like) -> Translation {
        let Some(Constant::Text(pattern)) = Constant::of(&like.pattern) else { return Translation::Local };
        let Some(operand) = Operand::of(&like.expr, self.relation) else { return Translation::Local };
        let casing = match (like.case_insensitive, operand.view.casing()) {
            (false, casing) => casing,
            (true, Casing::Kept) => Casing::Ignored,
            (true, _) => return Translation::Local,
        };
        match Pattern::parse(&pattern, like.escape_char) {
            Some(pattern) => self.matching(operand.column, &pattern, casing),
            None => Translation::Local,
        }
    }

    fn text_function(&self, name: &str, column: &Expr, argument: &Expr) -> Translation {
        let Some(operand) = Operand::of(column, self.relation) else { return Translation::Local };
        let text = match Constant::of(argument) {
            Some(Constant::Text(text)) => text,
            Some(Constant::Null) => return Translation::Never,
            _ => return Translation::Local,
        };
        let pattern = match name {
            "starts_with" => format!("{}%", escaped(&text)),
            "ends_with" => format!("%{}", escaped(&text)),
            "contains" => format!("%{}%", escaped(&text)),
            _ => return Translation::Local,
        };
        match Pattern::parse(&pattern, None) {
            Some(pattern) => self.matching(operand.column, &pattern, operand.view.casing()),
            None => Translation::Local,
        }
    }

    fn matching(&self, column: &RelationColumn, pattern: &Pattern, casing: Casing) -> Translation {
        if column.data_type != ColumnType::Text || column.attribute.is_empty() {
            return Translation::Local;
        }
        if pattern.runs().any(has_four_byte_character) {
            return Translation::Never;
        }
        if let Some(whole) = pattern.whole() {
            return superset(self.text_equality(column, &whole, casing));
        }
        let tests = [self.prefix_test(column, pattern, casing), self.suffix_test(column, pattern, casing)];
        tests
            .into_iter()
            .chain([self.contains_test(column, pattern, casing)])
            .find(|test| matches!(test, Translation::Pushed(_)))
            .unwrap_or(Translation::Local)
    }

    fn prefix_test(&self, column: &RelationColumn, pattern: &Pattern, casing: Casing) -> Translation {
        let Some(prefix) = pattern.prefix() else { return Translation::Local };
        let Spellings::Known(spellings) = spelling::of_prefix(prefix, casing) else { return Translation::Local };
        let whole = spellings.iter().all(|spelling| spelling == prefix);
        let class = if whole && pattern.is_prefix_only() { self.text_class(casing) } else { Class::Superset };
        self.spelled(column, Operator::Sw, spellings, casing, class)
    }

    fn suffix_test(&self, column: &RelationColumn, pattern: &Pattern, casing: Casing) -> Translation {
        match pattern.suffix().and_then(|suffix| spelling::of_suffix(suffix, casing)) {
            Some(suffix) => self.spelled(column, Operator::Ew, vec![suffix.to_owned()], casing, Class::Superset),
            None => Translation::Local,
        }
    }

    fn contains_test(&self, column: &RelationColumn, pattern: &Pattern, casing: Casing) -> Translation {
        let parts = pattern.runs().filter_map(|run| spelling::of_part(run, casing));
        let longest = parts.map(|part| (part.chars().count(), part)).max_by_key(|(length, _)| *length);
        match longest {
            Some((length, part)) if length >= CONTAINS_CHARS_MIN => {
                self.spelled(column, Operator::Co, vec![part.to_owned()], casing, Class::Superset)
            }
            _ => Translation::Local,
        }
    }

    fn present(&self, inner: &Expr) -> Translation {
        let Some(Operand { column, view: View::Value }) = Operand::of(inner, self.relation) else {
            return Translation::Local;
        };
        // The org takes an empty text for absent, SQL does not.
        let is_comparable = match column.data_type {
            ColumnType::Text => column.is_enum() || self.empty_string_as_null,
            ColumnType::Json => false,
            _ => true,
        };
        if !is_comparable || !self.operators(column).contains(Ops::PR) || column.attribute.is_empty() {
            return Translation::Local;
        }
        let expression = Expression::Present(column.attribute.clone());
        Translation::Pushed(Pushed { expression, class: self.mirror_class(column), selectivity: Selectivity::Weak })
    }

    /// One test, where the org has the operator for the column.
    fn term(&self, column: &RelationColumn, operator: Operator, literal: Literal) -> Translation {
        if column.attribute.is_empty() || !self.operators(column).contains(ops(operator)) {
            return Translation::Local;
        }
        let selectivity = match (operator, &literal) {
            (Operator::Eq, Literal::Boolean(_)) => Selectivity::Weak,
            (Operator::Eq, _) if !column.is_enum() => Selectivity::Value,
            (Operator::Sw | Operator::Ew, _) => Selectivity::Prefix,
            (Operator::Co, _) => Selectivity::Contains,
            _ => Selectivity::Weak,
        };
        let expression = Expression::compare(&column.attribute, operator, literal);
        Translation::Pushed(Pushed { expression, class: self.mirror_class(column), selectivity })
    }

    fn operators(&self, column: &RelationColumn) -> Ops {
        if self.parameter.parameter == "filter" { column.filter } else { column.search }
    }

    /// Whether the attribute that the org tests is the very value that the column shows. Some
    /// are not: `target.id` is any target's, the column the first one's.
    fn mirror_class(&self, column: &RelationColumn) -> Class {
        match column.origin(self.route) {
            Origin::Path(path) if path.join(".") == column.attribute => Class::Exact,
            Origin::UrlTail(_) => Class::Exact,
            _ => Class::Superset,
        }
    }

    /// Whether `co` may stand beside other tests.
    ///
    /// # Source
    /// Only the System Log's filter, the one with `not`, is known to take any mixture.
    const fn mixes_contains(&self) -> bool {
        self.parameter.negation
    }

    /// The conjunction of translations; parts that the org cannot evaluate are left out.
    pub fn conjunction(&self, parts: Vec<Translation>) -> Translation {
        if parts.contains(&Translation::Never) {
            return Translation::Never;
        }
        let is_whole = !parts.contains(&Translation::Local);
        let had_parts = parts.iter().any(|part| *part != Translation::Always);
        let candidates = pushed_of(parts);
        let before = candidates.len();
        let pushed = self.compatible(candidates, |part| part);
        let class = if is_whole && pushed.len() == before { Class::Exact } else { Class::Superset };
        let class = pushed.iter().map(|part| part.class).max().map_or(class, |worst| worst.max(class));
        let selectivity = pushed.iter().map(|part| part.selectivity).max().unwrap_or(Selectivity::Weak);
        match Expression::all(pushed.into_iter().map(|part| part.expression).collect()) {
            Some(expression) => Translation::Pushed(Pushed { expression, class, selectivity }),
            None if had_parts => Translation::Local,
            None => Translation::Always,
        }
    }

    /// Those of several parts that may stand in one conjunction: `co` stands alone unless the
    /// parameter takes every mixture, and some parameters take one comparison only.
    pub fn compatible<T>(&self, mut parts: Vec<T>, pushed: impl Fn(&T) -> &Pushed) -> Vec<T> {
        let is_contains = |part: &T| pushed(part).expression.uses(Operator::Co);
        if !self.mixes_contains() && parts.len() > 1 && parts.iter().any(is_contains) {
            let best = parts.iter().map(|part| pushed(part).selectivity).max();
            let contains_is_best = best == Some(Selectivity::Contains);
            parts.retain(|part| is_contains(part) == contains_is_best);
            if contains_is_best {
                parts.truncate(1);
            }
        }
        if !self.parameter.compound && parts.len() > 1 {
            parts.sort_by_key(|part| std::cmp::Reverse(pushed(part).selectivity));
            parts.truncate(1);
        }
        parts
    }

    /// The disjunction of translations; the org must be able to evaluate every part.
    fn disjunction(&self, parts: Vec<Translation>) -> Translation {
        if parts.contains(&Translation::Always) {
            return Translation::Always;
        }
        if parts.contains(&Translation::Local) {
            return Translation::Local;
        }
        let pushed = pushed_of(parts);
        let class = pushed.iter().map(|part| part.class).max().unwrap_or(Class::Exact);
        let selectivity = pushed.iter().map(|part| part.selectivity).min().unwrap_or(Selectivity::Weak);
        let Some(expression) = Expression::any(pushed.into_iter().map(|part| part.expression).collect()) else {
            return Translation::Never;
        };
        let is_alone = expression.terms() == 1;
        if !is_alone && (!self.parameter.compound || (expression.uses(Operator::Co) && !self.mixes_contains())) {
            return Translation::Local;
        }
        Translation::Pushed(Pushed { expression, class, selectivity })
    }
}

fn pushed_of(parts: Vec<Translation>) -> Vec<Pushed> {
    let pushed = |part| match part {
        Translation::Pushed(pushed) => Some(pushed),
        _ => None,
    };
    parts.into_iter().filter_map(pushed).collect()
}

fn superset(translation: Translation) -> Translation {
    match translation {
        Translation::Pushed(pushed) => Translation::Pushed(Pushed { class: Class::Superset, ..pushed }),
        other => other,
    }
}

/// Empty text is not searchable, and control characters have no spelling that every reader of
/// expressions shares.
fn is_sendable(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// The org stores characters of up to three bytes of UTF-8, so nothing equals such a text.
fn has_four_byte_character(text: &str) -> bool {
    text.chars().any(|c| c.len_utf8() == 4)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The operator, or its opposite: of NULL, neither is true.
const fn comparison_operator(operator: SqlOperator, negated: bool) -> Option<Operator> {
    Some(match (operator, negated) {
        (SqlOperator::Eq | SqlOperator::IsNotDistinctFrom, false) | (SqlOperator::NotEq, true) => Operator::Eq,
        (SqlOperator::NotEq, false) | (SqlOperator::Eq, true) => Operator::Ne,
        (SqlOperator::Lt, false) | (SqlOperator::GtEq, true) => Operator::Lt,
        (SqlOperator::LtEq, false) | (SqlOperator::Gt, true) => Operator::Le,
        (SqlOperator::Gt, false) | (SqlOperator::LtEq, true) => Operator::Gt,
        (SqlOperator::GtEq, false) | (SqlOperator::Lt, true) => Operator::Ge,
        _ => return None,
    })
}

/// The operator with its sides exchanged.
const fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Lt => Operator::Gt,
        Operator::Le => Operator::Ge,
        Operator::Gt => Operator::Lt,
        Operator::Ge => Operator::Le,
        other => other,
    }
}

const fn ops(operator: Operator) -> Ops {
    match operator {
        Operator::Eq => Ops::EQ,
        Operator::Ne => Ops::NE,
        Operator::Sw => Ops::SW,
        Operator::Co => Ops::CO,
        Operator::Ew => Ops::EW,
        Operator::Gt => Ops::GT,
        Operator::Ge => Ops::GE,
        Operator::Lt => Ops::LT,
        Operator::Le => Ops::LE,
    }
}
