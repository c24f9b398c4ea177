//! From a result that is cut short to the whole, which a client can read without passing it through a model.

use quilt_format::{PackageName, QuiltUri, Revision, TopHash};

use super::MOST;
use crate::s3::{BucketName, ObjectUri};

/// A resource, as a result names it.
#[derive(Debug, Clone)]
pub struct Link {
    /// What [`super::ResourceUri`] reads.
    pub uri: String,
    /// Name for people.
    pub name: String,
    /// MIME type, where one is known.
    pub mime_type: Option<String>,
    /// Bytes, where they are known.
    pub size: Option<u64>,
}

impl Link {
    /// The whole object, beside its first piece, unless it is larger than a resource may be.
    pub(in crate::tools) fn object(
        uri: &ObjectUri,
        offset: u64,
        size: u64,
        mime_type: Option<&String>,
    ) -> Option<Self> {
        let (uri, name) = (uri.to_string(), uri.key.as_str().to_owned());
        (offset == 0 && size <= MOST).then(|| Self {
            uri,
            name,
            mime_type: mime_type.cloned(),
            size: Some(size),
        })
    }

    /// What a revision of a package holds.
    pub(in crate::tools) fn package(bucket: &BucketName, name: &PackageName, hash: &TopHash) -> Self {
        let uri = QuiltUri {
            bucket: bucket.to_string(),
            name: name.clone(),
            revision: Revision::Hash(hash.to_string()),
            path: None,
            catalog: None,
        };
        let mime_type = Some("application/json".to_owned());
        Self {
            uri: uri.to_string(),
            name: name.to_string(),
            mime_type,
            size: None,
        }
    }
}
