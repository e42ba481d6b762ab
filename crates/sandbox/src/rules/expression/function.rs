//! Functions of expressions.

use super::evaluate::{Scope, Value};

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal ..= $most:literal;)*) => {
        /// A function of the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::rules) enum Function { $($variant),* }

        impl Function {
            /// The function of this name, if it takes that many arguments.
            pub(super) fn find(name: &str, arguments: usize) -> Option<Self> {
                match name {
                    $($name if ($least..=$most).contains(&arguments) => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    Append "String.append" 2..=2;
    Join "String.join" 2..=64;
    Length "String.len" 1..=1;
    RemoveSpaces "String.removeSpaces" 1..=1;
    Replace "String.replace" 3..=3;
    ReplaceFirst "String.replaceFirst" 3..=3;
    StartsWith "String.startsWith" 2..=2;
    Contains "String.stringContains" 2..=2;
    Substring "String.substring" 3..=3;
    SubstringAfter "String.substringAfter" 2..=2;
    SubstringBefore "String.substringBefore" 2..=2;
    ToUpperCase "String.toUpperCase" 1..=1;
    ToLowerCase "String.toLowerCase" 1..=1;
    ListContains "Arrays.contains" 2..=2;
    ListIsEmpty "Arrays.isEmpty" 1..=1;
    ListSize "Arrays.size" 1..=1;
    IsMember "isMemberOfGroup" 1..=1;
    IsMemberOfAny "isMemberOfAnyGroup" 1..=64;
    IsMemberOfName "isMemberOfGroupName" 1..=1;
    IsMemberOfNameStart "isMemberOfGroupNameStartsWith" 1..=1;
    IsMemberOfNamePart "isMemberOfGroupNameContains" 1..=1;
}

/// Calls a function. The parser has seen to the number of arguments; a missing one would be null.
pub(super) fn call(function: Function, arguments: &[Value], scope: &dyn Scope) -> Value {
    let at = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
    let text = |index: usize| at(index).text();
    let named = |test: &dyn Fn(&str) -> bool| Value::Boolean(scope.group_names().iter().any(|name| test(name)));
    match function {
        Function::Append => Value::Text(text(0) + &text(1)),
        Function::Join => {
            let parts: Vec<_> = arguments[1..].iter().map(Value::text).collect();
            Value::Text(parts.join(&text(0)))
        }
        Function::Length => Value::Number(text(0).chars().count() as f64),
        Function::RemoveSpaces => Value::Text(text(0).replace(' ', "")),
        Function::Replace => Value::Text(text(0).replace(&text(1), &text(2))),
        Function::ReplaceFirst => Value::Text(text(0).replacen(&text(1), &text(2), 1)),
        Function::StartsWith => Value::Boolean(text(0).starts_with(&text(1))),
        Function::Contains => Value::Boolean(text(0).contains(&text(1))),
        Function::Substring => substring(&text(0), at(1), at(2)),
        Function::SubstringAfter => {
            let whole = text(0);
            Value::Text(whole.split_once(&text(1)).map_or_else(|| whole.clone(), |(_, after)| after.to_owned()))
        }
        Function::SubstringBefore => {
            let whole = text(0);
            Value::Text(whole.split_once(&text(1)).map_or_else(|| whole.clone(), |(before, _)| before.to_owned()))
        }
        Function::ToUpperCase => Value::Text(text(0).to_uppercase()),
        Function::ToLowerCase => Value::Text(text(0).to_lowercase()),
        Function::ListContains => Value::Boolean(items(at(0)).contains(at(1))),
        Function::ListIsEmpty => Value::Boolean(items(at(0)).is_empty()),
        Function::ListSize => Value::Number(items(at(0)).len() as f64),
        Function::IsMember | Function::IsMemberOfAny => {
            Value::Boolean(arguments.iter().any(|id| scope.is_member(&id.text())))
        }
        Function::IsMemberOfName => named(&|name| name == text(0)),
        Function::IsMemberOfNameStart => named(&|name| name.starts_with(&text(0))),
        Function::IsMemberOfNamePart => named(&|name| name.contains(&text(0))),
    }
}

fn items(value: &Value) -> &[Value] {
    if let Value::List(items) = value { items } else { &[] }
}

fn substring(text: &str, from: &Value, to: &Value) -> Value {
    let (Value::Number(from), Value::Number(to)) = (from, to) else { return Value::Null };
    let (from, to) = (from.max(0.0) as usize, to.max(0.0) as usize);
    Value::Text(text.chars().skip(from).take(to.saturating_sub(from)).collect())
}
