//! `GetObject` of a range: only the asked-for bytes leave S3, whatever the object's size.

use bytes::{Bytes, BytesMut};

use super::head::read_target;
use super::{ObjectUri, S3Error, S3ErrorKind, UserS3};

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
                Ok(RangeRead { bytes: Bytes::new(), size: head.size, content_type: head.content_type })
            }
            answer => answer,
        }
    }

    /// As [`UserS3::get_range`], but a range behind the end is [`S3ErrorKind::InvalidRange`].
    pub(super) async fn get_bytes(&self, object: &ObjectUri, offset: u64, length: u64) -> Result<RangeRead, S3Error> {
        let target = read_target(object);
        let last = offset.saturating_add(length.saturating_sub(1));
        let mut answer = self
            .call(target, |identity| {
                self.client()
                    .get_object()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_version_id(object.version_id.clone())
                    .range(format!("bytes={offset}-{last}"))
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let size = answer
            .content_range
            .as_deref()
            .and_then(|range| range.rsplit_once('/')?.1.parse().ok())
            .or_else(|| answer.content_length.and_then(|length| u64::try_from(length).ok()))
            .unwrap_or_default();
        let limit = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::new();
        // A server that ignores the range sends everything: read no more than was asked for.
        while bytes.len() < limit {
            match answer.body.next().await {
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
                Some(Err(_)) => return Err(broken_off(object)),
                None => break,
            }
        }
        bytes.truncate(limit);
        Ok(RangeRead { bytes: bytes.freeze(), size, content_type: answer.content_type })
    }
}

fn broken_off(object: &ObjectUri) -> S3Error {
    S3Error {
        kind: S3ErrorKind::Network,
        action: read_target(object).action,
        bucket: Some(object.bucket.to_string()),
        key: Some(object.key.to_string()),
        status: None,
        code: None,
        message: Some("the object's content broke off or did not match its checksum".to_owned()),
        request_id: None,
        bucket_region: None,
    }
}
