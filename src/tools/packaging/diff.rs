//! `package_diff`: one page of the differences between two revisions.

use jiff::Timestamp;
use quilt_format::diff::Change;
use quilt_format::json::Value;
use quilt_format::{Entry, PackageName, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ExistingName, latest, place};
use super::cursor;
use super::diff_page::{Page, Position};
use super::metadata_diff::MetadataDiff;
use super::question::{CursorReader, CursorWriter, Question};
use super::view::{Counts, EntryView, PackageRef};
use crate::aws::s3::BucketName;
use crate::packages::{ChangeCounts, ManifestAccess, ManifestFile, PackageBucket, PackageError};
use crate::tools::answer_size::{AnswerBudget, bounded_message};
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
    /// Second revision; by default the latest, and if hash is that, it is compared with the one before
    other_hash: Option<String>,
    /// By default name
    #[schemars(with = "Option<String>")]
    other_name: Option<ExistingName>,
    /// By default bucket
    #[schemars(with = "Option<String>")]
    other_bucket: Option<BucketName>,
    /// 1 to 1000 differences, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// A `next_cursor`
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

/// One of the two revisions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Revision {
    #[serde(flatten)]
    package: PackageRef,
    /// null: none of the newest pointers of the package names it
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    message: Option<String>,
}

/// One page of differences, in tree order; the counts are of all of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    from: Revision,
    to: Revision,
    added: Vec<EntryView>,
    removed: Vec<EntryView>,
    changed: Vec<Changed>,
    /// Of the packages themselves.
    metadata_changed: bool,
    /// By the keys of the packages' metadata
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataDiff>,
    /// true: some differences of the metadata are not shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// One of the two revisions.
struct Side {
    packages: PackageBucket,
    name: PackageName,
    hash: TopHash,
    modified: Option<Timestamp>,
}

impl Side {
    fn revision(&self, file: &ManifestFile) -> Revision {
        Revision {
            package: PackageRef::of(self.packages.name(), &self.name, &self.hash),
            modified: self.modified,
            message: file.index.header.message().map(bounded_message),
        }
    }

    fn write(&self, cursor: CursorWriter) -> CursorWriter {
        let seconds = self.modified.and_then(|at| u64::try_from(at.as_second()).ok());
        cursor.hash(&self.hash).number(seconds.map_or(0, |seconds| seconds + 1))
    }

    /// Reads the side of a later page from its cursor.
    fn read(packages: PackageBucket, name: PackageName, fields: &mut CursorReader) -> Result<Self, ToolError> {
        let hash = fields.hash()?;
        let seconds = fields
            .number()?
            .checked_sub(1)
            .and_then(|seconds| i64::try_from(seconds).ok());
        Ok(Self {
            packages,
            name,
            hash,
            modified: seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        })
    }

    /// Reports whether an argument that names a revision means this one.
    fn is_meant_by(&self, wanted: &str) -> bool {
        matches!(wanted, "" | "latest") || place(wanted).is_some() || self.hash.as_str().starts_with(wanted)
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
        let pair = Pair::of(&session, args).await?;
        let Pair { from, to, .. } = &pair;
        let explain = |error| session.explain_package(error);
        let page_bytes = estimate_items_bytes(2 * limit);
        session
            .reserve(estimate_scan_bytes(from, to).await + page_bytes)
            .await?;
        let first = from.packages.open(&from.hash).await.map_err(explain)?;
        let second = to.packages.open(&to.hash).await.map_err(explain)?;
        let scan_bytes = estimate_scan_bytes(from, to).await;
        session.release_above(scan_bytes + page_bytes);
        let mut output = Output::without_rows(&pair, &first, &second);
        let mut budget = AnswerBudget::beside(&output);
        let show = |change: &Change| output.admit(&mut budget, change);
        let page = Page::read(&first, &second, pair.position, limit, show)
            .await
            .map_err(explain)?;
        session.reserve(scan_bytes + page.estimated_bytes).await?;
        output.counts = page.counts.into();
        output.next_cursor = page.next.map(|position| pair.cursor(position));
        if !output.is_exact() {
            output.warnings.push(NOT_FINITE.to_owned());
        }
        Ok(output.into())
    }
}

impl Output {
    /// The result without any difference of entries.
    fn without_rows(pair: &Pair, first: &ManifestFile, second: &ManifestFile) -> Self {
        let (before, after) = (first.index.header.user_meta(), second.index.header.user_meta());
        let metadata_changed = !same(before, after);
        let metadata = metadata_changed.then(|| MetadataDiff::between(before, after));
        let (metadata, metadata_cut) = metadata.map_or((None, false), |(shown, is_cut)| (Some(shown), is_cut));
        Self {
            from: pair.from.revision(first),
            to: pair.to.revision(second),
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            metadata_changed,
            metadata,
            metadata_cut,
            counts: ChangeCounts::default().into(),
            next_cursor: None,
            warnings: Vec::new(),
        }
    }

    /// Adds the row of a difference, if it fits.
    fn admit(&mut self, budget: &mut AnswerBudget, change: &Change) -> bool {
        let (rows, entry) = match change {
            Change::Added(entry) => (&mut self.added, entry),
            Change::Removed(entry) => (&mut self.removed, entry),
            Change::Changed { from, to } => {
                let row = Changed::of(from, to);
                let fits = budget.admits(&row);
                self.changed.extend(fits.then_some(row));
                return fits;
            }
        };
        let row = EntryView::file(entry);
        let fits = budget.admits(&row);
        rows.extend(fits.then_some(row));
        fits
    }

    /// Returns whether no number is shown as a string.
    fn is_exact(&self) -> bool {
        let changed = self.changed.iter().flat_map(|changed| [&changed.from, &changed.to]);
        let mut entries = self.added.iter().chain(&self.removed).chain(changed);
        entries.all(EntryView::is_exact) && self.metadata.as_ref().is_none_or(MetadataDiff::is_exact)
    }
}

async fn estimate_scan_bytes(from: &Side, to: &Side) -> usize {
    from.estimate_bytes().await + to.estimate_bytes().await
}

/// The two revisions, and where the page begins.
struct Pair {
    from: Side,
    to: Side,
    position: Option<Position>,
    question: Question,
}

impl Pair {
    /// Resolves the two revisions of the arguments, or of the cursor.
    async fn of(session: &Session, args: Args) -> Result<Self, ToolError> {
        let s3 = session.s3().await?;
        let name = args.name.0;
        let names_other = args.other_hash.is_some() || args.other_name.is_some() || args.other_bucket.is_some();
        let packages = session.packages(s3.clone(), args.bucket.clone());
        let other_packages = session.packages(s3, args.other_bucket.unwrap_or(args.bucket));
        let other_name = args.other_name.map_or_else(|| name.clone(), |name| name.0);
        let question = Question::of(&(
            PackageDiff::NAME,
            [packages.name().as_str(), name.as_str()],
            [other_packages.name().as_str(), other_name.as_str()],
            [place(&args.hash), args.other_hash.as_deref().and_then(place)],
        ));
        let (wanted, other_wanted) = (args.hash.as_str(), args.other_hash.as_deref());
        if let Some(mut fields) = question.read(args.cursor.as_deref())? {
            let from = Side::read(packages, name, &mut fields)?;
            let to = Side::read(other_packages, other_name, &mut fields)?;
            let position = Some(Position::read(&mut fields)?);
            fields.end()?;
            // If no other revision is named, the latest was compared with the one before it.
            let is_first_meant = from.is_meant_by(wanted) || !names_other && to.is_meant_by(wanted);
            let is_second_meant = other_wanted.is_none_or(|wanted| to.is_meant_by(wanted));
            if !(is_first_meant && is_second_meant) {
                return Err(cursor::foreign());
            }
            return Ok(Self {
                from,
                to,
                position,
                question,
            });
        }
        let from = Named { packages, name, wanted };
        let to = Named {
            packages: other_packages,
            name: other_name,
            wanted: other_wanted.unwrap_or("latest"),
        };
        let sides = resolve(from, to, names_other).await;
        let (from, to) = sides.map_err(|error| session.explain_package(error))?;
        Ok(Self {
            from,
            to,
            position: None,
            question,
        })
    }

    fn cursor(&self, position: Position) -> String {
        let sides = self.to.write(self.from.write(self.question.cursor()));
        position.write(sides).end()
    }
}

/// A package, and the argument that names one of its revisions.
struct Named<'a> {
    packages: PackageBucket,
    name: PackageName,
    wanted: &'a str,
}

impl Named<'_> {
    async fn hash(&self) -> Result<TopHash, PackageError> {
        self.packages.resolve(&self.name, self.wanted).await
    }

    fn at(self, hash: TopHash, modified: Option<Timestamp>) -> Side {
        Side {
            packages: self.packages,
            name: self.name,
            hash,
            modified,
        }
    }
}

/// Resolves the two revisions. Without another one (`names_other`), the latest is compared with the one before it.
async fn resolve(from: Named<'_>, to: Named<'_>, names_other: bool) -> Result<(Side, Side), PackageError> {
    let (mut hash, other_hash) = (from.hash().await?, to.hash().await?);
    if !names_other && hash == other_hash {
        hash = before(&from.packages, &from.name, &hash).await?;
    }
    let is_one_package = from.packages.name() == to.packages.name() && from.name == to.name;
    let [modified, other_modified] = if is_one_package {
        from.packages.times_of(&from.name, [&hash, &other_hash]).await?
    } else {
        let [modified] = from.packages.times_of(&from.name, [&hash]).await?;
        let [other] = to.packages.times_of(&to.name, [&other_hash]).await?;
        [modified, other]
    };
    Ok((from.at(hash, modified), to.at(other_hash, other_modified)))
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
