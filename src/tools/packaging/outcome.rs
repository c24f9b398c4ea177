//! What the tools that write packages answer.

use quilt_format::{Entry, PackageName};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::view::{Counts, PackageRef, SeenEntry};
use crate::packages::{ChangeCounts, Committed, Prepared};
use crate::s3::BucketName;
use crate::tools::Session;

/// Most entries that a dry run shows.
const SHOWN: usize = 1000;

/// A revision that was written, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    package: PackageRef,
    entries_added: u64,
    /// Of the whole package.
    total_bytes: u64,
    /// Bytes read because S3 had no checksum of them.
    bytes_hashed: u64,
    bytes_copied: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// Compared with the revision before.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Counts>,
    /// Of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<SeenEntry>>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    navigation: Option<Value>,
}

/// What is known when the work is done.
pub(super) struct Done<'a> {
    pub bucket: &'a BucketName,
    pub name: &'a PackageName,
    pub prepared: &'a Prepared,
    /// The entries that this call puts in.
    pub entries: &'a [Entry],
    pub bytes_hashed: u64,
    pub bytes_copied: u64,
    pub dry_run: bool,
    pub diff: Option<ChangeCounts>,
    pub committed: Committed,
    pub warnings: Vec<String>,
}

impl Output {
    pub(super) fn of(session: &Session, done: Done<'_>) -> Self {
        let Done {
            bucket,
            name,
            prepared,
            entries,
            dry_run,
            committed,
            mut warnings,
            ..
        } = done;
        let hash = &prepared.top_hash;
        if committed.was_there {
            warnings.push("This revision was the latest already; no new one was written.".to_owned());
        }
        if committed.mended_parent {
            let which = if committed.was_there { "This" } else { "The previous" };
            warnings.push(format!(
                "{which} revision had no entry in the package's history; it was added."
            ));
        }
        if committed.kept_another_manifest {
            let warning = "A manifest of this hash was there already, with other physical keys or metadata of directories; \
                           it was kept.";
            warnings.push(warning.to_owned());
        }
        if dry_run && entries.len() > SHOWN {
            warnings.push(format!("Of {} entries the first {SHOWN} are shown.", entries.len()));
        }
        let url = session
            .catalog()
            .map(|catalog| catalog.package_page(bucket.as_str(), name, hash));
        let navigation = url.as_ref().map(|_| {
            json!({
                "tool": "navigate",
                "params": { "route": { "name": "package.overview",
                    "params": { "bucket": bucket.as_str(), "name": name.as_str() } } },
                "url": format!("/b/{bucket}/packages/{name}"),
            })
        });
        Self {
            package: PackageRef::of(bucket, name, hash),
            entries_added: entries.len() as u64,
            total_bytes: u64::try_from(prepared.total_bytes).unwrap_or(u64::MAX),
            bytes_hashed: done.bytes_hashed,
            bytes_copied: done.bytes_copied,
            dry_run,
            diff: done.diff.map(Counts::from),
            entries: dry_run.then(|| entries.iter().take(SHOWN).map(SeenEntry::file).collect()),
            warnings,
            catalog_url: url,
            navigation,
        }
    }
}
