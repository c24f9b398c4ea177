//! Workflows: what the bucket demands of a package before it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use quilt_format::json::Value;
use quilt_format::layout::WORKFLOWS_CONFIG;
use quilt_format::workflow::{
    Candidate, Choice, LoadedSchema, UnusableWorkflow, Validator, WorkflowConfig, without_config,
};
use quilt_format::{Entry, PackageName, PhysicalKey};

use super::place::{object_of, physical_key_of};
use super::{PackageBucket, PackageError};
use crate::blocking::CpuError;
use crate::s3::{ObjectUri, ReadQuery, S3ErrorKind};

/// Largest configuration or schema, in bytes.
const LARGEST: u64 = 256 * 1024;

/// The workflow that a package has to pass, if there is any.
#[derive(Debug)]
pub struct WorkflowGate(Option<Arc<Validator>>);

impl WorkflowGate {
    /// What the package's header says of the workflow.
    #[must_use]
    pub fn stored(&self) -> Option<Value> {
        self.0.as_ref().map(|validator| validator.stored().clone())
    }

    /// Whether the entries matter; if not, none have to be given.
    #[must_use]
    pub fn wants_entries(&self) -> bool {
        self.0.as_ref().is_some_and(|validator| validator.wants_entries())
    }

    /// Memory for the check of a package of so many entries, beside the entries themselves.
    #[must_use]
    pub fn room(&self, entries: usize) -> usize {
        self.0.as_ref().map_or(0, |validator| validator.room(entries))
    }
}

/// What a workflow judges of a package beside its entries.
#[derive(Debug)]
pub struct Judged {
    /// The package's name.
    pub name: PackageName,
    /// The message.
    pub message: Option<String>,
    /// The metadata, if the header has any.
    pub user_meta: Option<Value>,
}

impl PackageBucket {
    /// Judges a package, away from the async workers. `holder` holds the entries and is given back; `entries` shows them in
    /// tree order. [`WorkflowGate::room`] is to be held before.
    pub async fn judge<H: Send + 'static>(
        &self,
        gate: &WorkflowGate,
        package: Judged,
        holder: H,
        entries: impl FnOnce(&H) -> Vec<&Entry> + Send + 'static,
    ) -> Result<H, PackageError> {
        let Some(validator) = gate.0.clone() else {
            return Ok(holder);
        };
        // Should the call end before the check, its memory is held until the check ends too.
        let memory = self.memory.clone();
        let judged = self.cpu.run(move |deadline| {
            let _memory = memory;
            let Judged {
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
        Ok(judged.await???)
    }

    /// The bucket's workflows and where they are configured. Only a configuration that is not there means that there are
    /// none: whoever may not read it is told so.
    pub async fn workflows(&self) -> Result<Option<(WorkflowConfig, PhysicalKey)>, PackageError> {
        let loaded = match self.small(&self.object(WORKFLOWS_CONFIG)?).await {
            Err(error) if error.is(S3ErrorKind::NoSuchKey) => return Ok(None),
            loaded => loaded?,
        };
        let LoadedSchema { bytes, source } = loaded;
        let config = self.cpu.run(move |_| WorkflowConfig::parse(&bytes)).await?;
        let config = config.map_err(|problem| PackageError::config(&self.bucket, problem))?;
        Ok(Some((config, source)))
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
        let validator = self.cpu.run(move |_| Validator::new(&chosen, &place, &loaded)).await?;
        Ok(WorkflowGate(Some(Arc::new(validator.map_err(unusable)?))))
    }

    /// A small object, with the version that was read.
    async fn small(&self, object: &ObjectUri) -> Result<LoadedSchema, PackageError> {
        let opened = self.s3.open(object, &ReadQuery::default()).await?;
        if opened.size > LARGEST {
            let message = format!(
                "{object} has {} bytes; at most {LARGEST} are read of a workflow's file",
                opened.size
            );
            return Err(PackageError::TooLarge(message));
        }
        let version_id = opened.version_id.clone().or_else(|| object.version_id.clone());
        let source = physical_key_of(&ObjectUri {
            version_id,
            ..object.clone()
        });
        let bytes = opened.collect(usize::try_from(LARGEST).unwrap_or(usize::MAX)).await?;
        Ok(LoadedSchema {
            bytes: bytes.to_vec(),
            source,
        })
    }
}
