//! Views (extension `io.modelcontextprotocol/ui`, MCP Apps): which tools have one, and the resources that hosts read. A host that
//! knows no views ignores them: what the model reads is the same.

use rmcp::model::{MetaObject, Resource, ResourceContents};
use serde_json::json;

use crate::console::View;
use crate::tools::{ToolFilter, Toolset};

/// Identifier of the extension among the capabilities.
pub(super) const UI_EXTENSION_ID: &str = "io.modelcontextprotocol/ui";
const MIME_TYPE: &str = "text/html;profile=mcp-app";
/// The member of `_meta` that hosts read.
const UI: &str = "ui";

/// A view as a resource.
pub(super) struct OwnView {
    pub uri: &'static str,
    view: View,
    name: &'static str,
    description: &'static str,
    /// The toolsets of its tools.
    pub toolsets: &'static [Toolset],
    /// Tools whose results it shows.
    tools: &'static [&'static str],
}

pub(super) const VIEWS: [OwnView; 3] = [
    OwnView {
        uri: "ui://quilt/package.html",
        view: View::Package,
        name: "package-view",
        description: "Packages, their entries with previews, revisions and differences; and what a dry run would write.",
        toolsets: &[Toolset::Packaging],
        tools: &[
            "package_browse",
            "package_copy",
            "package_create",
            "package_create_from_s3",
            "package_diff",
            "package_list",
            "package_update",
            "package_verify",
        ],
    },
    OwnView {
        uri: "ui://quilt/permissions.html",
        view: View::Permissions,
        name: "permissions-view",
        description: "Buckets and what the caller may do with them, with evidence.",
        toolsets: &[Toolset::Permissions],
        tools: &["permissions_discover"],
    },
    OwnView {
        uri: "ui://quilt/table.html",
        view: View::Table,
        name: "table-view",
        description: "Rows of an object or of a query, which sort, and a chart of a numeric column.",
        toolsets: &[Toolset::Buckets, Toolset::Athena],
        tools: &["athena_query_execute", "bucket_object_preview"],
    },
];

impl OwnView {
    /// Whether a toolset of its tools is on.
    pub fn is_on(&self, filter: ToolFilter) -> bool {
        self.toolsets.iter().any(|toolset| filter.lists_toolset(*toolset))
    }

    pub fn to_model(&self) -> Resource {
        Resource::new(self.uri, self.name)
            .with_title(self.view.title())
            .with_description(self.description)
            .with_mime_type(MIME_TYPE)
    }

    /// The document, which needs no origin, and no permission of the browser's.
    pub fn contents(&self, uri: &str) -> ResourceContents {
        ResourceContents::text(self.view.html(), uri)
            .with_mime_type(MIME_TYPE)
            .with_meta(meta(json!({ "csp": {}, "prefersBorder": true })))
    }
}

/// `_meta` of a tool that has a view.
pub(super) fn meta_of_tool(name: &str) -> Option<MetaObject> {
    let view = VIEWS.iter().find(|view| view.tools.contains(&name))?;
    Some(meta(json!({ "resourceUri": view.uri })))
}

fn meta(ui: serde_json::Value) -> MetaObject {
    let mut meta = MetaObject::new();
    meta.0.insert(UI.to_owned(), ui);
    meta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_name_tools_of_their_toolsets() {
        let tools = crate::tools::all();
        for view in &VIEWS {
            for name in view.tools {
                let tool = tools.iter().find(|tool| tool.name == *name).expect(name);
                assert!(view.toolsets.contains(&tool.toolset), "{name}");
            }
        }
    }
}
