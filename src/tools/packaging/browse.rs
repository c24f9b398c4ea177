//! `package_browse`: a page of a package's tree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::{KnownName, latest};
use super::view::SeenEntry;
use super::{cursor, metadata};
use crate::error_code::ErrorCode;
use crate::packages::Use;
use crate::s3::BucketName;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Link, Session, ToolError, weight};

/// Shows what is in a package.
pub struct PackageBrowse;

/// Where to look.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[schemars(with = "String")]
    bucket: BucketName,
    #[schemars(with = "String")]
    name: KnownName,
    /// Top hash, its beginning, or latest
    #[serde(default = "latest")]
    hash: String,
    /// A folder or an entry
    #[serde(default)]
    path: String,
    /// All files below, not one level
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// The package.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    bucket: String,
    name: String,
    hash: String,
    message: Option<String>,
    metadata: Option<Value>,
    workflow: Option<Value>,
    total_entries: u64,
    total_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    package: Package,
    entries: Vec<SeenEntry>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The revision is part of a place, so that pages belong together although the package moves on.
#[derive(Serialize, Deserialize, PartialEq)]
struct Place {
    bucket: String,
    name: String,
    hash: String,
    path: String,
    recursive: bool,
    offset: u64,
}

impl Tool for PackageBrowse {
    const NAME: &'static str = "package_browse";
    const TITLE: &'static str = "Browse a package";
    const DESCRIPTION: &'static str = "Shows a package revision and one page of its tree: the files and folders of path, or all \
                                       files below it. s3_uri works with the object tools.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let name = args.name.0;
        let path = args.path.trim_matches('/').to_owned();
        let place = cursor::read::<Place>(args.cursor.as_deref())?;
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let told = |error| session.explain_package(error);
        let hash = match &place {
            Some(place) => {
                let is_same = place.bucket == args.bucket.as_str()
                    && place.name == name.as_str()
                    && place.path == path
                    && place.recursive == args.recursive
                    && (args.hash == "latest" || place.hash.starts_with(&args.hash));
                let hash = place.hash.parse().ok().filter(|_| is_same);
                hash.ok_or_else(cursor::foreign)?
            }
            None => packages.resolve(&name, &args.hash).await.map_err(told)?,
        };
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let page = weight::of_items(limit);
        session.hold(packages.room(&hash, Use::Page).await + page).await?;
        let file = packages.open(&hash).await.map_err(told)?;
        let room = packages.room(&hash, Use::Page).await;
        session.settle(room + page);
        let whole = file.index.whole;
        let offset = place.map(|place| place.offset);
        if offset.is_some_and(|offset| !(whole.start..whole.end).contains(&offset)) {
            return Err(cursor::foreign());
        }
        let Some(at) = file.find(&path).await.map_err(told)? else {
            let message = format!("There is nothing at `{path}` in revision {hash} of {name}.");
            return Err(ToolError::new(ErrorCode::NoSuchKey, message)
                .with_hint("Browse the package without a path to see what it holds."));
        };
        let (listed, next) = file.list(&at, args.recursive, offset, limit).await.map_err(told)?;
        let page: usize = listed
            .iter()
            .map(|listed| weight::of_item(listed.names(), listed.weight()))
            .sum();
        let about_all = file.index.header.fields.weight();
        session.hold(room + page + weight::of_item(0, about_all)).await?;
        let entries: Vec<SeenEntry> = listed
            .iter()
            .map(|listed| SeenEntry::listed(listed, |path| file.directory_meta(path).cloned()))
            .collect();
        // Only beside the first page of all: it is the whole package that is linked, and once is enough.
        let is_first = offset.is_none() && path.is_empty();
        let link = next
            .filter(|_| is_first)
            .map(|_| Link::package(&args.bucket, &name, &hash));
        let next_cursor = next.map(|offset| {
            let (bucket, name, hash) = (args.bucket.to_string(), name.to_string(), hash.to_string());
            cursor::write(&Place {
                bucket,
                name,
                hash,
                path,
                recursive: args.recursive,
                offset,
            })
        });
        let header = &file.index.header;
        let package = Package {
            bucket: args.bucket.to_string(),
            name: name.to_string(),
            hash: hash.to_string(),
            message: header.message().map(str::to_owned),
            metadata: header.user_meta().map(metadata::shown),
            workflow: header.workflow().map(metadata::shown),
            total_entries: whole.entries,
            total_bytes: u64::try_from(whole.total_bytes).unwrap_or(u64::MAX),
            catalog_url: session
                .catalog()
                .map(|catalog| catalog.package_page(args.bucket.as_str(), &name, &hash)),
        };
        let output = Output {
            package,
            count: entries.len(),
            entries,
            next_cursor,
        };
        Ok(Reply {
            output,
            images: Vec::new(),
            link,
        })
    }
}
