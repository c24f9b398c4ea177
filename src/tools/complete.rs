//! The beginnings of names, completed as the caller: buckets, and packages of a bucket.

use super::permissions::catalog::consult;
use super::permissions::shown::shown;
use super::{Session, ToolError};
use crate::s3::BucketName;

/// Most names in one answer, as MCP says.
const MOST: usize = 100;

/// Most buckets that are looked at for one answer.
const LOOKED_AT: usize = 1000;

/// Names that begin so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// At most a hundred.
    pub names: Vec<String>,
    /// Whether there are more.
    pub has_more: bool,
}

impl Completion {
    /// No names.
    pub const NONE: Self = Self {
        names: Vec::new(),
        has_more: false,
    };

    fn of(mut names: Vec<String>) -> Self {
        let has_more = names.len() > MOST;
        names.truncate(MOST);
        Self { names, has_more }
    }
}

/// Buckets that this caller is shown.
pub async fn complete_bucket(session: &Session, begin: &str) -> Result<Completion, ToolError> {
    let s3 = session.s3().await?;
    let view = consult(session).await?;
    let listed = shown(session, &s3, view.as_ref(), LOOKED_AT).await?;
    let begin = begin.strip_prefix("s3://").unwrap_or(begin);
    let names = listed
        .buckets
        .into_iter()
        .map(|bucket| bucket.name)
        .filter(|name| name.starts_with(begin));
    Ok(Completion::of(names.collect()))
}

/// Packages of a bucket.
pub async fn complete_package(session: &Session, bucket: &BucketName, begin: &str) -> Result<Completion, ToolError> {
    let packages = session.packages(session.s3().await?, bucket.clone());
    let names = packages
        .names(begin, None, MOST + 1)
        .await
        .map_err(|error| session.explain_package(error))?;
    Ok(Completion::of(names.iter().map(ToString::to_string).collect()))
}
