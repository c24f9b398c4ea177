//! Resources: objects, packages and their entries, read by URI with the caller's permissions.
//!
//! **Owns** the lookup of revisions and entries by URI, and the content of a resource. **Does not own** the protocol.
//!
//! **Invariant**: the size of a resource is bounded; the error for a larger one names the tools that read it in pieces.

mod entry;
mod link;
mod object;
mod package;

pub use entry::entry_object;
pub(super) use entry::find as find_entry;
pub use link::Link;
use quilt_format::QuiltUri;

use crate::aws::s3::ObjectUri;
use crate::error_code::ErrorCode;
use crate::tools::{Session, ToolError, Toolset};

/// Maximum size of a resource, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The URI of a resource.
#[derive(Debug, Clone)]
pub enum ResourceUri {
    /// `s3://bucket/key`.
    Object(ObjectUri),
    /// `quilt+s3://bucket#package=…`, with or without a `path`.
    Package(QuiltUri),
}

/// The content of a resource.
#[derive(Debug, Clone)]
pub struct Content {
    pub mime_type: Option<String>,
    pub body: Body,
}

/// The bytes of a resource, in the forms that MCP has.
#[derive(Debug, Clone)]
pub enum Body {
    /// UTF-8.
    Text(String),
    /// Base64 of bytes that are not UTF-8 text.
    Base64(String),
}

impl ResourceUri {
    /// Parses a URI.
    pub fn parse(text: &str) -> Result<Self, ToolError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("s3") => text.parse().map(Self::Object).map_err(|problem: String| problem),
            Some("quilt+s3") => text
                .parse::<QuiltUri>()
                .map(Self::Package)
                .map_err(|problem| problem.to_string()),
            _ => Err("expected s3://bucket/key or quilt+s3://bucket#package=namespace/name[@hash][&path=…]".to_owned()),
        }
        .map_err(|problem| ToolError::new(ErrorCode::InvalidArgument, format!("The URI is not valid: {problem}.")))
    }

    #[must_use]
    pub fn bucket(&self) -> &str {
        match self {
            Self::Object(object) => object.bucket.as_str(),
            Self::Package(uri) => &uri.bucket,
        }
    }

    /// Returns the toolset that has to be on.
    #[must_use]
    pub fn toolset(&self) -> Toolset {
        match self {
            Self::Object(_) => Toolset::Buckets,
            Self::Package(_) => Toolset::Packaging,
        }
    }

    /// Reads the resource.
    pub async fn read(&self, session: &Session) -> Result<Content, ToolError> {
        match self {
            Self::Object(object) => object::read(session, object).await,
            Self::Package(uri) => match &uri.path {
                None => package::read(session, uri).await,
                Some(path) => object::read(session, &entry::find(session, uri, path).await?).await,
            },
        }
    }
}
