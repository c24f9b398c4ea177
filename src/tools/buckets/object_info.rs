//! `bucket_object_info`: the properties of an object, without its content.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::ObjectUri;
use crate::catalog::CatalogPage;
use crate::tools::object_argument::ObjectArgument;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectInfo;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Args {
    #[serde(flatten)]
    object: ObjectArgument,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    bucket: String,
    key: String,
    /// Of this version.
    s3_uri: String,
    version_id: Option<String>,
    /// Bytes.
    size: u64,
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    storage_class: String,
    /// Archive tier of an object in `INTELLIGENT_TIERING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_status: Option<String>,
    /// Of an archived object.
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<RestoreView>,
    metadata: BTreeMap<String, String>,
    /// Count of entries that S3 cannot send.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    metadata_missing: Option<u32>,
    /// Base64, by algorithm; none without the right to decrypt.
    checksums: BTreeMap<&'static str, String>,
}

/// The restore of an archived object.
#[derive(Debug, Serialize, JsonSchema)]
struct RestoreView {
    /// Whether it is in progress.
    ongoing: bool,
    /// When the restored copy is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    expires_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    object: Object,
    /// The page of the catalog that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

impl Tool for BucketObjectInfo {
    const NAME: &'static str = "bucket_object_info";
    const TITLE: &'static str = "Describe an object";
    const DESCRIPTION: &'static str = "Size, type, version, metadata and checksums of one object, without reading it.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3_uri = args.object.resolve(&session).await?;
        let s3 = session.s3().await?;
        let head = match s3.head(&s3_uri).await {
            Ok(head) => head,
            Err(error) => return Err(session.explain_object(&s3, &error).await),
        };
        let version_id = s3_uri.version_id.as_deref();
        let page = CatalogPage::object(s3_uri.bucket.as_str(), s3_uri.key.as_str(), version_id);
        let catalog_url = session.links().and_then(|links| links.url(&page));
        let versioned = ObjectUri {
            version_id: head.version_id.clone().or(s3_uri.version_id.clone()),
            ..s3_uri.clone()
        };
        let object = Object {
            bucket: s3_uri.bucket.to_string(),
            key: s3_uri.key.to_string(),
            s3_uri: versioned.to_string(),
            version_id: head.version_id,
            size: head.size,
            content_type: head.content_type,
            content_encoding: head.content_encoding,
            last_modified: head.last_modified,
            etag: head.etag,
            storage_class: head.storage_class.unwrap_or_else(|| "STANDARD".to_owned()),
            archive_status: head.archive_status,
            restore: head.restore.map(|restore| RestoreView {
                ongoing: restore.ongoing,
                expires_at: restore.expires_at,
            }),
            metadata: head.metadata,
            metadata_missing: Some(head.metadata_missing).filter(|count| *count > 0),
            checksums: head.checksums,
        };
        Ok(Output { object, catalog_url }.into())
    }
}
