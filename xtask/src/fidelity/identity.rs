//! Which object of the sandbox stands for which object of the recorded org.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

/// The host that recordings name.
pub(super) const RECORDED_BASE: &str = "https://example.okta.com";

/// Members that tell objects of a list apart where their ids cannot.
const NATURAL_KEYS: [&str; 7] = ["kid", "key", "factorType", "name", "label", "type", "question"];

/// Recorded ids and tokens, with what the sandbox gave in their place.
#[derive(Debug, Default)]
pub(super) struct Identities {
    known: HashMap<String, String>,
    /// Names that the script itself has given, such as those of attributes of a schema.
    sent: HashSet<String>,
    /// Every text of the recorded answers to writes, and the segments of those that are URLs.
    made: HashSet<String>,
}

/// The counterpart of an element of a recorded list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counterpart<'a> {
    /// This element of the sandbox's list.
    Found(&'a Value),
    /// It should be there and is not.
    Missing,
    /// It was in the recorded org before the script began, so an empty org cannot have it.
    Foreign,
}

impl Identities {
    /// Replaces every known id in a text.
    pub(super) fn translate(&self, text: &str) -> String {
        let mut known: Vec<_> = self.known.iter().filter(|(recorded, _)| text.contains(recorded.as_str())).collect();
        known.sort_by_key(|(recorded, _)| std::cmp::Reverse(recorded.len()));
        known.iter().fold(text.to_owned(), |text, (recorded, actual)| text.replace(recorded.as_str(), actual))
    }

    /// Remembers the names in a body that is about to be sent.
    pub(super) fn note_sent(&mut self, body: &Value) {
        match body {
            Value::Object(members) => {
                self.sent.extend(members.keys().cloned());
                members.values().for_each(|value| self.note_sent(value));
            }
            Value::Array(elements) => elements.iter().for_each(|value| self.note_sent(value)),
            _ => {}
        }
    }

    /// Whether the script gave something this name.
    pub(super) fn has_sent(&self, name: &str) -> bool {
        self.sent.contains(name)
    }

    /// Remembers the texts of a recorded answer to a write.
    pub(super) fn note_made(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => members.values().for_each(|value| self.note_made(value)),
            Value::Array(elements) => elements.iter().for_each(|value| self.note_made(value)),
            Value::String(text) => self.made.extend(text.split(['/', ':', '?']).map(str::to_owned)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether an id is of something that stood in the recorded org before: nothing of the sandbox stands
    /// for it, and the script did not make it.
    pub(super) fn is_presumed(&self, id: &str) -> bool {
        !self.known.contains_key(id) && !self.made.contains(id)
    }

    /// Learns from two answers to the same request.
    pub(super) fn learn(&mut self, recorded: &Value, actual: &Value) {
        match (recorded, actual) {
            (Value::Object(recorded), Value::Object(actual)) => self.learn_members(recorded, actual),
            (Value::Array(recorded), Value::Array(actual)) => {
                for (element, counterpart) in self.counterparts(recorded, actual) {
                    if let Counterpart::Found(found) = counterpart {
                        self.learn(element, found);
                    }
                }
            }
            _ => {}
        }
    }

    /// Learns the cursor of the next page.
    pub(super) fn learn_cursor(&mut self, recorded_link: &str, actual_link: &str) {
        if let (Some(recorded), Some(actual)) = (cursor(recorded_link), cursor(actual_link)) {
            self.bind(recorded, actual);
        }
    }

    /// Pairs the elements of a recorded list with those of the sandbox's.
    pub(super) fn counterparts<'a, 'b>(
        &self,
        recorded: &'a [Value],
        actual: &'b [Value],
    ) -> Vec<(&'a Value, Counterpart<'b>)> {
        let mut free: Vec<&Value> = actual.iter().collect();
        let mut pairs: Vec<_> = recorded.iter().map(|element| (element, self.by_id(element, &mut free))).collect();
        for (element, counterpart) in pairs.iter_mut().filter(|(_, counterpart)| *counterpart == Counterpart::Foreign) {
            *counterpart = by_natural_key(element, &mut free);
        }
        for (element, counterpart) in pairs.iter_mut().filter(|(_, counterpart)| *counterpart == Counterpart::Foreign) {
            *counterpart = by_rank(element, &mut free);
        }
        // Of what is left, things of one kind stand for each other in their order; in lists of equal length
        // everything does.
        let left = pairs.iter().filter(|(_, counterpart)| *counterpart == Counterpart::Foreign).count();
        let same_length = left == free.len();
        for (element, counterpart) in pairs.iter_mut().filter(|(_, counterpart)| *counterpart == Counterpart::Foreign) {
            if let Some(found) = take(&mut free, |candidate| same_length || same_kind(element, candidate)) {
                *counterpart = Counterpart::Found(found);
            }
        }
        pairs
    }

    fn by_id<'b>(&self, element: &Value, free: &mut Vec<&'b Value>) -> Counterpart<'b> {
        let Some(id) = element["id"].as_str() else { return Counterpart::Foreign };
        let (id, is_known) = match self.known.get(id) {
            Some(known) => (known.as_str(), true),
            None => (id, false),
        };
        match take(free, |candidate| candidate["id"] == id) {
            Some(found) => Counterpart::Found(found),
            None if is_known => Counterpart::Missing,
            None => Counterpart::Foreign,
        }
    }

    fn learn_members(&mut self, recorded: &Map<String, Value>, actual: &Map<String, Value>) {
        for (name, recorded) in recorded {
            match (recorded, actual.get(name)) {
                (Value::String(recorded), Some(Value::String(actual))) if is_identifier(name) => {
                    self.bind(recorded, actual);
                }
                (Value::String(recorded), Some(Value::String(actual))) => self.learn_url(recorded, actual),
                (recorded, Some(actual)) => self.learn(recorded, actual),
                (_, None) => {}
            }
        }
    }

    /// Learns ids and tokens out of the paths of two URLs of the same form.
    fn learn_url(&mut self, recorded: &str, actual: &str) {
        let (Some(recorded), Some(actual)) = (path(recorded), path(actual)) else { return };
        let (recorded, actual): (Vec<_>, Vec<_>) = (recorded.split('/').collect(), actual.split('/').collect());
        if recorded.len() == actual.len() {
            recorded.iter().zip(actual).for_each(|(recorded, actual)| self.bind(recorded, actual));
        }
    }

    fn bind(&mut self, recorded: &str, actual: &str) {
        // Short texts would be found inside of others.
        const LENGTH_MIN: usize = 11;
        if recorded.len() >= LENGTH_MIN && recorded != actual && !actual.is_empty() {
            self.known.entry(recorded.to_owned()).or_insert_with(|| actual.to_owned());
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name == "id" || name == "kid" || name.ends_with("Id") || name.ends_with("Token")
}

fn by_natural_key<'b>(element: &Value, free: &mut Vec<&'b Value>) -> Counterpart<'b> {
    let key = |value: &Value| {
        let of_profile = ["login", "name"].iter().map(|name| value["profile"][*name].as_str());
        let own = NATURAL_KEYS.iter().map(|name| value[*name].as_str());
        of_profile.chain(own).flatten().next().map(str::to_owned)
    };
    let Some(wanted) = key(element) else { return Counterpart::Foreign };
    take(free, |candidate| key(candidate).as_ref() == Some(&wanted)).map_or(Counterpart::Foreign, Counterpart::Found)
}

/// Whether two things are of one kind as far as they say: by type, or by what a mapping is between.
fn same_kind(element: &Value, candidate: &Value) -> bool {
    let kinds = ["/type", "/principalType", "/source/name", "/target/name"];
    let mut said = kinds.iter().filter_map(|kind| Some((element.pointer(kind)?, candidate.pointer(kind)?))).peekable();
    said.peek().is_some() && said.all(|(recorded, actual)| recorded == actual)
}

/// The org's own default stands for the recorded org's own default, whatever they are called.
fn by_rank<'b>(element: &Value, free: &mut Vec<&'b Value>) -> Counterpart<'b> {
    let ranks = ["isDefault", "default"];
    let Some(rank) = ranks.into_iter().find(|rank| element[*rank] == true) else { return Counterpart::Foreign };
    take(free, |candidate| candidate[rank] == true).map_or(Counterpart::Foreign, Counterpart::Found)
}

fn take<'b>(free: &mut Vec<&'b Value>, is_wanted: impl Fn(&Value) -> bool) -> Option<&'b Value> {
    let position = free.iter().position(|candidate| is_wanted(candidate))?;
    Some(free.remove(position))
}

fn path(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split_once('/')?.1.split('?').next().unwrap_or_default())
}

/// The cursor of a `Link` header to the next page.
fn cursor(link: &str) -> Option<&str> {
    let (_, rest) = link.split_once("after=").filter(|_| link.contains("rel=\"next\""))?;
    rest.split(['&', '>']).next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_learnt_where_they_stand_and_replaced_elsewhere() {
        let mut identities = Identities::default();
        identities.learn(
            &json!({ "id": "00uAAAAAAAAAAAAAAAAA", "_links": { "type": { "href": "https://a/api/otyAAAAAAAAAAAAAAAAA" } } }),
            &json!({ "id": "00uBBBBBBBBBBBBBBBBB", "_links": { "type": { "href": "http://b/api/otyBBBBBBBBBBBBBBBBB" } } }),
        );
        assert_eq!(identities.translate("/users/00uAAAAAAAAAAAAAAAAA/x"), "/users/00uBBBBBBBBBBBBBBBBB/x");
        assert_eq!(identities.translate("otyAAAAAAAAAAAAAAAAA"), "otyBBBBBBBBBBBBBBBBB");
    }

    #[test]
    fn elements_are_paired_by_id_then_by_name_and_the_rest_is_foreign() {
        let mut identities = Identities::default();
        identities.learn(&json!({ "id": "00gAAAAAAAAAAAAAAAAA" }), &json!({ "id": "00gBBBBBBBBBBBBBBBBB" }));
        let recorded = [
            json!({ "id": "00gAAAAAAAAAAAAAAAAA", "name": "mine" }),
            json!({ "id": "00gCCCCCCCCCCCCCCCCC", "name": "Everyone" }),
            json!({ "id": "00gDDDDDDDDDDDDDDDDD", "name": "before" }),
        ];
        let actual = [json!({ "id": "00gEEEEEEEEEEEEEEEEE", "name": "Everyone" })];
        let pairs = identities.counterparts(&recorded, &actual);
        let counterparts: Vec<_> = pairs.into_iter().map(|(_, counterpart)| counterpart).collect();
        assert_eq!(counterparts, [Counterpart::Missing, Counterpart::Found(&actual[0]), Counterpart::Foreign]);
    }
}
