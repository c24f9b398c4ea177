//! Differences between the metadata of two revisions, by the keys of the objects.

use std::collections::HashMap;

use quilt_format::json::{Object, Value};
use schemars::JsonSchema;
use serde::Serialize;

use crate::tools::ManifestJson;
use crate::tools::answer_size::MAX_METADATA_BYTES;

/// `{key: value}`, and of changed keys `{key: {from, to}}`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MetadataDiff {
    added: ManifestJson,
    removed: ManifestJson,
    changed: ManifestJson,
}

/// The differences that fit, and what is left of their budget.
struct Differences {
    left: usize,
    is_cut: bool,
}

impl MetadataDiff {
    /// Compares two values, of which only objects have keys, and returns whether any difference is not shown.
    pub(super) fn between(from: Option<&Value>, to: Option<&Value>) -> (Self, bool) {
        let empty = Object::new();
        let from = from.and_then(Value::as_object).unwrap_or(&empty);
        let to = to.and_then(Value::as_object).unwrap_or(&empty);
        let (before, after): (HashMap<_, _>, HashMap<_, _>) = (from.iter().collect(), to.iter().collect());
        let (mut added, mut removed, mut changed) = (Object::new(), Object::new(), Object::new());
        let mut budget = Differences {
            // For the names of the members.
            left: MAX_METADATA_BYTES - 64,
            is_cut: false,
        };
        for (key, to) in to.iter() {
            match before.get(key) {
                None => budget.show(&mut added, key.as_str(), to.clone()),
                Some(from) if *from != to => {
                    let mut both = Object::new();
                    both.set("from", (*from).clone());
                    both.set("to", to.clone());
                    budget.show(&mut changed, key.as_str(), both.into());
                }
                Some(_) => {}
            }
        }
        for (key, from) in from.iter().filter(|(key, _)| !after.contains_key(key)) {
            budget.show(&mut removed, key.as_str(), from.clone());
        }
        let shown = Self {
            added: ManifestJson::of(&added.into()),
            removed: ManifestJson::of(&removed.into()),
            changed: ManifestJson::of(&changed.into()),
        };
        (shown, budget.is_cut)
    }

    /// Returns whether no number is shown as a string.
    pub(super) fn is_exact(&self) -> bool {
        [&self.added, &self.removed, &self.changed]
            .into_iter()
            .all(ManifestJson::is_exact)
    }
}

impl Differences {
    /// Shows a member whole, or not at all.
    fn show(&mut self, object: &mut Object, key: Option<&str>, value: Value) {
        let length = |key: &str| ManifestJson::of(&key.into()).len() + ManifestJson::of(&value).len() + 4;
        match key.map(|key| (key, length(key))) {
            Some((key, needed)) if needed <= self.left => {
                self.left -= needed;
                object.set(key, value);
            }
            _ => self.is_cut = true,
        }
    }
}
