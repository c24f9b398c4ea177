//! `initialize` and `server/discover`: what the server is and can do.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rmcp::model::{
    CacheScope, DiscoverResult, Icon, Implementation, InitializeResult, JsonObject, MetaObject, PromptsCapability,
    ResourcesCapability, SKILLS_EXTENSION_ID, ServerCapabilities, ToolsCapability,
};
use serde_json::json;

use super::views::UI_EXTENSION_ID;
use super::{Answer, RpcError, Version};
use crate::setting::BaseUrl;

const INSTRUCTIONS: &str = "A Quilt data catalog: objects lie in S3 buckets, and packages are versioned sets of them, with \
                            metadata and a hash. Start with bucket_list; find packages and objects with search_catalog, \
                            where it is listed, and fields to search by with search_facets. Count objects with \
                            bucket_objects_summary, look into tables with bucket_object_preview, find lines with \
                            bucket_object_text and find, and ask SQL with athena_query_execute. Browse a package with \
                            package_browse, compare revisions with package_diff, and give each uri or s3_uri of a result \
                            to the object tools as it is. A package refers to versions of objects: give package_create \
                            versioned URIs where you have them. Objects stay where they are, unless copy is set. Calls \
                            act with the caller's own rights. When something is denied, auth_status says with whose \
                            credentials the calls act, and permissions_recommendations what may help.";

/// The icon, which clients show beside the server's name.
const ICON: &[u8] = include_bytes!("icon.svg");

/// How long clients may keep lists and the discovery result, in milliseconds: they change with a release only.
pub(super) const LISTS_TTL_MS: u64 = 5 * 60 * 1000;

/// The server's own name and version.
pub(super) fn server_info() -> Implementation {
    Implementation::new("quilt-mcp", env!("CARGO_PKG_VERSION")).with_title("Quilt data catalog")
}

/// `_meta` of a result: from 2026-07-28 on every result names its server.
pub(super) fn server_meta(version: Version) -> Option<&'static MetaObject> {
    static META: LazyLock<MetaObject> = LazyLock::new(|| {
        let mut meta = MetaObject::new();
        meta.0
            .insert("io.modelcontextprotocol/serverInfo".to_owned(), json!(server_info()));
        meta
    });
    version.is_self_describing().then(|| &*META)
}

/// The server's own name and version, with what clients show of it.
fn presented(website: Option<&BaseUrl>) -> Implementation {
    static ICON_URI: LazyLock<String> =
        LazyLock::new(|| format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(ICON)));
    let icon = Icon::new(ICON_URI.as_str())
        .with_mime_type("image/svg+xml")
        .with_sizes(vec!["any".to_owned()]);
    let info = server_info().with_icons(vec![icon]);
    match website {
        Some(website) => info.with_website_url(website.to_string()),
        None => info,
    }
}

fn capabilities() -> ServerCapabilities {
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = Some(ToolsCapability::default());
    capabilities.resources = Some(ResourcesCapability::default());
    capabilities.prompts = Some(PromptsCapability::default());
    capabilities.completions = Some(JsonObject::default());
    let extensions = [SKILLS_EXTENSION_ID, UI_EXTENSION_ID];
    let extensions = extensions.map(|extension| (extension.to_owned(), JsonObject::default()));
    capabilities.extensions = Some(extensions.into_iter().collect());
    capabilities
}

/// The instructions for models, with a notice about the token of this request: clients show "connected" whether or not it is
/// accepted.
fn instructions(token_notice: Option<&str>) -> String {
    token_notice.map_or_else(|| INSTRUCTIONS.to_owned(), |notice| format!("{INSTRUCTIONS} {notice}"))
}

/// The result of the handshake.
pub(super) fn initialize(
    version: Version,
    token_notice: Option<&str>,
    website: Option<&BaseUrl>,
) -> Result<Answer, RpcError> {
    let capabilities = capabilities();
    #[cfg(feature = "conformance")]
    let capabilities = conformance_server::capabilities(capabilities);
    let mut result = InitializeResult::new(capabilities)
        .with_server_info(presented(website))
        .with_instructions(instructions(token_notice));
    result.protocol_version = version.to_model();
    Answer::of(&result)
}

/// The result of discovery. One that speaks of the request's token is private.
pub(super) fn discover(token_notice: Option<&str>, website: Option<&BaseUrl>) -> Result<Answer, RpcError> {
    let versions = Version::ALL.into_iter().map(Version::to_model).collect();
    let mut result = DiscoverResult::new(versions, capabilities()).with_server_info(presented(website));
    result.instructions = Some(instructions(token_notice));
    let scope = if token_notice.is_some() {
        CacheScope::Private
    } else {
        CacheScope::Public
    };
    Answer::of(&result.with_ttl_ms(LISTS_TTL_MS).with_cache_scope(scope))
}
