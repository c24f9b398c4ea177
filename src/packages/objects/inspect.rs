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
pub(in crate::packages) const MAX_INSPECTIONS: usize = 64;
/// Objects that are hashed or copied concurrently.
pub(in crate::packages) const MAX_TRANSFERS: usize = 16;

/// An object and its logical key in a package.
#[derive(Debug, Clone)]
pub struct PlannedObject {
    pub logical_key: LogicalKey,
    /// The object, or one version of it.
    pub object: ObjectUri,
    /// The entry's `meta`, whole.
    pub meta: Value,
    /// Size and checksum, if an entry of another revision has them. Then the object must have this size.
    pub known: Option<KnownContent>,
}

/// Size and checksum of an object as an entry of another revision states them.
#[derive(Debug, Clone)]
pub struct KnownContent {
    pub size: u64,
    /// The entry's `hash`, of any type.
    pub hash: Value,
}

/// An entry whose object was inspected.
#[derive(Debug, Clone)]
pub(in crate::packages) struct InspectedEntry {
    /// The entry, without its checksum unless it was known, and with its object's location before a copy.
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

    /// Gives every entry without a checksum its own; with `copy_into`, after its object was copied below that package's prefix.
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

    /// Gives each entry of a stream its checksum, unless it has one, in order; the bytes of copies are added to `copied`.
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
            let (object, hash) = match target.filter(|key| !self.is_at(&object.object, key)) {
                None => (object, None),
                Some(key) => {
                    let (copy, hash) = self
                        .transfer(hashing, &entry, &object, preference, &key, copied)
                        .await?;
                    entry.physical_key = physical_key_of(&copy);
                    (object.copied_to(copy), hash)
                }
            };
            if !entry.is_built() {
                let hash = match hash {
                    Some(hash) => hash,
                    None => hashing.hash(&object, preference).await?,
                };
                entry.hash = hash.to_value();
            }
            Ok::<_, PackageError>(entry)
        });
        resolved.buffered(MAX_TRANSFERS).boxed()
    }

    /// Copies an entry's object to a key of this bucket, unless the copy is there already. Returns the copy, and its checksum if
    /// S3 has it.
    async fn transfer(
        &self,
        hashing: &Hashing,
        entry: &Entry,
        object: &PinnedObject,
        preference: ChecksumPreference,
        key: &str,
        copied: &AtomicU64,
    ) -> Result<(ObjectUri, Option<ObjectHash>), PackageError> {
        // Asked of the source, so that the entry is the same whether it is copied or not.
        let stored = hashing.preferred(object, preference).await;
        // A copy of an entry from another revision can be recognized by the entry's own checksum.
        let expected = stored.clone().or_else(|| ObjectHash::read(&entry.hash).ok());
        if let Some(expected) = &expected
            && let Some(copy) = self.earlier_copy(hashing, object, expected, key).await
        {
            return Ok((copy, stored));
        }
        let (copy, computed) = self.copy(object, key).await.map_err(|error| match error {
            PackageError::S3(problem) if entry.is_built() => PackageError::SourceEntry {
                key: entry.logical_key.clone(),
                problem,
            },
            error => error,
        })?;
        copied.fetch_add(object.size, Ordering::Relaxed);
        Ok((copy, stored.or(computed)))
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
            let PlannedObject {
                logical_key,
                object,
                meta,
                known,
            } = planned?;
            let object = match limit.run(|| hashing.inspect(&object)).await {
                Err(problem) if known.is_some() => {
                    return Err(PackageError::SourceEntry {
                        key: logical_key,
                        problem: Box::new(problem),
                    });
                }
                inspected => inspected?,
            };
            if let Some(known) = known.as_ref().filter(|known| known.size != object.size) {
                return Err(PackageError::Invalid(format!(
                    "entry `{logical_key}` has {} bytes, and its object {} has {}: it was replaced after the revision was made",
                    known.size, object.object, object.size
                )));
            }
            let entry = Entry {
                logical_key,
                physical_key: physical_key_of(&object.object),
                size: object.size,
                hash: known.map_or(Value::Null, |known| known.hash),
                meta,
            };
            Ok(InspectedEntry { entry, object })
        }
    });
    inspections.buffered(MAX_INSPECTIONS).boxed()
}
