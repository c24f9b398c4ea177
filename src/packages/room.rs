//! What work on packages takes in memory, to be asked for before it begins ([`crate::memory`]).
//!
//! Measured, with a little more than was measured: see the test `memory`.

use quilt_format::TopHash;

use super::cache::Known;
use super::{ManifestFile, PackageBucket, Planned};

const MIB: usize = 1024 * 1024;

/// Of a manifest that is read from end to end: chunks on their way, what is parsed of them, what is kept.
const READING: usize = 12 * MIB;
/// Of a manifest on S3 of which some pages are read.
const PAGE: usize = 3 * MIB;
/// Connections to S3 on which objects are looked at, hashed and copied, at most and for one object.
pub const OBJECTS: usize = 6 * MIB;
const OBJECT: usize = 96 * 1024;
/// Of a file that goes into a package, beside its names and its metadata: what is planned, what was seen, its entry, its row.
const FILE: usize = 1792;
/// How often its names and its metadata stand in all that.
const NAMES: usize = 7;
const METADATA: usize = 4;

/// How often a manifest is there when its entries are in memory one by one, and as a workflow's schema sees them.
const ENTRIES: usize = 8;

/// What is to be done with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A page of it is shown, or an entry is looked for.
    Page,
    /// All of it is read.
    Scan,
}

impl PackageBucket {
    /// Memory for the use of a manifest: none if it is in memory already, most if it was never read.
    pub async fn room(&self, hash: &TopHash, for_what: Use) -> usize {
        match self.manifests.get(&self.bucket, hash).await.as_deref() {
            Some(Known { content: Some(_), .. }) => 0,
            Some(_) if for_what == Use::Page => PAGE,
            Some(_) | None => READING,
        }
    }
}

/// Memory for what becomes of a file without metadata, whose names have so many bytes.
#[must_use]
pub fn room_of_file(names: usize) -> usize {
    FILE + NAMES * names
}

/// Memory for what becomes of these files, from the look at them to their rows of a manifest.
#[must_use]
pub fn room_of_files(planned: &[Planned]) -> usize {
    let one = |planned: &Planned| {
        let Planned {
            logical_key,
            object,
            meta,
        } = planned;
        let names = logical_key.as_str().len() + object.bucket.as_str().len() + object.key.as_str().len();
        room_of_file(names) + METADATA * meta.weight()
    };
    OBJECTS.min(planned.len() * OBJECT) + planned.iter().map(one).sum::<usize>()
}

/// Memory for the manifest that comes after this one, and for the entries where a workflow judges them.
#[must_use]
pub fn room_of_revision(file: &ManifestFile, with_entries: bool) -> usize {
    let length = usize::try_from(file.index.whole.end).unwrap_or(usize::MAX);
    length.saturating_mul(if with_entries { 1 + ENTRIES } else { 1 })
}
