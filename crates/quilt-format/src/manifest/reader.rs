//! The reader: bytes in, rows out. It checks each row by itself; the relations between rows are checked by its users.

use super::lines::Lines;
use super::{MAX_RECORD, ManifestError, Row, row};

/// Reads a manifest. Give it bytes with [`push`](Self::push), take rows with [`next_row`](Self::next_row), and say
/// [`end`](Self::end) when there are no more bytes. Holds what was pushed and not taken yet, and nothing else.
#[derive(Debug)]
pub struct ManifestReader {
    lines: Lines,
    line: u64,
    ended: bool,
}

impl Default for ManifestReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ManifestReader {
    /// Refuses records over [`MAX_RECORD`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_record(MAX_RECORD)
    }

    /// With another limit, in bytes, for manifests that were written with one.
    #[must_use]
    pub fn with_max_record(limit: usize) -> Self {
        Self {
            lines: Lines::new(limit),
            line: 0,
            ended: false,
        }
    }

    /// Goes on at an [`offset`](Self::offset) that another reader of the same manifest told behind its header. The lines of
    /// errors are counted from there.
    #[must_use]
    pub fn resuming(offset: u64) -> Self {
        Self {
            lines: Lines::resuming(MAX_RECORD, 1, offset),
            line: 1,
            ended: false,
        }
    }

    /// Where the next row begins, in bytes from the beginning of the manifest.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Takes bytes; how they are cut makes no difference.
    pub fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// There are no more bytes.
    pub fn end(&mut self) {
        self.lines.end();
        self.ended = true;
    }

    /// The next row; `None` until more is pushed, and at the end. After an error the reader is of no more use.
    pub fn next_row(&mut self) -> Result<Option<Row>, ManifestError> {
        let Some((line, bytes)) = self.lines.next()? else {
            return if self.ended && self.line == 0 {
                Err(ManifestError::Empty)
            } else {
                Ok(None)
            };
        };
        self.line = line;
        row::parse(line, bytes).map(Some)
    }

    /// What was pushed and not read, from the beginning of a row on, with the number of its line. `None` in front of the
    /// first row, and where it is not clear where a row begins.
    pub(super) fn rest(&self) -> Option<(u64, &[u8])> {
        self.lines.rest().filter(|_| self.line > 0)
    }

    /// Takes the row that has so many bytes in [`rest`](Self::rest) and a newline behind them.
    pub(super) fn take(&mut self, length: usize) {
        self.lines.take(length);
        self.line += 1;
    }

    /// The number of the line that the last row stood on.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}
