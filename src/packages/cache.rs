//! What is known about manifests, by their hash. Manifests do not change, so what is known stays true; but who may know it
//! is asked of S3 every time ([`super::PackageBucket::examine`]).

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use quilt_format::TopHash;
use quilt_format::manifest::Index;

use crate::s3::BucketName;

/// Memory for all manifests together, in bytes.
const MOST: u64 = 48 * 1024 * 1024;

/// A manifest that was read.
#[derive(Debug)]
pub(super) struct Known {
    pub etag: String,
    /// Of the manifest's bytes, or of their sorted form.
    pub index: Arc<Index>,
    /// The bytes themselves, if they are few or had to be sorted.
    pub content: Option<Bytes>,
    /// How much memory all this takes.
    pub weight: usize,
}

/// Manifests that were read, shared by all callers, bounded by their bytes.
#[derive(Debug, Clone)]
pub struct ManifestCache(Cache<(BucketName, TopHash), Arc<Known>>);

impl Default for ManifestCache {
    fn default() -> Self {
        let weight = |_: &(BucketName, TopHash), known: &Arc<Known>| u32::try_from(known.weight).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MOST).weigher(weight).build())
    }
}

impl ManifestCache {
    pub(super) async fn get(&self, bucket: &BucketName, hash: &TopHash) -> Option<Arc<Known>> {
        self.0.get(&(bucket.clone(), hash.clone())).await
    }

    pub(super) async fn keep(&self, bucket: &BucketName, hash: &TopHash, known: Arc<Known>) {
        self.0.insert((bucket.clone(), hash.clone()), known).await;
    }
}
