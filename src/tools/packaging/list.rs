//! `package_list`: the packages of a bucket.

use jiff::Timestamp;
use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor;
use crate::s3::BucketName;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError, weight};

/// Lists packages.
pub struct PackageList;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only names that begin with this
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// A package.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    packages: Vec<Package>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    bucket: String,
    prefix: String,
    after: String,
}

impl Tool for PackageList {
    const NAME: &'static str = "package_list";
    const TITLE: &'static str = "List packages";
    const DESCRIPTION: &'static str = "Lists the packages of a bucket in order of their names, with the hash and time of their \
                                       latest revisions.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let place = cursor::read::<Place>(args.cursor.as_deref())?;
        if place
            .as_ref()
            .is_some_and(|place| place.bucket != args.bucket.as_str() || place.prefix != args.prefix)
        {
            return Err(cursor::foreign());
        }
        let after = place
            .map(|place| PackageName::listed(&place.after))
            .transpose()
            .map_err(|_| cursor::foreign())?;
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let told = |error| session.explain_package(error);
        session.hold(weight::of_items(limit)).await?;
        let mut names = packages
            .names(&args.prefix, after.as_ref(), limit + 1)
            .await
            .map_err(told)?;
        let is_more = names.len() > limit;
        names.truncate(limit);
        let next = names.last().filter(|_| is_more).map(|last| {
            let (bucket, prefix) = (args.bucket.to_string(), args.prefix.clone());
            cursor::write(&Place {
                bucket,
                prefix,
                after: last.to_string(),
            })
        });
        let listed = packages
            .latest_of(names)
            .await
            .map_err(told)?
            .into_iter()
            .map(|(name, latest)| Package {
                name: name.to_string(),
                latest_hash: latest.as_ref().map(|latest| latest.hash.to_string()),
                modified: latest.and_then(|latest| latest.modified),
            });
        let packages: Vec<Package> = listed.collect();
        Ok(Output {
            bucket: args.bucket.to_string(),
            count: packages.len(),
            packages,
            next_cursor: next,
        }
        .into())
    }
}
