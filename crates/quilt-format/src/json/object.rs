//! Objects, in the order in which they were written.

use std::collections::HashMap;

use super::{Text, Value};

/// Up to this many keys are compared one by one; more go through a table, so that a hostile object costs no square.
const FEW: usize = 16;

/// A JSON object with Python's `dict` order: a key stands where it was first written and has the value last written.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(Text, Value)>);

impl Object {
    /// An object without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The object of pairs in which a key may occur several times: the last wins.
    pub(super) fn from_pairs(mut pairs: Vec<(Text, Value)>) -> Self {
        if has_duplicates(&pairs) {
            let mut places: HashMap<Text, usize> = HashMap::with_capacity(pairs.len());
            let mut kept: Vec<(Text, Value)> = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                if let Some(slot) = places.get(&key).and_then(|place| kept.get_mut(*place)) {
                    slot.1 = value;
                } else {
                    places.insert(key.clone(), kept.len());
                    kept.push((key, value));
                }
            }
            pairs = kept;
        }
        Self(pairs)
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets a key, in its place if it has one, else at the end.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key.into(), value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(place).1)
    }

    /// About how many bytes of memory its fields take.
    #[must_use]
    pub fn weight(&self) -> usize {
        /// The key's place beside the value, and its allocation.
        const FIELD: usize = 80;
        self.iter().map(|(key, value)| FIELD + key.len() + value.weight()).sum()
    }

    /// The keys and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys and values in their order, taken out.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (Text, Value)> {
        self.0.into_iter()
    }

    /// Whether the keys stand in the order of code points already.
    pub(super) fn is_sorted(&self) -> bool {
        self.0.is_sorted_by(|(a, _), (b, _)| a <= b)
    }

    /// The pairs by key, in the order of code points.
    pub(super) fn sorted(&self) -> Vec<(&Text, &Value)> {
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(pairs: I) -> Self {
        Self::from_pairs(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

fn has_duplicates(pairs: &[(Text, Value)]) -> bool {
    if pairs.len() <= FEW {
        let mut rest = pairs;
        while let Some(((key, _), others)) = rest.split_first() {
            if others.iter().any(|(other, _)| other == key) {
                return true;
            }
            rest = others;
        }
        return false;
    }
    let mut seen = std::collections::HashSet::with_capacity(pairs.len());
    !pairs.iter().all(|(key, _)| seen.insert(key))
}
