//! `GetObject` of a range: only the asked-for bytes leave S3, whatever the object's size.

use bytes::Bytes;

use super::{ObjectUri, ReadQuery, S3Error, S3ErrorKind, UserS3};

/// A range of an object's bytes.
#[derive(Debug, Clone)]
pub struct RangeRead {
    /// The bytes, at most as many as were asked for.
    pub bytes: Bytes,
    /// The object's whole size.
    pub size: u64,
    /// MIME type.
    pub content_type: Option<String>,
}

impl UserS3 {
    /// At most `length` bytes from `offset` on. A range behind the end reads nothing and is no error.
    pub async fn get_range(&self, object: &ObjectUri, offset: u64, length: u64) -> Result<RangeRead, S3Error> {
        match self.get_bytes(object, offset, length).await {
            // An empty object has no range at all, and neither has what lies behind an object's end.
            Err(error) if error.kind == S3ErrorKind::InvalidRange => {
                let head = self.head(object).await?;
                Ok(RangeRead {
                    bytes: Bytes::new(),
                    size: head.size,
                    content_type: head.content_type,
                })
            }
            answer => answer,
        }
    }

    /// As [`UserS3::get_range`], but a range behind the end is [`S3ErrorKind::InvalidRange`].
    pub(super) async fn get_bytes(&self, object: &ObjectUri, offset: u64, length: u64) -> Result<RangeRead, S3Error> {
        let last = offset.saturating_add(length.saturating_sub(1));
        let query = ReadQuery {
            range: Some((offset, last)),
            ..ReadQuery::default()
        };
        let opened = self.open(object, &query).await?;
        let (size, content_type) = (opened.size, opened.content_type.clone());
        let bytes = opened.collect(usize::try_from(length).unwrap_or(usize::MAX)).await?;
        Ok(RangeRead {
            bytes,
            size,
            content_type,
        })
    }
}
