//! A page of a package: what is in a directory, or everything below it.

use quilt_format::manifest::Span;
use quilt_format::{Entry, LogicalKey};

use super::{ManifestFile, PackageError, Rows};

/// Rows of a page, in bytes, behind which it ends: five thousand as quilt3 writes them. One row may have half as much by
/// itself.
const LONGEST: u64 = 2 * 1024 * 1024;

/// What a page lists.
#[derive(Debug, Clone)]
pub enum Listed {
    /// A file.
    File(Box<Entry>),
    /// A directory, with everything in it.
    Directory {
        /// Its path, without a slash at the end.
        path: LogicalKey,
        /// How many entries it has, on all levels.
        entries: u64,
        /// The sum of their sizes.
        total_bytes: u128,
    },
}

/// A directory of a package, or one of its files.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory; none for the package's own.
    directory: Option<LogicalKey>,
    /// Where its first entry begins.
    start: u64,
    /// Where reading has to stop at the latest.
    end: u64,
}

impl Listed {
    /// How many bytes its names have.
    #[must_use]
    pub fn names(&self) -> usize {
        match self {
            Self::File(entry) => entry.names(),
            Self::Directory { path, .. } => path.as_str().len(),
        }
    }

    /// About how many bytes of memory its metadata takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::File(entry) => entry.meta.weight(),
            Self::Directory { .. } => 0,
        }
    }
}

impl ManifestFile {
    /// Where a path is, with or without a slash at its end; `None` if the package has nothing there.
    pub async fn find(&self, path: &str) -> Result<Option<Place>, PackageError> {
        let whole = self.index.whole;
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return Ok(Some(Place {
                directory: None,
                start: whole.start,
                end: whole.end,
            }));
        }
        let key = LogicalKey::found(path.to_owned());
        if let Some(Span { start, end, .. }) = self.index.large(&key) {
            return Ok(Some(Place {
                directory: Some(key),
                start,
                end,
            }));
        }
        let mut rows = self.page(self.index.before(&key), whole.end);
        loop {
            let start = rows.offset();
            let Some(entry) = rows.next().await? else {
                return Ok(None);
            };
            if entry.logical_key >= key {
                let is_there = entry.logical_key == key || key.is_ancestor_of(&entry.logical_key);
                return Ok(is_there.then_some(Place {
                    directory: Some(key),
                    start,
                    end: whole.end,
                }));
            }
        }
    }

    /// Up to `limit` of what is at a place, fewer if their rows are long, and where the next page begins if there is more.
    /// `from` is what the page before told.
    pub async fn list(
        &self,
        place: &Place,
        recursive: bool,
        from: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<u64>), PackageError> {
        let mut walk = Walk {
            file: self,
            place,
            rows: self.page(from.unwrap_or(place.start), place.end),
            ahead: None,
            offset: from.unwrap_or(place.start),
        };
        let (mut listed, mut length) = (Vec::new(), 0);
        while listed.len() < limit && length < LONGEST {
            let Some(entry) = walk.next().await? else {
                return Ok((listed, None));
            };
            let child = if recursive { None } else { walk.child(&entry) };
            match child {
                None => {
                    length += walk.rows.offset() - walk.offset;
                    listed.push(Listed::File(Box::new(entry)));
                }
                Some(path) => listed.push(walk.directory(path, entry).await?),
            }
        }
        let next = match walk.next().await? {
            Some(entry) => {
                walk.ahead = Some(entry);
                Some(walk.offset)
            }
            None => None,
        };
        Ok((listed, next))
    }

    /// The metadata of a directory, if it has any.
    #[must_use]
    pub fn directory_meta(&self, path: &LogicalKey) -> Option<&quilt_format::json::Value> {
        self.index.directories.get(path)
    }
}

/// The way through a place.
struct Walk<'a> {
    file: &'a ManifestFile,
    place: &'a Place,
    rows: Rows,
    /// An entry that was read and belongs to what comes next.
    ahead: Option<Entry>,
    /// Where the entry begins that was read last.
    offset: u64,
}

impl Walk<'_> {
    /// The next entry of the place.
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
        let is_inside = match &self.place.directory {
            None => true,
            Some(key) => entry.logical_key == *key || key.is_ancestor_of(&entry.logical_key),
        };
        Ok(is_inside.then_some(entry))
    }

    /// The directory right below the place that an entry is in; `None` if it stands there itself.
    fn child(&self, entry: &Entry) -> Option<LogicalKey> {
        let key = entry.logical_key.as_str();
        let inside = match &self.place.directory {
            None => 0,
            Some(directory) => directory.as_str().len() + 1,
        };
        let (name, _) = key.get(inside..)?.split_once('/')?;
        Some(LogicalKey::found(key.get(..inside + name.len())?.to_owned()))
    }

    /// The directory of which `first` is the first entry. Goes behind it: past a large one without reading it.
    async fn directory(&mut self, path: LogicalKey, first: Entry) -> Result<Listed, PackageError> {
        if let Some(Span {
            end,
            entries,
            total_bytes,
            ..
        }) = self.file.index.large(&path)
        {
            self.rows = self.file.page(end, self.place.end);
            return Ok(Listed::Directory {
                path,
                entries,
                total_bytes,
            });
        }
        let (mut entries, mut total_bytes) = (1, u128::from(first.size));
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
