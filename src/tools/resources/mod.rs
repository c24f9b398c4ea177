//! What can be read by its URI: objects, packages and their entries, as the caller.
//!
//! Owns how a revision and an entry of a package are found, and what is shown of them. Owns no protocol.
//!
//! Invariant: what is read whole is bounded, and what is larger is refused with the name of the tool that reads pieces.

mod entry;
mod link;
mod object;
mod package;

pub use entry::entry_object;
pub use link::Link;
use quilt_format::QuiltUri;

use crate::error_code::ErrorCode;
use crate::s3::ObjectUri;
use crate::tools::{Session, ToolError, Toolset};

/// Most bytes of one resource.
const MOST: u64 = 1024 * 1024;

/// What is to be read.
#[derive(Debug, Clone)]
pub enum ResourceUri {
    /// `s3://bucket/key`.
    Object(ObjectUri),
    /// `quilt+s3://bucket#package=…`, with or without a `path`.
    Package(QuiltUri),
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Content {
    /// MIME type, where one is known.
    pub mime_type: Option<String>,
    /// The bytes.
    pub body: Body,
}

/// Bytes as a protocol of texts can carry them.
#[derive(Debug, Clone)]
pub enum Body {
    /// UTF-8.
    Text(String),
    /// Base64 of anything else.
    Base64(String),
}

impl ResourceUri {
    /// Reads a URI.
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
        .map_err(|problem| {
            ToolError::new(
                ErrorCode::InvalidArgument,
                format!("This URI cannot be read: {problem}."),
            )
        })
    }

    /// The bucket that it is in.
    #[must_use]
    pub fn bucket(&self) -> &str {
        match self {
            Self::Object(object) => object.bucket.as_str(),
            Self::Package(uri) => &uri.bucket,
        }
    }

    /// The toolset that it is read with.
    #[must_use]
    pub fn toolset(&self) -> Toolset {
        match self {
            Self::Object(_) => Toolset::Buckets,
            Self::Package(_) => Toolset::Packaging,
        }
    }

    /// Reads what it names.
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
