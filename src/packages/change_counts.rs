//! Counts of the differences between two revisions.

use quilt_format::diff::Change;

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
