//! What the keys of a text hold: the members of a map, and values that stand alone.

use serde_json::Value;

use super::yaml::{At, Data, Node};
use super::{TextError, expr};
use crate::model::{Address, Base, Failure, FlowId, OnError, Output, Retry, Schedule, Slot, Source, StepId, Type};

pub(super) type Read<T> = Result<T, TextError>;

/// The members of a map, taken one by one; what is left at the end is not known.
pub(crate) struct Members<'n> {
    pub(super) at: At,
    what: &'static str,
    pub(super) left: Vec<(&'n str, &'n Node)>,
    known: Vec<&'static str>,
}

impl<'n> Members<'n> {
    pub(crate) fn of(node: &'n Node, what: &'static str) -> Read<Self> {
        match &node.data {
            Data::Map(members) => {
                let left = members.iter().map(|(key, value)| (key.as_str(), value)).collect();
                Ok(Self { at: node.at, what, left, known: Vec::new() })
            }
            _ => Err(TextError::at(node.at, format!("{what} is a map of keys and values"))),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(known, _)| *known == key)
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let position = self.left.iter().position(|(known, _)| *known == key)?;
        Some(self.left.remove(position).1)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Read<Option<String>> {
        self.take(key).map(|node| text(node, key)).transpose()
    }

    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> Read<bool> {
        let Some(node) = self.take(key) else { return Ok(default) };
        let value = node.scalar().and_then(|value| value.as_bool());
        value.ok_or_else(|| TextError::at(node.at, format!("{key} is true or false")))
    }

    pub(crate) fn require(&mut self, key: &'static str) -> Read<&'n Node> {
        let (at, what) = (self.at, self.what);
        self.take(key).ok_or_else(|| TextError::at(at, format!("{what} needs {key}")))
    }

    pub(crate) fn end(mut self) -> Read<()> {
        self.known.sort_unstable();
        self.known.dedup();
        match self.left.first() {
            None => Ok(()),
            Some((key, node)) => {
                let known = self.known.join(", ");
                Err(TextError::at(node.at, format!("{} has no {key:?}; it has {known}", self.what)))
            }
        }
    }
}

pub(crate) fn text(node: &Node, what: &str) -> Read<String> {
    match &node.data {
        Data::Scalar { text, .. } => Ok(text.clone()),
        _ => Err(TextError::at(node.at, format!("{what} is text"))),
    }
}

pub(super) fn list<'n>(node: &'n Node, what: &str) -> Read<&'n [Node]> {
    match &node.data {
        Data::List(items) => Ok(items),
        Data::Scalar { plain: true, .. } if node.scalar() == Some(Value::Null) => Ok(&[]),
        Data::Map(members) if members.is_empty() => Ok(&[]),
        _ => Err(TextError::at(node.at, format!("{what} is a list"))),
    }
}

pub(crate) fn read_type(node: &Node) -> Read<Type> {
    let name = text(node, "a type")?;
    Type::named(&name).ok_or_else(|| TextError::at(node.at, not_a_type(&name)))
}

pub(super) fn not_a_type(name: &str) -> String {
    let names: Vec<_> = Base::NAMES.iter().map(|(_, name, _)| *name).collect();
    format!("{name:?} is no type: one of {}, or list-of- before one of them", names.join(", "))
}

/// A step's identifier: what references can name without quotes.
pub(super) fn identifier(name: &str, at: At) -> Read<StepId> {
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !matches!(name, "item" | "empty");
    if good {
        return Ok(StepId::new(name));
    }
    Err(TextError::at(
        at,
        format!("{name:?} cannot name a step: use lower-case letters, digits and underscores, beginning with a letter"),
    ))
}

pub(super) fn address(node: &Node) -> Read<Address> {
    let name = text(node, "a card")?;
    name.parse().map_err(|error: crate::BadAddress| TextError::at(node.at, error.to_string()))
}

pub(super) fn slot(key: &str, at: At) -> Read<(Slot, Option<bool>)> {
    expr::read_slot_key(key).map_err(|problem| TextError::at(at, problem))
}

pub(super) fn constant(value: Value) -> Source {
    match value {
        Value::Null => Source::Empty,
        Value::String(text) if text.is_empty() => Source::Empty,
        value => Source::Constant(value),
    }
}

pub(super) fn tag_type(node: &Node) -> Read<Option<Type>> {
    let Some(tag) = &node.tag else { return Ok(None) };
    Type::named(tag).map(Some).ok_or_else(|| TextError::at(node.at, not_a_type(tag)))
}

pub(super) fn parameter(slot: Slot, node: &Node) -> Read<Output> {
    if matches!(node.data, Data::Scalar { .. }) {
        return Ok(Output { slot, ty: read_type(node)?, default: Value::Null });
    }
    let mut members = Members::of(node, "a parameter")?;
    let ty = read_type(members.require("type")?)?;
    let default = members.take("default").map(Node::to_json).unwrap_or_default();
    members.end()?;
    Ok(Output { slot, ty, default })
}

pub(super) fn schedule(members: &mut Members<'_>) -> Read<Schedule> {
    let cron = members.require("cron")?;
    let fields: Vec<String> = text(cron, "cron")?.split(' ').map(str::to_owned).collect();
    let [seconds, minutes, hours, day_of_month, month, day_of_week] =
        fields.try_into().map_err(|fields: Vec<String>| {
            let problem = "cron has six fields: seconds, minutes, hours, day of the month, month, day of the week";
            TextError::at(cron.at, format!("{problem}; here are {}", fields.len()))
        })?;
    let time_zone = members.text("time_zone")?.unwrap_or_else(|| "UTC".to_owned());
    Ok(Schedule { seconds, minutes, hours, day_of_month, month, day_of_week, time_zone })
}

pub(super) fn on_error(node: Option<&Node>) -> Read<OnError> {
    let Some(node) = node else { return Ok(OnError::default()) };
    let mut members = Members::of(node, "on_error")?;
    let mut retry = None;
    if let Some(times) = members.take("retry") {
        let count = times.scalar().and_then(|value| value.as_u64()).and_then(|count| u32::try_from(count).ok());
        let count = count.ok_or_else(|| TextError::at(times.at, "retry is a number of tries"))?;
        let (delay_min, delay_max) = match members.take("delay") {
            None => (0, 0),
            Some(node) => delay(&text(node, "delay")?).ok_or_else(|| {
                TextError::at(node.at, "delay is a time such as 60000 ms, or a range such as 60000-180000 ms")
            })?,
        };
        let only = members.take("only");
        if let Some(node) = only
            && text(node, "only")? != "rate limits"
        {
            return Err(TextError::at(node.at, "only is \"rate limits\""));
        }
        retry = Some(Retry { times: count, delay_min, delay_max, rate_limits_only: only.is_some() });
    }
    let then = match members.take("then") {
        None => Failure::Stop,
        Some(node) if node.tag.as_deref() == Some("flow") => Failure::Flow(FlowId::new(text(node, "then")?)),
        Some(node) => match text(node, "then")?.as_str() {
            "stop" => Failure::Stop,
            "return" => Failure::Return,
            _ => return Err(TextError::at(node.at, "then is stop, return or !flow with the name of one")),
        },
    };
    members.end()?;
    Ok(OnError { retry, then })
}

pub(super) fn delay(text: &str) -> Option<(u64, u64)> {
    let range = text.strip_suffix("ms")?.trim();
    match range.split_once('-') {
        Some((min, max)) => Some((min.trim().parse().ok()?, max.trim().parse().ok()?)),
        None => range.parse().ok().map(|delay| (delay, delay)),
    }
}
