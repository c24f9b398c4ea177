//! What the server can do: one tool a file, each a plain async function of a [`Session`] and typed arguments.
//!
//! Owns the tools' names, arguments, results and errors. Owns no protocol: the `mcp` room turns what comes out of here
//! into MCP results.
//!
//! Invariants: a tool reaches AWS through its session only; arguments are parsed once, here, and unknown ones are refused;
//! a failure is a [`ToolError`] and never a success with nothing in it.

mod args;
mod auth;
mod buckets;
mod error;
mod explain;
mod permissions;
mod schema;
mod session;
mod tool;

pub use error::{ToolError, code};
pub use session::{Services, Session};
pub use tool::{AnyTool, Hints, Image, Reply, Tool, Toolset};

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
        AnyTool::of::<permissions::BucketAccessCheck>(),
        AnyTool::of::<permissions::PermissionsDiscover>(),
        AnyTool::of::<permissions::PermissionsRecommendations>(),
    ];
    tools.sort_by_key(|tool| tool.name);
    tools
}
