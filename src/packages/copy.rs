//! Copies of a revision: what another package takes over from it, entry by entry.
//!
//! Logical keys, checksums and metadata stay as they are, so that a copy with the same header has the same top hash. Objects
//! are pinned anew: an entry without a version gets the one that its object has now.

use futures::{StreamExt as _, stream};
use quilt_format::json::Object;
use quilt_format::manifest::Directory;
use quilt_format::{Entry, Header, LogicalKey, PackageName};

use super::estimate::{ManifestAccess, estimate_planned_bytes, estimate_revision_bytes};
use super::manifest::{ManifestFile, Rows};
use super::objects::{KnownContent, MAX_INSPECTIONS, MAX_TRANSFERS, PlannedObject};
use super::physical_key::object_of;
use super::revision::{PlannedObjects, SourceParts};
use super::{PackageBucket, PackageError};
use crate::aws::s3::BucketName;

/// Largest manifest of a copy that is made with all entries in memory.
const MAX_BYTES_IN_MEMORY: u64 = 8 * 1024 * 1024;
/// Memory of an entry for which that of any large revision suffices.
const USUAL_ENTRY_BYTES: usize = 4096;
/// Entries of a large revision that are in memory at once.
const MAX_ENTRIES_AHEAD: usize = MAX_INSPECTIONS + MAX_TRANSFERS;

/// A revision that is copied.
#[derive(Debug)]
pub struct SourceRevision {
    packages: PackageBucket,
    file: ManifestFile,
    scan_bytes: usize,
}

impl PackageBucket {
    /// Opens a revision that is to be copied; `wanted` names it.
    pub async fn open_source(&self, name: &PackageName, wanted: &str) -> Result<SourceRevision, PackageError> {
        let hash = self.resolve(name, wanted).await?;
        let scan_bytes = self.estimate_manifest_bytes(&hash, ManifestAccess::Scan).await;
        self.memory.reserve(scan_bytes).await?;
        let file = self.open(&hash).await?;
        Ok(SourceRevision {
            packages: self.clone(),
            file,
            scan_bytes,
        })
    }

    /// Reports whether the bucket's workflow configuration names a bucket as one to which packages are promoted; `None` if there
    /// is no configuration.
    pub async fn names_successor(&self, bucket: &BucketName) -> Result<Option<bool>, PackageError> {
        let Some((config, _)) = self.workflows().await? else {
            return Ok(None);
        };
        let is_named = config.successors.iter().any(|(url, _)| {
            let place = url.strip_prefix("s3://").unwrap_or(url);
            place.split('/').next() == Some(bucket.as_str())
        });
        Ok(Some(is_named))
    }
}

impl SourceRevision {
    /// Returns the message of the revision, if it has one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.file.index.header.message()
    }

    /// Reports whether a revision of at most `max_entries` is to be copied with all of its entries in memory.
    #[must_use]
    pub fn is_small(&self, max_entries: usize) -> bool {
        let whole = self.file.index.whole;
        whole.entries <= max_entries as u64 && whole.end <= MAX_BYTES_IN_MEMORY
    }

    /// Returns what the copy keeps beside the entries, with another message and other metadata where they are given.
    #[must_use]
    pub fn parts(&self, message: Option<&str>, metadata: Option<Object>) -> SourceParts {
        let mut fields = self.file.index.header.fields.clone();
        if let Some(metadata) = metadata {
            fields.set("user_meta", metadata.into());
        }
        if let Some(message) = message {
            fields.set("message", message.into());
        }
        let directories = self.file.index.directories.iter();
        let directories = directories.map(|(path, meta)| Directory {
            path: path.clone(),
            meta: meta.clone(),
        });
        SourceParts {
            header: Header { fields },
            directories: directories.collect(),
            bytes: self.estimate_parts_bytes(),
        }
    }

    /// Returns the objects of all entries, in memory. With `is_copied` they are to be copied, so that their logical keys become
    /// keys of objects.
    pub async fn objects(&self, is_copied: bool) -> Result<Vec<PlannedObject>, PackageError> {
        let bytes = self.scan_bytes + self.estimate_parts_bytes();
        let bytes = bytes.saturating_add(estimate_revision_bytes(&self.file, true));
        self.packages.memory.reserve(bytes).await?;
        let mut rows = self.file.all();
        let mut objects = Vec::new();
        while let Some(entry) = rows.next().await? {
            objects.push(planned(entry, is_copied)?);
        }
        Ok(objects)
    }

    /// Returns the objects of all entries as they are read. The memory of a large revision has to be reserved before the first.
    #[must_use]
    pub fn stream(&self, is_copied: bool) -> PlannedObjects {
        let ahead = Ahead {
            rows: self.file.all(),
            packages: self.packages.clone(),
            entry_bytes: USUAL_ENTRY_BYTES,
        };
        stream::try_unfold(ahead, move |mut ahead| async move {
            let next = ahead.next(is_copied).await?;
            Ok(next.map(|planned| (planned, ahead)))
        })
        .boxed()
    }

    fn estimate_parts_bytes(&self) -> usize {
        self.file.index.estimate_bytes().saturating_mul(2)
    }
}

/// Entries of a source that are read while those before them are inspected and copied.
struct Ahead {
    rows: Rows,
    packages: PackageBucket,
    /// Memory that is reserved for each of the entries that are in memory at once.
    entry_bytes: usize,
}

impl Ahead {
    async fn next(&mut self, is_copied: bool) -> Result<Option<PlannedObject>, PackageError> {
        let Some(entry) = self.rows.next().await? else {
            return Ok(None);
        };
        let planned = planned(entry, is_copied)?;
        let bytes = estimate_planned_bytes(&planned);
        if bytes > self.entry_bytes {
            let larger = bytes.next_power_of_two();
            let more = MAX_ENTRIES_AHEAD * (larger - self.entry_bytes);
            self.packages.memory.reserve_more(more).await?;
            self.entry_bytes = larger;
        }
        Ok(Some(planned))
    }
}

/// Plans the object of an entry.
fn planned(entry: Entry, is_copied: bool) -> Result<PlannedObject, PackageError> {
    let Entry {
        logical_key,
        physical_key,
        size,
        hash,
        meta,
    } = entry;
    let object = object_of(&physical_key)
        .map_err(|problem| PackageError::Invalid(format!("entry `{logical_key}` cannot be copied: {problem}")))?;
    if is_copied && let Err(problem) = logical_key.as_str().parse::<LogicalKey>() {
        return Err(PackageError::Invalid(format!(
            "entry `{logical_key}` can only be copied by reference, with copy=false: {problem}"
        )));
    }
    Ok(PlannedObject {
        logical_key,
        object,
        meta,
        known: Some(KnownContent { size, hash }),
    })
}
