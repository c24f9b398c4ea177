//! Whether S3 would take a write: an upload in parts is opened and aborted again. That needs the right to write, and
//! leaves no object and no version.

use aws_sdk_s3::config::retry::RetryConfig;

use super::call::Target;
use super::{ObjectUri, S3Error, UserS3};
use crate::telemetry::text;

/// An upload that the probe opened and could not abort: it costs nothing while it is empty, and stays until somebody who
/// may aborts it, or a lifecycle rule of the bucket does.
#[derive(Debug, Clone)]
pub struct LeftOpen {
    /// S3's id of the upload.
    pub upload_id: String,
    /// Why it could not be aborted.
    pub error: S3Error,
}

impl UserS3 {
    /// Whether S3 lets the caller write this key. An error is S3's answer to the opening of the upload.
    ///
    /// Not to be cancelled between the two requests: who might be must let it run in a task of its own.
    pub async fn probe_write(&self, object: &ObjectUri) -> Result<Option<LeftOpen>, S3Error> {
        let target = Target {
            action: "s3:PutObject",
            bucket: Some(&object.bucket),
            key: Some(object.key.as_str()),
        };
        let opened = self
            .call(target, |identity| {
                self.client()
                    .create_multipart_upload()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .customize()
                    // Of an answer that was lost nobody knows the upload, so the request is not made a second time.
                    .config_override(identity.retry_config(RetryConfig::disabled()))
                    .send()
            })
            .await?;
        let Some(upload_id) = opened.upload_id else {
            return Ok(None);
        };
        match self.abort_upload(object, &upload_id).await {
            Ok(()) => Ok(None),
            // Somebody else ended it, or an abort whose answer was lost did.
            Err(error) if error.code.as_deref() == Some("NoSuchUpload") => Ok(None),
            Err(error) => {
                let (upload, key) = (
                    text::bounded(&upload_id, text::ERROR),
                    text::bounded(object.key.as_str(), text::ERROR),
                );
                let error_text = text::error(&error);
                tracing::warn!(bucket = %object.bucket, key, upload_id = upload, error = error_text, "a write probe's upload stays open");
                Ok(Some(LeftOpen { upload_id, error }))
            }
        }
    }
}
