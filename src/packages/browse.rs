//! Pages of a package: the files and directories of one level, or all files below it.

use quilt_format::manifest::Span;
use quilt_format::{Entry, LogicalKey};

use super::PackageError;
use super::manifest::{ManifestFile, Rows};

/// Bytes of rows after which a page ends: five thousand rows as quilt3 writes them. A single row may have half as many.
pub(super) const MAX_PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// An item of a page.
#[derive(Debug, Clone)]
pub enum Listed {
    File(Box<Entry>),
    /// A directory, with everything in it.
    Directory {
        /// Path without a slash at the end.
        path: LogicalKey,
        /// Number of its entries, on all levels.
        entries: u64,
        /// The sum of their sizes.
        total_bytes: u128,
    },
}

/// A directory of a package, or one of its files.
#[derive(Debug, Clone)]
pub struct Subtree {
    /// Path of the directory or file; none for the root.
    directory: Option<LogicalKey>,
    /// Offset of its first entry.
    pub(super) start: u64,
    /// Offset before which its last entry ends.
    pub(super) end: u64,
}

impl Subtree {
    /// Reports whether an entry is in it.
    pub(super) fn contains(&self, key: &LogicalKey) -> bool {
        let directory = self.directory.as_ref();
        directory.is_none_or(|directory| directory == key || directory.is_ancestor_of(key))
    }

    /// Returns the item directly below it that is at a key, or in which the key is; `None` of a key that is not below it.
    pub(super) fn child_of(&self, key: &str) -> Option<LogicalKey> {
        let rest = match &self.directory {
            None => key,
            Some(directory) => key.strip_prefix(directory.as_str())?.strip_prefix('/')?,
        };
        let name = rest.split('/').next()?;
        let length = key.len() - rest.len() + name.len();
        Some(LogicalKey::from_manifest(key.get(..length)?.to_owned()))
    }
}

impl Listed {
    /// Returns the bytes of its names.
    #[must_use]
    pub fn name_bytes(&self) -> usize {
        match self {
            Self::File(entry) => entry.name_bytes(),
            Self::Directory { path, .. } => path.as_str().len(),
        }
    }

    /// Estimates the memory of its metadata.
    #[must_use]
    pub fn estimate_metadata_bytes(&self) -> usize {
        match self {
            Self::File(entry) => entry.meta.estimate_bytes(),
            Self::Directory { .. } => 0,
        }
    }
}

impl ManifestFile {
    /// Finds a path, with or without a slash at its end; `None` if the package has no entry there.
    pub async fn find(&self, path: &str) -> Result<Option<Subtree>, PackageError> {
        let whole = self.index.whole;
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok(Some(Subtree {
                directory: None,
                start: whole.start,
                end: whole.end,
            }));
        }
        let key = LogicalKey::from_manifest(path.to_owned());
        if let Some(Span { start, end, .. }) = self.index.large_directory(&key) {
            return Ok(Some(Subtree {
                directory: Some(key),
                start,
                end,
            }));
        }
        let mut rows = self.page(self.index.offset_before(&key), whole.end);
        loop {
            let start = rows.offset();
            let Some(entry) = rows.next().await? else {
                return Ok(None);
            };
            if entry.logical_key >= key {
                let is_there = entry.logical_key == key || key.is_ancestor_of(&entry.logical_key);
                return Ok(is_there.then_some(Subtree {
                    directory: Some(key),
                    start,
                    end: whole.end,
                }));
            }
        }
    }

    /// Lists up to `limit` items of a subtree, fewer if their rows are long, and returns the offset of the next page if there
    /// is one. `from` is the offset that the page before returned. The page ends before the first item that `fits` refuses.
    pub async fn list(
        &self,
        subtree: &Subtree,
        recursive: bool,
        from: Option<u64>,
        limit: usize,
        mut fits: impl FnMut(&Listed) -> bool + Send,
    ) -> Result<(Vec<Listed>, Option<u64>), PackageError> {
        let mut walk = Walk {
            file: self,
            subtree,
            rows: self.page(from.unwrap_or(subtree.start), subtree.end),
            ahead: None,
            offset: from.unwrap_or(subtree.start),
        };
        let mut listed = Vec::new();
        let mut length = 0;
        while listed.len() < limit && length < MAX_PAGE_BYTES {
            let start = walk.position();
            let large = if recursive { None } else { walk.large_directory() };
            let item = match large {
                Some(directory) => directory,
                None => match walk.item(recursive).await? {
                    None => return Ok((listed, None)),
                    Some(item) => item,
                },
            };
            if !fits(&item) {
                return Ok((listed, Some(start)));
            }
            if matches!(item, Listed::File(_)) {
                length += walk.position() - start;
            }
            listed.push(item);
        }
        if walk.large_child().is_some() {
            return Ok((listed, Some(walk.rows.offset())));
        }
        let next = walk.next().await?.map(|_| walk.offset);
        Ok((listed, next))
    }

    /// Returns the metadata of a directory, if it has any.
    #[must_use]
    pub fn directory_meta(&self, path: &LogicalKey) -> Option<&quilt_format::json::Value> {
        self.index.directories.get(path)
    }
}

/// Iteration over a subtree.
struct Walk<'a> {
    file: &'a ManifestFile,
    subtree: &'a Subtree,
    rows: Rows,
    /// An entry that was read and belongs to the next item.
    ahead: Option<Entry>,
    /// Offset of the entry that was read last.
    offset: u64,
}

impl Walk<'_> {
    /// Reads the next entry of the subtree.
    async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        let ahead = self.ahead.take();
        if ahead.is_none() {
            self.offset = self.rows.offset();
        }
        let next = if ahead.is_some() {
            ahead
        } else {
            self.rows.next().await?
        };
        let Some(entry) = next else { return Ok(None) };
        Ok(self.subtree.contains(&entry.logical_key).then_some(entry))
    }

    /// Reads the next item: an entry, or in one level the directory that it is in.
    async fn item(&mut self, recursive: bool) -> Result<Option<Listed>, PackageError> {
        let Some(entry) = self.next().await? else {
            return Ok(None);
        };
        let child = if recursive { None } else { self.child(&entry) };
        Ok(Some(match child {
            None => Listed::File(Box::new(entry)),
            Some(path) => self.directory(path, entry).await?,
        }))
    }

    /// Returns the offset of the next entry.
    fn position(&self) -> u64 {
        if self.ahead.is_some() {
            self.offset
        } else {
            self.rows.offset()
        }
    }

    /// Returns the large child directory that begins at the next row, which has not been read.
    fn large_child(&self) -> Option<(&LogicalKey, Span)> {
        if self.ahead.is_some() {
            return None;
        }
        let parent = self.subtree.directory.as_ref();
        self.file.index.large_child_at(parent, self.rows.offset())
    }

    /// Returns the large child directory that begins at the next row, and moves behind it. None of its rows is read.
    fn large_directory(&mut self) -> Option<Listed> {
        let (path, span) = self.large_child()?;
        let path = path.clone();
        self.rows = self.file.page(span.end, self.subtree.end);
        Some(Listed::Directory {
            path,
            entries: span.entries,
            total_bytes: span.total_bytes,
        })
    }

    /// Returns the child directory that contains an entry; `None` if the entry is a child itself.
    fn child(&self, entry: &Entry) -> Option<LogicalKey> {
        let key = entry.logical_key.as_str();
        let prefix = match &self.subtree.directory {
            None => 0,
            Some(directory) => directory.as_str().len() + 1,
        };
        let (name, _) = key.get(prefix..)?.split_once('/')?;
        Some(LogicalKey::from_manifest(key.get(..prefix + name.len())?.to_owned()))
    }

    /// Returns the directory of which `first` is the first entry, and moves behind it; a large one is skipped unread.
    async fn directory(&mut self, path: LogicalKey, first: Entry) -> Result<Listed, PackageError> {
        if let Some(Span {
            end,
            entries,
            total_bytes,
            ..
        }) = self.file.index.large_directory(&path)
        {
            self.rows = self.file.page(end, self.subtree.end);
            return Ok(Listed::Directory {
                path,
                entries,
                total_bytes,
            });
        }
        let mut entries = 1;
        let mut total_bytes = u128::from(first.size);
        loop {
            match self.next().await? {
                Some(entry) if path.is_ancestor_of(&entry.logical_key) => {
                    entries += 1;
                    total_bytes += u128::from(entry.size);
                }
                other => {
                    self.ahead = other;
                    return Ok(Listed::Directory {
                        path,
                        entries,
                        total_bytes,
                    });
                }
            }
        }
    }
}
