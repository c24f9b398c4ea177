//! `package_diff`: what is different between two revisions.

use quilt_format::diff::Change;
use quilt_format::json::Value;
use quilt_format::{Entry, PackageName, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{KnownName, latest};
use super::cursor;
use super::view::{Counts, PackageRef, SeenEntry};
use crate::packages::{ChangeCounts, Comparison, ManifestFile, PackageBucket, PackageError, Use};
use crate::s3::BucketName;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError, weight};

/// Compares revisions.
pub struct PackageDiff;

/// Which ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    #[schemars(with = "String")]
    bucket: BucketName,
    #[schemars(with = "String")]
    name: KnownName,
    /// First revision
    #[serde(default = "latest")]
    hash: String,
    /// Second revision; by default the latest, or when hash is that, the latest is compared with the one before it
    other_hash: Option<String>,
    #[schemars(with = "Option<String>")]
    other_name: Option<KnownName>,
    #[schemars(with = "Option<String>")]
    other_bucket: Option<BucketName>,
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// An entry that both have, and that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    logical_key: String,
    from: SeenEntry,
    to: SeenEntry,
}

/// One page of differences, in tree order; what is counted is all of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    from: PackageRef,
    to: PackageRef,
    added: Vec<SeenEntry>,
    removed: Vec<SeenEntry>,
    changed: Vec<Changed>,
    /// Of the packages themselves.
    metadata_changed: bool,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    from: (String, String, String),
    to: (String, String, String),
    offsets: (u64, u64),
    counts: (u64, u64, u64),
}

/// One of the two.
struct Side {
    packages: PackageBucket,
    name: PackageName,
    hash: TopHash,
}

impl Side {
    fn told(&self) -> PackageRef {
        PackageRef::of(self.packages.name(), &self.name, &self.hash)
    }

    fn key(&self) -> (String, String, String) {
        (
            self.packages.name().to_string(),
            self.name.to_string(),
            self.hash.to_string(),
        )
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

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let place = cursor::read::<Place>(args.cursor.as_deref())?;
        let (from, to) = sides(&session, args, place.as_ref()).await?;
        let told = |error| session.explain_package(error);
        let shown = weight::of_items(2 * limit);
        session.hold(room(&from, &to).await + shown).await?;
        let first = from.packages.open(&from.hash).await.map_err(told)?;
        let second = to.packages.open(&to.hash).await.map_err(told)?;
        let room = room(&from, &to).await;
        session.settle(room + shown);
        let page = page(&first, &second, place.as_ref(), limit).await.map_err(told)?;
        session.hold(room + page.weight).await?;
        let mut output = Output {
            from: from.told(),
            to: to.told(),
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            metadata_changed: !same(first.index.header.user_meta(), second.index.header.user_meta()),
            counts: page.counts.into(),
            next_cursor: page.next.map(|offsets| {
                let ChangeCounts {
                    added,
                    changed,
                    removed,
                } = page.counts;
                let counts = (added, changed, removed);
                cursor::write(&Place {
                    from: from.key(),
                    to: to.key(),
                    offsets,
                    counts,
                })
            }),
        };
        for change in page.changes {
            match change {
                Change::Added(entry) => output.added.push(SeenEntry::file(&entry)),
                Change::Removed(entry) => output.removed.push(SeenEntry::file(&entry)),
                Change::Changed { from, to } => output.changed.push(Changed {
                    logical_key: to.logical_key.to_string(),
                    from: SeenEntry::file(&from),
                    to: SeenEntry::file(&to),
                }),
            }
        }
        Ok(output.into())
    }
}

/// Memory for reading both.
async fn room(from: &Side, to: &Side) -> usize {
    from.packages.room(&from.hash, Use::Scan).await + to.packages.room(&to.hash, Use::Scan).await
}

/// The two revisions that are meant.
async fn sides(session: &Session, args: Args, place: Option<&Place>) -> Result<(Side, Side), ToolError> {
    let told = |error: PackageError| session.explain_package(error);
    let s3 = session.s3().await?;
    let name = args.name.0;
    let names_other = args.other_hash.is_some() || args.other_name.is_some() || args.other_bucket.is_some();
    let packages = session.packages(s3.clone(), args.bucket.clone());
    let other_packages = session.packages(s3, args.other_bucket.unwrap_or(args.bucket));
    let other_name = args.other_name.map_or_else(|| name.clone(), |name| name.0);
    if let Some(place) = place {
        let means = |wanted: &str, hash: &str| matches!(wanted, "" | "latest") || hash.starts_with(wanted);
        // Where nothing else is named, the latest was compared with the one before it.
        let means_the_same = (means(&args.hash, &place.from.2) || !names_other && means(&args.hash, &place.to.2))
            && args
                .other_hash
                .as_deref()
                .is_none_or(|wanted| means(wanted, &place.to.2));
        let hash = |key: &(String, String, String), packages: &PackageBucket, name: &PackageName| {
            let is_same = means_the_same && key.0 == packages.name().as_str() && key.1 == name.as_str();
            key.2
                .parse::<TopHash>()
                .ok()
                .filter(|_| is_same)
                .ok_or_else(cursor::foreign)
        };
        let from = Side {
            hash: hash(&place.from, &packages, &name)?,
            packages,
            name,
        };
        let to = Side {
            hash: hash(&place.to, &other_packages, &other_name)?,
            packages: other_packages,
            name: other_name,
        };
        return Ok((from, to));
    }
    let hash = packages.resolve(&name, &args.hash).await.map_err(told)?;
    let other = other_packages.resolve(&other_name, args.other_hash.as_deref().unwrap_or("latest"));
    let other_hash = other.await.map_err(told)?;
    let hash = if !names_other && hash == other_hash {
        before(&packages, &name, &hash).await.map_err(told)?
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

/// The revision before this one.
async fn before(packages: &PackageBucket, name: &PackageName, hash: &TopHash) -> Result<TopHash, PackageError> {
    let moments = packages.moments(name).await?;
    for (seconds, _) in moments {
        let revision = packages.revisions(name, vec![seconds]).await?;
        if let Some(other) = revision
            .into_iter()
            .map(|revision| revision.hash)
            .find(|other| other != hash)
        {
            return Ok(other);
        }
    }
    let message =
        format!("{name} has only the revision {hash}; name another with other_hash, other_name or other_bucket");
    Err(PackageError::Invalid(message))
}

/// Whether the metadata of the packages is the same; absent and null are not.
fn same(from: Option<&Value>, to: Option<&Value>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => from == to,
        (None, None) => true,
        _ => false,
    }
}

struct Page {
    changes: Vec<Change>,
    counts: ChangeCounts,
    next: Option<(u64, u64)>,
    /// What it will take in memory.
    weight: usize,
}

/// Weight of a page behind which it ends, so that long metadata makes pages short.
const HEAVIEST: usize = 32 * 1024 * 1024;

fn weight_of(change: &Change) -> usize {
    let of = |entry: &Entry| weight::of_item(entry.names(), entry.meta.weight());
    match change {
        Change::Added(entry) | Change::Removed(entry) => of(entry),
        Change::Changed { from, to } => of(from) + of(to),
    }
}

/// The first page counts everything; those after it only read what they show.
async fn page(
    from: &ManifestFile,
    to: &ManifestFile,
    place: Option<&Place>,
    limit: usize,
) -> Result<Page, PackageError> {
    let (a, b) = (from.index.whole, to.index.whole);
    if from.hash == to.hash {
        return Ok(Page {
            changes: Vec::new(),
            counts: ChangeCounts::default(),
            next: None,
            weight: 0,
        });
    }
    let mut comparison = match place {
        None => Comparison::of(from.all(), to.all()),
        Some(Place { offsets, .. }) => Comparison::of(from.page(offsets.0, a.end), to.page(offsets.1, b.end)),
    };
    let mut counts = ChangeCounts::default();
    let (mut changes, mut weight) = (Vec::new(), 0);
    while changes.len() < limit
        && weight < HEAVIEST
        && let Some(change) = comparison.next().await?
    {
        counts.add(&change);
        weight += weight_of(&change);
        changes.push(change);
    }
    let offsets = comparison.offsets();
    let Some(one_more) = comparison.next().await? else {
        let counts = place.map_or(counts, |place| told_before(place.counts));
        return Ok(Page {
            changes,
            counts,
            next: None,
            weight,
        });
    };
    if let Some(place) = place {
        return Ok(Page {
            changes,
            counts: told_before(place.counts),
            next: Some(offsets),
            weight,
        });
    }
    counts.add(&one_more);
    let rest = comparison.count().await?;
    counts = ChangeCounts {
        added: counts.added + rest.added,
        changed: counts.changed + rest.changed,
        removed: counts.removed + rest.removed,
    };
    Ok(Page {
        changes,
        counts,
        next: Some(offsets),
        weight,
    })
}

fn told_before((added, changed, removed): (u64, u64, u64)) -> ChangeCounts {
    ChangeCounts {
        added,
        changed,
        removed,
    }
}
