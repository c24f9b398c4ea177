//! From objects that are to be in a package to its entries: looked at, then hashed or copied.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::json::Value;
use quilt_format::{Entry, LogicalKey, PackageName, layout};

use super::place::physical_key_of;
use super::{Hashing, Looked, PackageBucket, PackageError, Preference};
use crate::s3::ObjectUri;

/// Objects that are looked at at once.
const LOOKS: usize = 64;
/// Objects that are hashed or copied at once.
const MOVES: usize = 16;

/// An object and its place in a package.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Where it goes.
    pub logical_key: LogicalKey,
    /// Which object, or which version of it.
    pub object: ObjectUri,
    /// The entry's `meta`, whole.
    pub meta: Value,
}

/// A planned entry whose object was looked at.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The entry as far as it is known: all but its checksum, and where its bytes will lie if they are copied.
    pub entry: Entry,
    looked: Looked,
}

/// Told how many of how many objects are done.
pub type Report<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

impl PackageBucket {
    /// Looks at every object, in the order of the plan. The first that cannot be looked at ends it.
    pub async fn look(
        &self,
        hashing: &Hashing,
        planned: Vec<Planned>,
        report: Report<'_>,
    ) -> Result<Vec<Seen>, PackageError> {
        let (total, done) = (planned.len() as u64, AtomicU64::new(0));
        let looks = stream::iter(planned).map(|planned| {
            let done = &done;
            async move {
                let looked = hashing.look(&planned.object).await?;
                report(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                let entry = Entry {
                    logical_key: planned.logical_key,
                    physical_key: physical_key_of(&looked.object),
                    size: looked.size,
                    hash: Value::Null,
                    meta: planned.meta,
                };
                Ok::<_, PackageError>(Seen { entry, looked })
            }
        });
        looks.buffered(LOOKS).try_collect().await
    }

    /// Gives every entry its checksum; with `copy_into`, after its object was copied to its place in that package. Tells the
    /// entries and how many bytes were copied.
    pub async fn finish(
        &self,
        hashing: &Hashing,
        seen: Vec<Seen>,
        preference: Preference,
        copy_into: Option<&PackageName>,
        report: Report<'_>,
    ) -> Result<(Vec<Entry>, u64), PackageError> {
        let (total, done, copied) = (seen.len() as u64, AtomicU64::new(0), AtomicU64::new(0));
        let finished = stream::iter(seen).map(|Seen { mut entry, looked }| {
            let (done, copied) = (&done, &copied);
            async move {
                let target = copy_into.map(|name| layout::data(name, &entry.logical_key));
                let elsewhere = target.filter(|key| !self.is_at(&looked.object, key));
                let hash = match elsewhere {
                    None => hashing.hash(&looked, preference).await?,
                    Some(key) => {
                        // Asked of the source, so that the entry is the same whether it is copied or not.
                        let known = hashing.preferred(&looked, preference).await;
                        let (object, told) = self.copy(&looked, &key).await?;
                        copied.fetch_add(looked.size, Ordering::Relaxed);
                        let copy = looked.copied_to(object);
                        entry.physical_key = physical_key_of(&copy.object);
                        match known.or(told) {
                            Some(hash) => hash,
                            None => hashing.hash(&copy, preference).await?,
                        }
                    }
                };
                entry.hash = hash.to_value();
                report(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                Ok::<_, PackageError>(entry)
            }
        });
        let entries: Vec<Entry> = finished.buffered(MOVES).try_collect().await?;
        Ok((entries, copied.into_inner()))
    }

    /// Whether an object lies at this key of this bucket already.
    fn is_at(&self, object: &ObjectUri, key: &str) -> bool {
        object.bucket == self.bucket && object.key.as_str() == key
    }
}
