//! Changes of a bucket, for an index that follows them.
//!
//! A follower asks for the keys that changed since it last asked and then looks at their newest versions. What it has not
//! taken yet is a set of keys, so its size is bounded by the keys of the bucket, not by the number of writes.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;

use crate::account::EmbeddedAws;
use crate::store::object::Object;

/// The keys of a bucket that changed since its follower last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedKeys {
    /// Whether the bucket is followed for the first time, or was created anew: all its keys are listed, and none of what is
    /// known of it is valid.
    pub is_new_bucket: bool,
    /// The keys, also those that no longer exist.
    pub keys: BTreeSet<String>,
}

/// The newest version of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestVersion {
    /// The version ID; `None` in a bucket that has never been versioned.
    pub version_id: Option<String>,
    /// The time of its creation.
    pub modified: Timestamp,
    /// The size in bytes; 0 for a delete marker.
    pub size: u64,
    /// Whether it is a delete marker.
    pub is_delete_marker: bool,
    /// The first bytes, which share the memory of the object where it was stored in one piece. Empty for a synthetic object.
    pub head: Bytes,
}

impl EmbeddedAws {
    /// Returns the keys of a bucket that changed since the last call, or `None` if there is no such bucket. There is one
    /// follower: a key is returned to one of several callers only.
    #[must_use]
    pub fn take_changed_keys(&self, bucket: &str) -> Option<ChangedKeys> {
        let mut store = self.state.store();
        let bucket = store.buckets.get_mut(bucket)?;
        let changed = bucket.changed.replace(BTreeSet::new());
        Some(ChangedKeys {
            is_new_bucket: changed.is_none(),
            keys: changed.unwrap_or_else(|| bucket.objects.keys().cloned().collect()),
        })
    }

    /// Returns the newest version of a key with at most `head_bytes` of its content, if the key has any version.
    #[must_use]
    pub fn newest_version(&self, bucket: &str, key: &str, head_bytes: u64) -> Option<NewestVersion> {
        let store = self.state.store();
        let bucket = store.buckets.get(bucket)?;
        let version = bucket.objects.get(key)?.newest()?;
        let content = version.content.as_deref();
        Some(NewestVersion {
            version_id: bucket.versioning.reported_id(Some(version.id())),
            modified: version.modified,
            size: content.map_or(0, |object| object.payload.len()),
            is_delete_marker: content.is_none(),
            head: content.map(|object| head(object, head_bytes)).unwrap_or_default(),
        })
    }
}

fn head(object: &Object, bytes: u64) -> Bytes {
    if object.payload.is_synthetic() {
        return Bytes::new();
    }
    let mut pieces = object.payload.slice(0..bytes).stream();
    let first = pieces.next().unwrap_or_default();
    let Some(second) = pieces.next() else { return first };
    let mut whole = first.to_vec();
    for piece in std::iter::once(second).chain(pieces) {
        whole.extend_from_slice(&piece);
    }
    Bytes::from(whole)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::options::Options;

    #[test]
    fn changes_are_reported_once_and_a_new_bucket_as_one() {
        let aws = EmbeddedAws::new(Options::new(Arc::new(|| Timestamp::UNIX_EPOCH)));
        assert_eq!(aws.take_changed_keys("b"), None);
        let put = |key: &str| aws.put_object("b", key, "text", None, &[]).unwrap();
        let changed = |is_new_bucket, keys: &[&str]| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            Some(ChangedKeys { is_new_bucket, keys })
        };
        aws.create_bucket("b", None, true);
        put("before");
        assert_eq!(aws.take_changed_keys("b"), changed(true, &["before"]));
        assert_eq!(aws.take_changed_keys("b"), changed(false, &[]));
        put("x");
        put("x");
        assert_eq!(aws.take_changed_keys("b"), changed(false, &["x"]));
        let newest = aws.newest_version("b", "x", 2).unwrap();
        assert_eq!(
            (newest.size, &*newest.head, newest.is_delete_marker),
            (4, &b"te"[..], false)
        );
        aws.create_bucket("b", None, true);
        assert_eq!(aws.take_changed_keys("b"), changed(true, &[]));
        assert_eq!(aws.newest_version("b", "x", 2), None);
    }
}
