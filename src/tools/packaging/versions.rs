//! `package_versions`: one page of a package's history.

use jiff::Timestamp;
use quilt_format::TopHash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ExistingName;
use super::cursor;
use crate::aws::s3::BucketName;
use crate::packages::{HistoryEntry, PackageError};
use crate::tools::arguments::types::Bounded;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageVersions;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Package, as `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// 1 to 500 revisions, by default 50
    #[serde(default)]
    limit: Bounded<1, 500, 50>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Version {
    hash: String,
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    is_latest: bool,
}

/// One page, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    name: String,
    versions: Vec<Version>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    bucket: String,
    name: String,
    before: u64,
}

impl Tool for PackageVersions {
    const NAME: &'static str = "package_versions";
    const TITLE: &'static str = "List a package's revisions";
    const DESCRIPTION: &'static str = "Lists the revisions of a package, newest first.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let is_same = |cursor: &Cursor| cursor.bucket == args.bucket.as_str() && cursor.name == name.as_str();
        if cursor.as_ref().is_some_and(|cursor| !is_same(cursor)) {
            return Err(cursor::foreign());
        }
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let explain = |error: PackageError| session.explain_package(error);
        let latest = packages.latest(&name).await.map_err(explain)?;
        let history = packages.history(&name).await.map_err(explain)?;
        if latest.is_none() && history.is_empty() {
            return Err(explain(PackageError::NoSuchPackage {
                bucket: args.bucket,
                name,
            }));
        }
        let limit = usize::try_from(args.limit.get()).unwrap_or(500);
        let before = cursor.map_or(u64::MAX, |cursor| cursor.before);
        let mut seconds: Vec<u64> = history
            .iter()
            .map(|(seconds, _)| *seconds)
            .filter(|at| *at < before)
            .collect();
        let is_more = seconds.len() > limit;
        seconds.truncate(limit);
        let next_cursor = seconds.last().filter(|_| is_more).map(|before| {
            cursor::write(&Cursor {
                bucket: args.bucket.to_string(),
                name: name.to_string(),
                before: *before,
            })
        });
        let revisions = packages.revisions(&name, seconds).await.map_err(explain)?;
        let latest = latest.map(|latest| latest.hash);
        let versions: Vec<Version> = revisions
            .iter()
            .map(|entry| Version::of(entry, latest.as_ref()))
            .collect();
        Ok(Output {
            bucket: args.bucket.to_string(),
            name: name.to_string(),
            count: versions.len(),
            versions,
            next_cursor,
        }
        .into())
    }
}

impl Version {
    fn of(entry: &HistoryEntry, latest: Option<&TopHash>) -> Self {
        let seconds = i64::try_from(entry.seconds).ok();
        Self {
            modified: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            hash: entry.hash.to_string(),
            is_latest: latest == Some(&entry.hash),
        }
    }
}
