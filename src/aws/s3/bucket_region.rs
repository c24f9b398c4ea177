//! `HeadBucket`, for the region of a bucket: S3 names it also in a refusal.

use super::client::on_bucket;
use super::{BucketName, UserS3};
use crate::aws::AwsError;

impl UserS3 {
    /// Returns the region that S3 names for a bucket; `None` where it names none, as other implementations of S3 do.
    pub async fn bucket_region(&self, bucket: &BucketName) -> Result<Option<String>, AwsError> {
        let operation = on_bucket("s3:ListBucket", bucket);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .head_bucket()
                    .bucket(bucket.as_str())
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await;
        match answer {
            Ok(answer) => Ok(answer.bucket_region),
            Err(AwsError {
                region: Some(region), ..
            }) => Ok(Some(region)),
            Err(error) => Err(error),
        }
    }
}
