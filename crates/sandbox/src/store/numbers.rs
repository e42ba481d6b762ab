//! Sorted sets of slot numbers: 1,000,000 memberships in eight bytes each.

/// A slot number: four bytes that stand for an id of twenty.
pub(crate) trait Number: Copy + Ord {}

impl Number for super::UserNumber {}
impl Number for super::GroupNumber {}

/// A set of numbers in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct NumberSet<N>(Vec<N>);

impl<N> Default for NumberSet<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Number> NumberSet<N> {
    /// `false` if it was there already.
    pub(crate) fn insert(&mut self, number: N) -> bool {
        // Generation and most callers add in ascending order, which needs no search.
        if self.0.last().is_none_or(|last| *last < number) {
            self.0.push(number);
            return true;
        }
        let Err(position) = self.0.binary_search(&number) else { return false };
        self.0.insert(position, number);
        true
    }

    /// `false` if it was not there.
    pub(crate) fn remove(&mut self, number: N) -> bool {
        let Ok(position) = self.0.binary_search(&number) else { return false };
        self.0.remove(position);
        true
    }

    pub(crate) fn contains(&self, number: N) -> bool {
        self.0.binary_search(&number).is_ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = N> {
        self.0.iter().copied()
    }

    /// The numbers above `bound`, all if there is none.
    pub(crate) fn after(&self, bound: Option<N>) -> impl Iterator<Item = N> {
        let start = bound.map_or(0, |bound| self.0.partition_point(|number| *number <= bound));
        self.0[start..].iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
