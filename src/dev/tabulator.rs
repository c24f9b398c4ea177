//! The Tabulator tables of the development registry: for each bucket, table names with their configurations in YAML.
//!
//! **Owns** the configurations, which live as long as the backend. Does not read them: the registry's mutations validate
//! what they set, and Athena reads what a query names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Tables = BTreeMap<String, String>;

/// A handle on the Tabulator tables of all buckets. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TabulatorTables(Arc<Mutex<BTreeMap<String, Tables>>>);

impl TabulatorTables {
    /// Returns the tables of a bucket with their configurations, in the order of their names.
    #[must_use]
    pub fn tables(&self, bucket: &str) -> Vec<(String, String)> {
        let tables = self.lock().get(bucket).cloned().unwrap_or_default();
        tables.into_iter().collect()
    }

    /// Returns the buckets that have tables, in order.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Sets the configuration of a table, or deletes the table. An existing configuration is replaced without a question,
    /// as by the real registry.
    pub fn set(&self, bucket: &str, table: &str, config: Option<String>) {
        let mut buckets = self.lock();
        let tables = buckets.entry(bucket.to_owned()).or_default();
        match config {
            Some(config) => tables.insert(table.to_owned(), config),
            None => tables.remove(table),
        };
        if tables.is_empty() {
            buckets.remove(bucket);
        }
    }

    /// Renames a table. Returns `false` and changes nothing if there is no such table, or if the new name is taken.
    #[must_use]
    pub fn rename(&self, bucket: &str, table: &str, new_name: &str) -> bool {
        let mut buckets = self.lock();
        let Some(tables) = buckets.get_mut(bucket).filter(|tables| !tables.contains_key(new_name)) else {
            return false;
        };
        let Some(config) = tables.remove(table) else {
            return false;
        };
        tables.insert(new_name.to_owned(), config);
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Tables>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_renames_and_deletes() {
        let tables = TabulatorTables::default();
        tables.set("b", "t", Some("x: 1".to_owned()));
        tables.set("b", "u", Some("x: 2".to_owned()));
        assert!(!tables.rename("b", "t", "u") && !tables.rename("b", "missing", "v"));
        assert!(tables.rename("b", "t", "s"));
        assert_eq!(
            tables.tables("b"),
            [("s".to_owned(), "x: 1".to_owned()), ("u".to_owned(), "x: 2".to_owned())]
        );
        tables.set("b", "s", None);
        tables.set("b", "u", None);
        assert!(tables.buckets().is_empty());
    }
}
