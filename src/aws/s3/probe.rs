//! Probe of the right to write: a multipart upload is opened and aborted again. That needs the right, and leaves no object
//! and no version.

use aws_sdk_s3::config::retry::RetryConfig;

use super::client::on_object;
use super::{ObjectUri, UserS3};
use crate::aws::AwsError;
use crate::telemetry::text;

/// An upload that the probe opened and could not abort: it costs nothing while it is empty, and stays until a principal
/// with the right aborts it, or a lifecycle rule of the bucket does.
#[derive(Debug, Clone)]
pub struct LeftOpen {
    pub upload_id: String,
    pub error: AwsError,
}

impl UserS3 {
    /// Asks S3 whether the caller may write this key. An error is the answer to the opening of the upload.
    ///
    /// It must not be cancelled between the two requests; a caller that may be cancelled runs it in a task of its own.
    pub async fn probe_write(&self, object: &ObjectUri) -> Result<Option<LeftOpen>, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let opened = self
            .call(operation, |identity| {
                self.client()
                    .create_multipart_upload()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .customize()
                    // An upload whose answer was lost is not known by its id, so the request is not retried.
                    .config_override(identity.retry_config(RetryConfig::disabled()))
                    .send()
            })
            .await?;
        let Some(upload_id) = opened.upload_id else {
            return Ok(None);
        };
        match self.abort_upload(object, &upload_id).await {
            Ok(()) => Ok(None),
            // It was ended elsewhere, or by an abort whose answer was lost.
            Err(error) if error.code.as_deref() == Some("NoSuchUpload") => Ok(None),
            Err(error) => {
                let (upload, key) = (
                    text::bounded(&upload_id, text::MAX_ERROR_BYTES),
                    text::bounded(object.key.as_str(), text::MAX_ERROR_BYTES),
                );
                let error_text = text::error(&error);
                tracing::warn!(bucket = %object.bucket, key, upload_id = upload, error = error_text, "a write probe's upload stays open");
                Ok(Some(LeftOpen { upload_id, error }))
            }
        }
    }
}
