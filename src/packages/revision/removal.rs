//! Entries that an update removes, by their keys.

use std::fmt;

use quilt_format::LogicalKey;

/// Entries that an update removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    Entry(LogicalKey),
    /// A directory, with everything in it.
    Directory(LogicalKey),
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(key) => write!(f, "{key}"),
            Self::Directory(key) => write!(f, "{key}/"),
        }
    }
}

impl Removal {
    pub(super) fn matches(&self, key: &LogicalKey) -> bool {
        match self {
            Self::Entry(entry) => entry == key,
            Self::Directory(directory) => directory.is_ancestor_of(key),
        }
    }
}
