//! `DeleteObject` of the latest version: in a versioned bucket it puts a delete marker on top and loses nothing.

use super::call::Target;
use super::open::quoted;
use super::{ObjectUri, S3Error, UserS3};

impl UserS3 {
    /// Deletes an object; with `if_match` only if it still has this `ETag`. A key that is not there is no error of S3
    /// unless there is a condition.
    pub async fn delete(&self, object: &ObjectUri, if_match: Option<&str>) -> Result<(), S3Error> {
        let target = Target {
            action: "s3:DeleteObject",
            bucket: Some(&object.bucket),
            key: Some(object.key.as_str()),
        };
        self.call(target, |identity| {
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
