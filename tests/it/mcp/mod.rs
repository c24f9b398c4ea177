//! The Model Context Protocol: versions, lists, calls, resources, elicitation, and the filters of tools.

mod elicitation;
mod modules;
mod modules_packaging;
mod protocol;
mod resources;
mod tool_access;
mod tool_calls;
mod tool_filter;
mod tool_lists;
mod transcripts;
