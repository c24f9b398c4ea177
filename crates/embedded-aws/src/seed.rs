//! Setup and inspection of buckets and objects, without HTTP, signatures or policies.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::http::{HeaderName, HeaderValue};
use s3s::S3Error;
use serde_json::Value;

use super::account::EmbeddedAws;
use super::policy::InvalidPolicy;
use super::store::bucket::{Bucket, BucketPolicy};
use super::store::checksum::{Algorithm, digest};
use super::store::condition::WriteCondition;
use super::store::object::{Attributes, Object, Tags};
use super::store::payload::Payload;
use super::store::versions::{Version, Versioning, Versions};

/// An error while setting up a bucket or an object.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Occurs when no bucket has this name.
    #[error("no such bucket: {0}")]
    NoSuchBucket(String),
    /// Occurs when the bucket has no such key.
    #[error("no such object: {0}")]
    NoSuchObject(String),
    /// Occurs when the policy is not one that AWS would accept.
    #[error(transparent)]
    InvalidPolicy(#[from] InvalidPolicy),
}

impl EmbeddedAws {
    /// Creates an empty bucket, in the account's region unless `region` is given. An existing bucket is replaced. The name
    /// is not checked here, but requests for a bucket whose name is not valid in S3 (3 to 63 characters) fail.
    pub fn create_bucket(&self, name: &str, region: Option<&str>, versioned: bool) {
        let mut bucket = Bucket::new(region.unwrap_or(&self.state.options.region), self.state.now());
        if versioned {
            bucket.versioning = Versioning::Enabled;
        }
        self.state.store().buckets.insert(name.to_owned(), bucket);
    }

    /// Sets the policy of a bucket; `None` deletes it.
    pub fn put_bucket_policy(&self, bucket: &str, policy: Option<&Value>) -> Result<(), SeedError> {
        let policy = policy
            .map(|policy| BucketPolicy::parse(policy.to_string()))
            .transpose()?;
        let mut store = self.state.store();
        store
            .bucket_mut(bucket)
            .map_err(|_| SeedError::NoSuchBucket(bucket.to_owned()))?
            .policy = policy;
        Ok(())
    }

    /// Stores an object and returns its version ID, or `None` if the bucket has never been versioned.
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

    /// Stores an object of `size` bytes that occupies no memory: its bytes are computed from their offsets when they are
    /// read ([`synthetic_bytes`](super::synthetic_bytes)). It has no checksum, and its entity tag is derived from its size.
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
        let mut store = self.state.store();
        let bucket = store.bucket_mut(bucket).map_err(missing)?;
        bucket
            .write(key, &WriteCondition::default(), now, object, Tags::from([]))
            .map_err(missing)
    }

    /// Moves the current version of a key, in storage class `INTELLIGENT_TIERING`, to an archive tier: `ARCHIVE_ACCESS` or
    /// `DEEP_ARCHIVE_ACCESS`.
    pub fn archive_object(&self, bucket: &str, key: &str, tier: &str) -> Result<(), SeedError> {
        self.change(bucket, key, |version| version.archive.tier = Some(tier.to_owned()))
    }

    /// Completes the restore of the current version of a key before the account's clock does.
    pub fn complete_restore(&self, bucket: &str, key: &str) -> Result<(), SeedError> {
        let now = self.state.now();
        self.change(bucket, key, |version| version.archive.complete(now))
    }

    /// Adds headers to the responses for the current version of a key, such as `x-amz-missing-meta`, or metadata in bytes that
    /// are not UTF-8. Values that are not valid in a header are left out.
    pub fn set_response_headers(&self, bucket: &str, key: &str, headers: &[(&str, &[u8])]) -> Result<(), SeedError> {
        let parse = |(name, value): &(&str, &[u8])| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value).ok()?))
        };
        self.change(bucket, key, |version| {
            version.headers = headers.iter().filter_map(parse).collect();
        })
    }

    /// Sets whether requests for a bucket must offer to pay.
    pub fn set_requester_pays(&self, bucket: &str, requester_pays: bool) -> Result<(), SeedError> {
        let missing = |_: S3Error| SeedError::NoSuchBucket(bucket.to_owned());
        self.state.store().bucket_mut(bucket).map_err(missing)?.requester_pays = requester_pays;
        Ok(())
    }

    fn change(&self, bucket: &str, key: &str, change: impl FnOnce(&mut Version)) -> Result<(), SeedError> {
        let missing = |_: S3Error| SeedError::NoSuchObject(format!("{bucket}/{key}"));
        let mut store = self.state.store();
        let version = store
            .bucket_mut(bucket)
            .and_then(|bucket| bucket.version_mut(key, None));
        change(version.map_err(missing)?);
        Ok(())
    }

    /// Returns whether a key exists and is not hidden by a delete marker.
    #[must_use]
    pub fn object_exists(&self, bucket: &str, key: &str) -> bool {
        let store = self.state.store();
        let versions = store.buckets.get(bucket).and_then(|bucket| bucket.objects.get(key));
        versions.and_then(Versions::live).is_some()
    }

    /// Returns the keys of a bucket in order, without those hidden by a delete marker.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let store = self.state.store();
        let objects = store.buckets.get(bucket).map(|bucket| &bucket.objects);
        let live = objects
            .into_iter()
            .flatten()
            .filter(|(_, versions)| versions.live().is_some());
        live.map(|(key, _)| key.clone()).collect()
    }

    /// Returns the content of a key, if it exists. The content of a synthetic object is computed in full.
    #[must_use]
    pub fn object_bytes(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let object = self.state.store().buckets.get(bucket)?.find(key, None).ok()?.object;
        Some(object.payload.stream().flatten().collect())
    }

    /// Returns the content of a version of a key, or of its current one, if it exists.
    #[must_use]
    pub fn object_version_bytes(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Option<Vec<u8>> {
        let found = self.state.store().buckets.get(bucket)?.find(key, version_id).ok()?;
        Some(found.object.payload.stream().flatten().collect())
    }

    /// Returns the names of the buckets, in order.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.state.store().buckets.keys().cloned().collect()
    }

    /// Returns the number of multipart uploads that are neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self, bucket: &str) -> usize {
        let store = self.state.store();
        store.buckets.get(bucket).map_or(0, |bucket| {
            bucket.uploads.values().map(std::collections::BTreeMap::len).sum()
        })
    }
}
