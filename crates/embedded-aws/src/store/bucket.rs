//! A bucket: its settings, keys and open multipart uploads. Every change to a key checks its conditions in the same step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use jiff::Timestamp;
use s3s::{S3ErrorCode, S3Result};

use super::condition::WriteCondition;
use super::multipart::{Upload, Uploads};
use super::object::{Object, ObjectSnapshot, Tags};
use super::versions::{Deletion, Version, Versioning, Versions};
use crate::error::{error, no_such_key, no_such_upload, no_such_version, with_headers};
use crate::policy::{InvalidPolicy, Kind, parse};

/// A bucket policy: the text that `GetBucketPolicy` returns, and the document that is evaluated.
#[derive(Debug, Clone)]
pub(crate) struct BucketPolicy {
    pub text: String,
    pub document: Arc<PolicyDocument>,
}

impl BucketPolicy {
    pub fn parse(text: String) -> Result<Self, InvalidPolicy> {
        let value = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            document: Arc::new(parse(Kind::Bucket, &value)?),
            text,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Bucket {
    pub region: Arc<str>,
    pub created: Timestamp,
    pub versioning: Versioning,
    pub policy: Option<BucketPolicy>,
    /// Whether only requests that offer to pay are answered.
    pub requester_pays: bool,
    pub objects: BTreeMap<String, Versions>,
    pub uploads: Uploads,
    /// The keys with changes that the follower of the bucket has not taken yet; `None` without a follower.
    pub changed: Option<BTreeSet<String>>,
}

impl Bucket {
    pub fn new(region: &str, created: Timestamp) -> Self {
        Self {
            region: Arc::from(region),
            created,
            versioning: Versioning::Never,
            policy: None,
            requester_pays: false,
            objects: BTreeMap::new(),
            uploads: Uploads::new(),
            changed: None,
        }
    }

    fn record_change(&mut self, key: &str) {
        if let Some(changed) = &mut self.changed {
            changed.insert(key.to_owned());
        }
    }

    /// Returns the named version of a key, or its current one.
    pub fn find(&self, key: &str, version_id: Option<&str>) -> S3Result<ObjectSnapshot> {
        let versions = self.objects.get(key);
        let version = match (versions, version_id) {
            (None, None) => return Err(no_such_key()),
            (None, Some(_)) => return Err(no_such_version()),
            (Some(versions), None) => versions.newest().ok_or_else(no_such_key)?,
            (Some(versions), Some(id)) => versions.get(id).ok_or_else(no_such_version)?,
        };
        let Some(object) = version.content.clone() else {
            return Err(delete_marker_error(version, version_id.is_some()));
        };
        Ok(ObjectSnapshot {
            object,
            modified: version.modified,
            tags: Arc::clone(&version.tags),
            version_id: self.versioning.reported_id(Some(version.id())),
            archive: version.archive.clone(),
            headers: version.headers.clone(),
        })
    }

    fn live(&self, key: &str) -> Option<&Version> {
        self.objects.get(key).and_then(Versions::live)
    }

    /// Stores an object under a key, if the conditions hold, and returns the new version's ID.
    pub fn write(
        &mut self,
        key: &str,
        condition: &WriteCondition,
        now: Timestamp,
        object: Object,
        tags: Tags,
    ) -> S3Result<Option<String>> {
        condition.check(self.live(key))?;
        self.record_change(key);
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
        self.record_change(key);
        let versioning = self.versioning;
        let versions = match version_id {
            // A delete marker may be the first version of a key.
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

    /// Replaces the tags of the named or current version and returns its ID.
    pub fn set_tags(&mut self, key: &str, version_id: Option<&str>, tags: Tags) -> S3Result<Option<String>> {
        let found = self.find(key, version_id)?;
        self.version_mut(key, version_id)?.tags = tags;
        Ok(found.version_id)
    }

    /// Returns the named version of a key, or its current one, for a change that leaves its content.
    pub fn version_mut(&mut self, key: &str, version_id: Option<&str>) -> S3Result<&mut Version> {
        let versions = self.objects.get_mut(key).ok_or_else(no_such_key)?;
        let version = match version_id {
            Some(id) => versions.get_mut(id),
            None => versions.newest_mut(),
        };
        version.ok_or_else(no_such_key)
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

    /// Removes an upload and its parts.
    pub fn remove_upload(&mut self, key: &str, id: &str) -> S3Result<Upload> {
        let uploads = self.uploads.get_mut(key).ok_or_else(no_such_upload)?;
        let upload = uploads.remove(id).ok_or_else(no_such_upload)?;
        if uploads.is_empty() {
            self.uploads.remove(key);
        }
        Ok(upload)
    }
}

/// Returns the error for reading a delete marker, which depends on whether the request names its version.
fn delete_marker_error(version: &Version, named: bool) -> s3s::S3Error {
    let error = if named {
        error(
            S3ErrorCode::MethodNotAllowed,
            "The specified method is not allowed against this resource.",
        )
    } else {
        no_such_key()
    };
    with_headers(
        error,
        [("x-amz-delete-marker", "true"), ("x-amz-version-id", version.id())],
    )
}
