//! `package_browse`: one page of a package's tree.

use quilt_format::{ManifestError, PackageName, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ExistingName, latest, place};
use super::cursor;
use super::view::EntryView;
use crate::aws::s3::BucketName;
use crate::catalog::CatalogPage;
use crate::error_code::ErrorCode;
use crate::packages::{Listed, ManifestAccess, ManifestFile};
use crate::tools::answer_size::{AnswerBudget, MAX_METADATA_BYTES, bounded_message};
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::manifest_json::NOT_FINITE;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, ManifestJson, Session, ToolError};

pub struct PackageBrowse;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// Top hash, 6 or more digits of it, latest~N, or latest (the default)
    #[serde(default = "latest")]
    hash: String,
    /// Folder or entry to show; by default the whole package
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    path: String,
    /// true: all files below; false (the default): one level
    #[serde(default)]
    recursive: bool,
    /// 1 to 1000 entries, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of a page
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    bucket: String,
    name: String,
    hash: String,
    message: Option<String>,
    metadata: Option<ManifestJson>,
    /// true: only the beginning of the metadata is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
    workflow: Option<ManifestJson>,
    total_entries: u64,
    total_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    package: Package,
    entries: Vec<EntryView>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Position of a page. It pins the revision, so that all pages are of one.
#[derive(Serialize, Deserialize, PartialEq)]
struct Cursor {
    bucket: String,
    name: String,
    hash: String,
    path: String,
    recursive: bool,
    offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
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

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let explain = |error| session.explain_package(error);
        let path = args.path.trim_matches('/').to_owned();
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let hash = match &cursor {
            Some(cursor) => cursor.revision(&args, &path)?,
            None => packages.resolve(&args.name.0, &args.hash).await.map_err(explain)?,
        };
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let page_bytes = estimate_items_bytes(limit);
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await;
        session.reserve(manifest_bytes + page_bytes).await?;
        let file = packages.open_to_browse(&hash).await.map_err(explain)?;
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await;
        session.release_above(manifest_bytes + page_bytes);
        let whole = file.index.whole;
        let offset = cursor.map(|cursor| cursor.offset);
        if offset.is_some_and(|offset| !(whole.start..whole.end).contains(&offset)) {
            return Err(cursor::foreign());
        }
        let Some(subtree) = file.find(&path).await.map_err(explain)? else {
            return Err(nothing_at(&path, &hash, &args.name.0));
        };
        let view = |listed: &Listed| EntryView::listed(listed, |path| file.directory_meta(path).cloned());
        let package = Package::of(&session, &args, &file);
        let mut budget = AnswerBudget::beside(&package);
        let mut entries: Vec<EntryView> = Vec::new();
        let fits = |listed: &Listed| {
            let row = view(listed);
            let fits = budget.admits(&row);
            entries.extend(fits.then_some(row));
            fits
        };
        let listed = file.list(&subtree, args.recursive, offset, limit, fits).await;
        let (listed, next) = listed.map_err(explain)?;
        session
            .reserve(manifest_bytes + estimate_page_bytes(&file, &listed))
            .await?;
        // Only beside the first page of the root: the link is to the whole package.
        let is_first = offset.is_none() && path.is_empty();
        let link = next
            .filter(|_| is_first)
            .map(|_| Link::package(&args.bucket, &args.name.0, &hash));
        let is_exact = package.is_exact() && entries.iter().all(EntryView::is_exact);
        let not_built = file.index.not_built.as_ref().map(not_verified);
        let output = Output {
            package,
            warnings: not_built
                .into_iter()
                .chain((!is_exact).then(|| NOT_FINITE.to_owned()))
                .collect(),
            returned: entries.len(),
            entries,
            next_cursor: next.map(|offset| Cursor::of(&args, &hash, path, offset)),
        };
        Ok(ToolSuccess {
            output,
            images: Vec::new(),
            is_structured: true,
            link,
        })
    }
}

impl Cursor {
    fn of(args: &Args, hash: &TopHash, path: String, offset: u64) -> String {
        cursor::write(&Self {
            bucket: args.bucket.to_string(),
            name: args.name.0.to_string(),
            hash: hash.to_string(),
            path,
            recursive: args.recursive,
            offset,
            place: place(&args.hash),
        })
    }

    /// Returns the revision of the first page, if these are its arguments.
    fn revision(&self, args: &Args, path: &str) -> Result<TopHash, ToolError> {
        let is_same = self.bucket == args.bucket.as_str()
            && self.name == args.name.0.as_str()
            && self.path == path
            && self.recursive == args.recursive
            && self.place == place(&args.hash)
            && (self.place.is_some() || args.hash == "latest" || self.hash.starts_with(&args.hash));
        let hash = self.hash.parse().ok().filter(|_| is_same);
        hash.ok_or_else(cursor::foreign)
    }
}

impl Package {
    /// Returns whether no number is shown as a string.
    fn is_exact(&self) -> bool {
        let values = [&self.metadata, &self.workflow];
        values.into_iter().flatten().all(ManifestJson::is_exact)
    }

    fn of(session: &Session, args: &Args, file: &ManifestFile) -> Self {
        let header = &file.index.header;
        let whole = file.index.whole;
        let metadata = header
            .user_meta()
            .map(|metadata| ManifestJson::beginning_of(metadata, MAX_METADATA_BYTES));
        let (metadata, metadata_cut) = metadata.unwrap_or((None, false));
        Self {
            bucket: args.bucket.to_string(),
            name: args.name.0.to_string(),
            hash: file.hash.to_string(),
            message: header.message().map(bounded_message),
            metadata,
            metadata_cut,
            workflow: header
                .workflow()
                .and_then(|workflow| ManifestJson::beginning_of(workflow, MAX_METADATA_BYTES).0),
            total_entries: whole.entries,
            total_bytes: u64::try_from(whole.total_bytes).unwrap_or(u64::MAX),
            catalog_url: session
                .links()
                .and_then(|links| links.url(&CatalogPage::revision(args.bucket.as_str(), &args.name.0, &file.hash))),
        }
    }
}

/// Estimates the memory for the result: its items, and the package's own metadata.
fn estimate_page_bytes(file: &ManifestFile, listed: &[Listed]) -> usize {
    let items: usize = listed
        .iter()
        .map(|listed| estimate_item_bytes(listed.name_bytes(), listed.estimate_metadata_bytes()))
        .sum();
    items + estimate_item_bytes(0, file.index.header.fields.estimate_bytes())
}

/// Warns of a revision with entries of which there is no hash.
fn not_verified(problem: &ManifestError) -> String {
    format!(
        "This revision is shown as far as it is known and cannot be verified ({problem}); push the package again with quilt3."
    )
}

fn nothing_at(path: &str, hash: &TopHash, name: &PackageName) -> ToolError {
    let message = format!("There is nothing at `{path}` in revision {hash} of {name}.");
    ToolError::new(ErrorCode::NoSuchKey, message).with_hint("Browse the package without a path to see what it holds.")
}
