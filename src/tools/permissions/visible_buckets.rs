//! Buckets that are visible to the caller: those of the catalog, in the scope of the caller's role; if no catalog applies,
//! those that S3 lists; if S3 lists none, those that the operator configured.

use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::AwsErrorKind;
use crate::aws::s3::UserS3;
use crate::catalog::{CatalogBucket, UserBuckets};
use crate::tools::{Session, ToolError};

/// Source of a list of buckets.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListedBy {
    /// The catalog, in the scope of the caller's role.
    Catalog,
    /// S3's list of the account's buckets.
    S3,
    /// The operator's `QUILT_BUCKETS`.
    Settings,
}

/// The visible buckets.
pub struct VisibleBuckets {
    /// At most as many as were requested.
    pub buckets: Vec<CatalogBucket>,
    pub listed_by: ListedBy,
    /// Whether more buckets are visible.
    pub truncated: bool,
}

/// Returns at most `limit` of the visible buckets.
pub async fn visible_buckets(
    session: &Session,
    s3: &UserS3,
    view: Option<&UserBuckets>,
    limit: usize,
) -> Result<VisibleBuckets, ToolError> {
    let (mut buckets, listed_by) = match view {
        // A catalog without users that lists no buckets, as quilt3-local does, does not know the caller's.
        Some(view) if view.user.is_some() || !view.buckets.is_empty() => (view.buckets.clone(), ListedBy::Catalog),
        _ => without_catalog(session, s3, limit).await?,
    };
    let truncated = buckets.len() > limit;
    buckets.truncate(limit);
    Ok(VisibleBuckets {
        buckets,
        listed_by,
        truncated,
    })
}

async fn without_catalog(
    session: &Session,
    s3: &UserS3,
    limit: usize,
) -> Result<(Vec<CatalogBucket>, ListedBy), ToolError> {
    let configured = session.configured_buckets();
    match s3.list_buckets(limit + 1).await {
        Ok(names) if !names.is_empty() || configured.is_empty() => {
            Ok((names.into_iter().map(name_only).collect(), ListedBy::S3))
        }
        Err(error) if error.kind != AwsErrorKind::AccessDenied || configured.is_empty() => Err(session
            .explain(&error)
            .with_hint("Ask the operator to configure a catalog, or buckets in QUILT_BUCKETS.")),
        _ => Ok((
            configured.iter().map(|name| name_only(name.to_string())).collect(),
            ListedBy::Settings,
        )),
    }
}

/// Returns a bucket of which only the name is known.
pub fn name_only(name: String) -> CatalogBucket {
    CatalogBucket {
        name,
        title: None,
        description: None,
        permission: None,
    }
}
