//! Estimates of the memory that work on packages takes, reserved before the work begins ([`crate::memory`]).
//!
//! The factors were measured and rounded up; the test `memory` holds them.

use quilt_format::TopHash;

use super::PackageBucket;
use super::manifest::{CachedManifest, ManifestFile, SINK_BYTES};
use super::objects::PlannedObject;

const MIB: usize = 1024 * 1024;

/// Reading a manifest from end to end: chunks in flight, their parsed form, and what is kept.
pub(super) const SCAN_BYTES: usize = 12 * MIB;
/// Reading some pages of a manifest from S3.
const PAGE_BYTES: usize = 3 * MIB;
/// Connections to S3 on which objects are inspected, hashed and copied, at most.
pub const CONNECTIONS_BYTES: usize = 6 * MIB;
/// The connection of one object.
const CONNECTION_BYTES: usize = 96 * 1024;
/// One object of a plan, without its names and its metadata: the plan, its inspection, its entry and its row.
const OBJECT_BYTES: usize = 1792;
/// One object of a plan, without its names and its metadata.
const PLANNED_BYTES: usize = 320;
/// How often an object's names are in memory over all of these.
const NAME_COPIES: usize = 7;
/// How often an object's metadata is in memory over all of these.
const METADATA_COPIES: usize = 4;
/// How many times its size a manifest takes as entries in memory, together with their form for a workflow's schema.
const ENTRIES_FACTOR: usize = 8;

/// How much of a manifest is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestAccess {
    /// One page, or one entry.
    Page,
    /// All of it.
    Scan,
}

impl PackageBucket {
    /// Estimates the memory for reading a manifest: none if its content is cached, most if it was never read.
    pub async fn estimate_manifest_bytes(&self, hash: &TopHash, access: ManifestAccess) -> usize {
        match self.manifests.get(&self.bucket, hash).await.as_deref() {
            Some(CachedManifest { content: Some(_), .. }) => 0,
            Some(_) if access == ManifestAccess::Page => PAGE_BYTES,
            Some(_) | None => SCAN_BYTES,
        }
    }
}

/// Estimates the memory for one object without metadata, from its plan to its row, by the bytes of its names.
#[must_use]
pub fn estimate_object_bytes(name_bytes: usize) -> usize {
    OBJECT_BYTES + NAME_COPIES * name_bytes
}

/// Estimates the memory for one object of a plan alone.
#[must_use]
pub fn estimate_planned_bytes(planned: &PlannedObject) -> usize {
    let object = &planned.object;
    let name_bytes = planned.logical_key.as_str().len() + object.bucket.as_str().len() + object.key.as_str().len();
    PLANNED_BYTES + name_bytes + estimate_values_bytes(planned)
}

/// Estimates the memory of what a planned object has as JSON.
fn estimate_values_bytes(planned: &PlannedObject) -> usize {
    let hash = planned.known.as_ref().map_or(0, |known| known.hash.estimate_bytes());
    planned.meta.estimate_bytes() + hash
}

/// Estimates the memory for these objects, from their inspection to their rows of a manifest.
pub(super) fn estimate_objects_bytes(objects: &[PlannedObject]) -> usize {
    let one = |planned: &PlannedObject| {
        let object = &planned.object;
        let name_bytes = planned.logical_key.as_str().len() + object.bucket.as_str().len() + object.key.as_str().len();
        estimate_object_bytes(name_bytes) + METADATA_COPIES * estimate_values_bytes(planned)
    };
    CONNECTIONS_BYTES.min(objects.len() * CONNECTION_BYTES) + objects.iter().map(one).sum::<usize>()
}

/// Estimates the memory for the manifest that follows this one, and for its entries where a workflow checks them.
pub(super) fn estimate_revision_bytes(file: &ManifestFile, with_entries: bool) -> usize {
    let length = usize::try_from(file.index.whole.end).unwrap_or(usize::MAX);
    if with_entries {
        length.saturating_mul(1 + ENTRIES_FACTOR)
    } else {
        length.min(SINK_BYTES)
    }
}
