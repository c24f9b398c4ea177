//! The documents of packages: manifests with their entries, as the index keeps them.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Maximum number of entries of a manifest that are indexed, which bounds the memory of one package.
const MAX_ENTRIES: usize = 100_000;

/// A manifest.
#[derive(Debug, Default)]
pub struct Manifest {
    pub comment: Option<String>,
    /// The user's metadata, null without any.
    pub meta: Value,
    /// The same as JSON text.
    pub meta_text: Option<String>,
    pub workflow: Value,
    pub total_bytes: u64,
    pub total_files: u64,
    pub entries: Vec<Entry>,
}

/// An entry of a manifest.
#[derive(Debug)]
pub struct Entry {
    pub logical_key: Box<str>,
    /// The URI.
    pub physical_key: Box<str>,
    pub size: u64,
    pub hash_type: Box<str>,
    pub hash_value: Box<str>,
    /// All metadata, as JSON text.
    pub meta: Option<Box<str>>,
}

#[derive(Deserialize)]
struct HeaderRow {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    user_meta: Value,
    #[serde(default)]
    workflow: Value,
}

#[derive(Deserialize)]
struct EntryRow<'r> {
    logical_key: Box<str>,
    physical_keys: Vec<Box<str>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    hash: Option<HashRow>,
    #[serde(default, borrow)]
    meta: Option<&'r RawValue>,
}

#[derive(Deserialize)]
struct HashRow {
    #[serde(default)]
    r#type: Box<str>,
    #[serde(default)]
    value: Box<str>,
}

impl Manifest {
    /// Reads a manifest, or returns `None` if it has no header. Rows that are no entries are left out.
    pub fn read(bytes: &Bytes) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let header: HeaderRow = serde_json::from_slice(lines.next()?).ok()?;
        let mut manifest = Self {
            comment: header.message,
            meta_text: (!header.user_meta.is_null()).then(|| header.user_meta.to_string()),
            meta: header.user_meta,
            workflow: header.workflow,
            ..Self::default()
        };
        for row in lines.filter_map(|line| serde_json::from_slice::<EntryRow<'_>>(line).ok()) {
            let size = row.size.unwrap_or_default();
            manifest.total_files += 1;
            manifest.total_bytes = manifest.total_bytes.saturating_add(size);
            let Some(physical_key) = row.physical_keys.into_iter().next() else {
                continue;
            };
            if manifest.entries.len() < MAX_ENTRIES {
                let hash = row.hash;
                let meta = row
                    .meta
                    .map(RawValue::get)
                    .filter(|text| !matches!(*text, "{}" | "null"));
                let (hash_type, hash_value) = hash.map(|hash| (hash.r#type, hash.value)).unwrap_or_default();
                manifest.entries.push(Entry {
                    logical_key: row.logical_key,
                    physical_key,
                    size,
                    hash_type,
                    hash_value,
                    meta: meta.map(Box::from),
                });
            }
        }
        manifest.entries.shrink_to_fit();
        Some(manifest)
    }

    pub fn workflow_id(&self) -> Option<&str> {
        self.workflow.get("id")?.as_str()
    }
}
