//! Stages of the pipeline, in their order.

use quilt_format::json::Value;
use quilt_format::{Entry, Header, TopHash};

use super::commit::CommitReport;
use super::context::{Assembled, Conclusion, Context, Opening, Progress};
use super::create::{CreateBase, Replacement};
use super::plan::{Change, Plan};
use super::update::{NextRevision, UpdateBase};
use crate::packages::manifest::BuiltManifest;
use crate::packages::objects::{ChecksumPreference, InspectedEntry};
use crate::packages::workflow::SelectedWorkflow;
use crate::packages::{Differences, ExistingPackage, PackageBucket, PackageError};

/// State of the package before the revision.
enum Base {
    Create(CreateBase),
    Update(UpdateBase),
}

/// Stage 1: all objects exist and are pinned, and memory for the whole pipeline is reserved.
pub struct Inspected {
    context: Context,
    base: Base,
    header: Header,
    workflow: SelectedWorkflow,
    entries: Vec<InspectedEntry>,
}

/// Stage 2: the bucket's workflow accepts the package.
pub struct Validated {
    context: Context,
    base: Base,
    header: Header,
    entries: Vec<InspectedEntry>,
}

/// Decisions that are made when the package is validated.
#[derive(Debug, Clone, Copy)]
pub struct BuildPolicy {
    pub checksum: ChecksumPreference,
    /// Whether a creation may replace the package that has its name.
    pub may_replace: bool,
}

/// Stage 3: the manifest is in memory, and the objects are where it says. Nothing is visible yet.
pub struct Built {
    context: Context,
    parent: Parent,
    manifest: BuiltManifest,
    entries: Vec<Entry>,
    metadata: Option<Value>,
    bytes_copied: u64,
}

/// The revision that the new one follows.
enum Parent {
    Replaced(Replacement),
    Updated(NextRevision),
}

/// Stage 4: the revision is the latest, or would be if the plan were no dry run.
#[derive(Debug)]
pub struct Committed {
    pub top_hash: TopHash,
    /// Size of the whole package.
    pub total_bytes: u128,
    /// Entries that the plan has put into it; of a large revision the first ones.
    pub entries: Vec<Entry>,
    /// How many entries the plan has put into it.
    pub entries_added: u64,
    /// Metadata of the package, as the revision has it.
    pub metadata: Option<Value>,
    pub bytes_hashed: u64,
    pub bytes_copied: u64,
    pub dry_run: bool,
    /// Differences from the revision before, if there is one.
    pub diff: Option<Differences>,
    /// Why the revision could not be compared with the one before.
    pub comparison_error: Option<PackageError>,
    pub report: CommitReport,
}

impl PackageBucket {
    /// Starts the pipeline: reads the state of the package, reserves memory, and inspects the objects of the plan.
    pub async fn inspect(&self, plan: Plan<'_>, progress: Progress) -> Result<Inspected, PackageError> {
        let context = Context {
            packages: self.clone(),
            hashing: self.hashing(),
            name: plan.name,
            message: plan.message,
            copy: plan.copy,
            dry_run: plan.dry_run,
            objects: plan.objects.len() as u64,
            progress,
        };
        let (base, opening) = match plan.change {
            Change::Create(creation) => {
                let (base, opening) =
                    CreateBase::open(&context, creation, plan.workflow, &plan.objects, plan.texts).await?;
                (Base::Create(base), opening)
            }
            Change::Update(update) => {
                let (base, opening) =
                    UpdateBase::open(&context, update, plan.workflow, &plan.objects, plan.texts).await?;
                (Base::Update(base), opening)
            }
        };
        let Opening { header, workflow } = opening;
        let report = |done| context.report(done);
        let entries = self.inspect_objects(&context.hashing, plan.objects, &report).await?;
        Ok(Inspected {
            context,
            base,
            header,
            workflow,
            entries,
        })
    }
}

impl Inspected {
    /// Checks the package against the bucket's workflow.
    pub async fn validate(self) -> Result<Validated, PackageError> {
        let Self {
            context,
            base,
            header,
            workflow,
            entries,
        } = self;
        let candidate = context.candidate(header.user_meta());
        let entries = match &base {
            Base::Create(base) => base.validate(&context, &workflow, candidate, entries).await?,
            Base::Update(base) => base.validate(&context, &workflow, candidate, entries).await?,
        };
        Ok(Validated {
            context,
            base,
            header,
            entries,
        })
    }
}

impl Validated {
    /// Returns the package that a creation would replace.
    #[must_use]
    pub fn replaced(&self) -> Option<&ExistingPackage> {
        match &self.base {
            Base::Create(base) => base.existing.as_ref(),
            Base::Update(_) => None,
        }
    }

    /// Copies or hashes the objects and builds the manifest.
    pub async fn build(self, policy: BuildPolicy) -> Result<Built, PackageError> {
        let Self {
            context,
            base,
            header,
            entries,
        } = self;
        let is_permitted = match &base {
            Base::Create(base) => policy.may_replace || base.existing.is_none(),
            Base::Update(base) => base.is_latest(),
        };
        let writes = is_permitted && !context.dry_run;
        let copy_into = (context.copy && writes).then_some(&context.name);
        let report = |done| context.report(context.objects + done);
        let resolved = context
            .packages
            .resolve_hashes(&context.hashing, entries, policy.checksum, copy_into, &report)
            .await?;
        let metadata = header.user_meta().cloned();
        let (parent, assembled) = match base {
            Base::Create(mut base) => {
                let assembled = base.assemble(&context, header, resolved.entries, writes).await?;
                let existing = base.existing;
                (Parent::Replaced(Replacement { existing, is_permitted }), assembled)
            }
            Base::Update(base) => {
                let (next, assembled) = base.assemble(&context, &header, resolved.entries, writes).await?;
                (Parent::Updated(next), assembled)
            }
        };
        let Assembled { manifest, entries } = assembled;
        Ok(Built {
            context,
            parent,
            manifest,
            entries,
            metadata,
            bytes_copied: resolved.bytes_copied,
        })
    }
}

impl Built {
    /// Commits the revision, unless the plan is a dry run.
    pub async fn commit(self) -> Result<Committed, PackageError> {
        let Self {
            context,
            parent,
            manifest,
            entries,
            metadata,
            bytes_copied,
        } = self;
        let Conclusion {
            report,
            diff,
            comparison_error,
        } = match parent {
            Parent::Replaced(replacement) => replacement.conclude(&context, &manifest, &entries).await?,
            Parent::Updated(next) => next.conclude(&context, &manifest).await?,
        };
        Ok(Committed {
            top_hash: manifest.top_hash,
            total_bytes: manifest.total_bytes,
            entries_added: entries.len() as u64,
            entries,
            metadata,
            bytes_hashed: context.hashing.bytes_read(),
            bytes_copied,
            dry_run: context.dry_run,
            diff,
            comparison_error,
            report,
        })
    }
}
