//! MCP resources: the server's own pages and views, which are listed, and objects, packages and entries, which are not: there may be
//! billions, and a list is the same for all.

use rmcp::model::{CacheScope, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::discovery::{LISTS_TTL_MS, server_meta};
use super::skills::SKILLS;
use super::views::{OwnView, VIEWS};
use super::{RpcError, Version};
use crate::error_code::ErrorCode;
use crate::tools::{Body, Content, SEARCH_SYNTAX, ToolFilter, Toolset, toolset_off};

/// The schemes of the server's own pages, skills and views.
const OWN_SCHEMES: [&str; 3] = ["quilt://", "skill://", "ui://"];

/// A page of the server's own, the same for every caller.
struct OwnPage {
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    toolset: Toolset,
    /// Markdown.
    text: &'static str,
}

const OWN_PAGES: [OwnPage; 1] = [OwnPage {
    uri: "quilt://search-syntax",
    name: "search-syntax",
    title: "Search syntax",
    description: "Query strings, fields, filters and metadata conditions of search_catalog, with examples.",
    toolset: Toolset::Search,
    text: SEARCH_SYNTAX,
}];

/// URI templates of what can be read.
pub(super) const OBJECT: &str = "s3://{bucket}/{+key}";
pub(super) const PACKAGE: &str = "quilt+s3://{bucket}#package={+package}";
pub(super) const ENTRY: &str = "quilt+s3://{bucket}#package={+package}&path={path}";

/// The resources that are listed: the server's own pages and views.
pub(super) fn listed(filter: ToolFilter) -> Vec<Resource> {
    let pages = OWN_PAGES.iter().filter(|page| filter.lists_toolset(page.toolset));
    let listed = pages.map(|page| {
        Resource::new(page.uri, page.name)
            .with_title(page.title)
            .with_description(page.description)
            .with_mime_type("text/markdown")
    });
    let views = VIEWS.iter().filter(|view| view.is_on(filter));
    let listed = listed.chain(views.map(OwnView::to_model));
    #[cfg(feature = "conformance")]
    let listed = listed.chain(conformance_server::resources());
    listed.collect()
}

/// Whether a URI is that of a page of the server's own, which needs no caller.
pub(super) fn is_own(uri: &str) -> bool {
    OWN_SCHEMES.iter().any(|own| {
        uri.get(..own.len())
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(own))
    })
}

/// Returns the contents of a page, a skill or a view.
fn own_contents(uri: &str, filter: ToolFilter) -> Result<ResourceContents, RpcError> {
    if let Some(view) = VIEWS.iter().find(|view| view.uri.eq_ignore_ascii_case(uri)) {
        let off = view.toolsets.first().filter(|_| !view.is_on(filter));
        return match off {
            Some(toolset) => Err(switched_off(*toolset)),
            None => Ok(view.contents(uri)),
        };
    }
    let pages = OWN_PAGES.iter().map(|page| (page.uri, page.toolset, page.text));
    let own = pages.chain(SKILLS.iter().map(|skill| (skill.uri, skill.toolset, skill.text)));
    let Some((_, toolset, text)) = own.clone().find(|(own, ..)| own.eq_ignore_ascii_case(uri)) else {
        let pages = own.map(|(uri, ..)| uri).chain(VIEWS.iter().map(|view| view.uri));
        let pages: Vec<&str> = pages.collect();
        let message = format!("There is no such page; the pages are: {}.", pages.join(", "));
        return Err(RpcError::new(ErrorCode::NoSuchResource, message));
    };
    if !filter.includes(toolset) {
        return Err(switched_off(toolset));
    }
    Ok(ResourceContents::text(text, uri).with_mime_type("text/markdown"))
}

/// Reads a page of the server's own.
pub(super) fn own(uri: &str, filter: ToolFilter, version: Version) -> Result<ReadResourceResult, RpcError> {
    let mut result = ReadResourceResult::new(vec![own_contents(uri, filter)?]);
    result.meta = server_meta(version).cloned();
    if version.has_handshake() {
        result.result_type = None;
        return Ok(result);
    }
    Ok(result.with_ttl_ms(LISTS_TTL_MS).with_cache_scope(CacheScope::Public))
}

/// The templates of the toolsets that are on.
pub(super) fn templates(filter: ToolFilter) -> Vec<ResourceTemplate> {
    let all = [
        (
            Toolset::Buckets,
            ResourceTemplate::new(OBJECT, "object")
                .with_title("Object")
                .with_description(
                    "An object, or with ?versionId=ID one version of it, percent-encoded; at most 1 MiB.",
                ),
        ),
        (
            Toolset::Packaging,
            ResourceTemplate::new(PACKAGE, "package")
                .with_title("Package")
                .with_description("What a package holds, or with @HASH one revision of it.")
                .with_mime_type("application/json"),
        ),
        (
            Toolset::Packaging,
            ResourceTemplate::new(ENTRY, "entry")
                .with_title("Entry of a package")
                .with_description("A file of a package by its logical key; at most 1 MiB."),
        ),
    ];
    let templates = all
        .into_iter()
        .filter(|(toolset, _)| filter.includes(*toolset))
        .map(|(_, template)| template);
    #[cfg(feature = "conformance")]
    let templates = templates.chain(conformance_server::resource_templates());
    templates.collect()
}

/// The result of a read. It is one user's data, which may change at any time.
pub(super) fn contents(uri: &str, content: Content, version: Version) -> ReadResourceResult {
    let contents = match content.body {
        Body::Text(text) => ResourceContents::text(text, uri),
        Body::Base64(blob) => ResourceContents::blob(blob, uri),
    };
    let contents = match content.mime_type {
        Some(mime_type) => contents.with_mime_type(mime_type),
        None => contents,
    };
    let mut result = ReadResourceResult::new(vec![contents]);
    result.meta = server_meta(version).cloned();
    if version.has_handshake() {
        result.result_type = None;
        return result;
    }
    result.with_ttl_ms(0).with_cache_scope(CacheScope::Private)
}

/// The error for a URI or a completion whose toolset is off.
pub(super) fn switched_off(toolset: Toolset) -> RpcError {
    RpcError::new(ErrorCode::ToolsetOff, toolset_off("This", toolset))
}
