//! Tools: one file each, a plain async function of a [`Session`] and typed arguments.
//!
//! **Owns** the tools' names, arguments, results and errors. **Does not own** the protocol: the `mcp` module turns results
//! and errors into MCP results.
//!
//! **Invariants**: a tool reaches AWS only through its session; arguments are parsed once, here, and unknown arguments are
//! refused; a failure is a [`ToolError`], never an empty success.

mod account;
mod answer_size;
mod arguments;
mod athena;
mod auth;
mod base64_text;
mod bucket_argument;
mod buckets;
mod catalog;
mod complete;
mod config;
mod confirmation;
mod cursor;
mod denials;
mod error;
mod estimate;
mod explain;
mod globs;
mod json_object;
mod manifest_json;
mod modules;
mod object_argument;
mod packaging;
mod permissions;
mod registry;
mod resources;
mod schema;
mod search;
mod session;
mod tabulator;
mod tool;
mod tool_filter;
mod toolbox;
mod toolset;

pub use arguments::{ALIASES, Alias, IGNORED, IgnoredArgument};
pub use bucket_argument::bucket_argument;
pub use complete::{Completion, complete_bucket, complete_package};
pub use config::{ToolFilterConfig, ToolStyle};
pub use confirmation::{Confirmation, ConfirmationRequest, Subject};
pub use denials::{DeniedCall, RecentDenials};
pub use error::ToolError;
pub use json_object::JsonObject;
use manifest_json::ManifestJson;
pub use modules::{ListedModule, Module, ToolRoute, is_help_request, listed_modules, tool_routes};
pub use resources::{Body, Content, Link, ResourceUri};
pub use search::SYNTAX as SEARCH_SYNTAX;
pub use session::{Progress, Services, Session};
pub use tool::{AnyTool, Hints, Image, Tool, ToolSuccess};
pub use tool_filter::{ToolFilter, toolset_off};
pub use toolbox::{ResolvedTool, Toolbox};
pub use toolset::{Toolset, Toolsets};

/// Returns every tool, in the order of their names.
#[must_use]
pub fn all() -> Vec<AnyTool> {
    let mut tools = vec![
        AnyTool::of::<account::RoleSwitch>(),
        AnyTool::of::<account::UsageStats>(),
        AnyTool::of::<athena::AthenaDatabasesList>(),
        AnyTool::of::<athena::AthenaQueryExecute>(),
        AnyTool::of::<athena::AthenaQueryHistory>(),
        AnyTool::of::<athena::AthenaQueryResults>(),
        AnyTool::of::<athena::AthenaQueryStop>(),
        AnyTool::of::<athena::AthenaTableSchema>(),
        AnyTool::of::<athena::AthenaTablesList>(),
        AnyTool::of::<athena::AthenaWorkgroupsList>(),
        AnyTool::of::<auth::AuthStatus>(),
        AnyTool::of::<buckets::BucketList>(),
        AnyTool::of::<buckets::BucketObjectFetch>(),
        AnyTool::of::<buckets::BucketObjectInfo>(),
        AnyTool::of::<buckets::BucketObjectLink>(),
        AnyTool::of::<buckets::BucketObjectPreview>(),
        AnyTool::of::<buckets::BucketObjectText>(),
        AnyTool::of::<buckets::BucketObjectVersions>(),
        AnyTool::of::<buckets::BucketObjectsList>(),
        AnyTool::of::<buckets::BucketObjectsPut>(),
        AnyTool::of::<buckets::BucketObjectsSummary>(),
        AnyTool::of::<catalog::CatalogLink>(),
        AnyTool::of::<packaging::PackageBrowse>(),
        AnyTool::of::<packaging::PackageCopy>(),
        AnyTool::of::<packaging::PackageCreate>(),
        AnyTool::of::<packaging::PackageCreateFromS3>(),
        AnyTool::of::<packaging::PackageDelete>(),
        AnyTool::of::<packaging::PackageDiff>(),
        AnyTool::of::<packaging::PackageList>(),
        AnyTool::of::<packaging::PackageRollback>(),
        AnyTool::of::<packaging::PackageTemplates>(),
        AnyTool::of::<packaging::PackageUpdate>(),
        AnyTool::of::<packaging::PackageVerify>(),
        AnyTool::of::<packaging::PackageVersions>(),
        AnyTool::of::<permissions::BucketAccessCheck>(),
        AnyTool::of::<permissions::PermissionsDiscover>(),
        AnyTool::of::<permissions::PermissionsRecommendations>(),
        AnyTool::of::<packaging::WorkflowList>(),
        AnyTool::of::<search::SearchCatalog>(),
        AnyTool::of::<search::SearchFacets>(),
        AnyTool::of::<tabulator::TabulatorTableCreate>(),
        AnyTool::of::<tabulator::TabulatorTableDelete>(),
        AnyTool::of::<tabulator::TabulatorTableRename>(),
        AnyTool::of::<tabulator::TabulatorTablesList>(),
    ];
    tools.sort_by_key(|tool| tool.name);
    tools
}
