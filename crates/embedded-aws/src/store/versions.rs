//! Versions of a key, oldest first.
//!
//! **Owns** the semantics of versioning: the effect of writes and deletes, and the `null` version.
//!
//! **Invariant.** At most one version has no ID (the `null` version).

use std::sync::Arc;

use hyper::HeaderMap;
use jiff::Timestamp;

use super::archive::Archive;
use super::object::{Object, Tags};
use crate::keys::opaque_id;

/// The versioning state of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Versioning {
    /// Versioning has never been enabled.
    #[default]
    Never,
    Enabled,
    Suspended,
}

impl Versioning {
    /// Returns the version ID that a response reports.
    pub fn reported_id(self, id: Option<&str>) -> Option<String> {
        if self == Self::Never {
            None
        } else {
            Some(id.unwrap_or("null").to_owned())
        }
    }
}

/// One version of a key. A version without content is a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    id: Option<String>,
    pub modified: Timestamp,
    pub content: Option<Arc<Object>>,
    pub tags: Tags,
    pub archive: Archive,
    /// Headers that responses have besides those of the attributes.
    pub headers: HeaderMap,
}

impl Version {
    /// Returns the ID by which clients refer to the version.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or("null")
    }
}

/// The result of a delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Deletion {
    /// The ID of the removed version or of the new delete marker.
    pub version_id: Option<String>,
    /// Whether a delete marker was written or removed.
    pub marker: bool,
}

/// The versions of a key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions(Vec<Version>);

impl Versions {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the newest version, unless it is a delete marker.
    pub fn live(&self) -> Option<&Version> {
        self.newest().filter(|version| version.content.is_some())
    }

    pub fn newest(&self) -> Option<&Version> {
        self.0.last()
    }

    pub fn newest_mut(&mut self) -> Option<&mut Version> {
        self.0.last_mut()
    }

    pub fn get(&self, id: &str) -> Option<&Version> {
        self.0.iter().find(|version| version.id() == id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Version> {
        self.0.iter_mut().find(|version| version.id() == id)
    }

    /// Iterates over the versions, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Version> {
        self.0.iter().rev()
    }

    /// Adds a version as the newest and returns the ID to report.
    pub fn push(
        &mut self,
        versioning: Versioning,
        modified: Timestamp,
        content: Option<Arc<Object>>,
        tags: Tags,
    ) -> Option<String> {
        let id = (versioning == Versioning::Enabled).then(opaque_id);
        if id.is_none() {
            self.0.retain(|version| version.id.is_some());
        }
        let reported_id = versioning.reported_id(id.as_deref());
        self.0.push(Version {
            id,
            modified,
            content,
            tags,
            archive: Archive::default(),
            headers: HeaderMap::new(),
        });
        reported_id
    }

    /// Deletes the key: permanently in a bucket that has never been versioned, else by adding a delete marker.
    pub fn delete(&mut self, versioning: Versioning, now: Timestamp) -> Deletion {
        if versioning == Versioning::Never {
            self.0.clear();
            return Deletion::default();
        }
        let version_id = self.push(versioning, now, None, Tags::from([]));
        Deletion {
            version_id,
            marker: true,
        }
    }

    /// Deletes one version permanently. Deleting a version that does not exist succeeds, as in AWS.
    pub fn delete_version(&mut self, id: &str) -> Deletion {
        let position = self.0.iter().position(|version| version.id() == id);
        let removed = position.map(|position| self.0.remove(position));
        Deletion {
            version_id: Some(id.to_owned()),
            marker: removed.is_some_and(|version| version.content.is_none()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(versions: &mut Versions, versioning: Versioning) -> Option<String> {
        let object = Object {
            payload: super::super::payload::Payload::stored(vec![]),
            etag: String::new(),
            checksum: None,
            parts: vec![],
            attributes: super::super::object::Attributes::default(),
        };
        versions.push(
            versioning,
            Timestamp::UNIX_EPOCH,
            Some(Arc::new(object)),
            Tags::from([]),
        )
    }

    #[test]
    fn never_versioned_keeps_one() {
        let mut versions = Versions::default();
        assert_eq!(write(&mut versions, Versioning::Never), None);
        assert_eq!(write(&mut versions, Versioning::Never), None);
        assert_eq!(versions.iter().count(), 1);
        assert_eq!(
            versions.delete(Versioning::Never, Timestamp::UNIX_EPOCH),
            Deletion::default()
        );
        assert!(versions.is_empty());
    }

    #[test]
    fn null_version_survives_enabling_and_is_replaced_when_suspended() {
        let mut versions = Versions::default();
        write(&mut versions, Versioning::Never);
        let id = write(&mut versions, Versioning::Enabled).unwrap();
        assert_eq!(versions.iter().count(), 2);
        assert_eq!(write(&mut versions, Versioning::Suspended).as_deref(), Some("null"));
        let ids: Vec<&str> = versions.iter().map(Version::id).collect();
        assert_eq!(ids, ["null", id.as_str()]);
    }

    #[test]
    fn marker_hides_and_its_removal_restores() {
        let mut versions = Versions::default();
        let id = write(&mut versions, Versioning::Enabled).unwrap();
        let deletion = versions.delete(Versioning::Enabled, Timestamp::UNIX_EPOCH);
        assert!(deletion.marker && versions.live().is_none() && versions.get(&id).is_some());
        let marker = deletion.version_id.unwrap();
        assert!(versions.delete_version(&marker).marker);
        assert!(versions.live().is_some());
        assert!(!versions.delete_version("nowhere").marker);
    }
}
