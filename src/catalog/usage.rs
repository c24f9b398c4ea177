//! Access counts of buckets, objects and packages.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::documents::account::{BUCKET_USAGE, OBJECT_USAGE, PACKAGE_USAGE, REVISION_USAGE};
use super::graphql::query;
use super::{GraphqlError, RegistryAccess};

/// What is counted, within a bucket.
#[derive(Debug, Clone, Copy)]
pub enum UsageSubject<'a> {
    Bucket,
    /// The object of this key.
    Object(&'a str),
    /// The package of this name.
    Package(&'a str),
    /// The revision of this package with this top hash, or with this tag.
    Revision(&'a str, &'a str),
}

/// How often something was read.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    pub total: u64,
    /// Times, as the registry writes them, and how often it was read then.
    pub by_day: Vec<(String, u64)>,
    /// The extensions of a bucket's objects that are read most.
    pub by_extension: Vec<(String, u64)>,
}

/// Answer to the question how often something was read.
#[derive(Debug, Clone)]
pub enum UsageAnswer {
    Counted(Usage),
    /// The registry has no counts of it.
    NotCounted,
    /// The registry does not show the bucket, the package or the revision.
    NotFound,
}

#[derive(Deserialize)]
struct Counts {
    total: u64,
    #[serde(default)]
    counts: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    date: String,
    value: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketResponse<T> {
    bucket_config: Option<Value>,
    #[serde(rename = "bucketAccessCounts", alias = "objectAccessCounts")]
    counts: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketCounts {
    by_ext: Vec<Group>,
    combined: Counts,
}

#[derive(Deserialize)]
struct Group {
    ext: String,
    counts: Counts,
}

#[derive(Deserialize)]
struct PackageResponse<T> {
    package: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accesses {
    access_counts: Option<Counts>,
}

#[derive(Deserialize)]
struct Revision {
    revision: Option<Accesses>,
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        Self {
            total: counts.total,
            by_day: counts
                .counts
                .into_iter()
                .map(|count| (count.date, count.value))
                .collect(),
            by_extension: Vec::new(),
        }
    }
}

impl From<BucketCounts> for Usage {
    fn from(counts: BucketCounts) -> Self {
        let by_extension = counts.by_ext.into_iter().map(|group| (group.ext, group.counts.total));
        Self {
            by_extension: by_extension.collect(),
            ..counts.combined.into()
        }
    }
}

impl<T: Into<Usage>> BucketResponse<T> {
    fn into_answer(self) -> UsageAnswer {
        match (self.bucket_config, self.counts) {
            (None, _) => UsageAnswer::NotFound,
            (Some(_), counts) => counted(counts),
        }
    }
}

impl Accesses {
    fn into_answer(this: Option<Self>) -> UsageAnswer {
        this.map_or(UsageAnswer::NotFound, |accesses| counted(accesses.access_counts))
    }
}

fn counted(counts: Option<impl Into<Usage>>) -> UsageAnswer {
    counts.map_or(UsageAnswer::NotCounted, |counts| UsageAnswer::Counted(counts.into()))
}

/// Requests the counts of the last `days` days.
pub async fn fetch_usage(
    access: &RegistryAccess,
    bucket: &str,
    subject: UsageSubject<'_>,
    days: u64,
) -> Result<UsageAnswer, GraphqlError> {
    Ok(match subject {
        UsageSubject::Bucket => {
            let variables = json!({ "b": bucket, "w": days });
            let response: BucketResponse<BucketCounts> = query(access, BUCKET_USAGE, variables).await?;
            response.into_answer()
        }
        UsageSubject::Object(key) => {
            let variables = json!({ "b": bucket, "w": days, "k": key });
            let response: BucketResponse<Counts> = query(access, OBJECT_USAGE, variables).await?;
            response.into_answer()
        }
        UsageSubject::Package(name) => {
            let variables = json!({ "b": bucket, "w": days, "n": name });
            Accesses::into_answer(package(access, PACKAGE_USAGE, variables).await?)
        }
        UsageSubject::Revision(name, hash) => {
            let variables = json!({ "b": bucket, "w": days, "n": name, "h": hash });
            let found: Option<Revision> = package(access, REVISION_USAGE, variables).await?;
            Accesses::into_answer(found.and_then(|found| found.revision))
        }
    })
}

async fn package<T: DeserializeOwned>(
    access: &RegistryAccess,
    document: &str,
    variables: Value,
) -> Result<Option<T>, GraphqlError> {
    let response: PackageResponse<T> = query(access, document, variables).await?;
    Ok(response.package)
}
