//! Changes to a revision's entries, merged with its manifest in tree order. Neither manifest is parsed into memory as a
//! whole.

use std::cmp::Ordering;

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use quilt_format::manifest::Directory;
use quilt_format::{Entry, Header};

use super::removal::{Removal, Removals};
use crate::packages::manifest::{BuiltManifest, ManifestFile, ManifestSink, Rows};
use crate::packages::{Differences, PackageBucket, PackageError};

/// Differences of a new revision from the one before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub remove: Vec<Removal>,
    /// Entries in tree order. One that has the key already is replaced.
    pub add: Vec<Entry>,
}

/// The manifest that follows another by some changes.
#[derive(Debug, Clone)]
pub(super) struct AppliedChanges {
    pub manifest: BuiltManifest,
    pub differences: Differences,
    /// Removals that matched no entry.
    pub missing: Vec<Removal>,
}

/// Builds the manifest that follows `file` by these changes. Without `writes` nothing is sent to S3.
pub(super) async fn apply_changes(
    packages: &PackageBucket,
    file: &ManifestFile,
    header: &Header,
    changes: &Changes,
    writes: bool,
) -> Result<AppliedChanges, PackageError> {
    let directories = remaining_directories(file, &changes.remove);
    let mut sink = ManifestSink::new(packages, header, directories, writes)?;
    let mut merge = Merge::with_changes(file, changes);
    while let Some(merged) = merge.next().await? {
        sink.push(&merged.entry).await?;
    }
    Ok(AppliedChanges {
        manifest: sink.finish().await?,
        missing: merge.missing(),
        differences: merge.differences,
    })
}

/// Returns the metadata of directories that no removal takes away.
pub(super) fn remaining_directories<'a>(
    file: &'a ManifestFile,
    remove: &'a [Removal],
) -> impl Iterator<Item = Directory> + 'a {
    let mut removals = Removals::new(remove);
    let directories = file.index.directories.iter();
    directories
        .filter(move |(path, _)| !removals.remove_directory(path))
        .map(|(path, meta)| Directory {
            path: path.clone(),
            meta: meta.clone(),
        })
}

/// Returns all entries of the revision that follows `file` by these changes, for a workflow that checks them.
pub(super) async fn entries_after(file: &ManifestFile, changes: &Changes) -> Result<Vec<Entry>, PackageError> {
    let mut merge = Merge::with_changes(file, changes);
    let mut entries = Vec::new();
    while let Some(merged) = merge.next().await? {
        entries.push(merged.entry);
    }
    Ok(entries)
}

/// An entry of the new revision.
pub(super) struct Merged {
    pub entry: Entry,
    /// Whether it is one of the added entries, and not one of the old revision's.
    pub is_added: bool,
}

/// Merge of an old revision's entries with added ones, in tree order, which counts the differences.
pub(super) struct Merge<'a> {
    /// Entries of the old revision, if there is one that can be read.
    old: Option<Rows>,
    ahead: Option<Entry>,
    /// Whether entries of the old revision that are neither replaced nor removed stay.
    keeps_old: bool,
    /// The first entries of the new revision, which an earlier call has made.
    resumed: Option<Rows>,
    adds: BoxStream<'a, Result<Entry, PackageError>>,
    add: Option<Entry>,
    removals: Removals<'a>,
    pub differences: Differences,
}

impl<'a> Merge<'a> {
    fn with_changes(file: &ManifestFile, changes: &'a Changes) -> Self {
        let adds = stream::iter(changes.add.iter().cloned().map(Ok)).boxed();
        Self::new(Some(file.all()), true, adds).removing(&changes.remove)
    }

    /// Merges entries of a revision with added ones, which are in tree order.
    pub(super) fn new(old: Option<Rows>, keeps_old: bool, adds: BoxStream<'a, Result<Entry, PackageError>>) -> Self {
        Self {
            old,
            ahead: None,
            keeps_old,
            resumed: None,
            adds,
            add: None,
            removals: Removals::new(&[]),
            differences: Differences::default(),
        }
    }

    /// Leaves entries of the old revision out.
    pub(super) fn removing(self, remove: &'a [Removal]) -> Self {
        Self {
            removals: Removals::new(remove),
            ..self
        }
    }

    /// Begins with these entries of the new revision. All added entries must follow them.
    pub(super) fn resuming(self, resumed: Option<Rows>) -> Self {
        Self { resumed, ..self }
    }

    /// Returns the removals that have matched no entry so far.
    pub(super) fn missing(&self) -> Vec<Removal> {
        self.removals.missing()
    }

    pub(super) async fn next(&mut self) -> Result<Option<Merged>, PackageError> {
        if let Some(entry) = self.next_resumed().await? {
            return Ok(Some(Merged { entry, is_added: false }));
        }
        loop {
            self.read_old().await?;
            if self.add.is_none() {
                self.add = self.adds.next().await.transpose()?;
            }
            let order = match (&self.ahead, &self.add) {
                (Some(old), Some(add)) => old.logical_key.cmp(&add.logical_key),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Ok(None),
            };
            let old = if order == Ordering::Greater {
                None
            } else {
                self.ahead.take()
            };
            let add = if order == Ordering::Less { None } else { self.add.take() };
            let removed = old.as_ref().is_some_and(|old| self.removals.remove(&old.logical_key));
            match (old, add) {
                (Some(old), None) if self.keeps_old && !removed => {
                    return Ok(Some(Merged {
                        entry: old,
                        is_added: false,
                    }));
                }
                (Some(old), None) => self.differences.remove(&old.logical_key),
                (old, Some(entry)) => {
                    self.count(old.as_ref(), &entry);
                    return Ok(Some(Merged { entry, is_added: true }));
                }
                (None, None) => return Ok(None),
            }
        }
    }

    /// Returns the next entry that an earlier call has made, and counts what the old revision has up to it.
    async fn next_resumed(&mut self) -> Result<Option<Entry>, PackageError> {
        let Some(resumed) = &mut self.resumed else {
            return Ok(None);
        };
        let Some(entry) = resumed.next().await? else {
            self.resumed = None;
            return Ok(None);
        };
        loop {
            self.read_old().await?;
            match &self.ahead {
                Some(old) if old.logical_key < entry.logical_key => {
                    self.removals.remove(&old.logical_key);
                    self.differences.remove(&old.logical_key);
                    self.ahead = None;
                }
                Some(old) if old.logical_key == entry.logical_key => {
                    // It may have been removed and added again.
                    self.removals.remove(&old.logical_key);
                    let old = self.ahead.take();
                    self.count(old.as_ref(), &entry);
                    return Ok(Some(entry));
                }
                Some(_) | None => {
                    self.count(None, &entry);
                    return Ok(Some(entry));
                }
            }
        }
    }

    async fn read_old(&mut self) -> Result<(), PackageError> {
        if let (None, Some(old)) = (&self.ahead, &mut self.old) {
            self.ahead = old.next().await?;
            if self.ahead.is_none() {
                self.old = None;
            }
        }
        Ok(())
    }

    fn count(&mut self, old: Option<&Entry>, new: &Entry) {
        match old {
            None => self.differences.add(&new.logical_key),
            Some(old) if !old.same_content(new) => self.differences.change(&new.logical_key),
            Some(_) => {}
        }
    }
}
