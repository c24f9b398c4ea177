//! Revisions of any size: objects are inspected, hashed and written to the manifest one after another, as they are listed.
//!
//! The pipeline of [`super::pipeline`] holds all objects of a revision in memory, inspects all of them before it hashes any,
//! and can check their entries against a workflow. This one holds a few of them. What a call does not finish in its time is
//! written as a manifest to which nothing points, and a later call, on any copy of the server, goes on behind its last entry.

use std::sync::atomic::AtomicU64;

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use quilt_format::json::{Object, Value};
use quilt_format::manifest::Directory;
use quilt_format::workflow::Choice;
use quilt_format::{Entry, Header, LogicalKey, PackageName, TopHash};
use tokio::time::Instant;

use super::changes::{Merge, remaining_directories};
use super::commit::CommitReport;
use super::context::{Context, Progress};
use super::create::Readme;
use super::existing::ExistingPackage;
use super::pipeline::Committed;
use super::plan::{Change, Creation, Update};
use super::pointers::Latest;
use super::removal::Removal;
use super::update::next_header;
use crate::aws::s3::WriteCondition;
use crate::packages::estimate::{CONNECTIONS_BYTES, SCAN_BYTES};
use crate::packages::manifest::{BuiltManifest, ManifestFile, ManifestSink, SINK_BYTES};
use crate::packages::objects::{ChecksumPreference, Hashing, PlannedObject, inspect_each};
use crate::packages::{ChangeCounts, PackageBucket, PackageError};

/// Memory of a large revision, whatever its size: the listing with the keys that it holds back, the connections, two
/// manifests that are read, and one that is written.
const LARGE_BYTES: usize = 24 * 1024 * 1024 + CONNECTIONS_BYTES + 2 * SCAN_BYTES + SINK_BYTES;
/// Most entries that a result shows.
const MAX_SHOWN_ENTRIES: usize = 1000;
/// Entries after which the task yields to others.
const ENTRIES_PER_TURN: u64 = 256;

/// Objects in tree order, as they are found.
pub type PlannedObjects = BoxStream<'static, Result<PlannedObject, PackageError>>;

/// A revision whose objects are not known yet.
pub struct LargePlan<'a> {
    pub name: PackageName,
    pub message: Option<String>,
    pub workflow: Choice<'a>,
    pub copy: bool,
    pub dry_run: bool,
    pub change: Change,
    pub checksum: ChecksumPreference,
    /// The manifest that an earlier call has written of this revision.
    pub resume: Option<TopHash>,
    /// Whether a later call can go on with what is ready when the time is over.
    pub may_stop: bool,
    /// Memory of the files that are named one by one.
    pub files_bytes: usize,
    /// When the call has to write down what it has.
    pub stop_at: Instant,
}

/// A revision that can be written as its objects are listed.
pub struct LargeRevision {
    context: Context,
    header: Header,
    checksum: ChecksumPreference,
    may_stop: bool,
    stop_at: Instant,
    /// The manifest of an earlier call, and its last key.
    resumed: Option<(ManifestFile, Option<LogicalKey>)>,
    base: LargeBase,
}

enum LargeBase {
    Creation {
        existing: Option<ExistingPackage>,
        /// The manifest of its latest revision, if it can be read.
        replaced: Option<ManifestFile>,
        comparison_error: Option<PackageError>,
        readme: Option<Readme>,
    },
    Update {
        latest: Latest,
        file: ManifestFile,
        remove: Vec<Removal>,
    },
}

/// Outcome of a call.
#[derive(Debug)]
pub enum LargeOutcome {
    Committed(Committed),
    /// The time was over. Nothing points to the manifest of what is ready.
    Stopped(Stopped),
}

/// What a call has made of a revision.
#[derive(Debug)]
pub struct Stopped {
    /// The manifest of what is ready.
    pub resume: TopHash,
    /// Entries of that manifest.
    pub entries: u64,
    pub total_bytes: u128,
    pub bytes_hashed: u64,
    pub bytes_copied: u64,
    /// The revision that an update starts from.
    pub base: Option<TopHash>,
}

impl PackageBucket {
    /// Reports whether the workflow checks entries, which need to be in memory together.
    pub async fn checks_entries(&self, workflow: Choice<'_>) -> Result<bool, PackageError> {
        Ok(self.select_workflow(workflow).await?.wants_entries())
    }

    /// Opens a large revision: reads the state of the package and reserves memory. The workflow must not check entries.
    pub async fn open_large(&self, plan: LargePlan<'_>, progress: Progress) -> Result<LargeRevision, PackageError> {
        let context = Context {
            packages: self.clone(),
            hashing: Hashing::new(self.s3.clone()),
            name: plan.name,
            message: plan.message,
            copy: plan.copy,
            dry_run: plan.dry_run,
            objects: 0,
            progress,
        };
        let workflow = self.select_workflow(plan.workflow).await?;
        if workflow.wants_entries() {
            let message = "the bucket's workflow checks every entry, and these are too many to be checked at once";
            return Err(PackageError::TooLarge(message.to_owned()));
        }
        self.memory.reserve(LARGE_BYTES + plan.files_bytes).await?;
        let stored = workflow.stored();
        let (base, header) = match plan.change {
            Change::Create(creation) => LargeBase::create(&context, creation, stored).await?,
            Change::Update(update) => LargeBase::update(&context, update, stored).await?,
        };
        let candidate = context.candidate(header.user_meta());
        self.validate(&workflow, candidate, (), |()| Vec::new()).await?;
        let resumed = match &plan.resume {
            None => None,
            Some(hash) => Some(resumed(self, hash, &header).await?),
        };
        Ok(LargeRevision {
            context,
            header,
            checksum: plan.checksum,
            may_stop: plan.may_stop,
            stop_at: plan.stop_at,
            resumed,
            base,
        })
    }
}

impl LargeBase {
    async fn create(
        context: &Context,
        creation: Creation,
        workflow: Option<Value>,
    ) -> Result<(Self, Header), PackageError> {
        let packages = &context.packages;
        let existing = packages.find_package(&context.name).await?;
        // A package that cannot be read can still be replaced.
        let (replaced, comparison_error) = match existing.as_ref().and_then(ExistingPackage::revision) {
            None => (None, None),
            Some(latest) => match packages.open(&latest.hash).await {
                Ok(file) => (Some(file), None),
                Err(error) => (None, Some(error)),
            },
        };
        let readme = creation.readme.map(|text| Readme::new(context, text)).transpose()?;
        let user_meta = creation.user_meta.map(Object::into);
        let header = Header::new(user_meta, workflow, context.message.as_deref());
        let base = Self::Creation {
            existing,
            replaced,
            comparison_error,
            readme,
        };
        Ok((base, header))
    }

    async fn update(
        context: &Context,
        update: Update,
        workflow: Option<Value>,
    ) -> Result<(Self, Header), PackageError> {
        let packages = &context.packages;
        let latest = packages.existing(&context.name).await?;
        if let Some(expected) = update.expected
            && expected != latest.hash
        {
            return Err(PackageError::UnexpectedRevision {
                name: context.name.clone(),
                expected,
                found: latest.hash,
            });
        }
        let file = packages.open(&latest.hash).await?;
        let header = next_header(context, &file.index.header, &update.metadata, workflow);
        let base = Self::Update {
            latest,
            file,
            remove: update.remove,
        };
        Ok((base, header))
    }

    fn existing(&self) -> Option<ExistingPackage> {
        match self {
            Self::Creation { existing, .. } => existing.clone(),
            Self::Update { latest, .. } => Some(ExistingPackage::Revision(latest.clone())),
        }
    }

    /// Merges the entries of the package with new ones.
    fn merge<'a>(&'a self, adds: BoxStream<'a, Result<Entry, PackageError>>) -> Merge<'a> {
        match self {
            Self::Creation { replaced, .. } => Merge::new(replaced.as_ref().map(ManifestFile::all), false, adds),
            Self::Update { file, remove, .. } => Merge::new(Some(file.all()), true, adds).removing(remove),
        }
    }

    fn directories(&self) -> Vec<Directory> {
        match self {
            Self::Creation { .. } => Vec::new(),
            Self::Update { file, remove, .. } => remaining_directories(file, remove).collect(),
        }
    }
}

/// Opens the manifest of an earlier call, which must have the header of this one.
async fn resumed(
    packages: &PackageBucket,
    hash: &TopHash,
    header: &Header,
) -> Result<(ManifestFile, Option<LogicalKey>), PackageError> {
    let file = packages.open(hash).await.map_err(|error| match error {
        PackageError::NoSuchRevision { .. } => PackageError::Invalid(format!(
            "resume names the manifest {hash}, and s3://{} has none of this hash; repeat the call without resume",
            packages.bucket
        )),
        other => other,
    })?;
    if Value::from(file.index.header.fields.clone()) != Value::from(header.fields.clone()) {
        let message = "the manifest that resume names was made by a call with another message, metadata or workflow; \
                       repeat the call with the same arguments";
        return Err(PackageError::Invalid(message.to_owned()));
    }
    let last = file.last_key().await?;
    Ok((file, last))
}

impl LargeRevision {
    /// Returns the package that a creation would replace.
    #[must_use]
    pub fn replaced(&self) -> Option<&ExistingPackage> {
        match &self.base {
            LargeBase::Creation { existing, .. } => existing.as_ref(),
            LargeBase::Update { .. } => None,
        }
    }

    /// Returns the error that a creation may not replace a package.
    pub async fn refusal(&self, existing: &ExistingPackage) -> PackageError {
        let name = &self.context.name;
        match existing {
            ExistingPackage::Revision(latest) => PackageError::AlreadyExists {
                name: name.clone(),
                found: latest.hash.clone(),
                is_identical: false,
                diff: None,
            },
            unreadable => {
                let unknown = self.context.packages.latest_unknown(name, unreadable).await;
                PackageError::NameTaken(Box::new(unknown))
            }
        }
    }

    /// Returns the last key that is ready, behind which the objects begin.
    #[must_use]
    pub fn resume_after(&self) -> Option<&LogicalKey> {
        self.resumed.as_ref()?.1.as_ref()
    }

    /// Writes the revision from its objects, and commits it if the time suffices.
    pub async fn write(self, objects: PlannedObjects) -> Result<LargeOutcome, PackageError> {
        let Self {
            context,
            header,
            checksum,
            may_stop,
            stop_at,
            resumed,
            base,
        } = self;
        let writes = !context.dry_run;
        let readme = match &base {
            LargeBase::Creation {
                readme: Some(readme), ..
            } if writes => Some(readme.write(&context).await?),
            LargeBase::Creation {
                readme: Some(readme), ..
            } => Some(readme.entry().clone()),
            LargeBase::Creation { readme: None, .. } | LargeBase::Update { .. } => None,
        };
        let after = resumed.as_ref().and_then(|(_, last)| last.clone());
        let readme = readme.filter(|readme| after.as_ref().is_none_or(|after| readme.logical_key > *after));
        let copied = AtomicU64::new(0);
        let packages = context.packages.clone();
        let has_resumed = resumed.is_some();
        let finished = {
            let copy_into = (context.copy && writes).then_some(&context.name);
            let inspected = inspect_each(&context.hashing, refuse_disorder(objects, after));
            let entries = packages.resolve_each(&context.hashing, inspected, checksum, copy_into, &copied);
            let rows = resumed.as_ref().map(|(file, _)| file.all());
            let run = Run {
                context: &context,
                sink: ManifestSink::new(&packages, &header, base.directories().into_iter(), writes)?,
                merge: base.merge(with_readme(entries, readme)).resuming(rows),
                added: 0,
                shown: Vec::new(),
            };
            run.until(stop_at).await?
        };
        let Finished {
            is_complete,
            sink,
            counts,
            missing,
            added,
            shown,
        } = finished;
        if !is_complete && (added == 0 || !writes || !may_stop) {
            return Err(PackageError::OutOfTime);
        }
        let manifest = sink.finish().await?;
        let bytes_copied = copied.into_inner();
        if !is_complete {
            return stopped(&context, &base, manifest, bytes_copied)
                .await
                .map_err(Into::into);
        }
        let written = Written {
            manifest,
            counts,
            missing,
            entries: shown,
            entries_added: added,
            bytes_copied,
            has_resumed,
        };
        conclude(context, base, written).await.map(LargeOutcome::Committed)
    }
}

/// The run over all entries.
struct Run<'a> {
    context: &'a Context,
    sink: ManifestSink,
    merge: Merge<'a>,
    /// Entries that this call has added.
    added: u64,
    /// The first of them.
    shown: Vec<Entry>,
}

/// What a run has made.
struct Finished {
    /// Whether it has reached the last entry.
    is_complete: bool,
    sink: ManifestSink,
    counts: ChangeCounts,
    /// Removals that have matched no entry.
    missing: Vec<Removal>,
    added: u64,
    shown: Vec<Entry>,
}

impl Run<'_> {
    /// Writes entries until the end or `stop_at`.
    async fn until(mut self, stop_at: Instant) -> Result<Finished, PackageError> {
        let is_complete = loop {
            let Ok(next) = tokio::time::timeout_at(stop_at, self.merge.next()).await else {
                break false;
            };
            let Some(merged) = next? else { break true };
            self.sink.push(&merged.entry).await?;
            if merged.is_added {
                self.added += 1;
                if self.shown.len() < MAX_SHOWN_ENTRIES {
                    self.shown.push(merged.entry);
                }
            }
            let entries = self.sink.entries();
            if entries.is_multiple_of(ENTRIES_PER_TURN) {
                (self.context.progress)(entries, 0);
                tokio::task::yield_now().await;
                if Instant::now() >= stop_at {
                    break false;
                }
            }
        };
        Ok(Finished {
            is_complete,
            sink: self.sink,
            counts: self.merge.counts,
            missing: self.merge.missing(),
            added: self.added,
            shown: self.shown,
        })
    }
}

/// Everything that is known when the manifest is complete.
struct Written {
    manifest: BuiltManifest,
    counts: ChangeCounts,
    missing: Vec<Removal>,
    entries: Vec<Entry>,
    entries_added: u64,
    bytes_copied: u64,
    has_resumed: bool,
}

/// Stores the manifest of what is ready.
async fn stopped(
    context: &Context,
    base: &LargeBase,
    manifest: BuiltManifest,
    bytes_copied: u64,
) -> Result<LargeOutcome, PackageError> {
    // One of this hash that is there already is as good: a later call reads its entries.
    context
        .packages
        .store_manifest(&manifest.top_hash, &manifest.content, &WriteCondition::IsNew)
        .await?;
    Ok(LargeOutcome::Stopped(Stopped {
        resume: manifest.top_hash,
        entries: manifest.entries,
        total_bytes: manifest.total_bytes,
        bytes_hashed: context.hashing.bytes_read(),
        bytes_copied,
        base: match base {
            LargeBase::Creation { .. } => None,
            LargeBase::Update { latest, .. } => Some(latest.hash.clone()),
        },
    }))
}

/// Commits the revision, unless the plan is a dry run.
async fn conclude(context: Context, base: LargeBase, written: Written) -> Result<Committed, PackageError> {
    let Written {
        manifest,
        counts,
        missing,
        entries,
        entries_added,
        bytes_copied,
        has_resumed,
    } = written;
    let existing = base.existing();
    let latest = existing.as_ref().and_then(ExistingPackage::hash).cloned();
    let was_there = latest.as_ref() == Some(&manifest.top_hash);
    if let (LargeBase::Update { latest, .. }, Some(removal), false) = (&base, missing.into_iter().next(), was_there) {
        return Err(PackageError::NothingToRemove {
            name: context.name,
            revision: latest.hash.clone(),
            removal,
        });
    }
    let report = if context.dry_run {
        CommitReport {
            was_there,
            ..CommitReport::default()
        }
    } else {
        context.commit(&manifest, existing).await?
    };
    let (comparison_error, entries_added) = match base {
        LargeBase::Creation { comparison_error, .. } => (comparison_error, manifest.entries),
        LargeBase::Update { .. } if has_resumed => (None, counts.added + counts.changed),
        LargeBase::Update { .. } => (None, entries_added),
    };
    Ok(Committed {
        top_hash: manifest.top_hash,
        total_bytes: manifest.total_bytes,
        entries,
        entries_added,
        bytes_hashed: context.hashing.bytes_read(),
        bytes_copied,
        dry_run: context.dry_run,
        diff: latest.filter(|_| comparison_error.is_none()).map(|_| counts),
        comparison_error,
        report,
    })
}

/// Fails at a key that is a file and a directory at once. In tree order everything below a key follows it directly.
fn refuse_disorder(
    objects: PlannedObjects,
    mut last: Option<LogicalKey>,
) -> BoxStream<'static, Result<PlannedObject, PackageError>> {
    let checked = objects.and_then(move |planned| {
        let key = planned.logical_key.clone();
        let before = last.replace(key.clone());
        futures::future::ready(match before {
            Some(before) if before.is_ancestor_of(&key) => Err(PackageError::Invalid(format!(
                "the logical key `{before}` would be a file, and `{key}` of {} makes it a directory",
                planned.object
            ))),
            Some(before) if before == key => Err(PackageError::Invalid(format!(
                "two files go to the logical key `{key}`, one of them {}",
                planned.object
            ))),
            _ => Ok(planned),
        })
    });
    checked.boxed()
}

/// Inserts the readme where it stands in tree order. An entry with its key is an error of the manifest's writer.
fn with_readme<'a>(
    entries: BoxStream<'a, Result<Entry, PackageError>>,
    readme: Option<Entry>,
) -> BoxStream<'a, Result<Entry, PackageError>> {
    let Some(readme) = readme else { return entries };
    let inserted = stream::unfold((entries.peekable(), Some(readme)), |(entries, readme)| async move {
        let mut entries = Box::pin(entries);
        let is_next = match (&readme, entries.as_mut().peek().await) {
            (Some(readme), Some(Ok(entry))) => readme.logical_key < entry.logical_key,
            (Some(_), None) => true,
            (Some(_), Some(Err(_))) | (None, _) => false,
        };
        if is_next {
            return readme.map(|readme| (Ok(readme), (*std::pin::Pin::into_inner(entries), None)));
        }
        let next = entries.next().await?;
        Some((next, (*std::pin::Pin::into_inner(entries), readme)))
    });
    inserted.boxed()
}
