//! Creation of a package: what it replaces, its texts, and the refusal to replace.

use quilt_format::json::{Object, Value};
use quilt_format::manifest::Directory;
use quilt_format::workflow::Choice;
use quilt_format::{Entry, Header};

use super::commit::CommitReport;
use super::context::{Assembled, Conclusion, Context, Opening};
use super::existing::ExistingPackage;
use super::plan::Creation;
use super::pointers::Latest;
use super::texts::{TextEntry, TextFile, refuse_second, text_entries, written};
use crate::packages::estimate::estimate_objects_bytes;
use crate::packages::manifest::BuiltManifest;
use crate::packages::objects::{InspectedEntry, PlannedObject};
use crate::packages::workflow::{CandidateInfo, SelectedWorkflow};
use crate::packages::{ChangeCounts, Comparison, Differences, ManifestAccess, PackageError};

/// The package that has the name already, if there is one, and the texts of the new one.
pub(super) struct CreateBase {
    pub existing: Option<ExistingPackage>,
    texts: Vec<TextEntry>,
    /// Metadata of directories, which only copies have.
    directories: Vec<Directory>,
}

impl CreateBase {
    pub(super) async fn open(
        context: &Context,
        creation: Creation,
        workflow: Choice<'_>,
        objects: &[PlannedObject],
        texts: Vec<TextFile>,
    ) -> Result<(Self, Opening), PackageError> {
        refuse_second(&texts, objects)?;
        let packages = &context.packages;
        let existing = packages.find_package(&context.name).await?;
        let comparison_bytes = match existing.as_ref().and_then(ExistingPackage::revision) {
            Some(latest) => {
                packages
                    .estimate_manifest_bytes(&latest.hash, ManifestAccess::Scan)
                    .await
            }
            None => 0,
        };
        let workflow = packages.select_workflow(workflow).await?;
        let validation_bytes = workflow.estimate_validation_bytes(objects.len() + texts.len());
        let plan_bytes = estimate_objects_bytes(objects) + creation.estimate_bytes();
        let bytes = (plan_bytes + comparison_bytes).saturating_add(validation_bytes);
        packages.memory.reserve(bytes).await?;
        let NewPackage { header, directories } = NewPackage::of(context, creation, workflow.stored());
        let base = Self {
            existing,
            texts: text_entries(context, texts)?,
            directories,
        };
        Ok((base, Opening { header, workflow }))
    }

    pub(super) async fn validate(
        &self,
        context: &Context,
        workflow: &SelectedWorkflow,
        candidate: CandidateInfo,
        entries: Vec<InspectedEntry>,
    ) -> Result<Vec<InspectedEntry>, PackageError> {
        let texts: Vec<Entry> = self.texts.iter().map(|text| text.entry().clone()).collect();
        let validated = context
            .packages
            .validate(workflow, candidate, (entries, texts), in_tree_order);
        Ok(validated.await?.0)
    }

    /// Builds the manifest, after the texts were written if `writes`.
    pub(super) async fn assemble(
        &mut self,
        context: &Context,
        header: Header,
        mut entries: Vec<Entry>,
        writes: bool,
    ) -> Result<Assembled, PackageError> {
        entries.extend(written(context, self.texts.iter(), writes).await?);
        let directories = std::mem::take(&mut self.directories);
        let (entries, manifest) = context.packages.build_manifest(header, directories, entries).await?;
        Ok(Assembled { manifest, entries })
    }
}

/// A new package without its entries.
pub(super) struct NewPackage {
    pub header: Header,
    pub directories: Vec<Directory>,
}

impl NewPackage {
    pub(super) fn of(context: &Context, creation: Creation, workflow: Option<Value>) -> Self {
        let Some(source) = creation.source else {
            let user_meta = creation.user_meta.map(Object::into);
            return Self {
                header: Header::new(user_meta, workflow, context.message.as_deref()),
                directories: Vec::new(),
            };
        };
        // Fields that others have added stay.
        let mut fields = source.header.fields;
        match workflow {
            Some(workflow) => fields.set("workflow", workflow),
            None => drop(fields.remove("workflow")),
        }
        Self {
            header: Header { fields },
            directories: source.directories,
        }
    }
}

fn in_tree_order((inspected, texts): &(Vec<InspectedEntry>, Vec<Entry>)) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = inspected
        .iter()
        .map(|inspected| &inspected.entry)
        .chain(texts)
        .collect();
    entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
    entries
}

/// The package that the new one replaces, if there is one.
pub(super) struct Replacement {
    pub existing: Option<ExistingPackage>,
    pub is_permitted: bool,
}

impl Replacement {
    pub(super) async fn conclude(
        self,
        context: &Context,
        manifest: &BuiltManifest,
        entries: &[Entry],
    ) -> Result<Conclusion, PackageError> {
        // A package that cannot be read can still be replaced.
        let latest = self.existing.as_ref().and_then(ExistingPackage::revision);
        let (diff, comparison_error) = match latest {
            None => (None, None),
            Some(latest) => match compare(context, latest, manifest, entries).await {
                Ok(diff) => (Some(diff), None),
                Err(error) => (None, Some(error)),
            },
        };
        let report = match self.existing {
            Some(existing) if !self.is_permitted => {
                let counts = diff.as_ref().map(|diff: &Differences| diff.counts);
                refuse(context, existing, manifest, counts).await?
            }
            _ if context.dry_run => CommitReport::default(),
            existing => context.commit(manifest, existing).await?,
        };
        Ok(Conclusion {
            report,
            diff,
            comparison_error,
        })
    }
}

async fn compare(
    context: &Context,
    latest: &Latest,
    manifest: &BuiltManifest,
    entries: &[Entry],
) -> Result<Differences, PackageError> {
    if latest.hash == manifest.top_hash {
        return Ok(Differences::default());
    }
    let file = context.packages.open(&latest.hash).await?;
    Comparison::with_entries(file.all(), entries).count().await
}

/// Refuses to replace a package. If its latest revision is the one that this call would have written, an earlier attempt may
/// have failed between its commit and its history entry; the entry is added now, and that is a success.
async fn refuse(
    context: &Context,
    existing: ExistingPackage,
    manifest: &BuiltManifest,
    diff: Option<ChangeCounts>,
) -> Result<CommitReport, PackageError> {
    let ExistingPackage::Revision(latest) = existing else {
        let unknown = context.packages.latest_unknown(&context.name, &existing).await;
        return Err(PackageError::NameTaken(Box::new(unknown)));
    };
    let is_identical = latest.hash == manifest.top_hash;
    if is_identical && !context.dry_run {
        let parent = ExistingPackage::Revision(latest.clone());
        let report = context.commit(manifest, Some(parent)).await?;
        if report.repaired_parent {
            return Ok(report);
        }
    }
    Err(PackageError::AlreadyExists {
        name: context.name.clone(),
        found: latest.hash,
        is_identical,
        diff,
    })
}
