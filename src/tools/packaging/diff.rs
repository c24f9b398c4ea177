//! `package_diff`: one page of the differences between two revisions.

use quilt_format::diff::Change;
use quilt_format::json::Value;
use quilt_format::{Entry, PackageName, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ExistingName, latest, place};
use super::cursor;
use super::diff_page::{Page, Position};
use super::view::{Counts, EntryView, PackageRef};
use crate::aws::s3::BucketName;
use crate::packages::{ManifestAccess, PackageBucket, PackageError};
use crate::tools::answer_size::AnswerBudget;
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::manifest_json::NOT_FINITE;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageDiff;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// First revision: top hash, 6 or more digits of it, latest~N, or latest (the default)
    #[serde(default = "latest")]
    hash: String,
    /// Second revision; by default the latest, or when hash is that, the latest is compared with the one before it
    other_hash: Option<String>,
    /// Package of the second revision; by default the same
    #[schemars(with = "Option<String>")]
    other_name: Option<ExistingName>,
    /// Bucket of the second revision; by default the same
    #[schemars(with = "Option<String>")]
    other_bucket: Option<BucketName>,
    /// 1 to 1000 differences, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of a page
    cursor: Option<String>,
}

/// An entry that both have, and that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    logical_key: String,
    from: EntryView,
    to: EntryView,
}

impl Changed {
    fn of(from: &Entry, to: &Entry) -> Self {
        Self {
            logical_key: to.logical_key.to_string(),
            from: EntryView::file(from),
            to: EntryView::file(to),
        }
    }
}

/// One page of differences, in tree order; the counts are of all of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    from: PackageRef,
    to: PackageRef,
    added: Vec<EntryView>,
    removed: Vec<EntryView>,
    changed: Vec<Changed>,
    /// Of the packages themselves.
    metadata_changed: bool,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    from: RevisionKey,
    to: RevisionKey,
    #[serde(default)]
    places: Places,
    #[serde(flatten)]
    position: Position,
}

/// Bucket, package and hash of a revision.
#[derive(Serialize, Deserialize)]
struct RevisionKey(String, String, String);

/// The arguments that named the revisions by their places.
type Places = (Option<String>, Option<String>);

impl RevisionKey {
    /// Reports whether an argument that names a revision means this one.
    fn is_meant_by(&self, wanted: &str) -> bool {
        matches!(wanted, "" | "latest") || place(wanted).is_some() || self.2.starts_with(wanted)
    }
}

/// One of the two revisions.
struct Side {
    packages: PackageBucket,
    name: PackageName,
    hash: TopHash,
}

impl Side {
    fn reference(&self) -> PackageRef {
        PackageRef::of(self.packages.name(), &self.name, &self.hash)
    }

    fn key(&self) -> RevisionKey {
        RevisionKey(
            self.packages.name().to_string(),
            self.name.to_string(),
            self.hash.to_string(),
        )
    }

    /// Returns the side of a later page, if the arguments name the package of the first page.
    fn resume(packages: PackageBucket, name: PackageName, key: &RevisionKey) -> Result<Self, ToolError> {
        let RevisionKey(bucket, package, hash) = key;
        let is_same = bucket == packages.name().as_str() && package == name.as_str();
        let hash = hash.parse().ok().filter(|_| is_same).ok_or_else(cursor::foreign)?;
        Ok(Self { packages, name, hash })
    }

    /// Estimates the memory for reading the whole manifest.
    async fn estimate_bytes(&self) -> usize {
        let Self { packages, hash, .. } = self;
        packages.estimate_manifest_bytes(hash, ManifestAccess::Scan).await
    }
}

impl Tool for PackageDiff {
    const NAME: &'static str = "package_diff";
    const TITLE: &'static str = "Compare package revisions";
    const DESCRIPTION: &'static str = "Shows which entries were added, removed or changed from one package revision to another, \
                                       a page at a time, with the counts of all.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let cursor = cursor::read::<Cursor>(args.cursor.as_deref())?;
        let places = (place(&args.hash), args.other_hash.as_deref().and_then(place));
        if cursor.as_ref().is_some_and(|cursor| cursor.places != places) {
            return Err(cursor::foreign());
        }
        let (from, to) = sides(&session, args, cursor.as_ref()).await?;
        let explain = |error| session.explain_package(error);
        let page_bytes = estimate_items_bytes(2 * limit);
        session
            .reserve(estimate_scan_bytes(&from, &to).await + page_bytes)
            .await?;
        let first = from.packages.open(&from.hash).await.map_err(explain)?;
        let second = to.packages.open(&to.hash).await.map_err(explain)?;
        let scan_bytes = estimate_scan_bytes(&from, &to).await;
        session.release_above(scan_bytes + page_bytes);
        let position = cursor.map(|cursor| cursor.position);
        let mut budget = AnswerBudget::new();
        let fits = |change: &Change| match change {
            Change::Added(entry) | Change::Removed(entry) => budget.admits(&EntryView::file(entry)),
            Change::Changed { from, to } => budget.admits(&Changed::of(from, to)),
        };
        let page = Page::read(&first, &second, position, limit, fits)
            .await
            .map_err(explain)?;
        session.reserve(scan_bytes + page.estimated_bytes).await?;
        let mut output = Output {
            from: from.reference(),
            to: to.reference(),
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            metadata_changed: !same(first.index.header.user_meta(), second.index.header.user_meta()),
            counts: page.counts.into(),
            next_cursor: page.next.map(|position| {
                cursor::write(&Cursor {
                    from: from.key(),
                    to: to.key(),
                    places,
                    position,
                })
            }),
            warnings: Vec::new(),
        };
        for change in page.changes {
            match change {
                Change::Added(entry) => output.added.push(EntryView::file(&entry)),
                Change::Removed(entry) => output.removed.push(EntryView::file(&entry)),
                Change::Changed { from, to } => output.changed.push(Changed::of(&from, &to)),
            }
        }
        if !output.is_exact() {
            output.warnings.push(NOT_FINITE.to_owned());
        }
        Ok(output.into())
    }
}

impl Output {
    /// Returns whether no number is shown as a string.
    fn is_exact(&self) -> bool {
        let changed = self.changed.iter().flat_map(|changed| [&changed.from, &changed.to]);
        let mut entries = self.added.iter().chain(&self.removed).chain(changed);
        entries.all(EntryView::is_exact)
    }
}

async fn estimate_scan_bytes(from: &Side, to: &Side) -> usize {
    from.estimate_bytes().await + to.estimate_bytes().await
}

/// Resolves the two revisions of the arguments, or of the cursor.
async fn sides(session: &Session, args: Args, cursor: Option<&Cursor>) -> Result<(Side, Side), ToolError> {
    let explain = |error: PackageError| session.explain_package(error);
    let s3 = session.s3().await?;
    let name = args.name.0;
    let names_other = args.other_hash.is_some() || args.other_name.is_some() || args.other_bucket.is_some();
    let packages = session.packages(s3.clone(), args.bucket.clone());
    let other_packages = session.packages(s3, args.other_bucket.unwrap_or(args.bucket));
    let other_name = args.other_name.map_or_else(|| name.clone(), |name| name.0);
    if let Some(Cursor { from, to, .. }) = cursor {
        // If no other revision is named, the latest was compared with the one before it.
        let is_first_meant = from.is_meant_by(&args.hash) || !names_other && to.is_meant_by(&args.hash);
        let is_second_meant = args.other_hash.as_deref().is_none_or(|wanted| to.is_meant_by(wanted));
        if !(is_first_meant && is_second_meant) {
            return Err(cursor::foreign());
        }
        let from = Side::resume(packages, name, from)?;
        let to = Side::resume(other_packages, other_name, to)?;
        return Ok((from, to));
    }
    let hash = packages.resolve(&name, &args.hash).await.map_err(explain)?;
    let other = other_packages.resolve(&other_name, args.other_hash.as_deref().unwrap_or("latest"));
    let other_hash = other.await.map_err(explain)?;
    let hash = if !names_other && hash == other_hash {
        before(&packages, &name, &hash).await.map_err(explain)?
    } else {
        hash
    };
    let to = Side {
        packages: other_packages,
        name: other_name,
        hash: other_hash,
    };
    Ok((Side { packages, name, hash }, to))
}

/// Returns the revision before this one.
async fn before(packages: &PackageBucket, name: &PackageName, hash: &TopHash) -> Result<TopHash, PackageError> {
    for pointer in packages.history(name).await? {
        // A pointer that names no revision is passed over.
        let read = packages.read_pointers(vec![pointer]).await?;
        let mut hashes = read.into_iter().filter_map(|read| read.revision.ok());
        if let Some(other) = hashes.find(|other| other != hash) {
            return Ok(other);
        }
    }
    let message = format!(
        "the package {name} has only the revision {hash}; name another with other_hash, other_name or other_bucket"
    );
    Err(PackageError::Invalid(message))
}

/// Reports whether the metadata of the packages is the same; absent and null are not.
fn same(from: Option<&Value>, to: Option<&Value>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => from == to,
        (None, None) => true,
        _ => false,
    }
}
