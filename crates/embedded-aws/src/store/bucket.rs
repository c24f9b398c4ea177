//! One bucket: its settings, its keys and its unfinished uploads. Every change to a key goes through here, with the
//! conditions checked in the same step.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use jiff::Timestamp;
use s3s::{S3ErrorCode, S3Result};

use super::condition::WriteCondition;
use super::multipart::{Upload, Uploads};
use super::object::{Found, Object, Tags};
use super::versions::{Deletion, Version, Versioning, Versions};
use crate::error::{error, no_such_key, no_such_upload, no_such_version, with_headers};

/// A bucket policy, as written and as evaluated.
#[derive(Debug, Clone)]
pub(crate) struct BucketPolicy {
    pub text: String,
    pub document: Arc<PolicyDocument>,
}

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub region: Arc<str>,
    pub created: Timestamp,
    pub versioning: Versioning,
    pub policy: Option<BucketPolicy>,
    pub objects: BTreeMap<String, Versions>,
    pub uploads: Uploads,
}

impl Bucket {
    pub fn new(region: &str, created: Timestamp) -> Self {
        Self {
            region: Arc::from(region),
            created,
            versioning: Versioning::Never,
            policy: None,
            objects: BTreeMap::new(),
            uploads: Uploads::new(),
        }
    }

    /// The live version of a key, or the version named.
    pub fn find(&self, key: &str, version_id: Option<&str>) -> S3Result<Found> {
        let versions = self.objects.get(key);
        let version = match (versions, version_id) {
            (None, None) => return Err(no_such_key()),
            (None, Some(_)) => return Err(no_such_version()),
            (Some(versions), None) => versions.newest().ok_or_else(no_such_key)?,
            (Some(versions), Some(id)) => versions.get(id).ok_or_else(no_such_version)?,
        };
        let Some(object) = version.content.clone() else {
            return Err(is_marker(version, version_id.is_some()));
        };
        let told = self.versioning.tell(Some(version.id()));
        Ok(Found {
            object,
            modified: version.modified,
            tags: Arc::clone(&version.tags),
            version_id: told,
        })
    }

    fn live(&self, key: &str) -> Option<&Version> {
        self.objects.get(key).and_then(Versions::live)
    }

    /// Stores an object under a key, if the conditions hold, and tells the new version's id.
    pub fn write(
        &mut self,
        key: &str,
        condition: &WriteCondition,
        now: Timestamp,
        object: Object,
        tags: Tags,
    ) -> S3Result<Option<String>> {
        condition.check(self.live(key))?;
        let versions = self.objects.entry(key.to_owned()).or_default();
        Ok(versions.push(self.versioning, now, Some(Arc::new(object)), tags))
    }

    /// Deletes a key or one of its versions, if the conditions hold.
    pub fn delete(
        &mut self,
        key: &str,
        version_id: Option<&str>,
        condition: &WriteCondition,
        now: Timestamp,
    ) -> S3Result<Deletion> {
        condition.check(self.live(key))?;
        let versioning = self.versioning;
        let versions = match version_id {
            // A delete marker may be the first thing a key ever has.
            None if versioning != Versioning::Never => self.objects.entry(key.to_owned()).or_default(),
            _ => match self.objects.get_mut(key) {
                Some(versions) => versions,
                None => {
                    return Ok(Deletion {
                        version_id: version_id.map(str::to_owned),
                        marker: false,
                    });
                }
            },
        };
        let deletion = match version_id {
            Some(id) => versions.delete_version(id),
            None => versions.delete(versioning, now),
        };
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Ok(deletion)
    }

    /// Replaces the tags of the live version, or of the version named, and tells its id.
    pub fn set_tags(&mut self, key: &str, version_id: Option<&str>, tags: Tags) -> S3Result<Option<String>> {
        let found = self.find(key, version_id)?;
        let versions = self.objects.get_mut(key).ok_or_else(no_such_key)?;
        let version = match version_id {
            Some(id) => versions.get_mut(id),
            None => versions.newest_mut(),
        };
        version.ok_or_else(no_such_key)?.tags = tags;
        Ok(found.version_id)
    }

    pub fn upload(&self, key: &str, id: &str) -> S3Result<&Upload> {
        self.uploads
            .get(key)
            .and_then(|uploads| uploads.get(id))
            .ok_or_else(no_such_upload)
    }

    pub fn upload_mut(&mut self, key: &str, id: &str) -> S3Result<&mut Upload> {
        self.uploads
            .get_mut(key)
            .and_then(|uploads| uploads.get_mut(id))
            .ok_or_else(no_such_upload)
    }

    /// Forgets an upload and its parts.
    pub fn end_upload(&mut self, key: &str, id: &str) -> S3Result<Upload> {
        let uploads = self.uploads.get_mut(key).ok_or_else(no_such_upload)?;
        let upload = uploads.remove(id).ok_or_else(no_such_upload)?;
        if uploads.is_empty() {
            self.uploads.remove(key);
        }
        Ok(upload)
    }
}

/// The refusal to read a delete marker.
fn is_marker(version: &Version, named: bool) -> s3s::S3Error {
    let refusal = if named {
        error(
            S3ErrorCode::MethodNotAllowed,
            "The specified method is not allowed against this resource.",
        )
    } else {
        no_such_key()
    };
    with_headers(
        refusal,
        [("x-amz-delete-marker", "true"), ("x-amz-version-id", version.id())],
    )
}
