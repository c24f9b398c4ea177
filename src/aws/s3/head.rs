//! `HeadObject`. Its refusals have no body, so a one-byte read asks for the reason.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::types::ChecksumMode;
use jiff::Timestamp;

use super::client::on_object;
use super::header_text::decode_words;
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
    pub content_encoding: Option<String>,
    /// When this version was written.
    pub last_modified: Option<Timestamp>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// Storage class; S3 leaves it out for `STANDARD`.
    pub storage_class: Option<String>,
    /// Archive tier of an object in `INTELLIGENT_TIERING`.
    pub archive_status: Option<String>,
    pub restore: Option<Restore>,
    /// User metadata, with its encoded words decoded.
    pub metadata: BTreeMap<String, String>,
    /// Count of metadata entries that S3 cannot send as headers.
    pub metadata_missing: u32,
    /// Checksums by algorithm, as in the API: `SHA256`, `CRC64NVME`, … None for a caller who may not decrypt the object.
    pub checksums: Checksums,
}

/// The restore of an archived object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restore {
    /// Whether it is in progress.
    pub ongoing: bool,
    /// When the restored copy is removed.
    pub expires_at: Option<Timestamp>,
}

impl Restore {
    /// Parses `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
    fn parse(header: &str) -> Option<Self> {
        let value = |name: &str| {
            let (_, rest) = header.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let expires_at = value("expiry-date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        Some(Self {
            ongoing: value("ongoing-request")? == "true",
            expires_at: expires_at.map(|date| date.timestamp()),
        })
    }
}

impl ObjectHead {
    /// Returns whether the object is archived, and not restored.
    #[must_use]
    pub fn must_be_restored(&self) -> bool {
        let is_archive = matches!(self.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
        let is_restored = self.restore.is_some_and(|restore| !restore.ongoing);
        (is_archive || self.archive_status.is_some()) && !is_restored
    }
}

/// Decodes the encoded words of user metadata.
pub(super) fn decoded_metadata(headers: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    let decoded = headers.into_iter().flatten();
    decoded
        .map(|(name, value)| (name, decode_words(&value).into_owned()))
        .collect()
}

impl UserS3 {
    /// Returns the properties of an object.
    pub async fn head(&self, object: &ObjectUri) -> Result<ObjectHead, AwsError> {
        match self.head_with(object, Some(ChecksumMode::Enabled)).await {
            // Checksums of an object that is encrypted with a KMS key need the right to decrypt it; the rest does not.
            Err(denied) if denied.kind == AwsErrorKind::AccessDenied => match self.head_with(object, None).await {
                Ok(head) => Ok(head),
                Err(_) => Err(self.reason_behind(denied, object).await),
            },
            // The read of a byte behind this reason may have renewed the credentials; then the HEAD works too.
            Err(error) if error.is_bare_bad_request() => match self.get_bytes(object, 0, 1).await {
                Err(explained) if explained.kind != AwsErrorKind::InvalidRange => Err(explained),
                _ => self.head_with(object, Some(ChecksumMode::Enabled)).await,
            },
            Err(error) => Err(self.reason_behind(error, object).await),
            Ok(head) => Ok(head),
        }
    }

    async fn head_with(&self, object: &ObjectUri, checksum_mode: Option<ChecksumMode>) -> Result<ObjectHead, AwsError> {
        let answer = self
            .call(read_operation(object), |identity| {
                self.client()
                    .head_object()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_version_id(object.version_id.clone())
                    .set_checksum_mode(checksum_mode.clone())
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
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
            content_encoding: answer.content_encoding,
            last_modified: answer
                .last_modified
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            etag: answer.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
            storage_class: answer.storage_class.map(|class| class.as_str().to_owned()),
            archive_status: answer.archive_status.map(|status| status.as_str().to_owned()),
            restore: answer.restore.as_deref().and_then(Restore::parse),
            metadata: decoded_metadata(answer.metadata),
            metadata_missing: answer
                .missing_meta
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or_default(),
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
