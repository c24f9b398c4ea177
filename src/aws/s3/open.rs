//! `GetObject` as a stream: an answer whose body is still to be read, under conditions.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use super::head::{decoded_metadata, read_operation};
use super::{ObjectUri, UserS3};
use crate::aws::{AwsError, AwsErrorKind, Operation};

/// The bytes to read, and the condition under which.
#[derive(Debug, Clone, Default)]
pub struct ReadQuery {
    /// First and last byte; the whole object if not given.
    pub range: Option<(u64, u64)>,
    /// Only if the object still has this `ETag`, without its quotes; else [`AwsErrorKind::PreconditionFailed`].
    pub if_match: Option<String>,
    /// Only if the object has another `ETag` by now; else [`AwsErrorKind::NotModified`].
    pub if_none_match: Option<String>,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Opened {
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    pub version_id: Option<String>,
    /// When this version was written.
    pub last_modified: Option<Timestamp>,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    /// User metadata, with its encoded words decoded.
    pub metadata: BTreeMap<String, String>,
    /// The first byte that comes.
    pub begin: u64,
    /// The whole object's size in bytes.
    pub size: u64,
    body: ByteStream,
    broken: AwsError,
}

impl Opened {
    /// Reads the next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AwsError> {
        self.body.next().await.transpose().map_err(|_| self.broken.clone())
    }

    /// Returns the error of a body that ended too early.
    pub(super) fn cut_short(self) -> AwsError {
        self.broken
    }

    /// Reads at most `limit` bytes. A server that ignores a range sends everything; no more is read than was asked for.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, AwsError> {
        let announced = usize::try_from(self.size.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::with_capacity(announced.min(limit));
        while bytes.len() < limit {
            let Some(chunk) = self.next().await? else { break };
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(limit);
        Ok(bytes.freeze())
    }
}

impl UserS3 {
    /// Requests an object. An error of the body comes with its bytes; the SDK does not retry a body that broke off.
    pub async fn open(&self, object: &ObjectUri, query: &ReadQuery) -> Result<Opened, AwsError> {
        let operation = read_operation(object);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .get_object()
                    .bucket(object.bucket.as_str())
                    .key(object.key.as_str())
                    .set_version_id(object.version_id.clone())
                    .set_range(query.range.map(|(first, last)| format!("bytes={first}-{last}")))
                    .set_if_match(query.if_match.as_deref().map(quoted))
                    .set_if_none_match(query.if_none_match.as_deref().map(quoted))
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let (begin, size) = match answer.content_range.as_deref().and_then(content_range) {
            Some(range) => range,
            // The whole object came. That is fine where its beginning was asked for, and something else elsewhere.
            None => (
                0,
                answer
                    .content_length
                    .and_then(|length| u64::try_from(length).ok())
                    .unwrap_or_default(),
            ),
        };
        if query.range.is_some_and(|(first, _)| first != begin) {
            return Err(
                AwsError::new(AwsErrorKind::Other, operation).with_message("S3 sent another range than was asked for")
            );
        }
        Ok(Opened {
            etag: answer.e_tag.as_deref().map(unquoted),
            version_id: answer.version_id,
            last_modified: answer
                .last_modified
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            content_type: answer.content_type,
            content_encoding: answer.content_encoding,
            metadata: decoded_metadata(answer.metadata),
            begin,
            size,
            body: answer.body,
            broken: broken(operation),
        })
    }
}

fn broken(operation: Operation<'_>) -> AwsError {
    AwsError::new(AwsErrorKind::Network, operation)
        .with_message("the object's content broke off or did not match its checksum")
}

/// Returns an `ETag` as conditions carry it.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// Returns an `ETag` as results carry it.
pub(super) fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// Reads the first byte and the whole size out of `bytes FIRST-LAST/SIZE`.
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
