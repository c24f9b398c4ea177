//! Which buckets a caller is shown: the catalog's, in the scope of the caller's role; where no catalog applies, those that
//! S3 lists; where S3 lists none, those that the operator named.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{CatalogBucket, CatalogView};
use crate::s3::{S3ErrorKind, UserS3};
use crate::tools::{Session, ToolError};

/// Who named the buckets.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListedBy {
    /// The catalog, in the scope of the caller's role.
    Catalog,
    /// S3's own list of the account's buckets.
    S3,
    /// The operator (`QUILT_BUCKETS`).
    Settings,
}

/// Buckets by name, and who named them.
pub struct Shown {
    /// The buckets, at most as many as were asked for.
    pub buckets: Vec<CatalogBucket>,
    /// Who named them.
    pub listed_by: ListedBy,
    /// Whether there are more.
    pub truncated: bool,
}

/// At most `most` of the buckets.
pub async fn shown(
    session: &Session,
    s3: &UserS3,
    view: Option<&CatalogView>,
    most: usize,
) -> Result<Shown, ToolError> {
    let (mut buckets, listed_by) = match view {
        Some(view) => (view.buckets.clone(), ListedBy::Catalog),
        None => without_catalog(session, s3, most).await?,
    };
    let truncated = buckets.len() > most;
    buckets.truncate(most);
    Ok(Shown {
        buckets,
        listed_by,
        truncated,
    })
}

async fn without_catalog(
    session: &Session,
    s3: &UserS3,
    most: usize,
) -> Result<(Vec<CatalogBucket>, ListedBy), ToolError> {
    let configured = session.configured_buckets();
    match s3.list_buckets(most + 1).await {
        Ok(names) if !names.is_empty() || configured.is_empty() => {
            Ok((names.into_iter().map(bare).collect(), ListedBy::S3))
        }
        Err(error) if error.kind != S3ErrorKind::AccessDenied || configured.is_empty() => Err(session
            .explain(&error)
            .with_hint("Ask the operator to configure a catalog, or buckets in QUILT_BUCKETS.")),
        _ => Ok((
            configured.iter().map(|name| bare(name.to_string())).collect(),
            ListedBy::Settings,
        )),
    }
}

/// A bucket of which only the name is known.
pub fn bare(name: String) -> CatalogBucket {
    CatalogBucket {
        name,
        title: None,
        description: None,
        declared: None,
    }
}
