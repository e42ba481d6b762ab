//! The order of cards: a flopack stores which card follows which, and the branches of an If.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

/// Ifs that stand in each other at most: the text form takes no deeper ones.
const DEPTH_MAX: usize = 64;

/// Cards in the order in which they run.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// One card.
    Card(&'a Value),
    /// An If with its branches and the card that joins them.
    If {
        card: &'a Value,
        join: Option<&'a Value>,
        heads: [Option<&'a Value>; 2],
        then: Vec<Item<'a>>,
        otherwise: Vec<Item<'a>>,
    },
}

struct Graph<'a> {
    cards: Vec<&'a Value>,
    after: Vec<BTreeSet<usize>>,
    /// The position of each card in the order.
    rank: Vec<usize>,
}

fn uuid(card: &Value) -> &str {
    card["uuid"].as_str().unwrap_or_default()
}

fn is(card: &Value, operation: &str) -> bool {
    card["address"].as_str().is_some_and(|address| address.starts_with("root:kernel:") && address.ends_with(operation))
}

/// The cards of a body in order, without those that only take outputs apart. The first one is the
/// trigger or the start of the body. An error names a card that follows itself.
pub(super) fn order(body: &Value) -> Result<Vec<Item<'_>>, String> {
    let cards: Vec<&Value> = body["methods"].as_array().into_iter().flatten().collect();
    let position: HashMap<&str, usize> = cards.iter().enumerate().map(|(n, card)| (uuid(card), n)).collect();
    let mut after = vec![BTreeSet::new(); cards.len()];
    for edge in body["orderings"].as_object().into_iter().flat_map(|edges| edges.values()) {
        let end = |n: usize| edge[n].as_str().and_then(|uuid| position.get(uuid)).copied();
        if let (Some(from), Some(to)) = (end(0), end(1))
            && from != to
        {
            after[from].insert(to);
        }
    }
    for (n, card) in cards.iter().enumerate() {
        let heads = card["branches"].as_object().into_iter().flat_map(|heads| heads.keys());
        after[n].extend(heads.filter_map(|head| position.get(head.as_str())));
    }
    let mut graph = Graph { rank: vec![0; cards.len()], cards, after };
    let sorted = graph.sort()?;
    graph.items(&sorted, 0)
}

impl<'a> Graph<'a> {
    /// All cards in an order that respects the edges.
    fn sort(&mut self) -> Result<Vec<usize>, String> {
        let mut waiting = vec![0usize; self.cards.len()];
        for to in self.after.iter().flatten() {
            waiting[*to] += 1;
        }
        let mut ready: BTreeSet<usize> = (0..self.cards.len()).filter(|n| waiting[*n] == 0).collect();
        let mut sorted = Vec::new();
        while let Some(next) = ready.pop_first() {
            self.rank[next] = sorted.len();
            sorted.push(next);
            for to in &self.after[next] {
                waiting[*to] -= 1;
                if waiting[*to] == 0 {
                    ready.insert(*to);
                }
            }
        }
        match (0..self.cards.len()).find(|n| waiting[*n] > 0) {
            Some(n) => Err(format!("card {} follows itself", uuid(self.cards[n]))),
            None => Ok(sorted),
        }
    }

    fn reach(&self, from: usize) -> HashSet<usize> {
        let mut seen = HashSet::from([from]);
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            for to in &self.after[next] {
                if seen.insert(*to) {
                    open.push(*to);
                }
            }
        }
        seen
    }

    fn items(&self, sorted: &[usize], depth: usize) -> Result<Vec<Item<'a>>, String> {
        let mut done: HashSet<usize> = HashSet::new();
        let mut items = Vec::new();
        for &n in sorted {
            let card = self.cards[n];
            if !done.insert(n) || is(card, ":object:0.0.1:expand") {
                continue;
            }
            if !is(card, ":control:0.0.1:if") {
                items.push(Item::Card(card));
                continue;
            }
            if depth == DEPTH_MAX {
                return Err(format!("card {} stands in more than {DEPTH_MAX} Ifs", uuid(card)));
            }
            let head = |wanted: bool| {
                let heads = card["branches"].as_object().into_iter().flatten();
                let mut heads = heads.filter(|(_, side)| side.as_bool() == Some(wanted)).map(|(head, _)| head);
                let head = heads.next()?;
                self.cards.iter().position(|card| uuid(card) == head)
            };
            let heads = [head(true), head(false)];
            let reached = heads.map(|head| head.map(|head| self.reach(head)).unwrap_or_default());
            let both = reached[0].intersection(&reached[1]).filter(|n| is(self.cards[**n], ":control:0.0.1:join"));
            let join = both.copied().min_by_key(|n| self.rank[*n]);
            let behind = join.map_or_else(|| &reached[0] & &reached[1], |join| self.reach(join));
            let [then, otherwise] = [0, 1].map(|side| {
                let inside =
                    |n: &&usize| reached[side].contains(*n) && !behind.contains(*n) && Some(**n) != heads[side];
                let mut branch: Vec<usize> = sorted.iter().filter(inside).copied().collect();
                branch.sort_by_key(|n| self.rank[*n]);
                branch
            });
            done.extend(
                heads.into_iter().flatten().chain(join).chain(then.iter().copied()).chain(otherwise.iter().copied()),
            );
            items.push(Item::If {
                card,
                join: join.map(|join| self.cards[join]),
                heads: heads.map(|head| head.map(|head| self.cards[head])),
                then: self.items(&then, depth + 1)?,
                otherwise: self.items(&otherwise, depth + 1)?,
            });
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::order;

    #[test]
    fn ifs_in_ifs_have_an_end() {
        let body = |depth: usize| {
            let mut methods = Vec::new();
            let mut orderings = serde_json::Map::new();
            for n in 0..depth {
                let (own, head) = (format!("if{n}"), format!("head{n}"));
                methods.push(json!({
                    "uuid": own, "address": "root:kernel:x:control:0.0.1:if", "branches": {&head: true},
                }));
                methods.push(json!({"uuid": head, "address": "root:kernel:x:control:0.0.1:assign"}));
                orderings.insert(format!("o{n}"), json!([head, format!("if{}", n + 1)]));
            }
            json!({"methods": methods, "orderings": orderings})
        };
        assert_eq!(order(&body(64)).unwrap().len(), 1);
        let error = order(&body(500)).unwrap_err();
        assert_eq!(error, "card if64 stands in more than 64 Ifs");
    }
}
