//! `HeadBucket`, for the region of a bucket: S3 tells it also to whom it refuses the bucket.

use super::call::Target;
use super::{BucketName, S3Error, UserS3};

impl UserS3 {
    /// The region that S3 names for a bucket; `None` where it names none, as other makes of S3 do.
    pub async fn bucket_region(&self, bucket: &BucketName) -> Result<Option<String>, S3Error> {
        let target = Target {
            action: "s3:ListBucket",
            bucket: Some(bucket),
            key: None,
        };
        let answer = self
            .call(target, |identity| {
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
            Err(S3Error {
                bucket_region: Some(region),
                ..
            }) => Ok(Some(region)),
            Err(error) => Err(error),
        }
    }
}
