//! `HeadObject`. Its refusals have no body, so a one-byte read asks for the reason.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::client::on_object;
use super::{ObjectUri, UserS3};
use crate::aws::{AwsError, AwsErrorKind, Operation};

/// An object's checksums, as S3 stores them: base64, composite ones with `-PARTS` behind.
pub type Checksums = BTreeMap<&'static str, String>;

/// Properties of an object, without its content.
#[derive(Debug, Clone)]
pub struct ObjectHead {
    pub version_id: Option<String>,
    pub size: u64,
    pub content_type: Option<String>,
    /// When this version was written.
    pub last_modified: Option<Timestamp>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// Storage class; S3 leaves it out for `STANDARD`.
    pub storage_class: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Checksums by algorithm, as in the API: `SHA256`, `CRC64NVME`, …
    pub checksums: Checksums,
}

impl UserS3 {
    /// Returns the properties of an object.
    pub async fn head(&self, object: &ObjectUri) -> Result<ObjectHead, AwsError> {
        match self.head_once(object).await {
            // The read of a byte behind this reason may have renewed the credentials; then the HEAD works too.
            Err(error) if error.is_bare_bad_request() => match self.get_bytes(object, 0, 1).await {
                Err(explained) if explained.kind != AwsErrorKind::InvalidRange => Err(explained),
                _ => self.head_once(object).await,
            },
            answer => answer,
        }
    }

    async fn head_once(&self, object: &ObjectUri) -> Result<ObjectHead, AwsError> {
        let answer = self
            .call(read_operation(object), |identity| {
                self.client()
                    .head_object()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_version_id(object.version_id.clone())
                    .checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.reason_behind(error, object).await),
        };
        let named = [
            ("SHA256", answer.checksum_sha256),
            ("SHA1", answer.checksum_sha1),
            ("CRC32", answer.checksum_crc32),
            ("CRC32C", answer.checksum_crc32_c),
            ("CRC64NVME", answer.checksum_crc64_nvme),
        ];
        Ok(ObjectHead {
            version_id: answer.version_id,
            size: answer
                .content_length
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or_default(),
            content_type: answer.content_type,
            last_modified: answer
                .last_modified
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            etag: answer.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
            storage_class: answer.storage_class.map(|class| class.as_str().to_owned()),
            metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
            checksums: named
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        })
    }

    /// Returns the reason of a HEAD's error, which has a status and no message: a read of one byte is refused for the same
    /// reason, and says it. That also tells a missing bucket from a missing key.
    async fn reason_behind(&self, bare: AwsError, object: &ObjectUri) -> AwsError {
        let is_explained = |status: u16| status < 500 && status != 400;
        let has_no_message = bare.message.is_none() && bare.status.is_some_and(is_explained);
        if !has_no_message {
            return bare;
        }
        match self.get_bytes(object, 0, 1).await {
            Err(explained) if explained.kind != AwsErrorKind::InvalidRange => explained,
            _ => bare,
        }
    }
}

/// Returns the read of an object, or of one version of it.
pub(super) fn read_operation(object: &ObjectUri) -> Operation<'_> {
    let action = if object.version_id.is_some() {
        "s3:GetObjectVersion"
    } else {
        "s3:GetObject"
    };
    on_object(action, object)
}
