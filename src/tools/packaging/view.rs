//! Packages and their entries in results.

use quilt_format::{Entry, PackageName, TopHash, json};
use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::s3::BucketName;
use crate::packages::{ChangeCounts, Listed};
use crate::tools::ManifestJson;
use crate::tools::answer_size::MAX_METADATA_BYTES;
use crate::tools::arguments::types::Detail;

/// A revision of a package.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PackageRef {
    bucket: String,
    name: String,
    hash: String,
}

impl PackageRef {
    pub(super) fn of(bucket: &BucketName, name: &PackageName, hash: &TopHash) -> Self {
        Self {
            bucket: bucket.to_string(),
            name: name.to_string(),
            hash: hash.to_string(),
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Counts {
    added: u64,
    changed: u64,
    removed: u64,
}

impl From<ChangeCounts> for Counts {
    fn from(
        ChangeCounts {
            added,
            changed,
            removed,
        }: ChangeCounts,
    ) -> Self {
        Self {
            added,
            changed,
            removed,
        }
    }
}

/// File or directory.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An entry of the package.
    File,
    /// A folder of entries.
    Dir,
}

/// A file or a directory of a package.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EntryView {
    /// A directory's ends in "/".
    logical_key: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// Bytes; of a directory those of everything in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Entries in a directory, on all levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_uri: Option<String>,
    /// `{type, value}`
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<ManifestJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<ManifestJson>,
    /// true: only the beginning of its metadata is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
}

impl EntryView {
    /// Returns whether no number of its metadata is shown as a string.
    pub(super) fn is_exact(&self) -> bool {
        self.meta.as_ref().is_none_or(ManifestJson::is_exact)
    }

    pub(super) fn file(entry: &Entry) -> Self {
        let (meta, metadata_cut) = shown_meta(entry.user_meta());
        Self {
            s3_uri: Some(entry.physical_key.to_string()),
            hash: entry.is_built().then(|| ManifestJson::of(&entry.hash)),
            meta,
            metadata_cut,
            ..Self::plain(entry.logical_key.to_string(), Kind::File, entry.known_size())
        }
    }

    /// A row of a listing; a brief one has neither object nor checksum nor metadata.
    pub(super) fn listed(
        listed: &Listed,
        detail: Detail,
        meta_of: impl FnOnce(&quilt_format::LogicalKey) -> Option<json::Value>,
    ) -> Self {
        match listed {
            Listed::File(entry) if detail == Detail::Full => Self::file(entry),
            Listed::File(entry) => Self::plain(entry.logical_key.to_string(), Kind::File, entry.known_size()),
            Listed::Directory {
                path,
                entries,
                total_bytes,
            } => {
                let meta = meta_of(path).filter(|_| detail == Detail::Full);
                let (meta, metadata_cut) = shown_meta(meta.as_ref());
                let size = u64::try_from(*total_bytes).unwrap_or(u64::MAX);
                Self {
                    entries: Some(*entries),
                    meta,
                    metadata_cut,
                    ..Self::plain(format!("{path}/"), Kind::Dir, Some(size))
                }
            }
        }
    }

    fn plain(logical_key: String, kind: Kind, size: Option<u64>) -> Self {
        Self {
            logical_key,
            kind,
            size,
            entries: None,
            s3_uri: None,
            hash: None,
            meta: None,
            metadata_cut: false,
        }
    }
}

/// Returns the metadata of an entry or directory, as much as is shown, and whether it is cut.
fn shown_meta(meta: Option<&json::Value>) -> (Option<ManifestJson>, bool) {
    let meta = meta.filter(|meta| meta.is_truthy());
    meta.map_or((None, false), |meta| {
        ManifestJson::beginning_of(meta, MAX_METADATA_BYTES)
    })
}
