//! `package_create_from_s3`: a package of everything below a prefix.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::args::{FileArg, HashType, NewName};
use super::globs::{self, Globs};
use super::metadata::Metadata;
use super::outcome::Output;
use super::plan::{Keys, MOST, plan};
use super::push::{NewPackage, Options, create, in_time};
use crate::error_code::ErrorCode;
use crate::packages::room_of_file;
use crate::s3::{BucketName, ListedObject, ListingQuery, ObjectUri, UserS3};
use crate::tools::args::yes;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Where registries keep their own things.
const OWN: &str = ".quilt/";

/// Creates a package of what is below a prefix.
pub struct PackageCreateFromS3;

/// What is to be in it. The options stand in both tools that create: as one flattened struct, an error could not name them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the contract defines exactly these")]
pub struct Args {
    /// Bucket of the package
    #[schemars(with = "String")]
    bucket: BucketName,
    /// `namespace/name`
    #[schemars(with = "String")]
    name: NewName,
    #[schemars(with = "String")]
    source_bucket: BucketName,
    #[serde(default)]
    source_prefix: String,
    /// At most 100 globs of 1 KiB, on the path below the prefix, or without "/" on the file name
    #[schemars(length(max = globs::MOST))]
    #[serde(default)]
    include: Vec<String>,
    #[schemars(length(max = globs::MOST))]
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    message: String,
    metadata: Option<Metadata>,
    /// Text of README.md
    readme: Option<String>,
    /// false: keep the folders below the prefix
    #[serde(default = "yes")]
    flatten: bool,
    /// Sort into folders by extension
    #[serde(default)]
    auto_organize: bool,
    /// Copy the objects into the package's bucket
    #[serde(default)]
    copy: bool,
    /// Id; "" for none
    workflow: Option<String>,
    /// Checksum of new entries
    hash_type: Option<HashType>,
    #[serde(default)]
    overwrite: bool,
    #[serde(default)]
    dry_run: bool,
}

impl Tool for PackageCreateFromS3 {
    const NAME: &'static str = "package_create_from_s3";
    const TITLE: &'static str = "Create a package from a prefix";
    const DESCRIPTION: &'static str = "Creates a package of all objects below a prefix that match include and not exclude. \
                                       Otherwise like package_create.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        globs::checked("include", &args.include)?;
        globs::checked("exclude", &args.exclude)?;
        let prefix = args
            .source_prefix
            .strip_prefix(&format!("s3://{}/", args.source_bucket));
        let prefix = prefix.unwrap_or(&args.source_prefix).to_owned();
        let base = prefix
            .rfind('/')
            .and_then(|slash| prefix.get(..=slash))
            .unwrap_or_default()
            .to_owned();
        let s3 = session.s3_for_writing().await?;
        let wanted = Arc::new(Wanted::compile(&session, args.include, args.exclude, base.clone()).await?);
        let found = in_time(&session, find(&session, &s3, &args.source_bucket, &prefix, &wanted)).await?;
        if found.files.is_empty() {
            let message = format!(
                "No object below s3://{}/{prefix} is to go into the package.",
                args.source_bucket
            );
            return Err(ToolError::invalid(message)
                .with_hint("Check source_prefix, include and exclude with bucket_objects_list."));
        }
        let mut warnings = Vec::new();
        if found.folders > 0 {
            let warning = format!(
                "{} empty objects whose keys end in \"/\" stand for folders and were left out.",
                found.folders
            );
            warnings.push(warning);
        }
        let keys = Keys {
            flatten: args.flatten,
            auto_organize: args.auto_organize,
        };
        let planned = plan(found.files, keys, &base)?;
        let options = Options {
            message: args.message,
            metadata: args.metadata,
            readme: args.readme,
            copy: args.copy,
            workflow: args.workflow,
            hash_type: args.hash_type,
            overwrite: args.overwrite,
            dry_run: args.dry_run,
        };
        let new = NewPackage {
            bucket: args.bucket,
            name: args.name.0,
            planned,
            options,
            warnings,
        };
        Ok(create(&session, new).await?.into())
    }
}

/// Memory that is asked for at once for what is found.
const STEP: usize = 8 * 1024 * 1024;

/// Which objects are to go into the package.
struct Wanted {
    include: Globs,
    exclude: Globs,
    /// The part of their keys that the globs do not see.
    base: String,
    is_heavy: bool,
}

impl Wanted {
    async fn compile(
        session: &Session,
        include: Vec<String>,
        exclude: Vec<String>,
        base: String,
    ) -> Result<Self, ToolError> {
        let is_heavy = globs::is_heavy(include.iter().chain(&exclude));
        let compile = move || {
            let (include, exclude) = (
                Globs::compile("include", &include)?,
                Globs::compile("exclude", &exclude)?,
            );
            Ok(Self {
                include,
                exclude,
                base,
                is_heavy,
            })
        };
        if !is_heavy {
            return compile();
        }
        session
            .cpu()
            .run(move |_| compile())
            .await
            .map_err(|error| session.explain_package(error.into()))?
    }

    fn wants(&self, key: &str) -> bool {
        let path = key.strip_prefix(&self.base).unwrap_or(key);
        let is_included = self.include.is_empty() || self.include.matches(path);
        !key.starts_with(OWN) && is_included && !self.exclude.matches(path)
    }

    /// Those of a page of a listing that are wanted.
    async fn of_page(
        self: &Arc<Self>,
        session: &Session,
        mut page: Vec<ListedObject>,
    ) -> Result<Vec<ListedObject>, ToolError> {
        if !self.is_heavy {
            page.retain(|object| self.wants(&object.key));
            return Ok(page);
        }
        let this = self.clone();
        let chosen = session.cpu().run(move |deadline| {
            let mut chosen = Vec::new();
            for object in page {
                deadline.check()?;
                chosen.extend(Some(object).filter(|object| this.wants(&object.key)));
            }
            Ok(chosen)
        });
        chosen
            .await
            .and_then(|chosen| chosen)
            .map_err(|error| session.explain_package(error.into()))
    }
}

/// What is below a prefix.
#[derive(Default)]
struct Found {
    files: Vec<FileArg>,
    /// Objects that only stand for a folder.
    folders: u64,
}

async fn find(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    prefix: &str,
    wanted: &Arc<Wanted>,
) -> Result<Found, ToolError> {
    let mut found = Found::default();
    // In steps: nobody knows how many there are.
    let (mut weight, mut paid) = (0, STEP);
    session.hold(paid).await?;
    let mut query = ListingQuery {
        prefix: prefix.to_owned(),
        max_keys: 1000,
        ..ListingQuery::default()
    };
    loop {
        let page = s3
            .list_objects(bucket, &query)
            .await
            .map_err(|error| session.explain(&error))?;
        for object in wanted.of_page(session, page.objects).await? {
            if object.key.ends_with('/') && object.size == 0 {
                found.folders += 1;
                continue;
            }
            weight += room_of_file(2 * object.key.len());
            let key = object.key.parse().map_err(ToolError::invalid)?;
            let s3_uri = ObjectUri::latest(bucket.clone(), key);
            found.files.push(FileArg {
                s3_uri,
                logical_key: None,
                meta: None,
            });
        }
        if weight > paid {
            paid = weight + STEP;
            session.hold(paid).await?;
        }
        if found.files.len() > MOST {
            let message = format!("More than {MOST} objects are below s3://{bucket}/{prefix}, too many for one call.");
            return Err(ToolError::new(ErrorCode::TooLarge, message)
                .with_hint("Use a longer prefix or include, then add the rest with package_update."));
        }
        query.continuation_token = page.next_continuation_token;
        if query.continuation_token.is_none() {
            return Ok(found);
        }
    }
}
