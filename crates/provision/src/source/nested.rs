//! Groups that contain groups, by declaration: Okta's own groups are flat, and so is the SCIM of most targets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::error::Error;

/// Which groups contain which.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    inner: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// A group whose members belong to an outer one, and how it gets there.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(super) id: Box<str>,
    /// Ids, then names, from the outer group to this one.
    pub(crate) path: Vec<String>,
    /// Positions of its own members.
    pub(crate) members: Arc<[u32]>,
}

impl Part {
    /// The same with its own members, and names in place of ids.
    pub(super) fn of(self, members: &HashMap<Box<str>, Arc<[u32]>>, name: impl Fn(&str) -> String) -> Self {
        let path = self.path.iter().map(|id| name(id)).collect();
        let members = members.get(&self.id).cloned().unwrap_or_default();
        Self { path, members, ..self }
    }
}

impl Nesting {
    pub(super) fn declare(&mut self, outer: Box<str>, inner: Vec<Box<str>>) {
        self.inner.entry(outer).or_default().extend(inner);
    }

    /// Makes sure that no group contains itself.
    ///
    /// # Errors
    ///
    /// [`Error::Group`] with the circle by names.
    pub(super) fn check(&self, name: impl Fn(&str) -> String) -> Result<(), Error> {
        let mut done = std::collections::BTreeSet::new();
        for outer in self.inner.keys() {
            // Groups on the way down, each with the inner groups that are still to be visited.
            let mut way: Vec<(&str, std::slice::Iter<'_, Box<str>>)> = vec![(outer, self.inner_of(outer).iter())];
            while let Some((id, inner)) = way.last_mut() {
                let id = *id;
                match inner.next() {
                    None => {
                        done.insert(id);
                        way.pop();
                    }
                    Some(next) if done.contains(&**next) => {}
                    Some(next) => {
                        if let Some(start) = way.iter().position(|(id, _)| *id == &**next) {
                            let circle = way[start..].iter().map(|(id, _)| *id).chain([&**next]);
                            let names: Vec<String> = circle.map(&name).collect();
                            return Err(Error::Group {
                                problem: format!("groups contain each other: {}", names.join(" > ")),
                                hint: "take one of them out of [groups.nested]".to_owned(),
                            });
                        }
                        way.push((next, self.inner_of(next).iter()));
                    }
                }
            }
        }
        Ok(())
    }

    fn inner_of(&self, id: &str) -> &[Box<str>] {
        self.inner.get(id).map_or(&[], Vec::as_slice)
    }

    /// The group and all that it contains, each once, with the shortest way to it.
    pub(super) fn parts(&self, id: &str) -> Vec<Part> {
        let mut parts = vec![Part { id: id.into(), path: vec![id.to_owned()], members: Arc::default() }];
        let mut next = 0;
        while let Some(part) = parts.get(next).cloned() {
            for inner in self.inner_of(&part.id) {
                if !parts.iter().any(|known| known.id == *inner) {
                    let path = part.path.iter().cloned().chain([inner.to_string()]).collect();
                    parts.push(Part { id: inner.clone(), path, members: Arc::default() });
                }
            }
            next += 1;
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nesting(edges: &[(&str, &[&str])]) -> Nesting {
        let mut nesting = Nesting::default();
        for (outer, inner) in edges {
            nesting.declare((*outer).into(), inner.iter().map(|id| (*id).into()).collect());
        }
        nesting
    }

    #[test]
    fn every_group_below_counts_once_with_its_shortest_path() {
        let nesting = nesting(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d", "e"]), ("d", &["e"])]);
        assert!(nesting.check(str::to_owned).is_ok());
        let shown: Vec<String> = nesting.parts("a").iter().map(|part| part.path.join(">")).collect();
        assert_eq!(shown, ["a", "a>b", "a>c", "a>b>d", "a>c>e"]);
        assert_eq!(nesting.parts("x").len(), 1);
    }

    #[test]
    fn a_circle_is_named() {
        let circle = nesting(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
        let error = circle.check(str::to_uppercase).unwrap_err();
        assert_eq!(error.to_string(), "groups contain each other: B > C > B");
        assert!(nesting(&[("a", &["a"])]).check(str::to_owned).is_err());
    }

    proptest! {
        /// The check agrees with the plain definition: some group is reachable from itself.
        #[test]
        fn circles_are_found_exactly(edges in prop::collection::vec((0..6_u8, 0..6_u8), 0..12)) {
            let mut nesting = Nesting::default();
            for (outer, inner) in &edges {
                nesting.declare(outer.to_string().into(), vec![inner.to_string().into()]);
            }
            let mut reach = [[false; 6]; 6];
            for (outer, inner) in &edges {
                reach[usize::from(*outer)][usize::from(*inner)] = true;
            }
            for via in 0..6 {
                for from in 0..6 {
                    for to in 0..6 {
                        reach[from][to] |= reach[from][via] && reach[via][to];
                    }
                }
            }
            prop_assert_eq!(nesting.check(str::to_owned).is_err(), (0..6).any(|id| reach[id][id]));
        }
    }
}
