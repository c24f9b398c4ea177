//! `ListObjectVersions`, for the versions of one key.

use aws_sdk_s3::types::EncodingType;
use jiff::Timestamp;

use super::client::on_bucket;
use super::list_objects::decode;
use super::{BucketName, ObjectKey, UserS3};
use crate::aws::AwsError;

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub struct ListedVersion {
    /// `null` in a bucket without versions.
    pub version_id: String,
    pub is_latest: bool,
    pub is_delete_marker: bool,
    /// Size in bytes; none of a delete marker.
    pub size: Option<u64>,
    pub last_modified: Option<Timestamp>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    pub storage_class: Option<String>,
}

/// One page of the versions of a key.
#[derive(Debug, Clone)]
pub struct VersionListing {
    /// Newest first.
    pub versions: Vec<ListedVersion>,
    /// Whether the key has more versions, behind the last of these.
    pub has_more: bool,
}

impl UserS3 {
    /// Lists up to `max_versions` (1 to 1000) versions of a key, those behind `after` if it is given.
    pub async fn list_versions(
        &self,
        bucket: &BucketName,
        key: &ObjectKey,
        after: Option<&str>,
        max_versions: i32,
    ) -> Result<VersionListing, AwsError> {
        let operation = on_bucket("s3:ListBucketVersions", bucket);
        let answer = self
            .call(operation, |identity| {
                self.client()
                    .list_object_versions()
                    .bucket(bucket.as_str())
                    .prefix(key.as_str())
                    .max_keys(max_versions)
                    .set_key_marker(after.map(|_| key.to_string()))
                    .set_version_id_marker(after.map(str::to_owned))
                    .encoding_type(EncodingType::Url)
                    .customize()
                    .config_override(identity)
                    .send()
            })
            .await?;
        let is_encoded = answer.encoding_type == Some(EncodingType::Url);
        // The prefix is also that of longer keys, which follow.
        let is_key = |listed: Option<&str>| {
            listed.is_some_and(|listed| {
                if is_encoded {
                    decode(listed) == key.as_str()
                } else {
                    listed == key.as_str()
                }
            })
        };
        let is_next_key = is_key(answer.next_key_marker.as_deref());
        let objects = answer.versions.unwrap_or_default().into_iter();
        let objects = objects.filter(|version| is_key(version.key.as_deref()));
        let objects = objects.map(|version| ListedVersion {
            version_id: version.version_id.unwrap_or_else(|| "null".to_owned()),
            is_latest: version.is_latest == Some(true),
            is_delete_marker: false,
            size: version.size.and_then(|size| u64::try_from(size).ok()),
            last_modified: version.last_modified.and_then(timestamp),
            etag: version.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
            storage_class: version.storage_class.map(|class| class.as_str().to_owned()),
        });
        let markers = answer.delete_markers.unwrap_or_default().into_iter();
        let markers = markers.filter(|marker| is_key(marker.key.as_deref()));
        let markers = markers.map(|marker| ListedVersion {
            version_id: marker.version_id.unwrap_or_else(|| "null".to_owned()),
            is_latest: marker.is_latest == Some(true),
            is_delete_marker: true,
            size: None,
            last_modified: marker.last_modified.and_then(timestamp),
            etag: None,
            storage_class: None,
        });
        let mut versions: Vec<ListedVersion> = objects.chain(markers).collect();
        // S3 lists versions and delete markers apart, each newest first.
        versions.sort_by_key(|version| (!version.is_latest, std::cmp::Reverse(version.last_modified)));
        Ok(VersionListing {
            versions,
            has_more: answer.is_truncated == Some(true) && is_next_key,
        })
    }
}

fn timestamp(at: aws_sdk_s3::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.as_nanos()).ok()
}
