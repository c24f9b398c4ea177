//! Objects, packages and entries as MCP resources. None is listed: there may be billions, and a list is the same for all.

use rmcp::model::{CacheScope, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::discovery::server_meta;
use super::{RpcError, Version};
use crate::error_code::ErrorCode;
use crate::tools::{Body, Content, ToolFilter, Toolset, toolset_off};

/// URI templates of what can be read.
pub(super) const OBJECT: &str = "s3://{bucket}/{+key}";
pub(super) const PACKAGE: &str = "quilt+s3://{bucket}#package={+package}";
pub(super) const ENTRY: &str = "quilt+s3://{bucket}#package={+package}&path={path}";

/// The resources that are listed.
pub(super) fn listed() -> Vec<Resource> {
    #[cfg(feature = "conformance")]
    return conformance_server::resources();
    #[cfg(not(feature = "conformance"))]
    Vec::new()
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
