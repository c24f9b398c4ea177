//! Counts of the differences between two revisions, and the keys of the first of them.

use quilt_format::LogicalKey;
use quilt_format::diff::Change;

/// Maximum number of keys of each kind that are kept.
const MAX_KEYS: usize = 50;

/// Counts of entries that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeCounts {
    /// Only in the second.
    pub added: u64,
    /// In both, with other size, checksum or metadata.
    pub changed: u64,
    /// Only in the first.
    pub removed: u64,
}

impl ChangeCounts {
    /// Counts one more change.
    pub fn add(&mut self, change: &Change) {
        match change {
            Change::Added(_) => self.added += 1,
            Change::Removed(_) => self.removed += 1,
            Change::Changed { .. } => self.changed += 1,
        }
    }

    /// Adds the counts of further changes.
    pub fn add_all(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
    }
}

/// The differences of a new revision from the one before: their counts, and the first keys of each kind, in tree order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    pub counts: ChangeCounts,
    pub added: Vec<LogicalKey>,
    pub changed: Vec<LogicalKey>,
    pub removed: Vec<LogicalKey>,
}

impl Differences {
    /// Counts an entry that only the new revision has.
    pub fn add(&mut self, key: &LogicalKey) {
        self.counts.added += 1;
        keep(&mut self.added, key);
    }

    /// Counts an entry that both have, and that differs.
    pub fn change(&mut self, key: &LogicalKey) {
        self.counts.changed += 1;
        keep(&mut self.changed, key);
    }

    /// Counts an entry that only the old revision has.
    pub fn remove(&mut self, key: &LogicalKey) {
        self.counts.removed += 1;
        keep(&mut self.removed, key);
    }
}

fn keep(keys: &mut Vec<LogicalKey>, key: &LogicalKey) {
    if keys.len() < MAX_KEYS {
        keys.push(key.clone());
    }
}
