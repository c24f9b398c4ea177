//! Handle on the packages of a bucket, as one caller.

use futures::stream::BoxStream;
use tokio_util::task::TaskTracker;

use super::PackageError;
use super::manifest::ManifestCache;
use super::objects::{CallerChecksums, Hashing, ListingMode, list_in_tree_order};
use crate::aws::AwsError;
use crate::aws::s3::{BucketName, ListedObject, ObjectUri, UserS3};
use crate::blocking::CpuPool;
use crate::clock::Clock;
use crate::memory::CallReservation;

/// The packages of a bucket, as one caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackageBucket {
    pub(super) s3: UserS3,
    pub(super) bucket: BucketName,
    pub(super) manifests: ManifestCache,
    pub(super) checksums: CallerChecksums,
    pub(super) cpu: CpuPool,
    pub(super) memory: CallReservation,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
}

/// What is remembered between calls.
#[derive(Debug, Clone)]
pub struct Caches {
    pub manifests: ManifestCache,
    /// The checksums that this caller's calls have computed.
    pub checksums: CallerChecksums,
}

impl PackageBucket {
    /// Creates the handle. `memory` is the call's reservation, `tasks` are those that a shutdown waits for.
    #[must_use]
    pub fn new(
        s3: UserS3,
        bucket: BucketName,
        caches: Caches,
        cpu: CpuPool,
        memory: CallReservation,
        clock: Clock,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            s3,
            bucket,
            manifests: caches.manifests,
            checksums: caches.checksums,
            cpu,
            memory,
            clock,
            tasks,
        }
    }

    /// Returns the name of the bucket.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.bucket
    }

    /// Lists the objects below a prefix of any bucket in the tree order of their keys, in batches. Keys up to `after` are left
    /// out.
    #[must_use]
    pub fn list_source(
        &self,
        bucket: &BucketName,
        prefix: String,
        after: Option<String>,
        mode: ListingMode,
    ) -> BoxStream<'static, Result<Vec<ListedObject>, AwsError>> {
        list_in_tree_order(&self.s3, &self.tasks, bucket, prefix, after, mode)
    }

    /// Begins the hashing of one call.
    #[must_use]
    pub fn hashing(&self) -> Hashing {
        Hashing::new(self.s3.clone(), self.checksums.clone())
    }

    /// Returns the object of a key of this bucket.
    pub(super) fn object(&self, key: &str) -> Result<ObjectUri, PackageError> {
        let key = key.parse().map_err(PackageError::Invalid)?;
        Ok(ObjectUri::latest(self.bucket.clone(), key))
    }
}
