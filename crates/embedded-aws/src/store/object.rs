//! Objects: content and metadata, immutable once stored.

use std::sync::Arc;

use hyper::HeaderMap;
use jiff::Timestamp;
use s3s::dto::{self, ETag};

use super::archive::Archive;
use super::checksum::Checksum;
use super::payload::Payload;

/// The metadata that a client sends with an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    pub content_type: Option<String>,
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub expires: Option<dto::Timestamp>,
    pub storage_class: Option<String>,
    pub website_redirect: Option<String>,
    /// ARN of the KMS key that encrypts the object; `None` with keys of S3's own.
    pub kms_key: Option<String>,
    pub metadata: dto::Metadata,
}

/// A part of an object that was uploaded as a multipart upload.
#[derive(Debug, Clone)]
pub(crate) struct PartRecord {
    pub number: i32,
    pub size: u64,
    pub checksum: Option<Checksum>,
}

/// The content of an object version, with its digests and metadata.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub payload: Payload,
    pub etag: String,
    pub checksum: Option<Checksum>,
    /// Empty unless the object was uploaded as a multipart upload.
    pub parts: Vec<PartRecord>,
    pub attributes: Attributes,
}

impl Object {
    pub fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }
}

/// The tags of an object version, in the order in which they were written.
pub(crate) type Tags = Arc<[(String, String)]>;

/// An object version as it was when it was looked up.
#[derive(Debug, Clone)]
pub(crate) struct ObjectSnapshot {
    pub object: Arc<Object>,
    pub modified: Timestamp,
    pub tags: Tags,
    /// The version ID to report: `null` for a version without an ID, `None` in a bucket that has never been versioned.
    pub version_id: Option<String>,
    pub archive: Archive,
    /// Headers that its responses have besides those of the attributes.
    pub headers: HeaderMap,
}

/// Converts a time to the wire type.
pub(crate) fn wire_time(time: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(std::time::SystemTime::try_from(time).unwrap_or(std::time::SystemTime::UNIX_EPOCH))
}
