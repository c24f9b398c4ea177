//! One object's content and what S3 remembers of it. Never changed once stored: a write makes a new one.

use std::sync::Arc;

use jiff::Timestamp;
use s3s::dto::{self, ETag};

use super::checksum::Checksum;
use super::payload::Payload;

/// What a client says about an object beside its bytes.
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
    pub metadata: dto::Metadata,
}

/// A part of an object that was uploaded in parts.
#[derive(Debug, Clone)]
pub(crate) struct PartRecord {
    pub number: i32,
    pub size: u64,
    pub checksum: Option<Checksum>,
}

/// An object's content.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub payload: Payload,
    pub etag: String,
    pub checksum: Option<Checksum>,
    /// Empty unless it was uploaded in parts.
    pub parts: Vec<PartRecord>,
    pub attributes: Attributes,
}

impl Object {
    pub fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }
}

/// An object's tags, in the order given.
pub(crate) type Tags = Arc<[(String, String)]>;

/// What a reader is handed: content and the state of the version that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub object: Arc<Object>,
    pub modified: Timestamp,
    pub tags: Tags,
    /// As an answer tells it: `null` for a version without id, nothing in a bucket never versioned.
    pub version_id: Option<String>,
}

/// The wire form of a time.
pub(crate) fn wire_time(time: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(std::time::SystemTime::try_from(time).unwrap_or(std::time::SystemTime::UNIX_EPOCH))
}
