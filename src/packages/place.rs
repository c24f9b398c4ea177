//! Between the places that manifests name and the objects that S3 knows.

use quilt_format::PhysicalKey;

use crate::s3::ObjectUri;

/// The object of a physical key, if it is one.
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

/// The physical key of an object.
#[must_use]
pub fn physical_key_of(object: &ObjectUri) -> PhysicalKey {
    PhysicalKey::S3 {
        bucket: object.bucket.to_string(),
        key: object.key.to_string(),
        version_id: object.version_id.clone(),
    }
}
