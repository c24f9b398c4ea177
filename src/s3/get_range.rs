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
        let range = answer.content_range.as_deref().and_then(content_range);
        let (begin, size) = match range {
            Some(range) => range,
            // The whole object came. That is fine where its beginning was asked for, and something else elsewhere.
            None => (0, answer.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()),
        };
        if begin != offset {
            return Err(S3Error::made_here(S3ErrorKind::Other, target, "S3 sent another range than was asked for"));
        }
        let limit = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::new();
        // A server that ignores the range sends everything: read no more than was asked for.
        while bytes.len() < limit {
            match answer.body.next().await {
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
                Some(Err(_)) => {
                    let words = "the object's content broke off or did not match its checksum";
                    return Err(S3Error::made_here(S3ErrorKind::Network, target, words));
                }
                None => break,
            }
        }
        bytes.truncate(limit);
        Ok(RangeRead { bytes: bytes.freeze(), size, content_type: answer.content_type })
    }
}

/// First byte and whole size out of `bytes FIRST-LAST/SIZE`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn reads_where_a_range_begins_and_how_large_the_object_is() {
        assert_eq!(content_range("bytes 5-9/100"), Some((5, 100)));
        for bad in ["", "bytes */100", "5-9/100", "bytes 5-9/*"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
