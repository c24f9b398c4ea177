//! The handle: a bucket and the caller who works in it.

use tokio_util::task::TaskTracker;

use super::{ManifestCache, PackageError};
use crate::blocking::CpuPool;
use crate::clock::Clock;
use crate::memory::CallMemory;
use crate::s3::{BucketName, ObjectUri, UserS3};

/// The packages of a bucket, as one caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackageBucket {
    pub(super) s3: UserS3,
    pub(super) bucket: BucketName,
    pub(super) manifests: ManifestCache,
    pub(super) cpu: CpuPool,
    pub(super) memory: CallMemory,
    pub(super) clock: Clock,
    pub(super) tasks: TaskTracker,
}

impl PackageBucket {
    /// A bucket as this caller sees it. `memory` is what the call may hold, `tasks` are those that a shutdown waits for.
    #[must_use]
    pub fn new(
        s3: UserS3,
        bucket: BucketName,
        manifests: ManifestCache,
        cpu: CpuPool,
        memory: CallMemory,
        clock: Clock,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            s3,
            bucket,
            manifests,
            cpu,
            memory,
            clock,
            tasks,
        }
    }

    /// The bucket.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.bucket
    }

    /// The object of a key of this bucket.
    pub(super) fn object(&self, key: &str) -> Result<ObjectUri, PackageError> {
        let key = key.parse().map_err(PackageError::Invalid)?;
        Ok(ObjectUri::latest(self.bucket.clone(), key))
    }
}
