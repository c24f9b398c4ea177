//! Completion of bucket and package names, with the caller's permissions.

use super::permissions::catalog::consult;
use super::permissions::visible_buckets::visible_buckets;
use super::{Session, ToolError};
use crate::aws::s3::BucketName;

/// Maximum number of names in one answer, as MCP defines it.
const MAX_NAMES: usize = 100;

/// Maximum number of buckets that are searched for one answer.
const MAX_BUCKETS: usize = 1000;

/// The names that begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// At most 100.
    pub names: Vec<String>,
    pub has_more: bool,
}

impl Completion {
    pub const NONE: Self = Self {
        names: Vec::new(),
        has_more: false,
    };

    fn of(mut names: Vec<String>) -> Self {
        let has_more = names.len() > MAX_NAMES;
        names.truncate(MAX_NAMES);
        Self { names, has_more }
    }
}

/// Completes the name of a bucket that is visible to the caller.
pub async fn complete_bucket(session: &Session, prefix: &str) -> Result<Completion, ToolError> {
    let s3 = session.s3().await?;
    let view = consult(session).await?;
    let listed = visible_buckets(session, &s3, view.as_ref(), MAX_BUCKETS).await?;
    let prefix = prefix.strip_prefix("s3://").unwrap_or(prefix);
    let names = listed
        .buckets
        .into_iter()
        .map(|bucket| bucket.name)
        .filter(|name| name.starts_with(prefix));
    Ok(Completion::of(names.collect()))
}

/// Completes the name of a package of a bucket.
pub async fn complete_package(session: &Session, bucket: &BucketName, prefix: &str) -> Result<Completion, ToolError> {
    let packages = session.packages(session.s3().await?, bucket.clone());
    let listed = packages
        .list_packages(prefix.trim(), None, MAX_NAMES + 1)
        .await
        .map_err(|error| session.explain_package(error))?;
    Ok(Completion::of(
        listed.iter().map(|package| package.name.to_string()).collect(),
    ))
}
