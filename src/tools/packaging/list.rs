//! `package_list`: one page of a bucket's packages.

use jiff::Timestamp;
use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor;
use crate::aws::s3::BucketName;
use crate::catalog::{CatalogLinks, CatalogPage};
use crate::packages::ListedPackage;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only names that begin with this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    prefix: String,
    /// 1 to 1000 packages, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of a page
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    packages: Vec<Package>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
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

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        if cursor
            .as_ref()
            .is_some_and(|cursor| cursor.bucket != args.bucket.as_str() || cursor.prefix != args.prefix)
        {
            return Err(cursor::foreign());
        }
        let after = cursor
            .map(|cursor| PackageName::from_listing(&cursor.after))
            .transpose()
            .map_err(|_| cursor::foreign())?;
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let explain = |error| session.explain_package(error);
        session.reserve(estimate_items_bytes(limit)).await?;
        let mut listed = packages
            .list_packages(&args.prefix, after.as_ref(), limit + 1)
            .await
            .map_err(explain)?;
        let is_more = listed.len() > limit;
        listed.truncate(limit);
        let links = session.links();
        let package = |listed| Package::of(listed, args.bucket.as_str(), links.as_ref());
        let mut packages: Vec<Package> = listed.into_iter().map(package).collect();
        let is_more = !AnswerBudget::new().truncate(&mut packages) || is_more;
        let next = packages.last().filter(|_| is_more).map(|last| {
            cursor::write(&Cursor {
                bucket: args.bucket.to_string(),
                prefix: args.prefix.clone(),
                after: last.name.clone(),
            })
        });
        Ok(Output {
            bucket: args.bucket.to_string(),
            returned: packages.len(),
            packages,
            next_cursor: next,
        }
        .into())
    }
}

impl Package {
    fn of(listed: ListedPackage, bucket: &str, links: Option<&CatalogLinks>) -> Self {
        let ListedPackage { name, latest } = listed;
        Self {
            catalog_url: links.and_then(|links| links.url(&CatalogPage::package(bucket, &name))),
            name: name.to_string(),
            latest_hash: latest.as_ref().map(|latest| latest.hash.to_string()),
            modified: latest.and_then(|latest| latest.modified),
        }
    }
}
