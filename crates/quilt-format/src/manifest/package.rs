//! Manifests as values in memory, which can be changed and written.

use std::collections::BTreeMap;

use super::order::OrderCheck;
use super::{Directory, Entry, Header, ManifestError, ManifestReader, ManifestWriter, Row, WriteError};
use crate::json::Value;
use crate::{LogicalKey, TopHash};

/// A manifest in memory: header, metadata of directories, and entries in tree order. No key is both file and directory.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The header.
    pub header: Header,
    directories: BTreeMap<LogicalKey, Value>,
    entries: BTreeMap<LogicalKey, Entry>,
}

/// Occurs when a key cannot be added because it, or an existing key, would have to be a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the logical key `{key}` cannot be added: `{other}` is in the package, and one of them would have to be a directory"
)]
pub struct KeyConflict {
    /// The new key.
    pub key: LogicalKey,
    /// The existing key.
    pub other: LogicalKey,
}

impl Manifest {
    /// Creates a package without entries.
    #[must_use]
    pub fn new(header: Header) -> Self {
        Self {
            header,
            directories: BTreeMap::new(),
            entries: BTreeMap::new(),
        }
    }

    /// Reads a manifest, whose rows may be in any order.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut collector = ManifestCollector::new(ManifestReader::new());
        collector.push(bytes)?;
        collector.finish()
    }

    /// Iterates over the entries in tree order.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// Iterates over the directories that have metadata, parents before children.
    #[must_use]
    pub fn directories(&self) -> impl ExactSizeIterator<Item = (&LogicalKey, &Value)> {
        self.directories.iter()
    }

    /// Returns the entry with a key.
    #[must_use]
    pub fn get(&self, key: &LogicalKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Adds an entry. Replaces and returns the entry with the same key, if there is one.
    pub fn insert(&mut self, entry: Entry) -> Result<Option<Entry>, KeyConflict> {
        let key = &entry.logical_key;
        let conflict = |other: &LogicalKey| KeyConflict {
            key: key.clone(),
            other: other.clone(),
        };
        let below = |other: &&LogicalKey| key.is_ancestor_of(other);
        for (at, _) in key.as_str().match_indices('/') {
            let ancestor = LogicalKey::from_manifest(key.as_str().get(..at).unwrap_or_default().to_owned());
            if self.entries.contains_key(&ancestor) {
                return Err(conflict(&ancestor));
            }
        }
        if let Some(other) = self
            .entries
            .range(key..)
            .map(|(other, _)| other)
            .find(|other| *other != key)
            .filter(below)
        {
            return Err(conflict(other));
        }
        if let Some(other) = self.directories.range(key..).map(|(path, _)| path).next()
            && (other == key || below(&other))
        {
            return Err(conflict(other));
        }
        Ok(self.entries.insert(key.clone(), entry))
    }

    /// Removes an entry and returns it.
    pub fn remove(&mut self, key: &LogicalKey) -> Option<Entry> {
        self.entries.remove(key)
    }

    /// Removes a directory with its metadata and contents, and returns its entries.
    pub fn remove_directory(&mut self, path: &LogicalKey) -> Vec<Entry> {
        self.directories
            .retain(|directory, _| directory != path && !path.is_ancestor_of(directory));
        let keys: Vec<LogicalKey> = self
            .entries
            .range(path..)
            .map(|(key, _)| key)
            .take_while(|key| path == *key || path.is_ancestor_of(key))
            .cloned()
            .collect();
        keys.iter()
            .filter(|key| *key != path)
            .filter_map(|key| self.entries.remove(key))
            .collect()
    }

    /// Writes the manifest as quilt3 does, and returns its bytes and top hash.
    pub fn write(&self) -> Result<(Vec<u8>, TopHash), WriteError> {
        let mut writer = ManifestWriter::new(&self.header)?;
        for (path, meta) in &self.directories {
            writer.directory(&Directory {
                path: path.clone(),
                meta: meta.clone(),
            })?;
        }
        for entry in self.entries.values() {
            writer.entry(entry)?;
        }
        Ok(writer.finish())
    }

    /// Computes the top hash.
    pub fn top_hash(&self) -> Result<TopHash, ManifestError> {
        let mut hasher = super::TopHasher::new(&self.header);
        for (entry, line) in self.entries.values().zip(2..) {
            hasher.entry(entry, line)?;
        }
        Ok(hasher.finish())
    }
}

/// Reads a manifest into memory incrementally.
#[derive(Debug)]
pub struct ManifestCollector {
    reader: ManifestReader,
    header: Option<Header>,
    directories: Vec<(Directory, u64)>,
    entries: Vec<(Entry, u64)>,
}

impl ManifestCollector {
    /// Creates a collector from an unused reader, whose limits it keeps.
    #[must_use]
    pub fn new(reader: ManifestReader) -> Self {
        Self {
            reader,
            header: None,
            directories: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Adds the next bytes, in pieces of any size.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        self.reader.push(bytes);
        self.drain()
    }

    /// Sorts the entries, checks that the keys form a tree, and returns the manifest.
    pub fn finish(mut self) -> Result<Manifest, ManifestError> {
        self.reader.end();
        self.drain()?;
        let mut manifest = Manifest::new(self.header.ok_or(ManifestError::Empty)?);
        let mut order = OrderCheck::default();
        for (directory, line) in self.directories {
            order.directory(&directory.path, line)?;
            // Of several rows of a directory, quilt3 keeps the last.
            manifest.directories.insert(directory.path, directory.meta);
        }
        self.entries.sort_by(|(a, _), (b, _)| a.logical_key.cmp(&b.logical_key));
        for (entry, line) in &self.entries {
            order.entry(entry.logical_key.as_str().as_bytes(), *line)?;
        }
        manifest.entries = self
            .entries
            .into_iter()
            .map(|(entry, _)| (entry.logical_key.clone(), entry))
            .collect();
        Ok(manifest)
    }

    fn drain(&mut self) -> Result<(), ManifestError> {
        while let Some(row) = self.reader.next_row()? {
            match row {
                Row::Header(header) => self.header = Some(header),
                Row::Directory(directory) => self.directories.push((directory, self.reader.line())),
                Row::Entry(entry) => self.entries.push((entry, self.reader.line())),
            }
        }
        Ok(())
    }
}
