//! `DeleteObject` of the latest version: in a versioned bucket it puts a delete marker on top and loses nothing.

use super::client::on_object;
use super::open::quoted;
use super::{ObjectUri, UserS3};
use crate::aws::AwsError;

impl UserS3 {
    /// Deletes an object; with `if_match` only if it still has this `ETag`. S3 answers a key that does not exist
    /// with success, unless there is a condition.
    pub async fn delete(&self, object: &ObjectUri, if_match: Option<&str>) -> Result<(), AwsError> {
        let operation = on_object("s3:DeleteObject", object);
        self.call(operation, |identity| {
            self.client()
                .delete_object()
                .bucket(object.bucket.as_str())
                .key(object.key.as_str())
                .set_if_match(if_match.map(quoted))
                .customize()
                .config_override(identity)
                .send()
        })
        .await?;
        Ok(())
    }
}
