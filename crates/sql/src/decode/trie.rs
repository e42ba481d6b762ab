//! The member paths that a scan needs.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A JSON value on the way to, or at, needed columns.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Columns that take this very value.
    pub(super) takers: Vec<Taker>,
    /// Members on the way to columns. Members of an array are named by their index.
    pub(super) children: Vec<(String, Node)>,
    /// Position after the child found last. Objects of a list repeat their member order, so the
    /// next member sought is nearly always this one.
    hint: AtomicUsize,
}

/// A column that takes a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    pub(super) slot: usize,
    /// Whether it takes only what follows the last slash.
    pub(super) url_tail: bool,
}

impl Node {
    /// Makes `slot` a taker of the value at `path`.
    pub(super) fn insert(&mut self, path: &[String], slot: usize, url_tail: bool) {
        let Some((first, rest)) = path.split_first() else {
            self.takers.push(Taker { slot, url_tail });
            return;
        };
        let index = self.children.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.children.push((first.clone(), Self::default()));
            self.children.len() - 1
        });
        self.children[index].1.insert(rest, slot, url_tail);
    }

    /// The child for a member.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let hint = self.hint.load(Ordering::Relaxed);
        if let Some((key, node)) = self.children.get(hint)
            && key == name
        {
            self.hint.store(hint + 1, Ordering::Relaxed);
            return Some(node);
        }
        let index = self.children.iter().position(|(key, _)| key == name)?;
        self.hint.store(index + 1, Ordering::Relaxed);
        Some(&self.children[index].1)
    }

    /// The child for an array's element.
    pub(super) fn element(&self, index: usize) -> Option<&Self> {
        self.children.iter().find(|(key, _)| key.parse() == Ok(index)).map(|(_, node)| node)
    }
}
