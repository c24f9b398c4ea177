//! Cache of checksums that were computed from objects' bytes, so that what a dry run has read is not read again.
//!
//! **Invariants**: a checksum is used only for the caller whose call has computed it, and only after S3 has described the
//! object to that caller anew with the same version, `ETag` and size; an object that has neither a version nor an `ETag` is
//! not remembered. A verification does not use it.

use std::time::Duration;

use moka::future::Cache;
use quilt_format::checksum::{HashKind, ObjectHash};

use crate::aws::s3::ObjectUri;
use crate::identity::Fingerprint;

/// Checksums that are remembered for all callers together: about 12 MiB.
const MAX_CHECKSUMS: u64 = 20_000;
/// How long after its computation a checksum is used.
const LIFETIME: Duration = Duration::from_hours(1);

/// What was hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct HashedContent {
    pub object: ObjectUri,
    pub etag: Option<String>,
    pub size: u64,
    pub kind: HashKind,
}

/// What was hashed, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// The caller's token; none for anonymous callers.
    caller: Option<Fingerprint>,
    content: HashedContent,
}

/// Checksums that were computed, by caller.
#[derive(Debug, Clone)]
pub struct ChecksumCache(Cache<Key, ObjectHash>);

/// The checksums of one caller.
#[derive(Debug, Clone)]
pub struct CallerChecksums {
    cache: ChecksumCache,
    caller: Option<Fingerprint>,
}

impl Default for ChecksumCache {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX_CHECKSUMS).time_to_live(LIFETIME);
        Self(cache.build())
    }
}

impl ChecksumCache {
    /// Returns the checksums of the caller with this token.
    #[must_use]
    pub fn of_caller(&self, caller: Option<Fingerprint>) -> CallerChecksums {
        CallerChecksums {
            cache: self.clone(),
            caller,
        }
    }
}

impl CallerChecksums {
    pub(super) async fn get(&self, content: &HashedContent) -> Option<ObjectHash> {
        self.cache.0.get(&self.key(content)?).await
    }

    pub(super) async fn insert(&self, content: &HashedContent, hash: &ObjectHash) {
        if let Some(key) = self.key(content) {
            self.cache.0.insert(key, hash.clone()).await;
        }
    }

    fn key(&self, content: &HashedContent) -> Option<Key> {
        let version = content.object.version_id.as_deref();
        let is_pinned = version.is_some_and(|version| version != "null") || content.etag.is_some();
        is_pinned.then(|| Key {
            caller: self.caller,
            content: content.clone(),
        })
    }
}
