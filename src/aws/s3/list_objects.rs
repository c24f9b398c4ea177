//! `ListObjectsV2`, page by page.

use aws_sdk_s3::types::EncodingType;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::client::on_bucket;
use super::{BucketName, UserS3};
use crate::aws::AwsError;

/// The page to list.
#[derive(Debug, Clone, Default)]
pub struct ListingQuery {
    /// Only keys that begin with this.
    pub prefix: String,
    /// Keys that have this behind the prefix are rolled up into one common prefix.
    pub delimiter: Option<String>,
    /// Maximum of keys and common prefixes in the page, 1 to 1000.
    pub max_keys: i32,
    /// S3's own token of the previous page.
    pub continuation_token: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
}

/// One object of a listing.
#[derive(Debug, Clone)]
pub struct ListedObject {
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// When this version was written.
    pub last_modified: Option<Timestamp>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    pub storage_class: Option<String>,
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Objects in order of their keys.
    pub objects: Vec<ListedObject>,
    pub common_prefixes: Vec<String>,
    pub next_continuation_token: Option<String>,
}

impl UserS3 {
    /// Lists one page of a bucket's keys.
    pub async fn list_objects(&self, bucket: &BucketName, query: &ListingQuery) -> Result<Listing, AwsError> {
        let operation = on_bucket("s3:ListBucket", bucket);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .list_objects_v2()
                    .bucket(bucket.as_str())
                    .prefix(&query.prefix)
                    .set_delimiter(query.delimiter.clone())
                    .max_keys(query.max_keys)
                    .set_continuation_token(query.continuation_token.clone())
                    .set_start_after(query.start_after.clone())
                    // A key may hold characters that XML cannot; one such key would make the whole page unreadable.
                    .encoding_type(EncodingType::Url)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let is_encoded = answer.encoding_type == Some(EncodingType::Url);
        let decoded = |text: String| if is_encoded { decode(&text) } else { text };
        let objects = answer.contents.unwrap_or_default().into_iter().filter_map(|object| {
            Some(ListedObject {
                key: decoded(object.key?),
                size: object
                    .size
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or_default(),
                last_modified: object
                    .last_modified
                    .and_then(|at| Timestamp::from_second(at.secs()).ok()),
                etag: object.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
                storage_class: object.storage_class.map(|class| class.as_str().to_owned()),
            })
        });
        Ok(Listing {
            objects: objects.collect(),
            common_prefixes: answer
                .common_prefixes
                .unwrap_or_default()
                .into_iter()
                .filter_map(|prefix| prefix.prefix.map(decoded))
                .collect(),
            next_continuation_token: answer
                .next_continuation_token
                .filter(|_| answer.is_truncated == Some(true)),
        })
    }
}

/// Decodes a key as S3 encodes it in listings: like a form, with `+` for a space.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_come_back_as_they_are() {
        assert_eq!(super::decode("a+b%2Bc%2F%C3%BC%01.csv"), "a b+c/ü\u{1}.csv");
    }
}
