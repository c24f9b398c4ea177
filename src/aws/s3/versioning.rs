//! `GetBucketVersioning`.

use aws_sdk_s3::types::BucketVersioningStatus;

use super::client::on_bucket;
use super::{BucketName, UserS3};
use crate::aws::AwsError;

/// Whether a bucket keeps the versions of its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    Enabled,
    /// Older versions are kept, and new ones overwrite each other.
    Suspended,
    /// It was never enabled.
    Disabled,
}

impl Versioning {
    /// Returns the name of the state, as S3 writes those that it names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
            Self::Disabled => "Disabled",
        }
    }
}

impl UserS3 {
    /// Returns whether a bucket keeps versions.
    pub async fn versioning(&self, bucket: &BucketName) -> Result<Versioning, AwsError> {
        let operation = on_bucket("s3:GetBucketVersioning", bucket);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .get_bucket_versioning()
                    .bucket(bucket.as_str())
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        Ok(match answer.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Disabled,
        })
    }
}
