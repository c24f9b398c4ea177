//! Update of a package: the revision that it starts from, its changes, and the conflicts that it ends in.

use quilt_format::json::{Object, Value};
use quilt_format::workflow::Choice;
use quilt_format::{Entry, Header, TopHash};

use super::changes::{AppliedChanges, Changes, apply_changes, entries_after};
use super::commit::CommitReport;
use super::context::{Assembled, Conclusion, Context, Opening};
use super::existing::ExistingPackage;
use super::plan::{MetadataChange, Update};
use super::pointers::Latest;
use super::removal::Removal;
use super::texts::{TextEntry, TextFile, refuse_second, text_entries, written};
use crate::packages::estimate::{estimate_objects_bytes, estimate_revision_bytes};
use crate::packages::manifest::{BuiltManifest, ManifestFile};
use crate::packages::objects::{InspectedEntry, PlannedObject};
use crate::packages::workflow::{CandidateInfo, SelectedWorkflow};
use crate::packages::{Differences, ManifestAccess, PackageError};

/// The revision that an update starts from.
pub(super) struct UpdateBase {
    latest: Latest,
    /// The revision that the caller expects to be the latest. Another one is a conflict, unless it is the one that this call
    /// would write: then an earlier attempt has written it.
    expected: TopHash,
    file: ManifestFile,
    remove: Vec<Removal>,
    texts: Vec<TextEntry>,
}

impl UpdateBase {
    pub(super) async fn open(
        context: &Context,
        update: Update,
        workflow: Choice<'_>,
        objects: &[PlannedObject],
        texts: Vec<TextFile>,
    ) -> Result<(Self, Opening), PackageError> {
        refuse_second(&texts, objects)?;
        let packages = &context.packages;
        let latest = packages.existing(&context.name).await?;
        let expected = update.expected.unwrap_or_else(|| latest.hash.clone());
        let objects_bytes = estimate_objects_bytes(objects);
        let scan_bytes = packages.estimate_manifest_bytes(&expected, ManifestAccess::Scan).await;
        packages.memory.reserve(scan_bytes + objects_bytes).await?;
        let file = match packages.open(&expected).await {
            Err(PackageError::NoSuchRevision { .. }) if expected != latest.hash => {
                return Err(unexpected(context, expected, latest));
            }
            file => file?,
        };
        let workflow = packages.select_workflow(workflow).await?;
        // The manifest is cached now, as far as it is small.
        let scan_bytes = packages.estimate_manifest_bytes(&expected, ManifestAccess::Scan).await;
        packages.memory.release_above(scan_bytes + objects_bytes);
        let entries = usize::try_from(file.index.whole.entries).unwrap_or(usize::MAX);
        let validation_bytes = workflow.estimate_validation_bytes(objects.len().saturating_add(entries));
        let revision_bytes = estimate_revision_bytes(&file, workflow.wants_entries());
        let bytes = (scan_bytes + objects_bytes + revision_bytes).saturating_add(validation_bytes);
        packages.memory.reserve(bytes).await?;
        let header = next_header(context, &file.index.header, &update.metadata, workflow.stored());
        let base = Self {
            latest,
            expected,
            file,
            remove: update.remove,
            texts: text_entries(context, texts)?,
        };
        Ok((base, Opening { header, workflow }))
    }

    /// Reports whether the update starts from the latest revision.
    pub(super) fn is_latest(&self) -> bool {
        self.expected == self.latest.hash
    }

    pub(super) async fn validate(
        &self,
        context: &Context,
        workflow: &SelectedWorkflow,
        candidate: CandidateInfo,
        inspected: Vec<InspectedEntry>,
    ) -> Result<Vec<InspectedEntry>, PackageError> {
        let entries = if workflow.wants_entries() {
            let added = inspected.iter().map(|inspected| &inspected.entry);
            let texts = self.texts.iter().map(TextEntry::entry);
            let changes = Changes {
                remove: self.remove.clone(),
                add: in_tree_order(added.chain(texts).cloned().collect()),
            };
            entries_after(&self.file, &changes).await?
        } else {
            Vec::new()
        };
        let validated = context
            .packages
            .validate(workflow, candidate, entries, |entries: &Vec<Entry>| {
                entries.iter().collect()
            });
        drop(validated.await?);
        Ok(inspected)
    }

    /// Builds the manifest of the next revision.
    pub(super) async fn assemble(
        self,
        context: &Context,
        header: &Header,
        mut add: Vec<Entry>,
        writes: bool,
    ) -> Result<(NextRevision, Assembled), PackageError> {
        add.extend(written(context, self.texts.iter(), writes).await?);
        let changes = Changes {
            remove: self.remove,
            add: in_tree_order(add),
        };
        let AppliedChanges {
            manifest,
            differences,
            missing,
        } = apply_changes(&context.packages, &self.file, header, &changes, writes).await?;
        let is_there = manifest.top_hash == self.latest.hash;
        if self.expected != self.latest.hash && !is_there {
            return Err(unexpected(context, self.expected, self.latest));
        }
        // A removal without effect is an error, unless the latest revision is the one that this call would write: then an
        // earlier attempt has removed the entry.
        if let (Some(removal), false) = (missing.into_iter().next(), is_there) {
            return Err(PackageError::NothingToRemove {
                name: context.name.clone(),
                revision: self.expected,
                removal,
            });
        }
        let next = NextRevision {
            latest: self.latest,
            diff: differences,
        };
        let entries = changes.add;
        Ok((next, Assembled { manifest, entries }))
    }
}

fn in_tree_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
    entries
}

fn unexpected(context: &Context, expected: TopHash, latest: Latest) -> PackageError {
    PackageError::UnexpectedRevision {
        name: context.name.clone(),
        expected,
        found: latest.hash,
    }
}

/// The revision after `latest`.
pub(super) struct NextRevision {
    latest: Latest,
    diff: Differences,
}

impl NextRevision {
    pub(super) async fn conclude(
        self,
        context: &Context,
        manifest: &BuiltManifest,
    ) -> Result<Conclusion, PackageError> {
        let report = if context.dry_run {
            CommitReport {
                was_there: self.latest.hash == manifest.top_hash,
                ..CommitReport::default()
            }
        } else {
            let parent = ExistingPackage::Revision(self.latest);
            context.commit(manifest, Some(parent)).await?
        };
        Ok(Conclusion {
            report,
            diff: Some(self.diff),
            comparison_error: None,
        })
    }
}

/// Makes the header of the next revision. Fields that others have added stay.
pub(super) fn next_header(
    context: &Context,
    old: &Header,
    metadata: &MetadataChange,
    workflow: Option<Value>,
) -> Header {
    let mut fields = old.fields.clone();
    match metadata {
        MetadataChange::Keep => {}
        MetadataChange::Merge(new) => fields.set("user_meta", merge(old.user_meta(), new)),
        MetadataChange::Replace(new) => fields.set("user_meta", merge(None, new)),
        MetadataChange::Remove => drop(fields.remove("user_meta")),
    }
    match workflow {
        Some(workflow) => fields.set("workflow", workflow),
        None => drop(fields.remove("workflow")),
    }
    fields.set("message", context.message.as_deref().map_or(Value::Null, Value::from));
    Header { fields }
}

/// Sets keys of the package's metadata. Metadata that is no object is replaced.
fn merge(old: Option<&Value>, new: &Object) -> Value {
    let old = old.and_then(Value::as_object).into_iter().flat_map(Object::iter);
    // A key that is in both keeps its position and gets the new value.
    let merged: Object = old
        .chain(new.iter())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    merged.into()
}
