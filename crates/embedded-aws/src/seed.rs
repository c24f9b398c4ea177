//! Setting the stage in S3 and looking behind it: buckets and objects without HTTP, signatures or policies.

use std::collections::HashMap;

use bytes::Bytes;
use s3s::S3Error;
use serde_json::Value;

use super::account::EmbeddedAws;
use super::policy::InvalidPolicy;
use super::store::bucket::{Bucket, BucketPolicy};
use super::store::checksum::{Algorithm, digest};
use super::store::condition::WriteCondition;
use super::store::object::{Attributes, Object, Tags};
use super::store::payload::Payload;
use super::store::versions::{Versioning, Versions};
use crate::state::lock;

/// Why the stage could not be set.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// No bucket of this name.
    #[error("no such bucket: {0}")]
    NoSuchBucket(String),
    /// The policy is not one AWS would accept.
    #[error(transparent)]
    InvalidPolicy(#[from] InvalidPolicy),
}

impl EmbeddedAws {
    /// Makes a bucket, in the account's region unless one is named. A bucket that exists is emptied. The name is
    /// not checked here, but a request for a bucket whose name is not valid in S3 (three to 63 characters) is refused.
    pub fn create_bucket(&self, name: &str, region: Option<&str>, versioned: bool) {
        let mut bucket = Bucket::new(region.unwrap_or(&self.state.options.region), self.state.now());
        if versioned {
            bucket.versioning = Versioning::Enabled;
        }
        lock(&self.state.store).buckets.insert(name.to_owned(), bucket);
    }

    /// Gives a bucket a policy; `None` takes it away.
    pub fn put_bucket_policy(&self, bucket: &str, policy: Option<&Value>) -> Result<(), SeedError> {
        let policy = policy
            .map(|policy| BucketPolicy::read(policy.to_string()))
            .transpose()?;
        let mut store = lock(&self.state.store);
        store
            .bucket_mut(bucket)
            .map_err(|_| SeedError::NoSuchBucket(bucket.to_owned()))?
            .policy = policy;
        Ok(())
    }

    /// Stores an object and tells its version id, if the bucket has versions.
    pub fn put_object(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        content_type: Option<&str>,
        metadata: &[(&str, &str)],
    ) -> Result<Option<String>, SeedError> {
        let metadata = metadata
            .iter()
            .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()));
        let attributes = Attributes {
            content_type: content_type.map(str::to_owned),
            metadata: metadata.collect::<HashMap<_, _>>(),
            ..Attributes::default()
        };
        self.seed(bucket, key, Payload::stored(vec![bytes.into()]), attributes)
    }

    /// Stores an object of `size` bytes that occupies no memory: each byte is computed from its offset when it is read
    /// ([`synthetic_bytes`](super::synthetic_bytes)). It has no checksum, and its entity tag is made from its size.
    pub fn put_synthetic_object(&self, bucket: &str, key: &str, size: u64) -> Result<Option<String>, SeedError> {
        self.seed(bucket, key, Payload::synthetic(size), Attributes::default())
    }

    fn seed(
        &self,
        bucket: &str,
        key: &str,
        payload: Payload,
        attributes: Attributes,
    ) -> Result<Option<String>, SeedError> {
        let digests = digest(Algorithm::Crc64Nvme, &payload);
        let object = Object {
            payload,
            etag: digests.etag(),
            checksum: digests.checksum,
            parts: vec![],
            attributes,
        };
        let now = self.state.now();
        let missing = |_: S3Error| SeedError::NoSuchBucket(bucket.to_owned());
        let mut store = lock(&self.state.store);
        let bucket = store.bucket_mut(bucket).map_err(missing)?;
        bucket
            .write(key, &WriteCondition::default(), now, object, Tags::from([]))
            .map_err(missing)
    }

    /// Whether a key is there and not hidden by a delete marker.
    #[must_use]
    pub fn object_exists(&self, bucket: &str, key: &str) -> bool {
        self.versions(bucket, key, |versions| versions.live().is_some())
    }

    /// How many versions a key has, delete markers included.
    #[must_use]
    pub fn version_count(&self, bucket: &str, key: &str) -> usize {
        self.versions(bucket, key, Versions::len)
    }

    /// The keys of a bucket that are there, in order.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let store = lock(&self.state.store);
        let objects = store.buckets.get(bucket).map(|bucket| &bucket.objects);
        let live = objects
            .into_iter()
            .flatten()
            .filter(|(_, versions)| versions.live().is_some());
        live.map(|(key, _)| key.clone()).collect()
    }

    /// The content of a key, if it is there. Do not ask for that of a large synthetic object.
    #[must_use]
    pub fn object_bytes(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let object = lock(&self.state.store)
            .buckets
            .get(bucket)?
            .find(key, None)
            .ok()?
            .object;
        Some(object.payload.stream().flatten().collect())
    }

    /// How many uploads in parts are neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self, bucket: &str) -> usize {
        let store = lock(&self.state.store);
        store.buckets.get(bucket).map_or(0, |bucket| {
            bucket.uploads.values().map(std::collections::BTreeMap::len).sum()
        })
    }

    fn versions<T: Default>(&self, bucket: &str, key: &str, read: impl FnOnce(&Versions) -> T) -> T {
        let store = lock(&self.state.store);
        store
            .buckets
            .get(bucket)
            .and_then(|bucket| bucket.objects.get(key))
            .map(read)
            .unwrap_or_default()
    }
}
