//! Conditions that a component's readers choose, as clauses of `WHERE`.

use super::Value;

/// What holds of a column; never of NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is one of these values, of which there are few enough for one statement.
    OneOf(Vec<Value>),
    /// It compares with a value by an operator of both engines: `<`, `<=`, `>` or `>=`.
    Compare(&'static str, Value),
}

/// Conditions of a query that all hold, and the values in them.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    clauses: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds one about a column or an expression of ours.
    pub fn add(&mut self, column: &str, test: &Test) {
        let mut place = |value: &Value| {
            self.values.push(value.clone());
            format!("${}", self.values.len())
        };
        let clause = match test {
            Test::OneOf(values) if values.is_empty() => "1 = 0".to_owned(),
            Test::OneOf(values) => {
                let places: Vec<String> = values.iter().map(place).collect();
                format!("{column} IN ({})", places.join(", "))
            }
            Test::Compare(operator, value) => format!("{column} {operator} {}", place(value)),
        };
        self.clauses.push(clause);
    }

    /// ` WHERE …`, or nothing where everything is wanted.
    pub fn clause(&self) -> String {
        if self.clauses.is_empty() { String::new() } else { format!(" WHERE {}", self.clauses.join(" AND ")) }
    }

    /// The values in it.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_through_all_conditions() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.clause(), "");
        conditions.add("flow", &Test::OneOf(vec!["a".into(), "b".into()]));
        conditions.add("created_at", &Test::Compare(">=", 7.into()));
        conditions.add("state", &Test::OneOf(Vec::new()));
        assert_eq!(conditions.clause(), " WHERE flow IN ($1, $2) AND created_at >= $3 AND 1 = 0");
        assert_eq!(conditions.values(), ["a".into(), "b".into(), Value::from(7)]);
    }
}
