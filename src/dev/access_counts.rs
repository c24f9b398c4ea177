//! Access counts: how often objects were read, by the journal of the embedded S3.
//!
//! The journal has the newest 65,536 requests. A package counts as read when one of its pointers is, a revision when its
//! manifest is.

use std::collections::BTreeMap;

use embedded_aws::{EmbeddedAws, JournalEntry};
use jiff::{SignedDuration, Timestamp};
use quilt_format::layout;
use serde_json::{Map, Value, json};

use super::graphql::{Node, Object};
use super::search::extension;

/// Maximum number of days that are counted.
const MAX_WINDOW: i64 = 1000;
/// Number of extensions of a bucket if none is asked for.
const DEFAULT_GROUPS: usize = 10;

/// The reads of the last days.
pub struct AccessCounts<'r> {
    pub aws: &'r EmbeddedAws,
    pub now: Timestamp,
}

impl AccessCounts<'_> {
    /// Returns the counts of a bucket, or of the extensions that are read most.
    pub fn bucket(&self, bucket: &str, window: i64) -> Value {
        let reads = self.reads(bucket);
        let mut groups: BTreeMap<String, Vec<&JournalEntry>> = BTreeMap::new();
        for read in &reads {
            let key = read.key.as_deref().unwrap_or_default();
            groups.entry(extension(key)).or_default().push(read);
        }
        let mut groups: Vec<(Value, String)> = groups
            .into_iter()
            .map(|(ext, reads)| (self.counts(&reads, window), ext))
            .collect();
        groups.sort_by_key(|(counts, _)| std::cmp::Reverse(counts["total"].as_u64()));
        let groups: Vec<Value> = groups
            .into_iter()
            .map(|(counts, ext)| json!({ "ext": ext, "counts": counts }))
            .collect();
        let all: Vec<&JournalEntry> = reads.iter().collect();
        json!({ "byExt": groups, "combined": self.counts(&all, window) })
    }

    /// Returns the counts of the objects whose keys fit.
    pub fn of_keys(&self, bucket: &str, window: i64, fits: impl Fn(&str) -> bool) -> Value {
        let mut reads = self.reads(bucket);
        reads.retain(|read| read.key.as_deref().is_some_and(&fits));
        let reads: Vec<&JournalEntry> = reads.iter().collect();
        self.counts(&reads, window)
    }

    fn reads(&self, bucket: &str) -> Vec<JournalEntry> {
        let mut entries = self.aws.journal().entries();
        entries.retain(|entry| {
            entry.operation == "GetObject" && entry.status < 300 && entry.bucket.as_deref() == Some(bucket)
        });
        entries
    }

    /// Counts reads by their days, each of which has a count.
    fn counts(&self, reads: &[&JournalEntry], window: i64) -> Value {
        let mut counts: BTreeMap<String, u64> = (0..window.clamp(1, MAX_WINDOW))
            .filter_map(|days| self.now.checked_sub(SignedDuration::from_hours(24 * days)).ok())
            .map(|time| (day(time), 0))
            .collect();
        for read in reads {
            if let Some(count) = counts.get_mut(&day(read.time)) {
                *count += 1;
            }
        }
        let total: u64 = counts.values().sum();
        let counts: Vec<Value> = counts
            .into_iter()
            .map(|(date, value)| json!({ "date": format!("{date}T00:00:00Z"), "value": value }))
            .collect();
        json!({ "total": total, "counts": counts })
    }
}

/// Returns the day of a time in UTC, as `2026-11-29`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

/// `BucketAccessCounts`.
pub struct BucketCounts(pub Value);

impl<'n> Object<'n> for BucketCounts {
    fn type_name(&self) -> String {
        "BucketAccessCounts".to_owned()
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'n>, String> {
        let mut value = self.0.get(name).cloned().unwrap_or_default();
        let groups = arguments.get("groups").and_then(Value::as_u64);
        let groups = groups.map_or(DEFAULT_GROUPS, |groups| {
            usize::try_from(groups).unwrap_or(DEFAULT_GROUPS)
        });
        if let Value::Array(items) = &mut value {
            items.truncate(groups);
        }
        Ok(Node::Json(value))
    }
}

/// `Package`, or `PackageRevision` if it has a hash.
pub struct PackageNode<'r> {
    pub counts: AccessCounts<'r>,
    pub bucket: String,
    pub name: quilt_format::PackageName,
    pub hash: Option<String>,
}

impl PackageNode<'_> {
    fn access_counts(&self, window: i64) -> Value {
        if let Some(hash) = &self.hash {
            let manifest = layout::manifests(hash);
            return self.counts.of_keys(&self.bucket, window, |key| key == manifest);
        }
        let pointers = layout::pointers(&self.name);
        self.counts
            .of_keys(&self.bucket, window, |key| key.starts_with(&pointers))
    }

    /// Returns the hash that a pointer or a whole hash names, if there is such a revision.
    fn resolve(&self, wanted: &str) -> Option<String> {
        let aws = self.counts.aws;
        let pointer = format!("{}{wanted}", layout::pointers(&self.name));
        let hash = match aws.object_bytes(&self.bucket, &pointer) {
            Some(bytes) => String::from_utf8(bytes).ok()?.trim().to_owned(),
            None => wanted.to_owned(),
        };
        let manifest = layout::manifests(&hash);
        aws.object_bytes(&self.bucket, &manifest).map(|_| hash)
    }
}

impl<'n> Object<'n> for PackageNode<'n> {
    fn type_name(&self) -> String {
        let name = if self.hash.is_some() {
            "PackageRevision"
        } else {
            "Package"
        };
        name.to_owned()
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'n>, String> {
        let window = arguments.get("window").and_then(Value::as_i64).unwrap_or(30);
        Ok(match name {
            "accessCounts" => Node::Json(self.access_counts(window)),
            "revision" => {
                let wanted = arguments.get("hashOrTag").and_then(Value::as_str).unwrap_or("latest");
                match self.resolve(wanted) {
                    None => Node::Json(Value::Null),
                    Some(hash) => Node::Lazy(Box::new(PackageNode {
                        counts: AccessCounts { ..self.counts },
                        bucket: self.bucket.clone(),
                        name: self.name.clone(),
                        hash: Some(hash),
                    })),
                }
            }
            "bucket" => Node::Json(self.bucket.clone().into()),
            "name" => Node::Json(self.name.to_string().into()),
            "hash" => Node::Json(self.hash.clone().into()),
            _ => Node::Json(Value::Null),
        })
    }
}
