//! Workflows: checks that the bucket requires of a package before it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use quilt_format::json::Value;
use quilt_format::layout::WORKFLOWS_CONFIG;
use quilt_format::workflow::{
    Candidate, Choice, LoadedSchema, UnusableWorkflow, Validator, WorkflowConfig, without_config,
};
use quilt_format::{Entry, PackageName, PhysicalKey};

use super::physical_key::{object_of, physical_key_of};
use super::{PackageBucket, PackageError};
use crate::aws::AwsErrorKind;
use crate::aws::s3::{ObjectUri, ReadQuery};
use crate::blocking::CpuError;

/// Largest configuration or schema, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The workflow that a package has to pass, with its schemas; none if the bucket has none.
#[derive(Debug)]
pub(super) struct SelectedWorkflow(Option<Arc<Validator>>);

impl SelectedWorkflow {
    /// Returns the workflow as the package's header stores it.
    pub(super) fn stored(&self) -> Option<Value> {
        self.0.as_ref().map(|validator| validator.header_value().clone())
    }

    /// Reports whether the workflow checks entries; if not, none have to be given.
    pub(super) fn wants_entries(&self) -> bool {
        self.0.as_ref().is_some_and(|validator| validator.wants_entries())
    }

    /// Estimates the memory for the validation of `entries` entries, without the entries themselves.
    pub(super) fn estimate_validation_bytes(&self, entries: usize) -> usize {
        self.0.as_ref().map_or(0, |validator| validator.estimate_bytes(entries))
    }
}

/// Parts of a package that a workflow checks beside its entries.
#[derive(Debug)]
pub(super) struct CandidateInfo {
    pub name: PackageName,
    pub message: Option<String>,
    pub user_meta: Option<Value>,
}

impl PackageBucket {
    /// Validates a package, away from the async workers. `holder` owns the entries and is returned; `entries` borrows them in
    /// tree order. [`SelectedWorkflow::estimate_validation_bytes`] must be reserved before.
    pub(super) async fn validate<H: Send + 'static>(
        &self,
        workflow: &SelectedWorkflow,
        package: CandidateInfo,
        holder: H,
        entries: impl FnOnce(&H) -> Vec<&Entry> + Send + 'static,
    ) -> Result<H, PackageError> {
        let Some(validator) = workflow.0.clone() else {
            return Ok(holder);
        };
        // If the call ends first, its memory stays reserved until the validation ends.
        let memory = self.memory.clone();
        let validated = self.cpu.run(move |deadline| {
            let _memory = memory;
            let CandidateInfo {
                name,
                message,
                user_meta,
            } = package;
            let candidate = Candidate {
                name: name.as_str(),
                message: message.as_deref(),
                user_meta: user_meta.as_ref(),
                entries: entries(&holder),
            };
            let outcome = validator.validate_while(candidate, || deadline.check())?;
            Ok::<_, CpuError>(outcome.map(|()| holder))
        });
        Ok(validated.await???)
    }

    /// Reads the bucket's workflows and the location of their configuration. Only a missing configuration means that there
    /// are none: an `AccessDenied` is an error.
    pub async fn workflows(&self) -> Result<Option<(WorkflowConfig, PhysicalKey)>, PackageError> {
        let loaded = match self.read_small(&self.object(WORKFLOWS_CONFIG)?).await {
            Err(error) if error.is(AwsErrorKind::NoSuchKey) => return Ok(None),
            loaded => loaded?,
        };
        let LoadedSchema { bytes, source } = loaded;
        let config = self.cpu.run(move |_| WorkflowConfig::parse(&bytes)).await?;
        let config = config.map_err(|problem| PackageError::config(&self.bucket, problem))?;
        Ok(Some((config, source)))
    }

    /// Loads the chosen workflow with its schemas.
    pub(super) async fn select_workflow(&self, choice: Choice<'_>) -> Result<SelectedWorkflow, PackageError> {
        let Some((config, source)) = self.workflows().await? else {
            // A caller who wants no workflow gets none; quilt3 demands that the argument is left out.
            if choice != Choice::None {
                without_config(choice)?;
            }
            return Ok(SelectedWorkflow(None));
        };
        let chosen = config.choose(choice)?;
        let mut loaded = BTreeMap::new();
        for schema in [&chosen.metadata_schema, &chosen.entries_schema].into_iter().flatten() {
            if loaded.contains_key(&schema.id) {
                continue;
            }
            let object = object_of(&schema.url).map_err(PackageError::Invalid)?;
            loaded.insert(schema.id.clone(), self.read_small(&object).await?);
        }
        let unusable = |problem: UnusableWorkflow| PackageError::Workflows {
            bucket: self.bucket.clone(),
            problem: Box::new(problem),
        };
        let validator = self.cpu.run(move |_| Validator::new(&chosen, &source, &loaded)).await?;
        Ok(SelectedWorkflow(Some(Arc::new(validator.map_err(unusable)?))))
    }

    /// Reads a small object, with the version that was read.
    async fn read_small(&self, object: &ObjectUri) -> Result<LoadedSchema, PackageError> {
        let opened = self.s3.open(object, &ReadQuery::default()).await?;
        if opened.size > MAX_FILE_BYTES {
            let message = format!(
                "{object} has {} bytes; at most {MAX_FILE_BYTES} are read of a workflow's file",
                opened.size
            );
            return Err(PackageError::TooLarge(message));
        }
        let version_id = opened.version_id.clone().or_else(|| object.version_id.clone());
        let source = physical_key_of(&ObjectUri {
            version_id,
            ..object.clone()
        });
        let bytes = opened
            .collect(usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX))
            .await?;
        Ok(LoadedSchema {
            bytes: bytes.to_vec(),
            source,
        })
    }
}
