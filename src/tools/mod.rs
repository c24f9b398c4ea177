//! What the server can do: one tool a file, each a plain async function of a [`Session`] and typed arguments.
//!
//! Owns the tools' names, arguments, results and errors. Owns no protocol: the `mcp` room turns what comes out of here
//! into MCP results.
//!
//! Invariants: a tool reaches AWS through its session only; arguments are parsed once, here, and unknown ones are refused;
//! a failure is a [`ToolError`] and never a success with nothing in it.

mod args;
mod auth;
mod base64_text;
mod buckets;
mod complete;
mod config;
mod confirm;
mod error;
mod explain;
mod modules;
mod named_bucket;
mod offer;
mod packaging;
mod permissions;
mod resources;
mod schema;
mod session;
mod tool;
mod toolbox;
mod toolset;
mod weight;
mod written;

pub use complete::{Completion, complete_bucket, complete_package};
pub use config::{ToolFilterConfig, ToolStyle};
pub use confirm::{Question, Target, Word};
pub use error::ToolError;
pub use modules::{ListedModule, Module, Road, is_question, listed as listed_modules, roads};
pub use named_bucket::named_bucket;
pub use offer::{Offer, toolset_off};
pub use resources::{Body, Content, Link, ResourceUri};
pub use session::{Progress, Services, Session};
pub use tool::{AnyTool, Hints, Image, Reply, Tool};
pub use toolbox::{Callable, Toolbox};
pub use toolset::{Toolset, Toolsets};
pub use written::Written;

/// Every tool, in order of its name.
#[must_use]
pub fn all() -> Vec<AnyTool> {
    let mut tools = vec![
        AnyTool::of::<auth::AuthStatus>(),
        AnyTool::of::<buckets::BucketList>(),
        AnyTool::of::<buckets::BucketObjectFetch>(),
        AnyTool::of::<buckets::BucketObjectInfo>(),
        AnyTool::of::<buckets::BucketObjectLink>(),
        AnyTool::of::<buckets::BucketObjectText>(),
        AnyTool::of::<buckets::BucketObjectsList>(),
        AnyTool::of::<buckets::BucketObjectsPut>(),
        AnyTool::of::<packaging::PackageBrowse>(),
        AnyTool::of::<packaging::PackageCreate>(),
        AnyTool::of::<packaging::PackageCreateFromS3>(),
        AnyTool::of::<packaging::PackageDelete>(),
        AnyTool::of::<packaging::PackageDiff>(),
        AnyTool::of::<packaging::PackageList>(),
        AnyTool::of::<packaging::PackageTemplates>(),
        AnyTool::of::<packaging::PackageUpdate>(),
        AnyTool::of::<packaging::PackageVerify>(),
        AnyTool::of::<packaging::PackageVersions>(),
        AnyTool::of::<permissions::BucketAccessCheck>(),
        AnyTool::of::<permissions::PermissionsDiscover>(),
        AnyTool::of::<permissions::PermissionsRecommendations>(),
        AnyTool::of::<packaging::WorkflowList>(),
    ];
    tools.sort_by_key(|tool| tool.name);
    tools
}
