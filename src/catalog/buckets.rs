//! The buckets that the catalog shows this caller.
//!
//! `buckets` answers in the scope of the caller's active role; stacks that lack it have `bucketConfigs`, which shows
//! administrators more than their role may touch. Neither says what S3 will allow.

use serde::Deserialize;

use super::graphql::query;
use super::{GraphqlError, RegistryAccess};

const BUCKETS: &str = "query Buckets { buckets { name title description } }";
const BUCKET_CONFIGS: &str = "query BucketConfigs { bucketConfigs { name title description } }";

/// A bucket as the catalog describes it.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct CatalogBucket {
    /// Bucket name.
    pub name: String,
    /// Display title.
    pub title: Option<String>,
    /// One paragraph about the bucket.
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct Buckets {
    buckets: Vec<CatalogBucket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketConfigs {
    bucket_configs: Vec<CatalogBucket>,
}

/// The caller's buckets, sorted by name.
pub async fn list_buckets(access: &RegistryAccess) -> Result<Vec<CatalogBucket>, GraphqlError> {
    let scoped = query::<Buckets>(access, BUCKETS).await;
    let mut buckets = match scoped {
        Ok(answer) => answer.buckets,
        Err(GraphqlError::Schema(_)) => query::<BucketConfigs>(access, BUCKET_CONFIGS).await?.bucket_configs,
        Err(error) => return Err(error),
    };
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(buckets)
}
