//! The Model Context Protocol: versions, lists, schemas, calls, resources, elicitation, and the filters of tools.

mod agent_tasks;
mod answer_size;
mod arguments;
mod default_calls;
pub(crate) mod elicitation;
mod modules;
mod modules_packaging;
mod protocol;
mod resources;
mod schema_rules;
mod skills;
mod tool_access;
mod tool_calls;
mod tool_filter;
mod tool_lists;
mod transcripts;
