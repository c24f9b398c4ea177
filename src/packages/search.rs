//! Search among the entries of a package, and places in its tree by key.

use quilt_format::manifest::Span;
use quilt_format::{Entry, LogicalKey};
use tokio::time::{Instant, timeout_at};

use super::PackageError;
use super::browse::{Listed, MAX_PAGE_BYTES, Subtree};
use super::manifest::ManifestFile;

/// What a search has found until it stopped.
#[derive(Debug, Default)]
pub struct Found {
    pub listed: Vec<Listed>,
    /// Entries that were examined.
    pub scanned: u64,
    /// The offset at which the next page begins; none at the end of the subtree.
    pub next: Option<u64>,
    /// Whether the search stopped because its time was over.
    pub is_out_of_time: bool,
}

impl ManifestFile {
    /// Finds up to `limit` entries of a subtree that `is_wanted`, on all levels, from the offset `from` on. The search ends
    /// before the first entry that `fits` refuses, and at `deadline`.
    pub async fn search(
        &self,
        subtree: &Subtree,
        from: Option<u64>,
        limit: usize,
        deadline: Instant,
        is_wanted: impl Fn(&Entry) -> bool + Send,
        mut fits: impl FnMut(&Listed) -> bool + Send,
    ) -> Result<Found, PackageError> {
        let mut rows = self.page(from.unwrap_or(subtree.start), subtree.end);
        let mut found = Found::default();
        let mut length = 0;
        loop {
            let offset = rows.offset();
            let Ok(entry) = timeout_at(deadline, rows.next()).await else {
                found.is_out_of_time = true;
                found.next = Some(offset);
                return Ok(found);
            };
            let Some(entry) = entry?.filter(|entry| subtree.contains(&entry.logical_key)) else {
                return Ok(found);
            };
            if is_wanted(&entry) {
                let item = Listed::File(Box::new(entry));
                if found.listed.len() >= limit || length >= MAX_PAGE_BYTES || !fits(&item) {
                    found.next = Some(offset);
                    return Ok(found);
                }
                length += rows.offset() - offset;
                found.listed.push(item);
            }
            found.scanned += 1;
        }
    }

    /// Returns the offset of the first entry of a subtree that follows a key; if the listing is not `recursive`, that follows
    /// the item of the level in which the key is.
    pub async fn offset_after(&self, subtree: &Subtree, key: &str, recursive: bool) -> Result<u64, PackageError> {
        let key = key.trim_end_matches('/');
        let item = if recursive { None } else { subtree.child_of(key) };
        let last = item
            .clone()
            .unwrap_or_else(|| LogicalKey::from_manifest(key.to_owned()));
        if let Some(Span { end, .. }) = item.as_ref().and_then(|item| self.index.large_directory(item)) {
            return Ok(end);
        }
        let start = self.index.offset_before(&last).max(subtree.start);
        let mut rows = self.page(start, subtree.end);
        loop {
            let offset = rows.offset();
            let Some(entry) = rows.next().await? else {
                return Ok(offset);
            };
            let is_inside = item
                .as_ref()
                .is_some_and(|item| item.is_ancestor_of(&entry.logical_key));
            if entry.logical_key > last && !is_inside {
                return Ok(offset);
            }
        }
    }
}
