//! Changes to a revision's entries, merged with its manifest in tree order. Neither manifest is parsed into memory as a
//! whole.

use std::cmp::Ordering;

use quilt_format::manifest::Directory;
use quilt_format::{Entry, Header, LogicalKey};

use super::removal::Removal;
use crate::packages::manifest::{BuiltManifest, ManifestBuilder, ManifestFile, Rows};
use crate::packages::{ChangeCounts, PackageError};

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
    pub counts: ChangeCounts,
    /// Removals that matched no entry.
    pub missing: Vec<Removal>,
}

/// Builds the manifest that follows `file` by these changes.
pub(super) async fn apply_changes(
    file: &ManifestFile,
    header: &Header,
    changes: &Changes,
) -> Result<AppliedChanges, PackageError> {
    let stays = |path: &LogicalKey| {
        !changes.remove.iter().any(|removal| match removal {
            Removal::Entry(_) => false,
            Removal::Directory(directory) => directory == path || directory.is_ancestor_of(path),
        })
    };
    let directories = file.index.directories.iter().filter(|(path, _)| stays(path));
    let directories = directories.map(|(path, meta)| Directory {
        path: path.clone(),
        meta: meta.clone(),
    });
    let mut builder = ManifestBuilder::new(header, directories)?;
    let mut merge = Merge::new(file, changes);
    while let Some(entry) = merge.next().await? {
        builder.push(&entry)?;
    }
    let missing = merge
        .remove
        .iter()
        .zip(&merge.matched)
        .filter(|(_, matched)| !**matched);
    let missing = missing.map(|(removal, _)| removal.clone()).collect();
    Ok(AppliedChanges {
        manifest: builder.finish(),
        counts: merge.counts,
        missing,
    })
}

/// Returns all entries of the revision that follows `file` by these changes, for a workflow that checks them.
pub(super) async fn entries_after(file: &ManifestFile, changes: &Changes) -> Result<Vec<Entry>, PackageError> {
    let mut merge = Merge::new(file, changes);
    let mut entries = Vec::new();
    while let Some(entry) = merge.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

/// Merge of a manifest's entries with changes, in tree order.
struct Merge<'a> {
    rows: Rows,
    ahead: Option<Entry>,
    adds: std::slice::Iter<'a, Entry>,
    add: Option<&'a Entry>,
    remove: &'a [Removal],
    /// Which removals have matched an entry.
    matched: Vec<bool>,
    counts: ChangeCounts,
}

impl<'a> Merge<'a> {
    fn new(file: &ManifestFile, changes: &'a Changes) -> Self {
        let mut adds = changes.add.iter();
        Self {
            rows: file.all(),
            ahead: None,
            add: adds.next(),
            adds,
            remove: &changes.remove,
            matched: vec![false; changes.remove.len()],
            counts: ChangeCounts::default(),
        }
    }

    async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        loop {
            if self.ahead.is_none() {
                self.ahead = self.rows.next().await?;
            }
            let order = match (&self.ahead, self.add) {
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
            let add = if order == Ordering::Less {
                None
            } else {
                std::mem::replace(&mut self.add, self.adds.next())
            };
            let removed = old.as_ref().is_some_and(|old| self.removes(&old.logical_key));
            match (old, add) {
                (Some(old), Some(add)) => {
                    self.counts.changed += u64::from(!old.same_content(add));
                    return Ok(Some(add.clone()));
                }
                (Some(_), None) if removed => self.counts.removed += 1,
                (Some(old), None) => return Ok(Some(old)),
                (None, Some(add)) => {
                    self.counts.added += 1;
                    return Ok(Some(add.clone()));
                }
                (None, None) => return Ok(None),
            }
        }
    }

    fn removes(&mut self, key: &LogicalKey) -> bool {
        let mut removed = false;
        for (removal, matched) in self.remove.iter().zip(&mut self.matched) {
            let matches = removal.matches(key);
            *matched |= matches;
            removed |= matches;
        }
        removed
    }
}
