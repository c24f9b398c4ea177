//! `workflow_list`: the requirements of a bucket on its packages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::s3::BucketName;
use crate::tools::answer_size::{AnswerBudget, bounded_message};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct WorkflowList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Workflow {
    id: String,
    name: String,
    description: Option<String>,
    is_message_required: bool,
    /// A regular expression that package names have to match.
    handle_pattern: Option<String>,
    /// Id of the schema of the package's metadata.
    metadata_schema: Option<String>,
    /// Id of the schema of the list of entries.
    entries_schema: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    workflows: Vec<Workflow>,
    default_workflow: Option<String>,
    is_workflow_required: bool,
    /// Present if there are more workflows than are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Where it is configured; null: the bucket has no workflows.
    config: Option<String>,
}

impl Tool for WorkflowList {
    const NAME: &'static str = "workflow_list";
    const TITLE: &'static str = "List workflows";
    const DESCRIPTION: &'static str = "Lists a bucket's workflows: what they demand of a package, which is the default, and \
                                       whether one is required.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let configured = packages
            .workflows()
            .await
            .map_err(|error| session.explain_package(error))?;
        let bucket = args.bucket.to_string();
        let Some((config, source)) = configured else {
            let none = Output {
                bucket,
                workflows: Vec::new(),
                default_workflow: None,
                is_workflow_required: false,
                truncated: false,
                config: None,
            };
            return Ok(none.into());
        };
        let workflows = config.workflows.into_iter().map(|(id, workflow)| Workflow {
            id,
            name: workflow.name,
            description: workflow.description.as_deref().map(bounded_message),
            is_message_required: workflow.is_message_required,
            handle_pattern: workflow.handle_pattern,
            metadata_schema: workflow.metadata_schema,
            entries_schema: workflow.entries_schema,
        });
        let mut workflows: Vec<Workflow> = workflows.collect();
        let is_whole = AnswerBudget::new().truncate(&mut workflows);
        Ok(Output {
            bucket,
            truncated: !is_whole,
            workflows,
            default_workflow: config.default_workflow,
            is_workflow_required: config.is_workflow_required,
            config: Some(source.to_string()),
        }
        .into())
    }
}
