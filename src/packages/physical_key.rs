//! Conversions between the physical keys of manifests and the URIs of S3 objects.

use quilt_format::PhysicalKey;

use crate::aws::s3::ObjectUri;

/// Returns the object of a physical key, or why it is none.
pub fn object_of(key: &PhysicalKey) -> Result<ObjectUri, String> {
    match key {
        PhysicalKey::File { path } => Err(format!("file://{path} is a file of some machine and no object")),
        PhysicalKey::S3 {
            bucket,
            key,
            version_id,
        } => Ok(ObjectUri {
            bucket: bucket.parse()?,
            key: key.parse()?,
            version_id: version_id.clone(),
        }),
    }
}

pub(super) fn physical_key_of(object: &ObjectUri) -> PhysicalKey {
    PhysicalKey::S3 {
        bucket: object.bucket.to_string(),
        key: object.key.to_string(),
        version_id: object.version_id.clone(),
    }
}
