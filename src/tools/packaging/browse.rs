//! `package_browse`: one page of a package's tree.

use quilt_format::{Entry, ManifestError, PackageName, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ExistingName, latest, place};
use super::cursor;
use super::entry_filter::EntryFilter;
use super::package_view::Package;
use super::question::Question;
use super::view::EntryView;
use crate::aws::s3::{BucketName, ObjectUri};
use crate::error_code::ErrorCode;
use crate::packages::{Found, Listed, ManifestAccess, ManifestFile, PackageError, Subtree};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::{Bounded, Detail};
use crate::tools::estimate::{estimate_item_bytes, estimate_items_bytes};
use crate::tools::manifest_json::NOT_FINITE;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

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
    /// All files below, not one level
    #[serde(default)]
    recursive: bool,
    /// Only files, at any depth, that match this glob
    #[serde(rename = "match")]
    glob: Option<String>,
    /// Only files that lie at this S3 URI, or below one that ends in "/"
    #[schemars(with = "Option<String>")]
    uses: Option<ObjectUri>,
    /// Begin behind this key
    start_after: Option<String>,
    /// 1 to 1000 entries, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// A `next_cursor`
    cursor: Option<String>,
    /// full adds `s3_uri`, hash and meta; by default brief
    #[serde(default)]
    detail: Detail,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    package: Package,
    /// URI of the revision; with `&path=` and a logical key, percent-encoded, it is one of an entry
    uri: String,
    entries: Vec<EntryView>,
    returned: usize,
    /// Entries that were examined for match and uses
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for PackageBrowse {
    const NAME: &'static str = "package_browse";
    const TITLE: &'static str = "Browse a package";
    const DESCRIPTION: &'static str = "Shows a package revision and one page of its tree, in order of the keys: the files and \
                                       folders of path, or all files below it. Object tools read entries by uri with &path=KEY.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let request = Request::of(args)?;
        let args = &request.args;
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let explain = |error| session.explain_package(error);
        let (hash, offset) = match request.position()? {
            Some((hash, offset)) => (hash, Some(offset)),
            None => (packages.resolve(&args.name.0, &args.hash).await.map_err(explain)?, None),
        };
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let page_bytes = estimate_items_bytes(limit);
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await;
        session.reserve(manifest_bytes + page_bytes).await?;
        let file = packages.open_to_browse(&hash).await.map_err(explain)?;
        let manifest_bytes = packages.estimate_manifest_bytes(&hash, ManifestAccess::Page).await;
        session.release_above(manifest_bytes + page_bytes);
        let whole = file.index.whole;
        if offset.is_some_and(|offset| !(whole.start..whole.end).contains(&offset)) {
            return Err(cursor::foreign());
        }
        let Some(subtree) = file.find(&request.path).await.map_err(explain)? else {
            return Err(nothing_at(&request.path, &hash, &args.name.0));
        };
        let package = Package::of(&session, &args.bucket, &args.name.0, &file);
        let mut rows = PageRows::beside(&package);
        let found = request
            .find(&session, &file, &subtree, offset, |listed| {
                rows.admit(&file, args.detail, listed)
            })
            .await
            .map_err(explain)?;
        session
            .reserve(manifest_bytes + estimate_page_bytes(&file, &found.listed))
            .await?;
        let link = Link::package(&args.bucket, &args.name.0, &hash);
        let warnings = warnings(&file, &package, &rows.rows, &found);
        let output = Output {
            package,
            uri: link.uri.clone(),
            warnings,
            returned: rows.rows.len(),
            entries: rows.rows,
            scanned: request.filter.as_ref().map(|_| found.scanned),
            next_cursor: found.next.map(|offset| request.cursor(&hash, offset)),
        };
        // Only beside the first page of the root: the link is to the whole package.
        let is_whole = offset.is_none() && request.path.is_empty() && request.filter.is_none();
        Ok(ToolSuccess {
            link: Some(link).filter(|_| is_whole && output.next_cursor.is_some()),
            output,
            images: Vec::new(),
            is_structured: true,
        })
    }
}

/// The arguments, with what is made of them.
struct Request {
    args: Args,
    /// The path without slashes around it.
    path: String,
    filter: Option<EntryFilter>,
    question: Question,
}

impl Request {
    fn of(args: Args) -> Result<Self, ToolError> {
        let path = args.path.trim_matches('/').to_owned();
        let filter = EntryFilter::of(args.glob.as_deref(), args.uses.as_ref())?;
        let question = Question::of(&(
            PackageBrowse::NAME,
            args.bucket.as_str(),
            args.name.0.as_str(),
            &path,
            args.recursive,
            &args.glob,
            args.uses.as_ref().map(ToString::to_string),
            &args.start_after,
            place(&args.hash),
        ));
        Ok(Self {
            args,
            path,
            filter,
            question,
        })
    }

    /// Returns the revision of the first page and the offset of this one, if the cursor is one of this question.
    fn position(&self) -> Result<Option<(TopHash, u64)>, ToolError> {
        let Some(mut fields) = self.question.read(self.args.cursor.as_deref())? else {
            return Ok(None);
        };
        let (hash, offset) = (fields.hash()?, fields.number()?);
        fields.end()?;
        let wanted = self.args.hash.as_str();
        let is_meant = wanted == "latest" || place(wanted).is_some() || hash.as_str().starts_with(wanted);
        if is_meant {
            Ok(Some((hash, offset)))
        } else {
            Err(cursor::foreign())
        }
    }

    /// Makes the cursor of a page. It pins the revision, so that all pages are of one.
    fn cursor(&self, hash: &TopHash, offset: u64) -> String {
        self.question.cursor().hash(hash).number(offset).end()
    }

    async fn find(
        &self,
        session: &Session,
        file: &ManifestFile,
        subtree: &Subtree,
        offset: Option<u64>,
        fits: impl FnMut(&Listed) -> bool + Send,
    ) -> Result<Found, PackageError> {
        let Args { recursive, limit, .. } = self.args;
        let is_recursive = recursive || self.filter.is_some();
        let limit = usize::try_from(limit.get()).unwrap_or(1000);
        let after = self.args.start_after.as_deref().filter(|key| !key.is_empty());
        let from = match (offset, after) {
            (None, Some(key)) => Some(file.offset_after(subtree, key, is_recursive).await?),
            (offset, _) => offset,
        };
        if let Some(filter) = &self.filter {
            let is_wanted = |entry: &Entry| filter.selects(entry);
            let search = file.search(subtree, from, limit, session.deadline(), is_wanted, fits);
            return search.await;
        }
        let (listed, next) = file.list(subtree, recursive, from, limit, fits).await?;
        Ok(Found {
            listed,
            next,
            ..Found::default()
        })
    }
}

/// The rows of a page, as far as they fit in an answer.
struct PageRows {
    budget: AnswerBudget,
    rows: Vec<EntryView>,
}

impl PageRows {
    fn beside(package: &Package) -> Self {
        Self {
            budget: AnswerBudget::beside(package),
            rows: Vec::new(),
        }
    }

    fn admit(&mut self, file: &ManifestFile, detail: Detail, listed: &Listed) -> bool {
        let row = EntryView::listed(listed, detail, |path| file.directory_meta(path).cloned());
        let fits = self.budget.admits(&row);
        self.rows.extend(fits.then_some(row));
        fits
    }
}

fn warnings(file: &ManifestFile, package: &Package, rows: &[EntryView], found: &Found) -> Vec<String> {
    let is_exact = package.is_exact() && rows.iter().all(EntryView::is_exact);
    let not_built = file.index.not_built.as_ref().map(not_verified);
    let stopped = found.is_out_of_time.then(|| {
        let scanned = found.scanned;
        format!("The time of the call was over after {scanned} entries; next_cursor goes on behind them.")
    });
    not_built
        .into_iter()
        .chain((!is_exact).then(|| NOT_FINITE.to_owned()))
        .chain(stopped)
        .collect()
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
