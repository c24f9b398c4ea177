//! Objects, with their keys in the order of the text.

use std::collections::HashMap;

use super::{Text, Value};

/// Up to this many keys are compared pairwise; more go through a hash table, so that an object costs at most linear time.
const MAX_LINEAR_KEYS: usize = 16;

/// A JSON object with the order of Python's `dict`: a repeated key keeps its first position and has its last value.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(Text, Value)>);

impl Object {
    /// Creates an empty object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an object from pairs, in which the last value of a repeated key wins.
    pub(super) fn from_pairs(mut pairs: Vec<(Text, Value)>) -> Self {
        if has_duplicates(&pairs) {
            let mut positions: HashMap<Text, usize> = HashMap::with_capacity(pairs.len());
            let mut kept: Vec<(Text, Value)> = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                if let Some(slot) = positions.get(&key).and_then(|position| kept.get_mut(*position)) {
                    slot.1 = value;
                } else {
                    positions.insert(key.clone(), kept.len());
                    kept.push((key, value));
                }
            }
            pairs = kept;
        }
        Self(pairs)
    }

    /// Returns whether the object has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets the value of a key. A new key is added at the end.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key.into(), value)),
        }
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let position = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(position).1)
    }

    /// Estimates the memory of the fields in bytes.
    #[must_use]
    pub fn estimate_bytes(&self) -> usize {
        /// The key's slot beside the value, and its allocation.
        const FIELD: usize = 80;
        self.iter()
            .map(|(key, value)| FIELD + key.len() + value.estimate_bytes())
            .sum()
    }

    /// Iterates over the keys and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Iterates over the keys and values by value.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (Text, Value)> {
        self.0.into_iter()
    }

    /// Returns whether the keys are sorted by code point.
    pub(super) fn is_sorted(&self) -> bool {
        self.0.is_sorted_by(|(a, _), (b, _)| a <= b)
    }

    /// Returns the pairs, sorted by the code points of their keys.
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
    if pairs.len() <= MAX_LINEAR_KEYS {
        let mut rest = pairs;
        while let Some(((key, _), others)) = rest.split_first() {
            if others.iter().any(|(other, _)| other == key) {
                return true;
            }
            rest = others;
        }
        return false;
    }
    let mut unique = std::collections::HashSet::with_capacity(pairs.len());
    !pairs.iter().all(|(key, _)| unique.insert(key))
}
