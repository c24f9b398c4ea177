//! `bucket_objects_put`: writes objects. Each is tried, and each gets its own answer.

use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::put_item::{Item, ItemResult};
use crate::error_code::ErrorCode;
use crate::s3::{BucketName, ObjectUri, Put, S3ErrorKind, UserS3, WriteCondition};
use crate::tools::args::yes;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Most objects in one call.
const MOST: usize = 100;
/// Objects written at once.
const AT_ONCE: usize = 8;

/// Writes objects.
pub struct BucketObjectsPut;

/// What to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-aliases" = ["objects"]))]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[schemars(with = "String")]
    bucket: BucketName,
    /// At most 100
    #[serde(alias = "objects")]
    items: Vec<Item>,
    /// false: an existing key is a conflict
    #[serde(default = "yes")]
    overwrite: bool,
    /// true: check everything, write nothing
    #[serde(default)]
    dry_run: bool,
}

/// What became of the items, in their order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    requested: usize,
    uploaded: usize,
    failed: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    results: Vec<ItemResult>,
}

impl Tool for BucketObjectsPut {
    const NAME: &'static str = "bucket_objects_put";
    const TITLE: &'static str = "Write objects";
    const DESCRIPTION: &'static str = "Writes objects to a bucket, each from text or base64, with the caller's own rights. \
                                       All are tried and each gets its own result; the call is an error when any failed. \
                                       Use overwrite=false to never replace an object.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        if args.items.is_empty() || args.items.len() > MOST {
            let message = format!(
                "Argument items: expected 1 to {MOST} objects, got {}.",
                args.items.len()
            );
            return Err(ToolError::invalid(message));
        }
        if let Some(key) = twice(&args.items) {
            return Err(ToolError::invalid(format!(
                "Argument items: the key `{key}` stands in it twice."
            )));
        }
        let s3 = session.s3_for_writing().await?;
        let Args {
            bucket,
            items,
            overwrite,
            dry_run,
        } = args;
        let deadline = session.deadline();
        let written = items.into_iter().map(|item| {
            let (session, s3, bucket) = (session.clone(), s3.clone(), bucket.clone());
            async move {
                let (object, put) = prepare(&item, &bucket, overwrite)?;
                let work = async {
                    if dry_run {
                        rehearse(&session, &s3, object, put).await
                    } else {
                        write(&session, &s3, object, put).await
                    }
                };
                // What was written must be told, so the items end before the call would be ended.
                tokio::time::timeout_at(deadline, work)
                    .await
                    .unwrap_or_else(|_elapsed| Err(late(&item)))
            }
        });
        let outcomes: Vec<Result<ItemResult, Failed>> =
            futures::stream::iter(written).buffered(AT_ONCE).collect().await;

        let requested = outcomes.len();
        let mut first_error = None;
        let results: Vec<ItemResult> = outcomes
            .into_iter()
            .map(|outcome| {
                outcome.unwrap_or_else(|failed| {
                    let (result, error) = *failed;
                    first_error.get_or_insert(error);
                    result
                })
            })
            .collect();
        let failed = results.iter().filter(|result| !result.is_good()).count();
        let uploaded = if dry_run { 0 } else { requested - failed };
        let output = Output {
            bucket: bucket.to_string(),
            requested,
            uploaded,
            failed,
            dry_run,
            results,
        };
        match first_error {
            None => Ok(output.into()),
            Some(error) => Err(failure(error, &output)),
        }
    }
}

/// An item's result and, for the call's own message, the reason.
type Failed = Box<(ItemResult, ToolError)>;

fn prepare(item: &Item, bucket: &BucketName, overwrite: bool) -> Result<(ObjectUri, Put), Failed> {
    item.prepare(bucket, overwrite).map_err(|problem| {
        let error = ToolError::invalid(format!("Item `{}`: {problem}.", item.key));
        Box::new((ItemResult::bad(&item.key, None, &error), error))
    })
}

/// Everything but the write: what would be refused as existing is found by looking.
async fn rehearse(session: &Session, s3: &UserS3, object: ObjectUri, put: Put) -> Result<ItemResult, Failed> {
    if put.condition == WriteCondition::IsNew {
        match s3.head(&object).await {
            Ok(_) => return Err(exists(&object)),
            Err(error) if error.kind == S3ErrorKind::NoSuchKey => {}
            Err(error) => {
                let error = session.explain(&error);
                return Err(Box::new((
                    ItemResult::bad(object.key.as_str(), Some(&object), &error),
                    error,
                )));
            }
        }
    }
    Ok(ItemResult::good(&object, &put, None))
}

fn late(item: &Item) -> Failed {
    let message = "The call's time was over before it was known that this object was written.";
    let error = ToolError::new(ErrorCode::Timeout, message).retryable();
    Box::new((ItemResult::bad(&item.key, None, &error), error))
}

fn exists(object: &ObjectUri) -> Failed {
    let error = ToolError::new(
        ErrorCode::Conflict,
        format!("{object} exists already and overwrite is false."),
    )
    .with_hint("Choose another key, or set overwrite=true to replace the object.");
    Box::new((ItemResult::bad(object.key.as_str(), Some(object), &error), error))
}

async fn write(session: &Session, s3: &UserS3, object: ObjectUri, put: Put) -> Result<ItemResult, Failed> {
    match s3.put(&object, &put).await {
        Ok(outcome) => Ok(ItemResult::good(&object, &put, Some(outcome))),
        Err(error) if error.kind == S3ErrorKind::PreconditionFailed => Err(exists(&object)),
        Err(error) => {
            let error = session.explain(&error);
            Err(Box::new((
                ItemResult::bad(object.key.as_str(), Some(&object), &error),
                error,
            )))
        }
    }
}

/// The whole call's failure: how many, and why the first one.
fn failure(first: ToolError, output: &Output) -> ToolError {
    let message = match (output.failed, output.requested) {
        (1, 1) => first.message,
        (failed, requested) => {
            format!(
                "{failed} of {requested} objects were not written; the first: {}",
                first.message
            )
        }
    };
    let partial: Map<String, Value> = match serde_json::to_value(output) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    };
    ToolError { message, ..first }.with_partial(partial)
}

fn twice(items: &[Item]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    items
        .iter()
        .map(|item| item.key.as_str())
        .find(|key| !seen.insert(*key))
}
