//! Incremental parsing of manifests, from bytes to rows. Each row is checked by itself; its users check order and duplicates.

use super::lines::Lines;
use super::row::{self, Parsed};
use super::{MAX_RECORD, ManifestError, Row};

/// An incremental parser of manifests.
///
/// Add bytes with [`push`](Self::push), take rows with [`next_row`](Self::next_row) until it returns `None`, and call
/// [`end`](Self::end) after the last bytes. Only bytes that have not been returned as rows are kept in memory.
///
/// ```
/// use quilt_format::manifest::{ManifestReader, Row};
///
/// # fn main() -> Result<(), quilt_format::ManifestError> {
/// let mut reader = ManifestReader::new();
/// reader.push(b"{\"version\": \"v0\", \"message\": ");
/// assert!(reader.next_row()?.is_none());
/// reader.push(b"\"first\"}\n");
/// reader.end();
/// let Some(Row::Header(header)) = reader.next_row()? else { panic!("expected the header") };
/// assert_eq!(header.message(), Some("first"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ManifestReader {
    lines: Lines,
    line: u64,
    ended: bool,
    is_tolerant: bool,
    not_built: Option<ManifestError>,
}

impl Default for ManifestReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ManifestReader {
    /// Creates a reader that rejects records longer than [`MAX_RECORD`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_record(MAX_RECORD)
    }

    /// Creates a reader with another limit in bytes, for manifests that were written with one.
    #[must_use]
    pub fn with_max_record(limit: usize) -> Self {
        Self {
            lines: Lines::new(limit),
            line: 0,
            ended: false,
            is_tolerant: false,
            not_built: None,
        }
    }

    /// Creates a reader that continues at an [`offset`](Self::offset) which another reader of the same manifest returned
    /// after the header. Line numbers in errors are counted from there.
    #[must_use]
    pub fn resuming(offset: u64) -> Self {
        Self {
            lines: Lines::resuming(MAX_RECORD, 1, offset),
            line: 1,
            ended: false,
            is_tolerant: false,
            not_built: None,
        }
    }

    /// Returns entries without a hash or a size too, with a null hash and, if it is not known, a size of zero. There is no top
    /// hash of them.
    #[must_use]
    pub fn tolerant(self) -> Self {
        Self {
            is_tolerant: true,
            ..self
        }
    }

    /// Returns the error of the first entry so far without a hash or a size, if the reader is [`tolerant`](Self::tolerant).
    #[must_use]
    pub fn not_built(&self) -> Option<&ManifestError> {
        self.not_built.as_ref()
    }

    /// Returns the offset of the next row in the manifest.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.lines.offset()
    }

    /// Adds the next bytes, in pieces of any size.
    pub fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// Marks the end of the manifest.
    pub fn end(&mut self) {
        self.lines.end();
        self.ended = true;
    }

    /// Returns the next row, or `None` until more bytes are pushed, and at the end. The reader must not be used after an
    /// error.
    pub fn next_row(&mut self) -> Result<Option<Row>, ManifestError> {
        let Some((line, bytes)) = self.lines.next()? else {
            return if self.ended && self.line == 0 {
                Err(ManifestError::Empty)
            } else {
                Ok(None)
            };
        };
        self.line = line;
        let Parsed { row, not_built } = row::parse(line, bytes)?;
        match not_built {
            Some(problem) if !self.is_tolerant => Err(problem),
            Some(problem) => {
                self.not_built.get_or_insert(problem);
                Ok(Some(row))
            }
            None => Ok(Some(row)),
        }
    }

    /// Returns the line number of the next row and the buffered bytes from its start. `None` before the header, and if the
    /// start of the next row is not known yet.
    pub(super) fn rest(&self) -> Option<(u64, &[u8])> {
        self.lines.rest().filter(|_| self.line > 0)
    }

    /// Consumes the row that has this length in [`rest`](Self::rest) and is followed by a newline.
    pub(super) fn take(&mut self, length: usize) {
        self.lines.take(length);
        self.line += 1;
    }

    /// Returns the line number of the last row.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }
}
