//! The differences between two revisions, of which neither is ever in memory.

use std::cmp::Ordering;

use quilt_format::Entry;
use quilt_format::diff::{Change, turn};

use super::{PackageError, Rows};

/// How many entries differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeCounts {
    /// Only in the second.
    pub added: u64,
    /// In both, with other size, checksum or metadata.
    pub changed: u64,
    /// Only in the first.
    pub removed: u64,
}

/// Entries of the second side: those of a manifest, or those of a revision that is being prepared.
enum Side<'a> {
    /// Of a manifest.
    Rows(Rows),
    /// In memory, in tree order.
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

/// Walks two revisions side by side.
pub struct Comparison<'a> {
    from: Rows,
    to: Side<'a>,
    ahead: (Option<Entry>, Option<Entry>),
    /// Where the entries ahead begin.
    offsets: (u64, u64),
}

impl<'a> Comparison<'a> {
    /// Of these two.
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

    /// Of a revision and what is to come after it.
    #[must_use]
    pub fn with_draft(from: Rows, to: &'a [Entry]) -> Self {
        let offsets = (from.offset(), 0);
        Self {
            from,
            to: Side::Entries(to.iter()),
            ahead: (None, None),
            offsets,
        }
    }

    /// Where the next entry of each begins that was not told yet.
    #[must_use]
    pub fn offsets(&self) -> (u64, u64) {
        self.offsets
    }

    /// The next difference, in tree order.
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
            let told = match turn(self.ahead.0.as_ref(), self.ahead.1.as_ref()) {
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
            if told.is_some() {
                return Ok(told);
            }
        }
    }

    /// Counts the differences that were not told yet.
    pub async fn count(mut self) -> Result<ChangeCounts, PackageError> {
        let mut counts = ChangeCounts::default();
        while let Some(change) = self.next().await? {
            counts.add(&change);
        }
        Ok(counts)
    }
}

impl ChangeCounts {
    /// One more of its kind.
    pub fn add(&mut self, change: &Change) {
        match change {
            Change::Added(_) => self.added += 1,
            Change::Removed(_) => self.removed += 1,
            Change::Changed { .. } => self.changed += 1,
        }
    }
}
