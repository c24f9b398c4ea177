//! `bucket_objects_list`: one page of a bucket's keys.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, key_in};
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketObjectsList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only keys that begin with this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    prefix: String,
    /// "/" groups keys into folders; by default none
    #[schemars(extend("x-blank" = "value"))]
    delimiter: Option<String>,
    /// 1 to 1000 keys, by default 100
    #[serde(default)]
    max_keys: Bounded<1, 1000, 100>,
    /// `next_continuation_token` of the page before
    continuation_token: Option<String>,
}

/// An object of the page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    key: String,
    s3_uri: String,
    /// Bytes.
    size: u64,
    #[schemars(with = "Option<String>")]
    last_modified: Option<Timestamp>,
    etag: Option<String>,
    storage_class: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    prefix: String,
    objects: Vec<Object>,
    common_prefixes: Vec<String>,
    count: usize,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_continuation_token: Option<String>,
}

impl Tool for BucketObjectsList {
    const NAME: &'static str = "bucket_objects_list";
    const TITLE: &'static str = "List objects";
    const DESCRIPTION: &'static str = "Lists one page of a bucket's objects, in order of their keys. Use prefix and \
                                       delimiter \"/\" to browse like folders.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output
            .objects
            .iter()
            .map(|object| object.key.len() + object.s3_uri.len() + 200)
            .sum()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let prefix = key_in(&args.bucket, &args.prefix)
            .map_err(|problem| ToolError::invalid(format!("Argument prefix: {problem}.")))?;
        let s3 = session.s3().await?;
        let query = ListingQuery {
            prefix: prefix.into_owned(),
            delimiter: args.delimiter.filter(|delimiter| !delimiter.is_empty()),
            max_keys: i32::try_from(args.max_keys.get()).unwrap_or(1000),
            continuation_token: args.continuation_token.filter(|token| !token.is_empty()),
            start_after: None,
        };
        session
            .reserve(estimate_items_bytes(
                usize::try_from(args.max_keys.get()).unwrap_or(1000),
            ))
            .await?;
        let page = s3
            .list_objects(&args.bucket, &query)
            .await
            .map_err(|error| session.explain(&error))?;
        let objects: Vec<Object> = page
            .objects
            .into_iter()
            .map(|object| view(&args.bucket, object))
            .collect();
        let names = objects.iter().map(|object| object.key.len() + object.s3_uri.len());
        let names = names.chain(page.common_prefixes.iter().map(String::len));
        session
            .reserve(names.map(|names| estimate_item_bytes(names, 0)).sum())
            .await?;
        Ok(Output {
            bucket: args.bucket.to_string(),
            prefix: query.prefix,
            count: objects.len(),
            objects,
            common_prefixes: page.common_prefixes,
            is_truncated: page.next_continuation_token.is_some(),
            next_continuation_token: page.next_continuation_token,
        }
        .into())
    }
}

fn view(bucket: &BucketName, object: ListedObject) -> Object {
    let s3_uri = match object.key.parse() {
        Ok(key) => ObjectUri::latest(bucket.clone(), key).to_string(),
        Err(_) => format!("s3://{bucket}/"),
    };
    Object {
        s3_uri,
        key: object.key,
        size: object.size,
        last_modified: object.last_modified,
        etag: object.etag,
        storage_class: object.storage_class.unwrap_or_else(|| "STANDARD".to_owned()),
    }
}
