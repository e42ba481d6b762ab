//! Documents by the path they are served at.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// An object of the org as JSON, without `_links`.
pub(crate) type Document = Map<String, Value>;

/// Documents of one kind under one parent, in order of creation.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    items: IndexMap<String, Document>,
}

/// Part of a collection.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) items: Vec<(&'a str, &'a Document)>,
    /// Key of the last item, if more follow.
    pub(crate) next: Option<&'a str>,
}

impl Collection {
    pub(crate) fn get(&self, key: &str) -> Option<&Document> {
        self.items.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Document> {
        self.items.get_mut(key)
    }

    /// Adds a document at the end, or replaces the one that has the key.
    pub(crate) fn put(&mut self, key: &str, document: Document) {
        self.items.insert(key.to_owned(), document);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Document> {
        self.items.shift_remove(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.items.iter().map(|(key, document)| (key.as_str(), document))
    }

    /// Puts documents in the order of a key; those with equal keys stay as they are.
    pub(crate) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&Document) -> K) {
        self.items.sort_by(|_, one, _, other| key(one).cmp(&key(other)));
    }

    /// At most `limit` documents behind the key `after` that `is_wanted` lets pass.
    ///
    /// `None` if no document has that key.
    pub(crate) fn page(
        &self,
        after: Option<&str>,
        limit: usize,
        is_wanted: impl Fn(&Document) -> bool,
    ) -> Option<Page<'_>> {
        let start = match after {
            Some(after) => self.items.get_index_of(after)? + 1,
            None => 0,
        };
        let mut items: Vec<_> = self.iter().skip(start).filter(|(_, item)| is_wanted(item)).take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        Some(Page { next: items.last().filter(|_| more).map(|(key, _)| *key), items })
    }
}

/// Every document that no typed part of the store holds, by path: `/api/v1/brands/bnd…/themes` is a
/// collection, `/api/v1/org` a document of its own.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    collections: BTreeMap<String, Collection>,
    singletons: BTreeMap<String, Document>,
}

impl Resources {
    pub(crate) fn collection(&self, path: &str) -> Option<&Collection> {
        self.collections.get(path)
    }

    /// The collection at a path, which is empty until something is put there.
    pub(crate) fn collection_mut(&mut self, path: &str) -> &mut Collection {
        self.collections.entry(path.to_owned()).or_default()
    }

    pub(crate) fn singleton(&self, path: &str) -> Option<&Document> {
        self.singletons.get(path)
    }

    pub(crate) fn set_singleton(&mut self, path: &str, document: Document) {
        self.singletons.insert(path.to_owned(), document);
    }

    pub(crate) fn remove_singleton(&mut self, path: &str) -> Option<Document> {
        self.singletons.remove(path)
    }

    /// The document that has a key in the collection at a path.
    pub(crate) fn item(&self, collection: &str, key: &str) -> Option<&Document> {
        self.collection(collection)?.get(key)
    }

    /// Takes a document out with everything below it. `None` if there is none.
    pub(crate) fn remove_item(&mut self, collection: &str, key: &str) -> Option<Document> {
        let removed = self.collections.get_mut(collection)?.remove(key)?;
        self.remove_below(&format!("{collection}/{key}"));
        Some(removed)
    }

    /// Takes out what hangs on a user or group that is gone: documents that have its id for a key, such
    /// as owners of groups, and those that are about it, such as members of bindings.
    pub(crate) fn forget(&mut self, id: &str) {
        let is_about = |document: &Document| {
            let texts = ["primary", "target"].iter().filter_map(|name| document.get(*name)?.as_str());
            texts.into_iter().any(|text| text.rsplit('/').next() == Some(id))
        };
        let mut gone = Vec::new();
        for (path, collection) in &self.collections {
            let own = collection.iter().filter(|(key, document)| *key == id || is_about(document));
            gone.extend(own.map(|(key, _)| (path.clone(), key.to_owned())));
        }
        for (path, key) in gone {
            self.remove_item(&path, &key);
        }
    }

    /// Takes out everything below a path.
    pub(crate) fn remove_below(&mut self, path: &str) {
        let prefix = format!("{path}/");
        remove_prefixed(&mut self.collections, &prefix);
        remove_prefixed(&mut self.singletons, &prefix);
    }
}

fn remove_prefixed<T>(map: &mut BTreeMap<String, T>, prefix: &str) {
    let range = map.range(prefix.to_owned()..).map(|(path, _)| path);
    let gone: Vec<_> = range.take_while(|path| path.starts_with(prefix)).cloned().collect();
    for path in gone {
        map.remove(&path);
    }
}

/// Lays `changes` over a document: objects member by member, `null` takes a member's value, all else replaces.
pub(crate) fn merge(document: &mut Document, changes: &Document) {
    for (name, change) in changes {
        match (document.get_mut(name), change) {
            (Some(Value::Object(known)), Value::Object(change)) => merge(known, change),
            _ => {
                document.insert(name.clone(), change.clone());
            }
        }
    }
}

/// Fills in the members that a document lacks, objects member by member.
pub(crate) fn complete(document: &mut Document, defaults: &Document) {
    for (name, default) in defaults {
        match (document.get_mut(name), default) {
            (Some(Value::Object(known)), Value::Object(default)) => complete(known, default),
            (Some(_), _) => {}
            (None, default) => {
                document.insert(name.clone(), default.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(value: &Value) -> Document {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn pages_follow_creation_and_filters() {
        let mut collection = Collection::default();
        for key in ["c", "a", "b", "d"] {
            collection.put(key, document(&json!({ "odd": key == "a" || key == "d" })));
        }
        let keys = |page: &Page<'_>| page.items.iter().map(|(key, _)| (*key).to_owned()).collect::<Vec<_>>();
        let first = collection.page(None, 3, |_| true).unwrap();
        assert_eq!((keys(&first), first.next), (vec!["c".into(), "a".into(), "b".into()], Some("b")));
        let second = collection.page(Some("b"), 3, |_| true).unwrap();
        assert_eq!((keys(&second), second.next), (vec!["d".into()], None));
        let odd = collection.page(None, 1, |item| item["odd"] == true).unwrap();
        assert_eq!((keys(&odd), odd.next), (vec!["a".into()], Some("a")));
        assert!(collection.page(Some("z"), 1, |_| true).is_none());
    }

    #[test]
    fn what_is_below_goes_with_its_parent() {
        let mut resources = Resources::default();
        resources.collection_mut("/a").put("1", Document::new());
        resources.collection_mut("/a").put("10", Document::new());
        resources.collection_mut("/a/1/b").put("2", Document::new());
        resources.collection_mut("/a/10/b").put("2", Document::new());
        resources.set_singleton("/a/1/c", Document::new());
        resources.remove_item("/a", "1");
        assert!(resources.collection("/a/1/b").is_none() && resources.singleton("/a/1/c").is_none());
        assert!(resources.item("/a/10/b", "2").is_some());
    }

    #[test]
    fn what_hangs_on_something_goes_with_it() {
        let mut resources = Resources::default();
        for (path, key, value) in [
            ("/groups/g/owners", "u1", json!({})),
            ("/groups/g/owners", "u10", json!({})),
            ("/values", "a", json!({ "primary": "u1" })),
            ("/members", "b", json!({ "target": "http://localhost/api/v1/users/u1" })),
            ("/members", "c", json!({ "target": "http://localhost/api/v1/users/u10" })),
            ("/hooks", "d", json!({ "createdBy": "u1" })),
        ] {
            resources.collection_mut(path).put(key, document(&value));
        }
        resources.forget("u1");
        let left =
            |path: &str| resources.collection(path).unwrap().iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        assert_eq!((left("/groups/g/owners"), left("/values")), (vec!["u10".to_owned()], vec![]));
        assert_eq!((left("/members"), left("/hooks")), (vec!["c".to_owned()], vec!["d".to_owned()]));
    }

    #[test]
    fn merging_and_completing_go_into_objects() {
        let mut merged = document(&json!({ "a": { "x": 1, "y": 2 }, "b": [1] }));
        merge(&mut merged, &document(&json!({ "a": { "y": 3 }, "b": [2], "c": null })));
        assert_eq!(Value::from(merged), json!({ "a": { "x": 1, "y": 3 }, "b": [2], "c": null }));
        let mut completed = document(&json!({ "a": { "x": 1 }, "b": null }));
        complete(&mut completed, &document(&json!({ "a": { "x": 0, "y": 2 }, "b": 1, "c": 3 })));
        assert_eq!(Value::from(completed), json!({ "a": { "x": 1, "y": 2 }, "b": null, "c": 3 }));
    }
}
