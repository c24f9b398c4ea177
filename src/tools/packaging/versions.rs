//! `package_versions`: the history of a package.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::KnownName;
use super::cursor;
use crate::packages::PackageError;
use crate::s3::BucketName;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Lists revisions.
pub struct PackageVersions;

/// Of which package.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[schemars(with = "String")]
    bucket: BucketName,
    #[schemars(with = "String")]
    name: KnownName,
    #[serde(default)]
    limit: Bounded<1, 500, 50>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// A revision.
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
struct Place {
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

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let name = args.name.0;
        let place = cursor::read::<Place>(args.cursor.as_deref())?;
        let is_same = |place: &Place| place.bucket == args.bucket.as_str() && place.name == name.as_str();
        if place.as_ref().is_some_and(|place| !is_same(place)) {
            return Err(cursor::foreign());
        }
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let told = |error: PackageError| session.explain_package(error);
        let latest = packages.latest(&name).await.map_err(told)?;
        let moments = packages.moments(&name).await.map_err(told)?;
        if latest.is_none() && moments.is_empty() {
            return Err(told(PackageError::NoSuchPackage {
                bucket: args.bucket,
                name,
            }));
        }
        let limit = usize::try_from(args.limit.get()).unwrap_or(500);
        let before = place.map_or(u64::MAX, |place| place.before);
        let mut seconds: Vec<u64> = moments
            .iter()
            .map(|(seconds, _)| *seconds)
            .filter(|at| *at < before)
            .collect();
        let is_more = seconds.len() > limit;
        seconds.truncate(limit);
        let next = seconds.last().filter(|_| is_more);
        let next = next.map(|before| {
            let (bucket, name) = (args.bucket.to_string(), name.to_string());
            cursor::write(&Place {
                bucket,
                name,
                before: *before,
            })
        });
        let revisions = packages.revisions(&name, seconds).await.map_err(told)?;
        let is_latest = |hash| latest.as_ref().is_some_and(|latest| latest.hash == hash);
        let versions: Vec<Version> = revisions
            .into_iter()
            .map(|revision| Version {
                modified: i64::try_from(revision.seconds)
                    .ok()
                    .and_then(|at| Timestamp::from_second(at).ok()),
                hash: revision.hash.to_string(),
                is_latest: is_latest(revision.hash),
            })
            .collect();
        let (bucket, name) = (args.bucket.to_string(), name.to_string());
        Ok(Output {
            bucket,
            name,
            count: versions.len(),
            versions,
            next_cursor: next,
        }
        .into())
    }
}
