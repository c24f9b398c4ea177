//! Headers of pages, and which pages of a chunk have the first rows.

use std::ops::Range;

use super::thrift::{Kind, Reader, ThriftError};

/// Maximum size of a page that is read, packed and unpacked.
pub(super) const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;
/// Maximum size of a dictionary that is read, packed and unpacked.
pub(super) const MAX_DICTIONARY_BYTES: u64 = 2 * 1024 * 1024;
/// Maximum length of a header: it may have the smallest and the largest value.
pub(super) const MAX_HEADER_BYTES: u64 = 64 * 1024;
/// Maximum number of pages of a chunk that are read.
const MAX_PAGES: usize = 1000;

/// Kind of a page, with what only that kind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    Dictionary,
    V1 {
        definition_encoding: i64,
        repetition_encoding: i64,
    },
    V2 {
        nulls: u32,
        rows: u32,
        definition_bytes: u32,
        repetition_bytes: u32,
        is_packed: bool,
    },
    Index,
}

/// The header of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub kind: PageKind,
    pub values: u32,
    pub encoding: i64,
    pub packed_bytes: u64,
    pub bytes: u64,
}

/// A page of a chunk.
#[derive(Debug, Clone)]
pub(super) struct PlacedPage {
    pub header: PageHeader,
    /// Its bytes behind the header, within the chunk.
    pub body: Range<u64>,
}

impl PageHeader {
    /// Reads a header, and returns its length too.
    pub fn read(bytes: &[u8]) -> Result<(Self, u64), ThriftError> {
        let bytes = bytes
            .get(..usize::try_from(MAX_HEADER_BYTES).unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        let mut reader = Reader::new(bytes);
        let (mut number, mut packed, mut size, mut details) = (None, None, None, None);
        reader.fields(|reader, field| {
            match (field.id, field.kind) {
                (1, Kind::Integer) => number = Some(reader.integer()?),
                (2, Kind::Integer) => size = Some(reader.count()?),
                (3, Kind::Integer) => packed = Some(reader.count()?),
                (5, Kind::Struct) => details = Some(read_v1(reader)?),
                (7, Kind::Struct) => details = Some(read_dictionary(reader)?),
                (8, Kind::Struct) => details = Some(read_v2(reader)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let length = (bytes.len() - reader.left()) as u64;
        let (Some(packed_bytes), Some(bytes)) = (packed, size) else {
            return Err(ThriftError::Damaged);
        };
        let (kind, values, encoding) = match (number, details) {
            (Some(1), _) => (PageKind::Index, 0, 0),
            (Some(0), Some(details @ (PageKind::V1 { .. }, ..)))
            | (Some(2), Some(details @ (PageKind::Dictionary, ..)))
            | (Some(3), Some(details @ (PageKind::V2 { .. }, ..))) => details,
            _ => return Err(ThriftError::Damaged),
        };
        let header = Self {
            kind,
            values,
            encoding,
            packed_bytes,
            bytes,
        };
        Ok((header, length))
    }

    /// Whether the page is larger than what is read.
    pub fn is_too_large(&self) -> bool {
        let max = match self.kind {
            PageKind::Dictionary => MAX_DICTIONARY_BYTES,
            _ => MAX_PAGE_BYTES,
        };
        self.packed_bytes.max(self.bytes) > max
    }
}

type Details = (PageKind, u32, i64);

fn count32(reader: &mut Reader<'_>) -> Result<u32, ThriftError> {
    u32::try_from(reader.count()?).map_err(|_| ThriftError::Damaged)
}

fn read_v1(reader: &mut Reader<'_>) -> Result<Details, ThriftError> {
    let (mut values, mut encoding) = (0, 0);
    let (mut definition_encoding, mut repetition_encoding) = (3, 3);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Integer) => values = count32(reader)?,
            (2, Kind::Integer) => encoding = reader.integer()?,
            (3, Kind::Integer) => definition_encoding = reader.integer()?,
            (4, Kind::Integer) => repetition_encoding = reader.integer()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let kind = PageKind::V1 {
        definition_encoding,
        repetition_encoding,
    };
    Ok((kind, values, encoding))
}

fn read_dictionary(reader: &mut Reader<'_>) -> Result<Details, ThriftError> {
    let (mut values, mut encoding) = (0, 0);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Integer) => values = count32(reader)?,
            (2, Kind::Integer) => encoding = reader.integer()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((PageKind::Dictionary, values, encoding))
}

fn read_v2(reader: &mut Reader<'_>) -> Result<Details, ThriftError> {
    let (mut values, mut encoding, mut nulls, mut rows) = (0, 0, 0, 0);
    let (mut definition_bytes, mut repetition_bytes, mut is_packed) = (0, 0, true);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Integer) => values = count32(reader)?,
            (2, Kind::Integer) => nulls = count32(reader)?,
            (3, Kind::Integer) => rows = count32(reader)?,
            (4, Kind::Integer) => encoding = reader.integer()?,
            (5, Kind::Integer) => definition_bytes = count32(reader)?,
            (6, Kind::Integer) => repetition_bytes = count32(reader)?,
            (7, Kind::False) => {
                is_packed = false;
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let kind = PageKind::V2 {
        nulls,
        rows,
        definition_bytes,
        repetition_bytes,
        is_packed,
    };
    Ok((kind, values, encoding))
}

/// The pages at the beginning of a chunk that have its first rows.
#[derive(Debug, Default)]
pub(super) struct FirstPages {
    /// The dictionary, if there is one, and data pages.
    pub pages: Vec<PlacedPage>,
    /// Whether the pages end where the chunk does.
    pub is_end: bool,
    pub next: Next,
}

/// What keeps further pages from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Next {
    /// Nothing: the pages have all the rows that were asked for, or are all there are.
    #[default]
    Enough,
    /// The bytes of the chunk up to here are needed.
    Bytes(u64),
    /// The next page is of this size.
    TooLarge(u64),
    /// The next header is damaged.
    Damaged,
}

impl FirstPages {
    /// Finds the first pages in the beginning of a chunk of `length` bytes. `is_flat` says that each value is of another row.
    pub fn find(start: &[u8], length: u64, rows: u64, is_flat: bool) -> Self {
        let mut found = Self::default();
        let (mut at, mut rows_found) = (0_u64, 0_u64);
        loop {
            let has_data = found.pages.iter().any(|page| page.header.kind != PageKind::Dictionary);
            if at >= length {
                found.is_end = true;
                return found;
            }
            // Values of nested columns do not count rows, unless the page says how many it has, and a record may go on in the
            // next page.
            if has_data && rows_found >= rows + u64::from(!is_flat) || found.pages.len() >= MAX_PAGES {
                return found;
            }
            let begin = usize::try_from(at).unwrap_or(usize::MAX);
            let rest = start.get(begin..).unwrap_or_default();
            let (header, header_bytes) = match PageHeader::read(rest) {
                Ok(read) => read,
                Err(ThriftError::Ended) if (start.len() as u64) < length && (rest.len() as u64) < MAX_HEADER_BYTES => {
                    found.next = Next::Bytes(length.min(at + MAX_HEADER_BYTES.min(rest.len() as u64 * 4 + 1024)));
                    return found;
                }
                Err(_) => {
                    found.next = Next::Damaged;
                    return found;
                }
            };
            let body = at + header_bytes..at + header_bytes + header.packed_bytes;
            found.next = if body.end > length {
                Next::Damaged
            } else if header.is_too_large() {
                Next::TooLarge(header.bytes.max(header.packed_bytes))
            } else if body.end > start.len() as u64 {
                Next::Bytes(body.end)
            } else {
                Next::Enough
            };
            if found.next != Next::Enough {
                return found;
            }
            at = body.end;
            match header.kind {
                PageKind::Index => continue,
                PageKind::Dictionary => {}
                PageKind::V2 { rows, .. } => rows_found += u64::from(rows),
                PageKind::V1 { .. } if is_flat => rows_found += u64::from(header.values),
                PageKind::V1 { .. } => rows_found += u64::from(header.values.min(1)),
            }
            found.pages.push(PlacedPage { header, body });
        }
    }

    /// Whether there is a data page.
    pub fn has_data(&self) -> bool {
        self.pages.iter().any(|page| page.header.kind != PageKind::Dictionary)
    }
}
