//! The one answer to "what may this caller do with this bucket?".
//!
//! Three values for each operation: `true` and `false` were established by asking S3, `null` means that nobody knows. A
//! refusal of a key that may not exist proves nothing, so it stays `null`.

use std::time::Duration;

use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Serialize;

use crate::s3::{BucketName, ListingQuery, ObjectKey, ObjectUri, S3ErrorKind, UserS3};

/// Longest time spent on one bucket; what is not known by then stays unknown.
const PER_BUCKET: Duration = Duration::from_secs(10);
/// Buckets asked about at once.
const AT_ONCE: usize = 8;

/// What is established about a bucket, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PermissionLevel {
    /// Reading or listing is allowed.
    ReadAccess,
    /// Reading and listing are denied.
    NoAccess,
    /// Neither is established.
    Unknown,
}

/// What S3 answered about one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names under which results carry them")]
pub struct BucketAccess {
    /// `ListObjectsV2` of the whole bucket.
    pub can_list: Option<bool>,
    /// Reading a byte of a key that exists.
    pub can_read: Option<bool>,
    /// Not asked: a write cannot be tried without being asked for.
    pub can_write: Option<bool>,
}

impl BucketAccess {
    const UNKNOWN: Self = Self { can_list: None, can_read: None, can_write: None };

    /// The level that follows from what is established.
    #[must_use]
    pub fn level(self) -> PermissionLevel {
        match (self.can_list, self.can_read) {
            (Some(true), _) | (_, Some(true)) => PermissionLevel::ReadAccess,
            (Some(false), Some(false)) => PermissionLevel::NoAccess,
            _ => PermissionLevel::Unknown,
        }
    }
}

/// Asks S3 about many buckets, some at a time; answers are in the order of the buckets.
/// Of a bucket without a usable name nothing is known.
pub async fn ask_all(s3: &UserS3, buckets: Vec<Option<BucketName>>) -> Vec<BucketAccess> {
    let asked = buckets.into_iter().map(|bucket| {
        let s3 = s3.clone();
        async move {
            let Some(bucket) = bucket else { return BucketAccess::UNKNOWN };
            tokio::time::timeout(PER_BUCKET, ask(&s3, &bucket)).await.unwrap_or(BucketAccess::UNKNOWN)
        }
    });
    futures::stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn ask(s3: &UserS3, bucket: &BucketName) -> BucketAccess {
    let first = ListingQuery { max_keys: 1, ..ListingQuery::default() };
    let key = match s3.list_objects(bucket, &first).await {
        Ok(listing) => listing.objects.into_iter().next().map(|object| object.key),
        Err(error) => return BucketAccess { can_list: refused(error.kind), ..BucketAccess::UNKNOWN },
    };
    let can_read = match key.and_then(|key| key.parse::<ObjectKey>().ok()) {
        None => None,
        Some(key) => match s3.get_range(&ObjectUri::latest(bucket.clone(), key), 0, 1).await {
            Ok(_) => Some(true),
            Err(error) => refused(error.kind),
        },
    };
    BucketAccess { can_list: Some(true), can_read, can_write: None }
}

/// Only a refusal is a no; everything else leaves the question open.
fn refused(kind: S3ErrorKind) -> Option<bool> {
    matches!(kind, S3ErrorKind::AccessDenied | S3ErrorKind::NoSuchBucket).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_says_no_more_than_what_is_established() {
        let level = |can_list, can_read| BucketAccess { can_list, can_read, can_write: None }.level();
        assert_eq!(level(Some(true), None), PermissionLevel::ReadAccess);
        assert_eq!(level(Some(false), Some(true)), PermissionLevel::ReadAccess);
        assert_eq!(level(Some(false), Some(false)), PermissionLevel::NoAccess);
        assert_eq!(level(Some(false), None), PermissionLevel::Unknown, "nobody asked about reading");
        assert_eq!(level(None, None), PermissionLevel::Unknown);
    }
}
