//! From the objects of a plan to the entries of a package: inspected, then copied or hashed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::checksum::ObjectHash;
use quilt_format::json::Value;
use quilt_format::layout;
use quilt_format::{Entry, LogicalKey, PackageName};

use super::adaptive::AdaptiveLimit;
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
        let inspected = inspect_each(hashing, stream::iter(objects).map(Ok).boxed());
        inspected
            .inspect_ok(|_| report(done.fetch_add(1, Ordering::Relaxed) + 1))
            .try_collect()
            .await
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
        let inspected = stream::iter(inspected).map(Ok).boxed();
        let entries: Vec<Entry> = self
            .resolve_each(hashing, inspected, preference, copy_into, &copied)
            .inspect_ok(|_| report(done.fetch_add(1, Ordering::Relaxed) + 1))
            .try_collect()
            .await?;
        Ok(ResolvedEntries {
            entries,
            bytes_copied: copied.into_inner(),
        })
    }

    /// Gives each entry of a stream its checksum, in order; the bytes of copies are added to `copied`.
    pub(in crate::packages) fn resolve_each<'a>(
        &'a self,
        hashing: &'a Hashing,
        inspected: BoxStream<'a, Result<InspectedEntry, PackageError>>,
        preference: ChecksumPreference,
        copy_into: Option<&'a PackageName>,
        copied: &'a AtomicU64,
    ) -> BoxStream<'a, Result<Entry, PackageError>> {
        let resolved = inspected.map(move |inspected| async move {
            let InspectedEntry { mut entry, object } = inspected?;
            let target = copy_into.map(|name| layout::data(name, &entry.logical_key));
            let hash = match target.filter(|key| !self.is_at(&object.object, key)) {
                None => hashing.hash(&object, preference).await?,
                Some(key) => {
                    // Asked of the source, so that the entry is the same whether it is copied or not.
                    let stored = hashing.preferred(&object, preference).await;
                    let earlier = match &stored {
                        Some(stored) => self.earlier_copy(hashing, &object, stored, &key).await,
                        None => None,
                    };
                    if let (Some(copy), Some(hash)) = (earlier, stored.clone()) {
                        entry.physical_key = physical_key_of(&copy);
                        hash
                    } else {
                        let (copy, computed) = self.copy(&object, &key).await?;
                        copied.fetch_add(object.size, Ordering::Relaxed);
                        let copy = object.copied_to(copy);
                        entry.physical_key = physical_key_of(&copy.object);
                        match stored.or(computed) {
                            Some(hash) => hash,
                            None => hashing.hash(&copy, preference).await?,
                        }
                    }
                }
            };
            entry.hash = hash.to_value();
            Ok::<_, PackageError>(entry)
        });
        resolved.buffered(MAX_TRANSFERS).boxed()
    }

    /// Returns the object at the key of a copy if it has the size and the checksum of the source already.
    async fn earlier_copy(
        &self,
        hashing: &Hashing,
        source: &PinnedObject,
        stored: &ObjectHash,
        key: &str,
    ) -> Option<ObjectUri> {
        let found = hashing.inspect(&self.object(key).ok()?).await.ok()?;
        let is_same = found.size == source.size && hashing.stored(&found, stored.kind).await.as_ref() == Some(stored);
        is_same.then_some(found.object)
    }

    /// Reports whether an object lies at this key of this bucket already.
    fn is_at(&self, object: &ObjectUri, key: &str) -> bool {
        object.bucket == self.bucket && object.key.as_str() == key
    }
}

/// Inspects each object of a stream, in order. The first failure ends it.
pub(in crate::packages) fn inspect_each<'a>(
    hashing: &'a Hashing,
    objects: BoxStream<'a, Result<PlannedObject, PackageError>>,
) -> BoxStream<'a, Result<InspectedEntry, PackageError>> {
    let limit = Arc::new(AdaptiveLimit::new(MAX_INSPECTIONS));
    let inspections = objects.map(move |planned| {
        let limit = limit.clone();
        async move {
            let planned = planned?;
            let object = limit.run(|| hashing.inspect(&planned.object)).await?;
            let entry = Entry {
                logical_key: planned.logical_key,
                physical_key: physical_key_of(&object.object),
                size: object.size,
                hash: Value::Null,
                meta: planned.meta,
            };
            Ok(InspectedEntry { entry, object })
        }
    });
    inspections.buffered(MAX_INSPECTIONS).boxed()
}
