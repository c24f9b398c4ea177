//! `PutObject` of a body that is in memory, with a SHA-256 that S3 checks and keeps: packages hash objects by it later
//! without reading them again.

use std::collections::BTreeMap;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, StorageClass};
use bytes::Bytes;

use super::client::on_object;
use super::open::{quoted, unquoted};
use super::{ObjectUri, UserS3};
use crate::aws::AwsError;

/// An object to write.
#[derive(Debug, Clone, Default)]
pub struct Put {
    pub body: Bytes,
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_encoding: Option<String>,
    pub storage_class: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Decided by S3, so that no race can overwrite.
    pub condition: WriteCondition,
    /// The SDK sends it once. A condition that a retry meets may have been broken by the first attempt, whose answer was
    /// lost; where that has to be known, there is one attempt.
    pub once: bool,
}

/// The condition under which a key is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WriteCondition {
    #[default]
    None,
    /// The key does not exist. If it does, the error is
    /// [`PreconditionFailed`](crate::aws::AwsErrorKind::PreconditionFailed).
    IsNew,
    /// The key has this `ETag`, without its quotes. If not, the error is the same.
    Matches(String),
}

impl WriteCondition {
    /// Returns the values of `If-None-Match` and `If-Match`.
    pub(super) fn headers(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::None => (None, None),
            Self::IsNew => (Some("*".to_owned()), None),
            Self::Matches(etag) => (None, Some(quoted(etag))),
        }
    }
}

/// The result of a write, a copy, or an upload of a part; a part has no version.
#[derive(Debug, Clone, Default)]
pub struct PutOutcome {
    pub version_id: Option<String>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// The base64 SHA-256 of what was written, as S3 computed it; composite for an upload in parts.
    pub sha256: Option<String>,
}

impl UserS3 {
    /// Writes an object.
    pub async fn put(&self, object: &ObjectUri, put: &Put) -> Result<PutOutcome, AwsError> {
        let operation = on_object("s3:PutObject", object);
        let answer = self
            .call(operation, |identity| {
                let identity = if put.once {
                    identity.retry_config(RetryConfig::disabled())
                } else {
                    identity
                };
                let (is_new, matches) = put.condition.headers();
                self.client()
                    .put_object()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .body(ByteStream::from(put.body.clone()))
                    .checksum_algorithm(ChecksumAlgorithm::Sha256)
                    .set_content_type(put.content_type.clone())
                    .set_cache_control(put.cache_control.clone())
                    .set_content_encoding(put.content_encoding.clone())
                    .set_storage_class(put.storage_class.as_deref().map(StorageClass::from))
                    .set_metadata(Some(put.metadata.clone().into_iter().collect()).filter(|_| !put.metadata.is_empty()))
                    .set_if_none_match(is_new)
                    .set_if_match(matches)
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
}
