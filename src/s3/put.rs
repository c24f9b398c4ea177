//! `PutObject` of a body that is in memory, with a SHA-256 that S3 checks and keeps: packages hash objects by it later
//! without reading them again.

use std::collections::BTreeMap;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, StorageClass};
use bytes::Bytes;

use super::call::Target;
use super::open::{quoted, unquoted};
use super::{ObjectUri, S3Error, UserS3};

/// What to write.
#[derive(Debug, Clone, Default)]
pub struct Put {
    /// The content.
    pub body: Bytes,
    /// MIME type.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// Storage class.
    pub storage_class: Option<String>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// What must hold of the key; S3 decides, so that no race can overwrite.
    pub condition: WriteCondition,
    /// The SDK sends it once. A condition that a repetition meets may have been broken by the first attempt, whose answer
    /// got lost; who has to know asks for one attempt.
    pub once: bool,
}

/// What must hold of a key for a write to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WriteCondition {
    /// Nothing.
    #[default]
    None,
    /// There is no such key. If there is, the error is [`super::S3ErrorKind::PreconditionFailed`].
    IsNew,
    /// The key has this `ETag`, without its quotes. If not, the error is the same.
    Matches(String),
}

/// What S3 answered.
#[derive(Debug, Clone)]
pub struct PutOutcome {
    /// The new version, in versioned buckets.
    pub version_id: Option<String>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
}

impl UserS3 {
    /// Writes an object.
    pub async fn put(&self, object: &ObjectUri, put: &Put) -> Result<PutOutcome, S3Error> {
        let target = Target {
            action: "s3:PutObject",
            bucket: Some(&object.bucket),
            key: Some(object.key.as_str()),
        };
        let answer = self
            .call(target, |identity| {
                let identity = if put.once {
                    identity.retry_config(RetryConfig::disabled())
                } else {
                    identity
                };
                let (is_new, matches) = match &put.condition {
                    WriteCondition::None => (None, None),
                    WriteCondition::IsNew => (Some("*".to_owned()), None),
                    WriteCondition::Matches(etag) => (None, Some(quoted(etag))),
                };
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
        })
    }
}
