//! Multipart uploads: begin, upload a part, complete, abort. Parts within S3 are copied by [`super::copy`].

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::client::on_object;
use super::open::{quoted, unquoted};
use super::{ObjectHead, ObjectUri, PutOutcome, UserS3, WriteCondition};
use crate::aws::{AwsError, AwsErrorKind};

impl UserS3 {
    /// Begins an upload whose parts and whole have SHA-256 checksums, and returns its id.
    pub async fn begin_upload(
        &self,
        object: &ObjectUri,
        content_type: Option<&str>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<String, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .create_multipart_upload()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_content_type(content_type.map(str::to_owned))
                    .set_metadata(Some(metadata.clone().into_iter().collect()).filter(|_| !metadata.is_empty()))
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

    /// Uploads a part of at least 5 MiB; only the last one may be smaller.
    pub async fn upload_part(
        &self,
        object: &ObjectUri,
        upload_id: &str,
        part_number: i32,
        body: Bytes,
    ) -> Result<PutOutcome, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .upload_part()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .upload_id(upload_id)
                    .part_number(part_number)
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .body(ByteStream::from(body.clone()))
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        Ok(PutOutcome {
            version_id: None,
            etag: answer.e_tag.as_deref().map(unquoted),
            sha256: answer.checksum_sha256,
        })
    }

    /// Makes an object of the parts, which are numbered from one, if the condition holds. The result has the composite
    /// SHA-256, if S3 returns it.
    ///
    /// A request whose response was lost is repeated, and S3 may answer `NoSuchUpload`: then the object has been
    /// made if it has the checksums of the parts, and otherwise the error is [`AwsErrorKind::Conflict`].
    pub async fn complete_upload(
        &self,
        object: &ObjectUri,
        upload_id: &str,
        parts: &[PutOutcome],
        condition: &WriteCondition,
    ) -> Result<PutOutcome, AwsError> {
        match self.complete_once(object, upload_id, parts, condition).await {
            Err(error) if error.code.as_deref() == Some("NoSuchUpload") => {
                let found = self.head(object).await.ok();
                let expected = composite_sha256(parts);
                let is_same =
                    |head: &ObjectHead| expected.is_some() && head.checksums.get("SHA256") == expected.as_ref();
                let made = found.filter(is_same).ok_or(AwsError {
                    kind: AwsErrorKind::Conflict,
                    ..error
                })?;
                Ok(PutOutcome {
                    version_id: made.version_id,
                    etag: made.etag,
                    sha256: expected,
                })
            }
            answer => answer,
        }
    }

    async fn complete_once(
        &self,
        object: &ObjectUri,
        upload_id: &str,
        parts: &[PutOutcome],
        condition: &WriteCondition,
    ) -> Result<PutOutcome, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let (is_new, matches) = condition.headers();
        let parts = parts.iter().zip(1..).map(|(part, number)| {
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.etag.as_deref().map(quoted))
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
                    .set_if_none_match(is_new.clone())
                    .set_if_match(matches.clone())
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        Ok(PutOutcome {
            version_id: answer.version_id,
            etag: answer.e_tag.as_deref().map(unquoted),
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

/// Returns the SHA-256 that S3 gives an object of these parts: the digest of their digests, and their number.
fn composite_sha256(parts: &[PutOutcome]) -> Option<String> {
    let mut composite = Sha256::new();
    for part in parts {
        composite.update(BASE64_STANDARD.decode(part.sha256.as_deref()?).ok()?);
    }
    Some(format!(
        "{}-{}",
        BASE64_STANDARD.encode(composite.finalize()),
        parts.len()
    ))
}
