//! The part of the Okta expression language that group rules allow.
//!
//! # Source
//!
//! Documented: an expression must be boolean; text compares with case; an attribute that was never
//! set is `null`, an emptied one is `""`. Regular expressions and linked objects are left out.

mod evaluate;
mod function;
mod lexer;
mod parser;

pub(super) use evaluate::{Scope, Value};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    /// `user.department`
    Attribute(String),
    /// `user.getInternalProperty("status")`
    Internal(String),
    /// `list[0]`
    Index(Box<Expression>, usize),
    /// `String.stringContains(a, b)`, `isMemberOfGroup(id)`
    Call(function::Function, Vec<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `condition ? a : b`
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why text is no expression of a rule: where, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyntaxError(pub(super) usize);

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// [`SyntaxError`] for text that is not of the language, or nested too deep.
    pub(super) fn parse(text: &str) -> Result<Self, SyntaxError> {
        parser::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Person;

    impl Scope for Person {
        fn attribute(&self, name: &str) -> Value {
            match name {
                "department" => Value::Text("Engineering".into()),
                "level" => Value::Number(4.0),
                "tags" => Value::List(vec![Value::Text("a".into()), Value::Text("b".into())]),
                _ => Value::Null,
            }
        }

        fn internal(&self, name: &str) -> Value {
            if name == "status" { Value::Text("ACTIVE".into()) } else { Value::Null }
        }

        fn is_member(&self, id: &str) -> bool {
            id == "00g1"
        }

        fn group_names(&self) -> Vec<String> {
            vec!["Climbers".to_owned()]
        }
    }

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let expression = Expression::parse(text).expect("an expression");
        assert_eq!(expression.holds(&Person), expected, "{text}");
    }

    #[test]
    fn comparisons_and_connectives() {
        check(r#"user.department == "Engineering""#, true);
        check("user.department == 'engineering'", false);
        check("user.level >= 4 AND user.level < 5", true);
        check("user.nothing == null OR false", true);
        check(r#"!(user.department != "IT")"#, false);
        check(r#"user.tags[1] == "b" and user.gone == null"#, true);
        check(r#"user.level > 3 ? user.department == "Engineering" : false"#, true);
        check(r#"user.getInternalProperty("status") == "ACTIVE""#, true);
    }

    #[test]
    fn functions() {
        check(r#"String.startsWith(user.department, "Eng")"#, true);
        check(r#"String.stringContains(user.department, "gin")"#, true);
        check(r#"String.toLowerCase(user.department) == "engineering""#, true);
        check(r#"String.substringBefore("a@b", "@") == "a""#, true);
        check("String.len(user.department) == 11", true);
        check(r#"Arrays.contains(user.tags, "b")"#, true);
        check(r#"isMemberOfAnyGroup("00g9", "00g1")"#, true);
        check(r#"isMemberOfGroupNameStartsWith("Climb")"#, true);
    }

    #[test]
    fn what_is_not_of_the_language_is_refused() {
        for text in ["", "user.", "user.a ==", "user.a = 1", "drop(1)", "(user.a == 1", "user.a == \"x", "1 2"] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
        let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
        assert!(Expression::parse(&deep).is_err());
    }
}
