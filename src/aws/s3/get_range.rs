//! `GetObject` of a range: only the asked-for bytes leave S3, however large the object is.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ObjectUri, ReadQuery, UserS3};
use crate::aws::{AwsError, AwsErrorKind};

/// A range of an object's bytes.
#[derive(Debug, Clone)]
pub struct RangeRead {
    /// The bytes, at most as many as were asked for.
    pub bytes: Bytes,
    /// The size of the whole object.
    pub size: u64,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub version_id: Option<String>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// User metadata, with its encoded words decoded.
    pub metadata: BTreeMap<String, String>,
}

impl UserS3 {
    /// Reads at most `length` bytes from `offset` on. A range behind the end reads nothing and is no error.
    pub async fn get_range(&self, object: &ObjectUri, offset: u64, length: u64) -> Result<RangeRead, AwsError> {
        match self.get_bytes(object, offset, length).await {
            // An empty object has no range at all, and neither has what lies behind an object's end.
            Err(error) if error.kind == AwsErrorKind::InvalidRange => {
                let head = self.head(object).await?;
                Ok(RangeRead {
                    bytes: Bytes::new(),
                    size: head.size,
                    content_type: head.content_type,
                    content_encoding: head.content_encoding,
                    version_id: head.version_id,
                    etag: head.etag,
                    metadata: head.metadata,
                })
            }
            answer => answer,
        }
    }

    /// Reads as [`UserS3::get_range`] does, but a range behind the end is [`AwsErrorKind::InvalidRange`].
    pub(super) async fn get_bytes(&self, object: &ObjectUri, offset: u64, length: u64) -> Result<RangeRead, AwsError> {
        let last = offset.saturating_add(length.saturating_sub(1));
        let query = ReadQuery {
            range: Some((offset, last)),
            ..ReadQuery::default()
        };
        let mut opened = self.open(object, &query).await?;
        let size = opened.size;
        let (content_type, content_encoding) = (opened.content_type.take(), opened.content_encoding.take());
        let (version_id, etag) = (opened.version_id.take(), opened.etag.take());
        let metadata = std::mem::take(&mut opened.metadata);
        let bytes = opened.collect(usize::try_from(length).unwrap_or(usize::MAX)).await?;
        Ok(RangeRead {
            bytes,
            size,
            content_type,
            content_encoding,
            version_id,
            etag,
            metadata,
        })
    }
}
