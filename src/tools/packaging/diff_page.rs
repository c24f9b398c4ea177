//! One page of the differences between two revisions.

use quilt_format::Entry;
use quilt_format::diff::Change;

use super::question::{CursorReader, CursorWriter};
use crate::packages::{ChangeCounts, Comparison, ManifestFile, PackageError};
use crate::tools::ToolError;
use crate::tools::estimate::estimate_item_bytes;

/// Estimated bytes after which a page ends, so that long metadata makes pages short.
const MAX_PAGE_BYTES: usize = 32 * 1024 * 1024;

/// Position of a page after the first one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// Where the page begins in the two manifests.
    offsets: (u64, u64),
    /// Counts of all differences.
    counts: ChangeCounts,
}

#[derive(Default)]
pub(super) struct Page {
    /// Differences on the page.
    returned: usize,
    /// Counts of all differences, also of those on other pages.
    pub counts: ChangeCounts,
    pub next: Option<Position>,
    /// Estimate of the memory for its result.
    pub estimated_bytes: usize,
}

impl Page {
    /// Reads one page. The first one counts all differences; later ones read only what they show. Each difference is passed to
    /// `show`; the page ends before the first that it refuses.
    pub(super) async fn read(
        from: &ManifestFile,
        to: &ManifestFile,
        position: Option<Position>,
        limit: usize,
        mut show: impl FnMut(&Change) -> bool + Send,
    ) -> Result<Self, PackageError> {
        let mut page = Self::default();
        if from.hash == to.hash {
            return Ok(page);
        }
        let mut comparison = match position {
            None => Comparison::of(from.all(), to.all()),
            Some(Position { offsets, .. }) => Comparison::of(
                from.page(offsets.0, from.index.whole.end),
                to.page(offsets.1, to.index.whole.end),
            ),
        };
        let (offsets, following) = loop {
            let offsets = comparison.offsets();
            let Some(change) = comparison.next().await? else {
                break (offsets, None);
            };
            let is_full = page.returned >= limit || page.estimated_bytes >= MAX_PAGE_BYTES;
            if is_full || !show(&change) {
                break (offsets, Some(change));
            }
            page.counts.add(&change);
            page.estimated_bytes += estimate_change_bytes(&change);
            page.returned += 1;
        };
        match (position, &following) {
            (Some(position), _) => page.counts = position.counts,
            (None, Some(change)) => {
                page.counts.add(change);
                page.counts.add_all(comparison.count().await?.counts);
            }
            (None, None) => {}
        }
        page.next = following.map(|_| Position {
            offsets,
            counts: page.counts,
        });
        Ok(page)
    }
}

impl Position {
    pub(super) fn write(self, cursor: CursorWriter) -> CursorWriter {
        let ChangeCounts {
            added,
            changed,
            removed,
        } = self.counts;
        let numbers = [self.offsets.0, self.offsets.1, added, changed, removed];
        numbers.into_iter().fold(cursor, CursorWriter::number)
    }

    pub(super) fn read(fields: &mut CursorReader) -> Result<Self, ToolError> {
        Ok(Self {
            offsets: (fields.number()?, fields.number()?),
            counts: ChangeCounts {
                added: fields.number()?,
                changed: fields.number()?,
                removed: fields.number()?,
            },
        })
    }
}

fn estimate_change_bytes(change: &Change) -> usize {
    let estimate = |entry: &Entry| estimate_item_bytes(entry.name_bytes(), entry.meta.estimate_bytes());
    match change {
        Change::Added(entry) | Change::Removed(entry) => estimate(entry),
        Change::Changed { from, to } => estimate(from) + estimate(to),
    }
}
