//! `GetObject` as it comes: an object's answer with its body still on the way, under conditions.

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use super::call::Target;
use super::head::read_target;
use super::{ObjectUri, S3Error, S3ErrorKind, UserS3};

/// Which bytes, and under which condition.
#[derive(Debug, Clone, Default)]
pub struct ReadQuery {
    /// First and last byte; the whole object if not given.
    pub range: Option<(u64, u64)>,
    /// Only if the object still has this `ETag`, without its quotes; else [`S3ErrorKind::PreconditionFailed`].
    pub if_match: Option<String>,
    /// Only if the object has another `ETag` by now; else [`S3ErrorKind::NotModified`].
    pub if_none_match: Option<String>,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Opened {
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// Version, in versioned buckets.
    pub version_id: Option<String>,
    /// When this version was written.
    pub last_modified: Option<Timestamp>,
    /// MIME type.
    pub content_type: Option<String>,
    /// The first byte that comes.
    pub begin: u64,
    /// The whole object's size in bytes.
    pub size: u64,
    body: ByteStream,
    broken: S3Error,
}

impl Opened {
    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        self.body.next().await.transpose().map_err(|_| self.broken.clone())
    }

    /// The error of a body that ended before its time.
    pub(super) fn cut_short(self) -> S3Error {
        self.broken
    }

    /// At most `limit` bytes. A server that ignores a range sends everything; no more is read than was asked for.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, S3Error> {
        let told = usize::try_from(self.size.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::with_capacity(told.min(limit));
        while bytes.len() < limit {
            let Some(chunk) = self.next().await? else { break };
            bytes.extend_from_slice(&chunk);
        }
        bytes.truncate(limit);
        Ok(bytes.freeze())
    }
}

impl UserS3 {
    /// Asks for an object. An error of the body comes with its bytes; the SDK does not repeat what broke off.
    pub async fn open(&self, object: &ObjectUri, query: &ReadQuery) -> Result<Opened, S3Error> {
        let target = read_target(object);
        let answer = self
            .call(target, |identity| {
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
            return Err(S3Error::made_here(
                S3ErrorKind::Other,
                target,
                "S3 sent another range than was asked for",
            ));
        }
        Ok(Opened {
            etag: answer.e_tag.as_deref().map(unquoted),
            version_id: answer.version_id,
            last_modified: answer
                .last_modified
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            content_type: answer.content_type,
            begin,
            size,
            body: answer.body,
            broken: broken(target),
        })
    }
}

fn broken(target: Target<'_>) -> S3Error {
    let words = "the object's content broke off or did not match its checksum";
    S3Error::made_here(S3ErrorKind::Network, target, words)
}

/// An `ETag` as conditions carry it.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// An `ETag` as results carry it.
pub(super) fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
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
