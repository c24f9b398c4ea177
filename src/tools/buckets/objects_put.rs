//! `bucket_objects_put`: writes of several objects, each with its own result.

use std::borrow::Cow;

use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::put_item::{Item, ItemResult};
use crate::aws::AwsErrorKind;
use crate::aws::s3::{BucketName, ObjectUri, Put, UserS3, WriteCondition, key_in};
use crate::error_code::ErrorCode;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::yes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum number of objects in one call.
const MAX_ITEMS: usize = 100;
/// Maximum number of concurrent writes.
const MAX_CONCURRENT: usize = 8;

pub struct BucketObjectsPut;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// 1 to 100 objects, each {`key`, `text` or `data` (base64), `content_type`?, `encoding`?, `metadata`?, `cache_control`?, `content_encoding`?, `storage_class`?}
    items: Vec<Item>,
    /// true (the default): replace; false: an existing key is a conflict
    #[serde(default = "yes")]
    overwrite: bool,
    /// Check everything, write nothing
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    requested: usize,
    uploaded: usize,
    failed: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// In the order of the items.
    results: Vec<ItemResult>,
    /// Present if results are left out, of objects that were written before those of objects that were not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    results_cut: bool,
}

impl Tool for BucketObjectsPut {
    const NAME: &'static str = "bucket_objects_put";
    const TITLE: &'static str = "Write objects";
    const DESCRIPTION: &'static str = "Writes objects, each from text or base64. All are tried, and each has its own result; the \
                                       call is an error when any failed.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        check_items(&args.bucket, &args.items)?;
        let s3 = session.s3_for_writing().await?;
        let Args {
            bucket,
            items,
            overwrite,
            dry_run,
        } = args;
        let writer = Writer {
            session: &session,
            s3: &s3,
            bucket: &bucket,
            overwrite,
            dry_run,
        };
        let outcomes: Vec<Result<ItemResult, Box<FailedItem>>> = futures::stream::iter(items)
            .map(|item| writer.put(item))
            .buffered(MAX_CONCURRENT)
            .collect()
            .await;

        let requested = outcomes.len();
        let mut first_error = None;
        let results: Vec<ItemResult> = outcomes
            .into_iter()
            .map(|outcome| {
                outcome.unwrap_or_else(|failed| {
                    let FailedItem { result, error } = *failed;
                    first_error.get_or_insert(error);
                    result
                })
            })
            .collect();
        let failed = results.iter().filter(|result| !result.is_success()).count();
        let uploaded = if dry_run { 0 } else { requested - failed };
        let shown = fitting(results);
        let output = Output {
            bucket: bucket.to_string(),
            requested,
            uploaded,
            failed,
            dry_run,
            results_cut: shown.len() < requested,
            results: shown,
        };
        match first_error {
            None => Ok(output.into()),
            Some(error) => Err(failure(error, &output)),
        }
    }
}

/// Returns the results that fit in an answer, in their order; those of failed items are chosen first.
fn fitting(results: Vec<ItemResult>) -> Vec<ItemResult> {
    let mut budget = AnswerBudget::new();
    let (succeeded, failed): (Vec<_>, Vec<_>) = results
        .into_iter()
        .enumerate()
        .partition(|(_, result)| result.is_success());
    let chosen = failed.into_iter().chain(succeeded);
    let mut shown: Vec<(usize, ItemResult)> = chosen.filter(|(_, result)| budget.admits(result)).collect();
    shown.sort_by_key(|(number, _)| *number);
    shown.into_iter().map(|(_, result)| result).collect()
}

fn check_items(bucket: &BucketName, items: &[Item]) -> Result<(), ToolError> {
    if items.is_empty() || items.len() > MAX_ITEMS {
        let message = format!(
            "Argument items: expected 1 to {MAX_ITEMS} objects, got {}.",
            items.len()
        );
        return Err(ToolError::invalid(message));
    }
    match repeated_key(bucket, items) {
        None => Ok(()),
        Some(key) => {
            let message = format!("Argument items: the key `{key}` occurs more than once.");
            Err(ToolError::invalid(message))
        }
    }
}

/// An item that was not written, with the error from which the call's error is made.
struct FailedItem {
    result: ItemResult,
    error: ToolError,
}

impl FailedItem {
    fn new(key: &str, object: Option<&ObjectUri>, error: ToolError) -> Box<Self> {
        let result = ItemResult::failure(key, object, &error);
        Box::new(Self { result, error })
    }

    fn of_object(object: &ObjectUri, error: ToolError) -> Box<Self> {
        Self::new(object.key.as_str(), Some(object), error)
    }
}

/// Writes the items of one call.
struct Writer<'a> {
    session: &'a Session,
    s3: &'a UserS3,
    bucket: &'a BucketName,
    overwrite: bool,
    dry_run: bool,
}

impl Writer<'_> {
    async fn put(&self, item: Item) -> Result<ItemResult, Box<FailedItem>> {
        let (object, put) = item.prepare(self.bucket, self.overwrite).map_err(|problem| {
            let error = ToolError::invalid(format!("Item `{}`: {problem}.", item.key));
            FailedItem::new(&item.key, None, error)
        })?;
        let work = async {
            if self.dry_run {
                self.rehearse(object, put).await
            } else {
                self.write(object, put).await
            }
        };
        // The items end before the call would time out, so that the result can report what was written.
        tokio::time::timeout_at(self.session.deadline(), work)
            .await
            .unwrap_or_else(|_elapsed| Err(timeout(&item)))
    }

    /// Does everything but the write: a conflict is found by a request for the object's properties.
    async fn rehearse(&self, object: ObjectUri, put: Put) -> Result<ItemResult, Box<FailedItem>> {
        if put.condition == WriteCondition::IsNew {
            match self.s3.head(&object).await {
                Ok(_) => return Err(exists(&object)),
                Err(error) if error.kind == AwsErrorKind::NoSuchKey => {}
                Err(error) => return Err(FailedItem::of_object(&object, self.session.explain(&error))),
            }
        }
        Ok(ItemResult::success(&object, &put, None))
    }

    async fn write(&self, object: ObjectUri, put: Put) -> Result<ItemResult, Box<FailedItem>> {
        match self.s3.put(&object, &put).await {
            Ok(outcome) => Ok(ItemResult::success(&object, &put, Some(outcome))),
            Err(error) if error.kind == AwsErrorKind::PreconditionFailed => Err(exists(&object)),
            Err(error) => Err(FailedItem::of_object(&object, self.session.explain(&error))),
        }
    }
}

fn timeout(item: &Item) -> Box<FailedItem> {
    let message = "The call ended before S3 confirmed that this object was written.";
    let error = ToolError::new(ErrorCode::Timeout, message).retryable();
    FailedItem::new(&item.key, None, error)
}

fn exists(object: &ObjectUri) -> Box<FailedItem> {
    let message = format!("{object} exists already and overwrite is false.");
    let error = ToolError::new(ErrorCode::Conflict, message)
        .with_hint("Choose another key, or set overwrite=true to replace the object.");
    FailedItem::of_object(object, error)
}

/// Returns the call's error: the number of failed items, and the first error.
fn failure(first: ToolError, output: &Output) -> ToolError {
    let message = match (output.failed, output.requested) {
        (1, 1) => first.message,
        (failed, requested) => {
            format!(
                "{failed} of {requested} objects were not written; the first error: {}",
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

fn repeated_key<'a>(bucket: &BucketName, items: &'a [Item]) -> Option<Cow<'a, str>> {
    let mut known = std::collections::HashSet::new();
    items
        .iter()
        .filter_map(|item| key_in(bucket, &item.key).ok())
        .find(|key| !known.insert(key.clone()))
}
