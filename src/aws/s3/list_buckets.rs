//! `ListBuckets`: needs `s3:ListAllMyBuckets`, which catalog roles usually lack.

use super::UserS3;
use super::client::on_service;
use crate::aws::AwsError;

impl UserS3 {
    /// Returns the names of the buckets that S3 lists for this caller, at most `limit`.
    pub async fn list_buckets(&self, limit: usize) -> Result<Vec<String>, AwsError> {
        let operation = on_service("s3:ListAllMyBuckets");
        let answer = self
            .call(operation, |identity| {
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
