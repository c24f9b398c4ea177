//! Summaries of revisions in lists.

use quilt_format::{Header, TopHash};
use schemars::JsonSchema;
use serde::Serialize;

use crate::packages::{Summaries, Summary};
use crate::tools::ManifestJson;
use crate::tools::answer_size::bounded_message;

/// Maximum length of metadata in a row, in bytes of JSON.
const MAX_ROW_METADATA_BYTES: usize = 1024;
/// Rows that are summarized at once, before it is known whether they fit in an answer.
pub(super) const BATCH: usize = 50;

/// What a list shows of a header.
#[derive(Debug, Clone)]
pub(super) struct HeaderView {
    pub message: Option<String>,
    metadata: Option<ManifestJson>,
    metadata_cut: bool,
}

/// Sums over the entries of a revision.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Totals {
    /// null: not counted
    total_entries: Option<u64>,
    total_bytes: Option<u64>,
}

/// The metadata of a revision, as much as a row shows.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct RowMetadata {
    metadata: Option<ManifestJson>,
    /// true: only the beginning of the metadata is shown
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    metadata_cut: bool,
}

impl HeaderView {
    pub(super) fn of(header: &Header) -> Self {
        let metadata = header.user_meta().filter(|metadata| metadata.is_truthy());
        let metadata = metadata.map(|metadata| ManifestJson::beginning_of(metadata, MAX_ROW_METADATA_BYTES));
        let (metadata, metadata_cut) = metadata.unwrap_or((None, false));
        Self {
            message: header.message().map(bounded_message),
            metadata,
            metadata_cut,
        }
    }

    pub(super) fn metadata(&self) -> RowMetadata {
        RowMetadata {
            metadata: self.metadata.clone(),
            metadata_cut: self.metadata_cut,
        }
    }
}

impl Totals {
    pub(super) fn of(summary: Option<&Summary<HeaderView>>) -> Self {
        let totals = summary.and_then(|summary| summary.totals);
        Self {
            total_entries: totals.map(|(entries, _)| entries),
            total_bytes: totals.map(|(_, bytes)| bytes),
        }
    }
}

/// Warns of rows about which something is not known.
pub(super) fn warning_of_unknown<'a>(
    summaries: &Summaries<'_, HeaderView>,
    hashes: impl Iterator<Item = &'a TopHash>,
) -> Option<String> {
    let is_unknown = |hash: &&TopHash| {
        let summary = summaries.get(hash);
        summary.is_none_or(|summary| summary.totals.is_none() && summary.problem.is_none())
    };
    let count = hashes.filter(is_unknown).count();
    (count > 0).then(|| {
        format!(
            "{count} revisions have more entries than are counted for a list; their totals are null, and package_browse \
             shows them."
        )
    })
}
