//! Selection of the workflow for a push, and the schemas to fetch for it (`WorkflowConfig.get_workflow_validator`).

use super::document::ConfigError;
use super::{Workflow, WorkflowConfig};
use crate::PhysicalKey;

/// The workflow that a push requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// No workflow is given: the bucket's default applies.
    Default,
    /// No workflow, explicitly.
    None,
    /// The workflow with this ID.
    Named(&'a str),
}

/// An error of selecting a workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Occurs when the bucket requires a workflow, but none was chosen and there is no default.
    #[error("a workflow is required by this bucket, but none was chosen; it has {}", .0.join(", "))]
    Required(Vec<String>),
    /// Occurs when the bucket has no workflow with the chosen ID.
    #[error("there is no '{workflow}' workflow in this bucket's config; it has {}", .known.join(", "))]
    Unknown {
        /// The chosen ID.
        workflow: String,
        /// The IDs of the bucket's workflows.
        known: Vec<String>,
    },
    /// Occurs when a workflow was chosen, or explicitly none, but the bucket has no configuration.
    #[error("{0} workflow was chosen, but this bucket has no workflows config; leave the workflow out")]
    NoConfig(String),
    /// Occurs when the configuration refers to a schema that does not exist or cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A selected workflow, and the schemas to fetch before a package can be validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenWorkflow {
    /// The ID of the workflow; `None` if no workflow applies.
    pub id: Option<String>,
    /// The requirements of the workflow.
    pub workflow: Option<Workflow>,
    /// The schema of the package's metadata.
    pub metadata_schema: Option<SchemaSource>,
    /// The schema of the package's entries, which may be the same.
    pub entries_schema: Option<SchemaSource>,
}

/// The location of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaSource {
    /// The schema's ID in the configuration.
    pub id: String,
    /// The schema's object, in its latest version unless the URL has a version ID.
    pub url: PhysicalKey,
}

/// Checks the choice for a bucket without a configuration: no workflow may be chosen. The header of the package then has no
/// field `workflow`.
pub fn without_config(choice: Choice<'_>) -> Result<(), ChoiceError> {
    match choice {
        Choice::Default => Ok(()),
        Choice::None => Err(ChoiceError::NoConfig("no".to_owned())),
        Choice::Named(id) => Err(ChoiceError::NoConfig(format!("the '{id}'"))),
    }
}

impl WorkflowConfig {
    /// Selects the workflow for a choice.
    pub fn choose(&self, choice: Choice<'_>) -> Result<ChosenWorkflow, ChoiceError> {
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
        Ok(ChosenWorkflow {
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
            PhysicalKey::File { .. } => Err(wrong("it is a local file".to_owned())),
            url @ PhysicalKey::S3 { .. } => Ok(SchemaSource { id: id.to_owned(), url }),
        }
    }
}
