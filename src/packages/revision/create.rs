//! Creation of a package: what it replaces, its readme, and the refusal to replace.

use bytes::Bytes;
use quilt_format::checksum::{HashKind, ObjectHasher};
use quilt_format::json::{Object, Value};
use quilt_format::manifest::Directory;
use quilt_format::workflow::Choice;
use quilt_format::{Entry, Header, LogicalKey, PhysicalKey, layout};

use super::commit::CommitReport;
use super::context::{Assembled, Conclusion, Context, Opening};
use super::existing::ExistingPackage;
use super::plan::{Creation, README};
use super::pointers::Latest;
use crate::aws::s3::Put;
use crate::packages::estimate::estimate_objects_bytes;
use crate::packages::manifest::BuiltManifest;
use crate::packages::objects::{InspectedEntry, PlannedObject};
use crate::packages::workflow::{CandidateInfo, SelectedWorkflow};
use crate::packages::{ChangeCounts, Comparison, ManifestAccess, PackageError};

/// The package that has the name already, if there is one, and the readme of the new one.
pub(super) struct CreateBase {
    pub existing: Option<ExistingPackage>,
    readme: Option<Readme>,
    /// Metadata of directories, which only copies have.
    directories: Vec<Directory>,
}

pub(super) struct Readme {
    text: Bytes,
    entry: Entry,
}

impl CreateBase {
    pub(super) async fn open(
        context: &Context,
        creation: Creation,
        workflow: Choice<'_>,
        objects: &[PlannedObject],
    ) -> Result<(Self, Opening), PackageError> {
        if creation.readme.is_some() {
            refuse_second_readme(objects)?;
        }
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
        let validation_bytes = workflow.estimate_validation_bytes(objects.len() + 1);
        let plan_bytes = estimate_objects_bytes(objects) + creation.estimate_bytes();
        let bytes = (plan_bytes + comparison_bytes).saturating_add(validation_bytes);
        packages.memory.reserve(bytes).await?;
        let NewPackage {
            header,
            directories,
            readme,
        } = NewPackage::of(context, creation, workflow.stored())?;
        let base = Self {
            existing,
            readme,
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
        let readme = self.readme.as_ref().map(|readme| readme.entry.clone());
        let validated = context
            .packages
            .validate(workflow, candidate, (entries, readme), in_tree_order);
        Ok(validated.await?.0)
    }

    /// Builds the manifest, after the readme was written if `writes`.
    pub(super) async fn assemble(
        &mut self,
        context: &Context,
        header: Header,
        mut entries: Vec<Entry>,
        writes: bool,
    ) -> Result<Assembled, PackageError> {
        if let Some(readme) = &self.readme {
            let entry = if writes {
                readme.write(context).await?
            } else {
                readme.entry.clone()
            };
            entries.push(entry);
        }
        let directories = std::mem::take(&mut self.directories);
        let (entries, manifest) = context.packages.build_manifest(header, directories, entries).await?;
        Ok(Assembled { manifest, entries })
    }
}

/// A new package without its entries.
pub(super) struct NewPackage {
    pub header: Header,
    pub directories: Vec<Directory>,
    pub readme: Option<Readme>,
}

impl NewPackage {
    pub(super) fn of(context: &Context, creation: Creation, workflow: Option<Value>) -> Result<Self, PackageError> {
        let readme = creation.readme.map(|text| Readme::new(context, text)).transpose()?;
        let Some(source) = creation.source else {
            let user_meta = creation.user_meta.map(Object::into);
            return Ok(Self {
                header: Header::new(user_meta, workflow, context.message.as_deref()),
                directories: Vec::new(),
                readme,
            });
        };
        // Fields that others have added stay.
        let mut fields = source.header.fields;
        match workflow {
            Some(workflow) => fields.set("workflow", workflow),
            None => drop(fields.remove("workflow")),
        }
        Ok(Self {
            header: Header { fields },
            directories: source.directories,
            readme,
        })
    }
}

fn in_tree_order((inspected, readme): &(Vec<InspectedEntry>, Option<Entry>)) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = inspected
        .iter()
        .map(|inspected| &inspected.entry)
        .chain(readme)
        .collect();
    entries.sort_by(|a, b| a.logical_key.cmp(&b.logical_key));
    entries
}

fn refuse_second_readme(objects: &[PlannedObject]) -> Result<(), PackageError> {
    let key = LogicalKey::from_manifest(README.to_owned());
    let conflicts = |other: &&PlannedObject| other.logical_key == key || key.is_ancestor_of(&other.logical_key);
    match objects.iter().find(conflicts) {
        None => Ok(()),
        Some(other) => Err(PackageError::SecondReadme {
            object: other.object.clone(),
            key: other.logical_key.clone(),
        }),
    }
}

impl Readme {
    /// Makes the entry of a readme, whose object lies below the package's own prefix.
    pub(super) fn new(context: &Context, text: String) -> Result<Self, PackageError> {
        let text = Bytes::from(text);
        let size = text.len() as u64;
        let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, size);
        hasher.update(&text);
        let hash = hasher
            .finish()
            .map_err(|problem| PackageError::Invalid(problem.to_string()))?;
        let logical_key = LogicalKey::from_manifest(README.to_owned());
        let physical_key = PhysicalKey::S3 {
            bucket: context.packages.bucket.to_string(),
            key: layout::data(&context.name, &logical_key),
            version_id: None,
        };
        let entry = Entry {
            logical_key,
            physical_key,
            size,
            hash: hash.to_value(),
            meta: Value::from(Object::new()),
        };
        Ok(Self { text, entry })
    }

    /// Returns the entry of a readme that is not written.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Writes the readme and returns its entry with the version that was written.
    pub(super) async fn write(&self, context: &Context) -> Result<Entry, PackageError> {
        let packages = &context.packages;
        let object = packages.object(&layout::data(&context.name, &self.entry.logical_key))?;
        let put = Put {
            body: self.text.clone(),
            content_type: Some("text/markdown; charset=utf-8".to_owned()),
            ..Put::default()
        };
        let written = packages.s3.put(&object, &put).await?;
        let mut entry = self.entry.clone();
        if let PhysicalKey::S3 { version_id, .. } = &mut entry.physical_key {
            *version_id = written.version_id;
        }
        Ok(entry)
    }
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
            Some(existing) if !self.is_permitted => refuse(context, existing, manifest, diff).await?,
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
) -> Result<ChangeCounts, PackageError> {
    if latest.hash == manifest.top_hash {
        return Ok(ChangeCounts::default());
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
