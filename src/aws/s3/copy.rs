//! Copies within S3, whose content does not pass this server: `CopyObject`, and `UploadPartCopy` into an upload in parts.
//!
//! Every copy asks for SHA-256, so that S3's answer is the checksum of what was copied.

use aws_sdk_s3::types::ChecksumAlgorithm;
use quilt_format::percent;

use super::client::on_object;
use super::open::{quoted, unquoted};
use super::{ObjectUri, PutOutcome, UserS3};
use crate::aws::{AwsError, AwsErrorKind};

/// The source of a copy. The copy fails with [`AwsErrorKind::PreconditionFailed`] if its content has changed.
#[derive(Debug, Clone)]
pub struct CopySource {
    /// The object, with its version where it has one.
    pub object: ObjectUri,
    /// Its `ETag`, without its quotes.
    pub etag: Option<String>,
}

impl CopySource {
    fn header(&self) -> String {
        let ObjectUri {
            bucket,
            key,
            version_id,
        } = &self.object;
        let version = version_id
            .as_ref()
            .map(|id| format!("?versionId={}", percent::quote_plus(id)));
        format!(
            "{bucket}/{}{}",
            percent::quote(key.as_str()),
            version.unwrap_or_default()
        )
    }
}

impl UserS3 {
    /// Copies an object of at most 5 GB in one request.
    pub async fn copy(&self, source: &CopySource, object: &ObjectUri) -> Result<PutOutcome, AwsError> {
        let answer = self
            .call(on_object("s3:PutObject", object), |identity| {
                self.client()
                    .copy_object()
                    .copy_source(source.header())
                    .set_copy_source_if_match(source.etag.as_deref().map(quoted))
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let result = answer.copy_object_result;
        Ok(PutOutcome {
            version_id: answer.version_id,
            etag: result.as_ref().and_then(|result| result.e_tag.as_deref()).map(unquoted),
            sha256: result.and_then(|result| result.checksum_sha256),
        })
    }

    /// Copies the bytes `first..=last` as a part of an upload.
    pub async fn copy_part(
        &self,
        source: &CopySource,
        (first, last): (u64, u64),
        object: &ObjectUri,
        upload_id: &str,
        part_number: i32,
    ) -> Result<PutOutcome, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .upload_part_copy()
                    .copy_source(source.header())
                    .set_copy_source_if_match(source.etag.as_deref().map(quoted))
                    .copy_source_range(format!("bytes={first}-{last}"))
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .upload_id(upload_id)
                    .part_number(part_number)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let result = answer.copy_part_result.ok_or_else(|| {
            AwsError::new(AwsErrorKind::Other, operation).with_message("S3 said nothing of the part that it copied")
        })?;
        Ok(PutOutcome {
            version_id: None,
            etag: result.e_tag.as_deref().map(unquoted),
            sha256: result.checksum_sha256,
        })
    }
}
