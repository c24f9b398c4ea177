//! `ListBuckets`: needs `s3:ListAllMyBuckets`, which catalog roles usually lack.

use super::call::Target;
use super::{S3Error, UserS3};

impl UserS3 {
    /// Names of the buckets that S3 shows this caller, at most `limit`.
    pub async fn list_buckets(&self, limit: usize) -> Result<Vec<String>, S3Error> {
        let target = Target {
            action: "s3:ListAllMyBuckets",
            bucket: None,
            key: None,
        };
        let answer = self
            .call(target, |identity| {
                self.client()
                    .list_buckets()
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let names = answer
            .buckets
            .unwrap_or_default()
            .into_iter()
            .filter_map(|bucket| bucket.name);
        Ok(names.take(limit).collect())
    }
}
