//! Objects, packages and entries as MCP resources. None is listed: there may be billions, and who asks is not known yet.

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, ResourceContents, ResourceTemplate};

use super::failure::refusal;
use crate::config::Toolset;
use crate::error_code::ErrorCode;
use crate::tools::{Body, Content, Offer};

/// URI templates of what can be read.
pub(super) const OBJECT: &str = "s3://{bucket}/{+key}";
pub(super) const PACKAGE: &str = "quilt+s3://{bucket}#package={+package}";
pub(super) const ENTRY: &str = "quilt+s3://{bucket}#package={+package}&path={path}";

/// The templates of the toolsets that are on.
pub(super) fn templates(offer: Offer) -> Vec<ResourceTemplate> {
    let all = [
        (
            Toolset::Buckets,
            ResourceTemplate::new(OBJECT, "object").with_title("Object").with_description(
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
    all.into_iter().filter(|(toolset, _)| offer.includes(*toolset)).map(|(_, template)| template).collect()
}

/// What was read, as MCP shows it.
pub(super) fn contents(uri: &str, content: Content) -> ReadResourceResult {
    let contents = match content.body {
        Body::Text(text) => ResourceContents::text(text, uri),
        Body::Base64(blob) => ResourceContents::blob(blob, uri),
    };
    ReadResourceResult::new(vec![match content.mime_type {
        Some(mime_type) => contents.with_mime_type(mime_type),
        None => contents,
    }])
}

/// What is said of a URI whose toolset is off.
pub(super) fn switched_off(toolset: Toolset) -> ErrorData {
    let message = format!(
        "This belongs to the toolset {}, which is switched off for this request (QUILT_MCP_TOOLSETS, X-MCP-Toolsets).",
        toolset.as_str()
    );
    refusal(ErrorCode::ToolsetOff, message)
}
