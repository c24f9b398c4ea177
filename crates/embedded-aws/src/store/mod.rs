//! Storage of buckets, objects, versions and multipart uploads.
//!
//! One lock protects the store. It is held for a lookup or a change, never while bytes are received, hashed or sent.
//!
//! **Does not own** authorization: requests have been authorized before they reach the store.

pub(crate) mod archive;
pub(crate) mod bucket;
pub(crate) mod checksum;
pub(crate) mod condition;
pub(crate) mod list;
pub(crate) mod multipart;
pub(crate) mod object;
pub(crate) mod payload;
pub(crate) mod versions;

use std::collections::BTreeMap;
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use s3s::S3Result;

use self::bucket::Bucket;
use super::error::no_such_bucket;

/// The buckets of the account, by name.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub buckets: BTreeMap<String, Bucket>,
}

impl Store {
    pub fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets.get(name).ok_or_else(no_such_bucket)
    }

    pub fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(no_such_bucket)
    }

    /// Returns whether requests for a bucket must offer to pay.
    pub fn is_requester_pays(&self, name: &str) -> bool {
        self.buckets.get(name).is_some_and(|bucket| bucket.requester_pays)
    }

    /// Returns the region and policy of a bucket, which the access check requires.
    pub fn region_and_policy(&self, name: &str) -> Option<(Arc<str>, Option<Arc<PolicyDocument>>)> {
        let bucket = self.buckets.get(name)?;
        let policy = bucket.policy.as_ref().map(|policy| Arc::clone(&policy.document));
        Some((Arc::clone(&bucket.region), policy))
    }
}
