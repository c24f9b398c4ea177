//! Result of the tools that write packages.

use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::view::{Counts, EntryView, PackageRef};
use crate::aws::s3::BucketName;
use crate::packages::Committed;
use crate::tools::Session;

/// Most entries that a dry run shows.
const MAX_SHOWN_ENTRIES: usize = 1000;

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
    entries: Option<Vec<EntryView>>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    navigation: Option<Value>,
}

impl Output {
    pub(super) fn of(
        session: &Session,
        bucket: &BucketName,
        name: &PackageName,
        committed: &Committed,
        warnings: Vec<String>,
    ) -> Self {
        let hash = &committed.top_hash;
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
        let entries = &committed.entries;
        Self {
            package: PackageRef::of(bucket, name, hash),
            entries_added: entries.len() as u64,
            total_bytes: u64::try_from(committed.total_bytes).unwrap_or(u64::MAX),
            bytes_hashed: committed.bytes_hashed,
            bytes_copied: committed.bytes_copied,
            dry_run: committed.dry_run,
            diff: committed.diff.map(Counts::from),
            entries: committed
                .dry_run
                .then(|| entries.iter().take(MAX_SHOWN_ENTRIES).map(EntryView::file).collect()),
            warnings: with_warnings_of(committed, warnings),
            catalog_url: url,
            navigation,
        }
    }
}

/// Appends the warnings about a revision.
fn with_warnings_of(committed: &Committed, mut warnings: Vec<String>) -> Vec<String> {
    if let Some(error) = &committed.comparison_error {
        warnings.push(format!("The revision before could not be compared: {error}."));
    }
    let report = committed.report;
    if report.was_there {
        warnings.push("This revision was the latest already; no new one was written.".to_owned());
    }
    if report.repaired_parent {
        let which = if report.was_there { "This" } else { "The previous" };
        warnings.push(format!(
            "{which} revision had no entry in the package's history; it was added."
        ));
    }
    if report.kept_another_manifest {
        let warning = "A manifest of this hash was there already, with other physical keys or metadata of directories; \
                       it was kept.";
        warnings.push(warning.to_owned());
    }
    let entries = committed.entries.len();
    if committed.dry_run && entries > MAX_SHOWN_ENTRIES {
        warnings.push(format!("Of {entries} entries the first {MAX_SHOWN_ENTRIES} are shown."));
    }
    warnings
}
