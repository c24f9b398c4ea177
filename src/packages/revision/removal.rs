//! Entries that an update removes, by their keys.

use std::collections::HashMap;
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

/// Removals by their keys, and which of them have matched.
#[derive(Debug)]
pub(super) struct Removals<'a> {
    all: &'a [Removal],
    entries: HashMap<&'a str, bool>,
    directories: HashMap<&'a str, bool>,
}

impl<'a> Removals<'a> {
    pub(super) fn new(all: &'a [Removal]) -> Self {
        let mut removals = Self {
            all,
            entries: HashMap::new(),
            directories: HashMap::new(),
        };
        for removal in all {
            match removal {
                Removal::Entry(key) => removals.entries.insert(key.as_str(), false),
                Removal::Directory(key) => removals.directories.insert(key.as_str(), false),
            };
        }
        removals
    }

    /// Reports whether an entry is removed, and notes what has matched it.
    pub(super) fn remove(&mut self, key: &LogicalKey) -> bool {
        let key = key.as_str();
        let mut is_removed = self.remove_within_directory(key);
        if let Some(matched) = self.entries.get_mut(key) {
            *matched = true;
            is_removed = true;
        }
        is_removed
    }

    fn remove_within_directory(&mut self, key: &str) -> bool {
        let mut is_removed = false;
        if !self.directories.is_empty() {
            for (slash, _) in key.match_indices('/') {
                if let Some(matched) = key.get(..slash).and_then(|path| self.directories.get_mut(path)) {
                    *matched = true;
                    is_removed = true;
                }
            }
        }
        is_removed
    }

    /// Reports whether a directory is removed, itself or with one that contains it.
    pub(super) fn remove_directory(&mut self, path: &LogicalKey) -> bool {
        self.directories.contains_key(path.as_str()) || self.remove_within_directory(path.as_str())
    }

    /// Returns the removals that have matched nothing.
    pub(super) fn missing(&self) -> Vec<Removal> {
        let is_missing = |removal: &&Removal| match removal {
            Removal::Entry(key) => self.entries.get(key.as_str()) == Some(&false),
            Removal::Directory(key) => self.directories.get(key.as_str()) == Some(&false),
        };
        self.all.iter().filter(is_missing).cloned().collect()
    }
}
