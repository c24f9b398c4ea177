//! Multipart uploads: begin, complete, abort. The parts are copied by [`super::copy`].

use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use super::client::on_object;
use super::copy::Copied;
use super::open::{quoted, unquoted};
use super::{ObjectUri, PutOutcome, UserS3};
use crate::aws::{AwsError, AwsErrorKind};

impl UserS3 {
    /// Begins an upload whose parts and whole have SHA-256 checksums, and returns its id.
    pub async fn begin_upload(&self, object: &ObjectUri, content_type: Option<&str>) -> Result<String, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .create_multipart_upload()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_content_type(content_type.map(str::to_owned))
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        answer
            .upload_id
            .ok_or_else(|| AwsError::new(AwsErrorKind::Other, operation).with_message("S3 gave the upload no id"))
    }

    /// Makes an object of the parts, which are numbered from one. The result has the composite SHA-256, if S3 returns it.
    pub async fn complete_upload(
        &self,
        object: &ObjectUri,
        upload_id: &str,
        parts: &[Copied],
    ) -> Result<Copied, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let parts = parts.iter().zip(1..).map(|(part, number)| {
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.outcome.etag.as_deref().map(quoted))
                .set_checksum_sha256(part.sha256.clone())
                .build()
        });
        let upload = CompletedMultipartUpload::builder()
            .set_parts(Some(parts.collect()))
            .build();
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .complete_multipart_upload()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .upload_id(upload_id)
                    .multipart_upload(upload.clone())
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let outcome = PutOutcome {
            version_id: answer.version_id,
            etag: answer.e_tag.as_deref().map(unquoted),
        };
        Ok(Copied {
            outcome,
            sha256: answer.checksum_sha256,
        })
    }

    /// Aborts an upload and discards its parts.
    pub async fn abort_upload(&self, object: &ObjectUri, upload_id: &str) -> Result<(), AwsError> {
        let operation = on_object("s3:AbortMultipartUpload", object);
        self.call(operation, |identity| {
            self.client()
                .abort_multipart_upload()
                .bucket(object.bucket.as_str())
                .key(object.key.as_str())
                .upload_id(upload_id)
                .customize()
                .config_override(identity)
                .send()
        })
        .await?;
        Ok(())
    }
}
