//! Differences between two revisions, read side by side; neither is in memory as a whole.

use std::cmp::Ordering;

use quilt_format::Entry;
use quilt_format::diff::{Change, compare_next};

use super::PackageError;
use super::change_counts::Differences;
use super::manifest::Rows;

/// Entries of the second side.
enum Side<'a> {
    Rows(Rows),
    /// Entries of a new revision, in memory and in tree order.
    Entries(std::slice::Iter<'a, Entry>),
}

impl Side<'_> {
    async fn next(&mut self) -> Result<Option<Entry>, PackageError> {
        match self {
            Self::Rows(rows) => rows.next().await,
            Self::Entries(entries) => Ok(entries.next().cloned()),
        }
    }

    fn offset(&self) -> u64 {
        match self {
            Self::Rows(rows) => rows.offset(),
            Self::Entries(_) => 0,
        }
    }
}

/// Iteration over the differences between two revisions.
pub struct Comparison<'a> {
    from: Rows,
    to: Side<'a>,
    ahead: (Option<Entry>, Option<Entry>),
    /// Offsets at which the entries ahead begin.
    offsets: (u64, u64),
}

impl<'a> Comparison<'a> {
    /// Compares two manifests.
    #[must_use]
    pub fn of(from: Rows, to: Rows) -> Self {
        let offsets = (from.offset(), to.offset());
        Self {
            from,
            to: Side::Rows(to),
            ahead: (None, None),
            offsets,
        }
    }

    /// Compares a manifest with the entries of a new revision, which are in tree order.
    #[must_use]
    pub fn with_entries(from: Rows, to: &'a [Entry]) -> Self {
        let offsets = (from.offset(), 0);
        Self {
            from,
            to: Side::Entries(to.iter()),
            ahead: (None, None),
            offsets,
        }
    }

    /// Returns the offsets at which a later comparison can resume.
    #[must_use]
    pub fn offsets(&self) -> (u64, u64) {
        self.offsets
    }

    /// Returns the next difference, in tree order.
    pub async fn next(&mut self) -> Result<Option<Change>, PackageError> {
        loop {
            if self.ahead.0.is_none() {
                self.offsets.0 = self.from.offset();
                self.ahead.0 = self.from.next().await?;
            }
            if self.ahead.1.is_none() {
                self.offsets.1 = self.to.offset();
                self.ahead.1 = self.to.next().await?;
            }
            let change = match compare_next(self.ahead.0.as_ref(), self.ahead.1.as_ref()) {
                None => return Ok(None),
                Some(Ordering::Less) => self.ahead.0.take().map(Change::Removed),
                Some(Ordering::Greater) => self.ahead.1.take().map(Change::Added),
                Some(Ordering::Equal) => match (self.ahead.0.take(), self.ahead.1.take()) {
                    (Some(from), Some(to)) if !from.same_content(&to) => Some(Change::Changed { from, to }),
                    _ => None,
                },
            };
            if self.ahead.0.is_none() {
                self.offsets.0 = self.from.offset();
            }
            if self.ahead.1.is_none() {
                self.offsets.1 = self.to.offset();
            }
            if change.is_some() {
                return Ok(change);
            }
        }
    }

    /// Counts the remaining differences.
    pub async fn count(mut self) -> Result<Differences, PackageError> {
        let mut differences = Differences::default();
        while let Some(change) = self.next().await? {
            match &change {
                Change::Added(entry) => differences.add(&entry.logical_key),
                Change::Removed(entry) => differences.remove(&entry.logical_key),
                Change::Changed { to, .. } => differences.change(&to.logical_key),
            }
        }
        Ok(differences)
    }
}
