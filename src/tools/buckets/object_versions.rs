//! `bucket_object_versions`: the versions of an object and its delete markers.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::{BucketName, ListedVersion, ObjectKey, ObjectUri, key_in};
use crate::error_code::ErrorCode;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError, cursor};

pub struct BucketObjectVersions;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Key of the object
    key: String,
    /// 1 to 1000 versions, by default 50
    #[serde(default)]
    limit: Bounded<1, 1000, 50>,
    /// A `next_cursor`
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub struct Version {
    version_id: String,
    is_latest: bool,
    is_delete_marker: bool,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    /// Absent of a delete marker.
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
}

/// One page, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    key: String,
    versions: Vec<Version>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    bucket: String,
    key: String,
    after: String,
}

impl Tool for BucketObjectVersions {
    const NAME: &'static str = "bucket_object_versions";
    const TITLE: &'static str = "List an object's versions";
    const DESCRIPTION: &'static str = "Lists the versions and delete markers of one object, newest first. Each s3_uri works \
                                       with the object tools.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let bucket = &args.bucket;
        if args.key.trim().is_empty() {
            return Err(ToolError::invalid("Argument key: expected a key, got a blank text."));
        }
        let key =
            key_in(bucket, &args.key).map_err(|problem| ToolError::invalid(format!("Argument key: {problem}.")))?;
        let key = &key
            .parse::<ObjectKey>()
            .map_err(|problem| ToolError::invalid(format!("Argument key: {problem}.")))?;
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let is_same = |cursor: &Cursor| cursor.bucket == bucket.as_str() && cursor.key == key.as_str();
        if cursor.as_ref().is_some_and(|cursor| !is_same(cursor)) {
            return Err(cursor::foreign());
        }
        let after = cursor.map(|cursor| cursor.after);
        let s3 = session.s3().await?;
        let mut limit = i32::try_from(args.limit.get()).unwrap_or(1000);
        session
            .reserve(estimate_items_bytes(usize::try_from(limit).unwrap_or(1000)))
            .await?;
        let (versions, has_more) = loop {
            let page = s3.list_versions(bucket, key, after.as_deref(), limit).await;
            let page = page.map_err(|error| session.explain(&error))?;
            let rows = page.versions.into_iter();
            let mut versions: Vec<Version> = rows.map(|version| Version::of(bucket, key, version)).collect();
            let listed = versions.len();
            if AnswerBudget::new().truncate(&mut versions) || listed == 1 {
                break (versions, page.has_more);
            }
            // S3 says where a shorter page ends: the order of versions and delete markers of one time is its own.
            limit = i32::try_from(versions.len()).unwrap_or(1).max(1);
        };
        if versions.is_empty() && after.is_none() {
            let message = format!("There is no object s3://{bucket}/{key}, and none was deleted.");
            return Err(ToolError::new(ErrorCode::NoSuchKey, message).with_hint("List the bucket to see its keys."));
        }
        let next_cursor = versions.last().filter(|_| has_more).map(|last| {
            cursor::write(&Cursor {
                bucket: bucket.to_string(),
                key: key.to_string(),
                after: last.version_id.clone(),
            })
        });
        Ok(Output {
            bucket: bucket.to_string(),
            key: key.to_string(),
            returned: versions.len(),
            versions,
            next_cursor,
        }
        .into())
    }
}

impl Version {
    fn of(bucket: &BucketName, key: &ObjectKey, listed: ListedVersion) -> Self {
        let uri = ObjectUri {
            version_id: Some(listed.version_id.clone()),
            ..ObjectUri::latest(bucket.clone(), key.clone())
        };
        Self {
            is_latest: listed.is_latest,
            is_delete_marker: listed.is_delete_marker,
            size: listed.size,
            last_modified: listed.last_modified,
            etag: listed.etag,
            storage_class: listed.storage_class,
            s3_uri: (!listed.is_delete_marker).then(|| uri.to_string()),
            version_id: listed.version_id,
        }
    }
}
