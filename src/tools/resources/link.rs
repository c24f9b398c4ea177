//! Links from a truncated result to the whole resource, which a client can read without passing it through a model.

use quilt_format::{PackageName, QuiltUri, Revision, TopHash};

use super::MAX_BYTES;
use crate::aws::s3::{BucketName, ObjectUri};

/// A link to a resource.
#[derive(Debug, Clone)]
pub struct Link {
    /// A [`super::ResourceUri`].
    pub uri: String,
    /// Name shown to people.
    pub name: String,
    pub mime_type: Option<String>,
    /// In bytes.
    pub size: Option<u64>,
}

impl Link {
    /// Links the first range of an object to the whole object, unless that is larger than a resource may be.
    pub(in crate::tools) fn object(
        uri: &ObjectUri,
        offset: u64,
        size: u64,
        mime_type: Option<&String>,
    ) -> Option<Self> {
        (offset == 0 && size <= MAX_BYTES).then(|| Self {
            uri: uri.to_string(),
            name: uri.key.to_string(),
            mime_type: mime_type.cloned(),
            size: Some(size),
        })
    }

    /// Links to the contents of a revision of a package.
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
