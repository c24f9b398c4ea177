//! The index: the newest version of each key, and the pointers of packages with their manifests.
//!
//! It follows the embedded S3 when it is asked: what changed since the last search is read again. Contents share the memory
//! of their objects, so an object costs its key and some 100 bytes, and an entry of a package its keys and some 100 bytes.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use embedded_aws::{EmbeddedAws, NewestVersion};
use jiff::Timestamp;

use super::package::Manifest;

/// Length up to which contents are searched, as by Quilt's indexer.
const CONTENT_BYTES: u64 = 100_000;
/// Extensions of the files whose contents are searched; of those that Quilt's indexer reads, the ones that are text.
const CONTENT_EXTENSIONS: [&str; 9] = ["csv", "html", "json", "md", "rmd", "rst", "tab", "tsv", "txt"];

const POINTERS: &str = ".quilt/named_packages/";
const MANIFESTS: &str = ".quilt/packages/";
/// Pointers that are numbers below this one are no times of revisions (2016-01-01), as for Quilt's indexer.
const MIN_REVISION: u64 = 1_451_631_600;

/// An object, or a delete marker.
#[derive(Debug)]
pub struct ObjectDoc {
    pub version: Option<Box<str>>,
    pub modified: Timestamp,
    pub size: u64,
    pub is_deleted: bool,
    pub content: Bytes,
}

/// A pointer to a revision.
#[derive(Debug)]
pub struct PointerDoc {
    pub hash: Box<str>,
    pub modified: Timestamp,
}

/// The documents of a bucket.
#[derive(Debug, Default)]
pub struct BucketIndex {
    pub objects: BTreeMap<String, ObjectDoc>,
    /// By package name and name of the pointer.
    pub pointers: BTreeMap<(String, String), PointerDoc>,
    /// The manifests to which pointers lead, by their hashes.
    pub manifests: BTreeMap<Box<str>, Manifest>,
}

/// The documents of all buckets that were searched.
#[derive(Debug, Default)]
pub struct Index(pub BTreeMap<String, BucketIndex>);

impl Index {
    /// Reads what changed in these buckets.
    pub fn follow<'b>(&mut self, aws: &EmbeddedAws, buckets: impl Iterator<Item = &'b str>) {
        for bucket in buckets {
            let Some(changed) = aws.take_changed_keys(bucket) else {
                self.0.remove(bucket);
                continue;
            };
            let index = self.0.entry(bucket.to_owned()).or_default();
            if changed.is_new_bucket {
                *index = BucketIndex::default();
            }
            index.update(aws, bucket, changed.keys);
        }
    }
}

impl BucketIndex {
    fn update(&mut self, aws: &EmbeddedAws, bucket: &str, keys: BTreeSet<String>) {
        let mut manifests = BTreeSet::new();
        let mut has_new_pointers = false;
        for key in keys {
            if let Some((name, pointer)) = pointer_at(&key) {
                has_new_pointers = true;
                let place = (name.to_owned(), pointer.to_owned());
                let newest = aws.newest_version(bucket, &key, 1024);
                match newest.filter(|newest| !newest.is_delete_marker) {
                    Some(newest) => {
                        let hash: Box<str> = String::from_utf8_lossy(newest.head.trim_ascii()).into();
                        if !self.manifests.contains_key(&hash) {
                            manifests.insert(hash.clone());
                        }
                        let modified = newest.modified;
                        self.pointers.insert(place, PointerDoc { hash, modified });
                    }
                    None => {
                        self.pointers.remove(&place);
                    }
                }
            }
            if let Some(hash) = key.strip_prefix(MANIFESTS) {
                manifests.insert(hash.into());
            }
            match aws.newest_version(bucket, &key, if has_content(&key) { CONTENT_BYTES } else { 0 }) {
                Some(newest) => {
                    self.objects.insert(key, ObjectDoc::new(newest));
                }
                None => {
                    self.objects.remove(&key);
                }
            }
        }
        if has_new_pointers || !manifests.is_empty() {
            self.read_manifests(aws, bucket, manifests);
        }
    }

    fn read_manifests(&mut self, aws: &EmbeddedAws, bucket: &str, changed: BTreeSet<Box<str>>) {
        let used: BTreeSet<&str> = self.pointers.values().map(|pointer| &*pointer.hash).collect();
        self.manifests.retain(|hash, _| used.contains(&**hash));
        for hash in changed.into_iter().filter(|hash| used.contains(&**hash)) {
            let newest = aws.newest_version(bucket, &format!("{MANIFESTS}{hash}"), u64::MAX);
            let live = newest.filter(|newest| !newest.is_delete_marker);
            match live.and_then(|newest| Manifest::read(&newest.head)) {
                Some(manifest) => self.manifests.insert(hash, manifest),
                None => self.manifests.remove(&hash),
            };
        }
    }
}

impl ObjectDoc {
    fn new(newest: NewestVersion) -> Self {
        Self {
            version: newest.version_id.map(Box::from),
            modified: newest.modified,
            size: newest.size,
            is_deleted: newest.is_delete_marker,
            content: newest.head,
        }
    }
}

/// Returns the package name and the name of the pointer in a pointer's key.
fn pointer_at(key: &str) -> Option<(&str, &str)> {
    let (name, pointer) = key.strip_prefix(POINTERS)?.rsplit_once('/')?;
    let is_revision = pointer.parse::<u64>().is_ok_and(|seconds| seconds < MIN_REVISION);
    (name.contains('/') && name.len() > 2 && !pointer.is_empty() && !is_revision).then_some((name, pointer))
}

/// Returns the extension of a key as Quilt's indexer writes it: the last two suffixes in lower case, such as `.csv` or
/// `.csv.gz`.
pub fn extension(key: &str) -> String {
    let name = key.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let (stem, last) = suffix(name);
    format!("{}{last}", suffix(stem).1).to_lowercase()
}

/// Splits a file name before its suffix, as Python's `PurePath.suffix` does.
fn suffix(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => name.split_at(dot),
        _ => (name, ""),
    }
}

fn has_content(key: &str) -> bool {
    let last = extension(key);
    let last = last.rsplit('.').next().unwrap_or_default();
    CONTENT_EXTENSIONS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_those_of_quilts_indexer() {
        for (key, expected) in [
            ("a/b.csv", ".csv"),
            ("a/b.FASTQ.gz", ".fastq.gz"),
            ("a.b/c", ""),
            (".hidden", ""),
            ("x.tar.gz.csv", ".gz.csv"),
            ("dot.", ""),
        ] {
            assert_eq!(extension(key), expected, "{key}");
        }
    }

    #[test]
    fn pointers_are_those_of_packages() {
        let pointer = |rest: &str| pointer_at(&format!(".quilt/named_packages/{rest}")).is_some();
        assert!(pointer("a/b/latest") && pointer("a/b/1767225600") && pointer("a/b/v1.0"));
        assert!(!pointer("a/latest") && !pointer("a/b/12") && !pointer("a/b/"));
    }
}
