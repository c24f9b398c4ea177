//! `bucket_object_info`: the properties of an object, without its content.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::ObjectUri;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectInfo;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// `s3://bucket/key[?versionId=ID]`, percent-encoded
    #[schemars(with = "String")]
    s3_uri: ObjectUri,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    bucket: String,
    key: String,
    s3_uri: String,
    version_id: Option<String>,
    /// Bytes.
    size: u64,
    content_type: Option<String>,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    storage_class: String,
    metadata: BTreeMap<String, String>,
    /// Base64, by algorithm.
    checksums: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    object: Object,
}

impl Tool for BucketObjectInfo {
    const NAME: &'static str = "bucket_object_info";
    const TITLE: &'static str = "Describe an object";
    const DESCRIPTION: &'static str = "Size, type, version, metadata and checksums of one object, without reading it.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, Args { s3_uri }: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3 = session.s3().await?;
        let head = s3.head(&s3_uri).await.map_err(|error| session.explain(&error))?;
        let object = Object {
            bucket: s3_uri.bucket.to_string(),
            key: s3_uri.key.to_string(),
            s3_uri: s3_uri.to_string(),
            version_id: head.version_id,
            size: head.size,
            content_type: head.content_type,
            last_modified: head.last_modified,
            etag: head.etag,
            storage_class: head.storage_class.unwrap_or_else(|| "STANDARD".to_owned()),
            metadata: head.metadata,
            checksums: head.checksums,
        };
        Ok(Output { object }.into())
    }
}
