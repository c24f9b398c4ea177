//! The beginnings of names, completed as the caller: buckets, and packages of a bucket.

use super::{Session, ToolError, buckets};
use crate::quilt::layout;
use crate::s3::{BucketName, ListingQuery};

/// Most names in one answer, as MCP says.
const MOST: usize = 100;
/// Most namespaces that are looked into for one answer.
const NAMESPACES: usize = 10;

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
    pub const NONE: Self = Self { names: Vec::new(), has_more: false };

    fn of(mut names: Vec<String>, has_more: bool) -> Self {
        let has_more = has_more || names.len() > MOST;
        names.truncate(MOST);
        Self { names, has_more }
    }
}

/// Buckets that this caller is shown.
pub async fn complete_bucket(session: &Session, begin: &str) -> Result<Completion, ToolError> {
    let s3 = session.s3().await?;
    let (listed, _) = buckets::listed(session, &s3).await?;
    let begin = begin.strip_prefix("s3://").unwrap_or(begin);
    let names = listed.into_iter().map(|bucket| bucket.name).filter(|name| name.starts_with(begin));
    Ok(Completion::of(names.collect(), false))
}

/// Packages of a bucket. Without a namespace, those of the first namespaces that begin so.
pub async fn complete_package(session: &Session, bucket: &BucketName, begin: &str) -> Result<Completion, ToolError> {
    let (mut namespaces, mut has_more) =
        if begin.contains('/') { (vec![begin.to_owned()], false) } else { folders(session, bucket, begin).await? };
    has_more |= namespaces.len() > NAMESPACES;
    namespaces.truncate(NAMESPACES);
    let mut names = Vec::new();
    for namespace in namespaces {
        let (found, goes_on) = folders(session, bucket, &namespace).await?;
        names.extend(found.iter().map(|name| name.trim_end_matches('/').to_owned()));
        has_more |= goes_on;
        if names.len() > MOST {
            break;
        }
    }
    Ok(Completion::of(names, has_more))
}

/// What lies one level below, with a slash at the end, and whether there is more of it than one page.
async fn folders(session: &Session, bucket: &BucketName, begin: &str) -> Result<(Vec<String>, bool), ToolError> {
    let s3 = session.s3().await?;
    let query = ListingQuery {
        prefix: layout::packages(begin),
        delimiter: Some("/".to_owned()),
        max_keys: 1000,
        continuation_token: None,
    };
    let page = s3.list_objects(bucket, &query).await.map_err(|error| session.explain(&error))?;
    let root = layout::packages("");
    let names = page.common_prefixes.iter().filter_map(|prefix| prefix.strip_prefix(&root).map(str::to_owned));
    Ok((names.collect(), page.next_continuation_token.is_some()))
}
