//! Result of the tools that write packages.

use quilt_format::{LogicalKey, PackageName, TopHash};
use schemars::JsonSchema;
use serde::Serialize;

use super::view::{Counts, PackageRef};
use crate::aws::s3::BucketName;
use crate::catalog::CatalogPage;
use crate::packages::{Committed, Differences, ManifestOutcome, Stopped};
use crate::tools::answer_size::{MAX_METADATA_BYTES, bounded_warnings};
use crate::tools::{ManifestJson, Session};

/// Maximum number of logical keys that a result shows.
const MAX_SHOWN_ENTRIES: usize = 20;
/// Maximum length of the keys of one kind of change, in bytes.
const MAX_CHANGE_BYTES: usize = 6000;

/// The first keys of each kind that differ from the revision before, in tree order; diff has the counts of all.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedKeys {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl ChangedKeys {
    fn of(differences: &Differences) -> Self {
        Self {
            added: beginning(&differences.added),
            changed: beginning(&differences.changed),
            removed: beginning(&differences.removed),
        }
    }
}

/// Returns the first keys, up to a length of all.
fn beginning(keys: &[LogicalKey]) -> Vec<String> {
    let mut left = MAX_CHANGE_BYTES;
    let fits = |key: &String| {
        let rest = left.checked_sub(key.len());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    keys.iter().map(LogicalKey::to_string).take_while(fits).collect()
}

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
    /// Of a dry run: the keys that differ, at most 50 of each kind
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangedKeys>,
    /// Logical keys of the first 20 entries added.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<String>>,
    /// Metadata of the package, as the revision has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<ManifestJson>,
    /// true: only the beginning of the metadata is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
    warnings: Vec<String>,
    /// false: the time of the call was over. Repeat it with resume
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    /// The argument resume of the next call
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<String>,
    /// The argument `expected_hash` of the next call
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
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
        // The revision of a dry run does not exist.
        let links = session.links().filter(|_| !committed.dry_run);
        let url = links.and_then(|links| links.url(&CatalogPage::revision(bucket.as_str(), name, hash)));
        let warnings = with_warnings_of(committed, warnings);
        let changes = committed.diff.as_ref().filter(|_| committed.dry_run);
        let shown = committed.entries.iter().take(MAX_SHOWN_ENTRIES);
        let metadata = committed.metadata.as_ref().filter(|metadata| metadata.is_truthy());
        let metadata = metadata.map(|metadata| ManifestJson::beginning_of(metadata, MAX_METADATA_BYTES));
        let (metadata, metadata_cut) = metadata.unwrap_or((None, false));
        Self {
            package: PackageRef::of(bucket, name, hash),
            entries_added: committed.entries_added,
            total_bytes: u64::try_from(committed.total_bytes).unwrap_or(u64::MAX),
            bytes_hashed: committed.bytes_hashed,
            bytes_copied: committed.bytes_copied,
            dry_run: committed.dry_run,
            diff: committed.diff.as_ref().map(|diff| diff.counts.into()),
            changes: changes.map(ChangedKeys::of),
            entries: Some(shown.map(|entry| entry.logical_key.to_string()).collect()),
            metadata,
            metadata_cut,
            warnings: bounded_warnings(warnings),
            complete: None,
            resume: None,
            expected_hash: None,
            catalog_url: url,
        }
    }

    /// Describes a revision of which a call has made a part.
    pub(super) fn stopped(
        bucket: &BucketName,
        name: &PackageName,
        stopped: &Stopped,
        reason: &str,
        mut warnings: Vec<String>,
    ) -> Self {
        let expected = stopped.base.as_ref().map(TopHash::to_string);
        let also = expected
            .as_ref()
            .map_or_else(String::new, |hash| format!(" and expected_hash={hash}"));
        warnings.insert(
            0,
            format!(
                "{reason}: {} entries are ready, and the package is unchanged. Repeat the call with \
                 the same arguments and resume={}{also}.",
                stopped.entries, stopped.resume
            ),
        );
        Self {
            package: PackageRef::of(bucket, name, &stopped.resume),
            entries_added: stopped.entries,
            total_bytes: u64::try_from(stopped.total_bytes).unwrap_or(u64::MAX),
            bytes_hashed: stopped.bytes_hashed,
            bytes_copied: stopped.bytes_copied,
            dry_run: false,
            diff: None,
            changes: None,
            entries: None,
            metadata: None,
            metadata_cut: false,
            warnings: bounded_warnings(warnings),
            complete: Some(false),
            resume: Some(stopped.resume.to_string()),
            expected_hash: expected,
            catalog_url: None,
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
    match report.manifest {
        ManifestOutcome::Written | ManifestOutcome::Same => {}
        ManifestOutcome::KeptAnother => warnings.push(
            "A manifest of this hash was there already and was kept. Its entries are the same, but they lie at other \
             S3 URIs: package_browse shows where."
                .to_owned(),
        ),
        ManifestOutcome::Replaced => warnings.push(
            "A manifest of this hash was there already, whose entries lay at other S3 URIs; it was replaced, because \
             objects there are gone, copies were asked for, or they are too many to be looked at. Every package with this hash uses the new one."
                .to_owned(),
        ),
    }
    warnings
}
