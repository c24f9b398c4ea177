//! From the objects of a plan to the entries of a package: inspected, then copied or hashed.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::json::Value;
use quilt_format::layout;
use quilt_format::{Entry, LogicalKey, PackageName};

use super::hashing::{ChecksumPreference, Hashing, PinnedObject};
use crate::aws::s3::ObjectUri;
use crate::packages::physical_key::physical_key_of;
use crate::packages::{PackageBucket, PackageError};

/// Objects that are inspected concurrently.
const MAX_INSPECTIONS: usize = 64;
/// Objects that are hashed or copied concurrently.
const MAX_TRANSFERS: usize = 16;

/// An object and its logical key in a package.
#[derive(Debug, Clone)]
pub struct PlannedObject {
    pub logical_key: LogicalKey,
    /// The object, or one version of it.
    pub object: ObjectUri,
    /// The entry's `meta`, whole.
    pub meta: Value,
}

/// An entry whose object was inspected.
#[derive(Debug, Clone)]
pub(in crate::packages) struct InspectedEntry {
    /// The entry without its checksum, and with its object's location before a copy.
    pub entry: Entry,
    object: PinnedObject,
}

/// Entries with their checksums.
#[derive(Debug)]
pub(in crate::packages) struct ResolvedEntries {
    pub entries: Vec<Entry>,
    pub bytes_copied: u64,
}

/// Callback that receives how many objects are done.
pub(in crate::packages) type Report<'a> = &'a (dyn Fn(u64) + Send + Sync);

impl PackageBucket {
    /// Inspects every object, in the order of the plan. The first failure ends it.
    pub(in crate::packages) async fn inspect_objects(
        &self,
        hashing: &Hashing,
        objects: Vec<PlannedObject>,
        report: Report<'_>,
    ) -> Result<Vec<InspectedEntry>, PackageError> {
        let done = AtomicU64::new(0);
        let inspections = stream::iter(objects).map(|planned| {
            let done = &done;
            async move {
                let object = hashing.inspect(&planned.object).await?;
                report(done.fetch_add(1, Ordering::Relaxed) + 1);
                let entry = Entry {
                    logical_key: planned.logical_key,
                    physical_key: physical_key_of(&object.object),
                    size: object.size,
                    hash: Value::Null,
                    meta: planned.meta,
                };
                Ok::<_, PackageError>(InspectedEntry { entry, object })
            }
        });
        inspections.buffered(MAX_INSPECTIONS).try_collect().await
    }

    /// Gives every entry its checksum; with `copy_into`, after its object was copied below that package's prefix.
    pub(in crate::packages) async fn resolve_hashes(
        &self,
        hashing: &Hashing,
        inspected: Vec<InspectedEntry>,
        preference: ChecksumPreference,
        copy_into: Option<&PackageName>,
        report: Report<'_>,
    ) -> Result<ResolvedEntries, PackageError> {
        let done = AtomicU64::new(0);
        let copied = AtomicU64::new(0);
        let resolved = stream::iter(inspected).map(|InspectedEntry { mut entry, object }| {
            let done = &done;
            let copied = &copied;
            async move {
                let target = copy_into.map(|name| layout::data(name, &entry.logical_key));
                let hash = match target.filter(|key| !self.is_at(&object.object, key)) {
                    None => hashing.hash(&object, preference).await?,
                    Some(key) => {
                        // Asked of the source, so that the entry is the same whether it is copied or not.
                        let stored = hashing.preferred(&object, preference).await;
                        let (copy, computed) = self.copy(&object, &key).await?;
                        copied.fetch_add(object.size, Ordering::Relaxed);
                        let copy = object.copied_to(copy);
                        entry.physical_key = physical_key_of(&copy.object);
                        match stored.or(computed) {
                            Some(hash) => hash,
                            None => hashing.hash(&copy, preference).await?,
                        }
                    }
                };
                entry.hash = hash.to_value();
                report(done.fetch_add(1, Ordering::Relaxed) + 1);
                Ok::<_, PackageError>(entry)
            }
        });
        let entries: Vec<Entry> = resolved.buffered(MAX_TRANSFERS).try_collect().await?;
        Ok(ResolvedEntries {
            entries,
            bytes_copied: copied.into_inner(),
        })
    }

    /// Reports whether an object lies at this key of this bucket already.
    fn is_at(&self, object: &ObjectUri, key: &str) -> bool {
        object.bucket == self.bucket && object.key.as_str() == key
    }
}
