//! Workflows: what the bucket demands of a package before it is written.

use std::collections::BTreeMap;

use super::place::{object_of, physical_key_of};
use super::{PackageBucket, PackageError};
use crate::quilt::json::Value;
use crate::quilt::layout::WORKFLOWS_CONFIG;
use crate::quilt::workflow::{
    Candidate, Choice, LoadedSchema, UnusableWorkflow, Validator, WorkflowConfig, without_config,
};
use crate::quilt::{Entry, PhysicalKey};
use crate::s3::{ObjectUri, ReadQuery, S3ErrorKind};

/// Largest configuration or schema, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The workflow that a package has to pass, if there is any.
#[derive(Debug)]
pub struct WorkflowGate(Option<Validator>);

impl WorkflowGate {
    /// What the package's header says of the workflow.
    #[must_use]
    pub fn stored(&self) -> Option<Value> {
        self.0.as_ref().map(|validator| validator.stored().clone())
    }

    /// Whether the entries matter; if not, none have to be given.
    #[must_use]
    pub fn wants_entries(&self) -> bool {
        self.0.as_ref().is_some_and(Validator::wants_entries)
    }

    /// Judges a package.
    pub fn check<'e>(&self, package: Candidate<'_, impl IntoIterator<Item = &'e Entry>>) -> Result<(), PackageError> {
        match &self.0 {
            None => Ok(()),
            Some(validator) => Ok(validator.validate(package)?),
        }
    }
}

impl PackageBucket {
    /// The bucket's workflows and where they are configured. Only a configuration that is not there means that there are
    /// none: whoever may not read it is told so.
    pub async fn workflows(&self) -> Result<Option<(WorkflowConfig, PhysicalKey)>, PackageError> {
        let loaded = match self.small(&self.object(WORKFLOWS_CONFIG)?).await {
            Err(error) if error.is(S3ErrorKind::NoSuchKey) => return Ok(None),
            loaded => loaded?,
        };
        let config = WorkflowConfig::parse(&loaded.bytes);
        let config = config.map_err(|problem| PackageError::config(&self.bucket, problem))?;
        Ok(Some((config, loaded.source)))
    }

    /// The workflow of a choice, with its schemas, ready to judge.
    pub async fn gate(&self, choice: Choice<'_>) -> Result<WorkflowGate, PackageError> {
        let Some((config, place)) = self.workflows().await? else {
            without_config(choice)?;
            return Ok(WorkflowGate(None));
        };
        let chosen = config.choose(choice)?;
        let mut loaded = BTreeMap::new();
        for source in [&chosen.metadata_schema, &chosen.entries_schema].into_iter().flatten() {
            if loaded.contains_key(&source.id) {
                continue;
            }
            let object = object_of(&source.url).map_err(PackageError::Invalid)?;
            loaded.insert(source.id.clone(), self.small(&object).await?);
        }
        let unusable = |problem: UnusableWorkflow| PackageError::Workflows {
            bucket: self.bucket.clone(),
            problem: Box::new(problem),
        };
        Ok(WorkflowGate(Some(Validator::new(&chosen, &place, &loaded).map_err(unusable)?)))
    }

    /// A small object, with the version that was read.
    async fn small(&self, object: &ObjectUri) -> Result<LoadedSchema, PackageError> {
        let opened = self.s3.open(object, &ReadQuery::default()).await?;
        if opened.size > LARGEST {
            let message =
                format!("{object} has {} bytes; at most {LARGEST} are read of a workflow's file", opened.size);
            return Err(PackageError::TooLarge(message));
        }
        let version_id = opened.version_id.clone().or_else(|| object.version_id.clone());
        let source = physical_key_of(&ObjectUri { version_id, ..object.clone() });
        let bytes = opened.collect(usize::try_from(LARGEST).unwrap_or(usize::MAX)).await?;
        Ok(LoadedSchema { bytes: bytes.to_vec(), source })
    }
}
