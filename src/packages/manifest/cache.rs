//! Cache of manifests by their hash. A manifest never changes, so cached content stays true; whether a caller may read it
//! is asked of S3 every time ([`crate::packages::PackageBucket::examine`]).

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use quilt_format::TopHash;
use quilt_format::manifest::Index;

use crate::aws::s3::BucketName;

/// Memory for all cached manifests together.
const MAX_CACHE_BYTES: u64 = 48 * 1024 * 1024;

/// A manifest that was read.
#[derive(Debug)]
pub(in crate::packages) struct CachedManifest {
    pub etag: String,
    /// Of the manifest's bytes, or of their sorted form.
    pub index: Arc<Index>,
    /// The bytes themselves, if they are few or had to be sorted.
    pub content: Option<Bytes>,
    /// Estimate of the memory that all this takes.
    pub estimated_bytes: usize,
}

/// Manifests that were read, shared by all callers, bounded by their bytes.
#[derive(Debug, Clone)]
pub struct ManifestCache(Cache<(BucketName, TopHash), Arc<CachedManifest>>);

impl Default for ManifestCache {
    fn default() -> Self {
        let weigher = |_: &(BucketName, TopHash), manifest: &Arc<CachedManifest>| {
            u32::try_from(manifest.estimated_bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_CACHE_BYTES).weigher(weigher).build())
    }
}

impl ManifestCache {
    pub(in crate::packages) async fn get(&self, bucket: &BucketName, hash: &TopHash) -> Option<Arc<CachedManifest>> {
        self.0.get(&(bucket.clone(), hash.clone())).await
    }

    pub(super) async fn insert(&self, bucket: &BucketName, hash: &TopHash, manifest: Arc<CachedManifest>) {
        self.0.insert((bucket.clone(), hash.clone()), manifest).await;
    }
}
