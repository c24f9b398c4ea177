//! `usage_stats`: how often a bucket, an object or a package was read, as the catalog counts it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::BucketName;
use crate::catalog::{Usage, UsageAnswer, UsageSubject, fetch_usage};
use crate::error_code::ErrorCode;
use crate::tools::arguments::types::Bounded;
use crate::tools::packaging::ExistingName;
use crate::tools::registry::{explain, registry};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// What the errors say.
const UNDONE: &str = "The catalog did not tell how often this was read";

pub struct UsageStats;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Key of an object, to count its reads alone
    key: Option<String>,
    /// As `namespace/name`, to count its reads alone
    #[schemars(with = "Option<String>")]
    name: Option<ExistingName>,
    /// Revision of the package, as in `package_browse`; by default all
    hash: Option<String>,
    /// 1 to 365 days until today, by default 30
    #[serde(default)]
    days: Bounded<1, 365, 30>,
}

/// The reads of one day.
#[derive(Debug, Serialize, JsonSchema)]
struct Day {
    date: String,
    reads: u64,
}

/// The reads of the objects with one extension.
#[derive(Debug, Serialize, JsonSchema)]
struct Extension {
    ext: String,
    reads: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    days: u64,
    /// Null: the catalog has no counts of it.
    total: Option<u64>,
    /// In the order of the days; days without reads are left out.
    by_day: Vec<Day>,
    /// Of a bucket: the extensions that are read most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by_extension: Vec<Extension>,
}

impl Tool for UsageStats {
    const NAME: &'static str = "usage_stats";
    const TITLE: &'static str = "Usage statistics";
    const DESCRIPTION: &'static str = "Tells how often a bucket, one of its objects or packages, or one revision of a package \
                                       was read on each of the last days, as the catalog counts it. The newest reads may \
                                       not be counted yet.";
    const TOOLSET: Toolset = Toolset::Account;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        check(&args)?;
        let access = registry(&session, UNDONE).await?;
        let hash = resolve(&session, &args).await?;
        let name = args.name.as_ref().map(|name| name.0.as_str());
        let key = args.key.as_deref();
        let subject = match (key, name, hash.as_deref()) {
            (Some(key), ..) => UsageSubject::Object(key),
            (None, Some(name), Some(hash)) => UsageSubject::Revision(name, hash),
            (None, Some(name), None) => UsageSubject::Package(name),
            (None, None, _) => UsageSubject::Bucket,
        };
        let days = args.days.get();
        let answer = match fetch_usage(&access, args.bucket.as_str(), subject, days).await {
            Ok(answer) => answer,
            Err(error) => return Err(explain(&session, UNDONE, &error).await),
        };
        let (total, usage) = match answer {
            UsageAnswer::Counted(usage) => (Some(usage.total), usage),
            UsageAnswer::NotCounted => (None, Usage::default()),
            UsageAnswer::NotFound => return Err(not_found(&args.bucket, subject)),
        };
        Ok(Output {
            bucket: args.bucket.to_string(),
            key: key.map(str::to_owned),
            name: name.map(str::to_owned),
            hash: hash.clone(),
            days,
            total,
            by_day: days_with_reads(usage.by_day),
            by_extension: usage
                .by_extension
                .into_iter()
                .map(|(ext, reads)| Extension { ext, reads })
                .collect(),
        }
        .into())
    }
}

fn check(args: &Args) -> Result<(), ToolError> {
    if args.key.is_some() && args.name.is_some() {
        return Err(ToolError::invalid(
            "Arguments key and name: reads are counted of an object or of a package; leave one out.",
        ));
    }
    if args.hash.is_some() && args.name.is_none() {
        return Err(ToolError::invalid(
            "Argument hash: it is a revision of the package that name names; name is missing.",
        ));
    }
    Ok(())
}

/// Returns what the registry knows the revision by: a whole hash, or `latest`.
async fn resolve(session: &Session, args: &Args) -> Result<Option<String>, ToolError> {
    let (Some(name), Some(wanted)) = (&args.name, args.hash.as_deref().map(str::trim)) else {
        return Ok(None);
    };
    if wanted == "latest" {
        return Ok(Some(wanted.to_owned()));
    }
    let packages = session.packages(session.s3().await?, args.bucket.clone());
    let hash = packages.resolve(&name.0, wanted).await;
    let hash = hash.map_err(|error| session.explain_package(error))?;
    Ok(Some(hash.to_string()))
}

/// Returns the days on which there were reads. The registry writes a day as a time.
fn days_with_reads(counts: Vec<(String, u64)>) -> Vec<Day> {
    let counts = counts.into_iter().filter(|(_, reads)| *reads > 0);
    let mut days: Vec<Day> = counts
        .map(|(time, reads)| {
            let date = time.split('T').next().unwrap_or_default().to_owned();
            Day { date, reads }
        })
        .collect();
    days.sort_by(|a, b| a.date.cmp(&b.date));
    days
}

fn not_found(bucket: &BucketName, subject: UsageSubject<'_>) -> ToolError {
    let (code, what) = match subject {
        UsageSubject::Bucket | UsageSubject::Object(_) => (ErrorCode::NoSuchBucket, format!("bucket s3://{bucket}")),
        UsageSubject::Package(name) => (ErrorCode::NoSuchPackage, format!("package {name} in s3://{bucket}")),
        UsageSubject::Revision(name, hash) => (
            ErrorCode::NoSuchPackage,
            format!("revision {hash} of the package {name} in s3://{bucket}"),
        ),
    };
    ToolError::new(code, format!("The catalog shows this caller no {what}."))
        .with_hint("bucket_list and package_list show what there is.")
}
