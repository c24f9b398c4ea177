//! Which workflow a push means, and what has to be fetched for it (`WorkflowConfig.get_workflow_validator`).

use super::document::ConfigError;
use super::{Workflow, WorkflowConfig};
use crate::PhysicalKey;

/// The workflow that a push asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Nothing: the bucket's default.
    Default,
    /// Explicitly none.
    None,
    /// This one.
    Named(&'a str),
}

/// Why the choice cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Name one of the workflows.
    #[error("a workflow is required by this bucket, but none was chosen; it has {}", .0.join(", "))]
    Required(Vec<String>),
    /// Name one of the workflows.
    #[error("there is no '{workflow}' workflow in this bucket's config; it has {}", .known.join(", "))]
    Unknown {
        /// What was chosen.
        workflow: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Leave the workflow out.
    #[error("{0} workflow was chosen, but this bucket has no workflows config; leave the workflow out")]
    NoConfig(String),
    /// The bucket's owner has to repair the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A chosen workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its id; none when there is none and none is required.
    pub id: Option<String>,
    /// What it demands.
    pub workflow: Option<Workflow>,
    /// The schema of the metadata, to be fetched.
    pub metadata_schema: Option<SchemaSource>,
    /// The schema of the entries, to be fetched; it may be the same.
    pub entries_schema: Option<SchemaSource>,
}

/// Where a schema lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaSource {
    /// Its id in the configuration.
    pub id: String,
    /// Its place; the latest version is meant unless it names one.
    pub url: PhysicalKey,
}

/// In a bucket without a configuration no workflow may be named, and the package's header gets no `workflow`.
pub fn without_config(choice: Choice<'_>) -> Result<(), ChoiceError> {
    match choice {
        Choice::Default => Ok(()),
        Choice::None => Err(ChoiceError::NoConfig("no".to_owned())),
        Choice::Named(id) => Err(ChoiceError::NoConfig(format!("the '{id}'"))),
    }
}

impl WorkflowConfig {
    /// Follows a choice.
    pub fn choose(&self, choice: Choice<'_>) -> Result<Chosen, ChoiceError> {
        let known = || self.workflows.iter().map(|(id, _)| id.clone()).collect();
        let id = match choice {
            Choice::Default => self.default_workflow.as_deref(),
            Choice::None => None,
            Choice::Named(id) => Some(id),
        };
        let workflow = match id {
            None if self.is_workflow_required => return Err(ChoiceError::Required(known())),
            None => None,
            Some(id) => Some(self.workflow(id).ok_or_else(|| ChoiceError::Unknown {
                workflow: id.to_owned(),
                known: known(),
            })?),
        };
        let source = |id: Option<&String>| id.map(|id| self.source(id)).transpose();
        Ok(Chosen {
            id: id.map(str::to_owned),
            metadata_schema: source(workflow.and_then(|workflow| workflow.metadata_schema.as_ref()))?,
            entries_schema: source(workflow.and_then(|workflow| workflow.entries_schema.as_ref()))?,
            workflow: workflow.cloned(),
        })
    }

    fn source(&self, id: &str) -> Result<SchemaSource, ConfigError> {
        let url = self
            .schemas
            .get(id)
            .ok_or_else(|| ConfigError::NoSuchSchema(id.to_owned()))?;
        let wrong = |problem: String| ConfigError::SchemaUrl {
            id: id.to_owned(),
            problem,
        };
        match url
            .parse()
            .map_err(|problem: crate::InvalidPhysicalKey| wrong(problem.to_string()))?
        {
            PhysicalKey::File { .. } => Err(wrong("it is a file of some machine".to_owned())),
            url @ PhysicalKey::S3 { .. } => Ok(SchemaSource { id: id.to_owned(), url }),
        }
    }
}
