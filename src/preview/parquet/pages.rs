//! The pages of a chunk, as the `parquet` crate's decoders take them: unpacked one by one, and only if what their headers and
//! encodings claim is bounded by the bytes that are there. The decoders allocate by these claims.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError as CrateError;

use super::codec::{self, CodecError};
use super::page::{PageHeader, PageKind, PlacedPage};
use super::schema::Physical;

/// Maximum memory of a dictionary's or a nested page's values, as they are decoded.
const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;
/// Maximum bytes that are unpacked of one leaf.
const MAX_UNPACKED_BYTES: usize = 16 * 1024 * 1024;
/// Size of a string in memory, which refers to its page.
const STRING_BYTES: usize = 32;

/// The leaf whose pages are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeafType {
    pub physical: Physical,
    pub max_definition: i16,
    pub max_repetition: i16,
    pub codec: i64,
}

impl LeafType {
    /// Returns the minimum size of an encoded value, and the size of a decoded one.
    fn value_bytes(self) -> (usize, usize) {
        match self.physical {
            Physical::Boolean => (1, 1),
            Physical::Int32 | Physical::Float => (4, 4),
            Physical::Int64 | Physical::Double => (8, 8),
            Physical::Int96 => (12, 12),
            Physical::Bytes => (4, STRING_BYTES),
            Physical::Fixed(length) => (usize::try_from(length).unwrap_or_default().max(1), STRING_BYTES),
        }
    }
}

/// The first pages of a chunk.
pub(super) struct Pages {
    leaf: LeafType,
    rest: std::vec::IntoIter<(PageHeader, Bytes)>,
    /// Whether the last page is the last of the chunk.
    is_end: bool,
    /// Whether the last page was of version 2, where records end with their page.
    ends_record: bool,
    has_dictionary: bool,
    /// Memory for values of nested pages that may still be used.
    value_bytes_left: usize,
    /// Bytes that may still be unpacked.
    unpacked_left: usize,
}

impl Pages {
    pub fn new(leaf: LeafType, chunk: &Bytes, pages: &[PlacedPage], is_end: bool) -> Self {
        let body = |page: &PlacedPage| {
            let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(chunk.len());
            (page.header, chunk.slice(index(page.body.start)..index(page.body.end)))
        };
        let pages: Vec<_> = pages.iter().map(body).collect();
        Self {
            leaf,
            rest: pages.into_iter(),
            is_end,
            ends_record: false,
            has_dictionary: false,
            value_bytes_left: MAX_VALUE_BYTES,
            unpacked_left: MAX_UNPACKED_BYTES,
        }
    }

    fn unpack(&mut self, header: &PageHeader, body: &Bytes) -> Result<Page, CrateError> {
        let size = usize::try_from(header.bytes).unwrap_or(usize::MAX);
        let levels = match header.kind {
            PageKind::V2 {
                definition_bytes,
                repetition_bytes,
                ..
            } => u64::from(definition_bytes) + u64::from(repetition_bytes),
            _ => 0,
        };
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        let is_packed = !matches!(header.kind, PageKind::V2 { is_packed: false, .. });
        let buffer = if codec::packs(self.leaf.codec) && is_packed {
            let (levels, packed) = body.split_at_checked(levels).ok_or_else(damaged)?;
            let values = size.checked_sub(levels.len()).ok_or_else(damaged)?;
            self.unpacked_left = self
                .unpacked_left
                .checked_sub(values)
                .ok_or_else(|| CrateError::NeedMoreData(0))?;
            let values = codec::unpack(self.leaf.codec, packed, values).map_err(|error| match error {
                CodecError::Unsupported(name) => CrateError::NYI(format!("codec {name}")),
                CodecError::Damaged => damaged(),
            })?;
            if levels.is_empty() {
                values.into()
            } else {
                [levels, &values].concat().into()
            }
        } else {
            body.clone()
        };
        if buffer.len() < levels {
            return Err(damaged());
        }
        self.check(header, &buffer)?;
        page_of(self.leaf, header, buffer)
    }

    /// Checks what a page makes the decoders allocate.
    fn check(&mut self, header: &PageHeader, buffer: &Bytes) -> Result<(), CrateError> {
        let values = usize::try_from(header.values).unwrap_or(usize::MAX);
        let (encoded, decoded) = self.leaf.value_bytes();
        if let Physical::Fixed(length) = self.leaf.physical
            && (length <= 0 || values.saturating_mul(encoded) > 16 * 1024 * 1024)
        {
            return Err(beyond());
        }
        if header.kind == PageKind::Dictionary {
            let is_plausible =
                values.saturating_mul(encoded) <= buffer.len() && self.leaf.physical != Physical::Boolean;
            let is_first = !std::mem::replace(&mut self.has_dictionary, true);
            return match values.saturating_mul(decoded) {
                _ if !is_plausible || !is_first => Err(damaged()),
                0..=MAX_VALUE_BYTES => Ok(()),
                _ => Err(beyond()),
            };
        }
        if self.leaf.max_repetition > 0 {
            // A record may have all the values of a page, and levels of a few bytes say any number of them.
            let needed = values.saturating_mul(decoded + 2 * size_of::<i16>());
            self.value_bytes_left = self.value_bytes_left.checked_sub(needed).ok_or_else(beyond)?;
        }
        match header.encoding {
            2 | 8 if !self.has_dictionary => Err(damaged()),
            6 | 7 => self.check_lengths(header, buffer, values),
            _ => Ok(()),
        }
    }

    /// Checks the lengths of strings, which these encodings decode for the whole page at once.
    fn check_lengths(&self, header: &PageHeader, buffer: &Bytes, values: usize) -> Result<(), CrateError> {
        if values > MAX_VALUE_BYTES / size_of::<i32>() {
            return Err(beyond());
        }
        let data = self.values_of(header, buffer).ok_or_else(damaged)?;
        let first_end = delta_end(data, values).ok_or_else(damaged)?;
        if header.encoding == 7 {
            // Each string may repeat all of the one before: a page can have a string of its own size for each of its values.
            let is_nested = self.leaf.max_repetition > 0;
            if is_nested && values.saturating_mul(buffer.len()) > MAX_VALUE_BYTES {
                return Err(beyond());
            }
            let suffixes = data.get(first_end..).ok_or_else(damaged)?;
            delta_end(suffixes, values).ok_or_else(damaged)?;
        }
        Ok(())
    }

    /// Returns the values of a page behind its levels.
    fn values_of<'a>(&self, header: &PageHeader, buffer: &'a Bytes) -> Option<&'a [u8]> {
        let mut rest: &[u8] = buffer;
        match header.kind {
            PageKind::V2 {
                definition_bytes,
                repetition_bytes,
                ..
            } => {
                let levels = u64::from(definition_bytes) + u64::from(repetition_bytes);
                rest.get(usize::try_from(levels).ok()?..)
            }
            PageKind::V1 { .. } => {
                let leveled = [self.leaf.max_repetition, self.leaf.max_definition];
                for _ in leveled.into_iter().filter(|max| *max > 0) {
                    let (length, levels) = rest.split_first_chunk::<4>()?;
                    rest = levels.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..)?;
                }
                Some(rest)
            }
            PageKind::Dictionary | PageKind::Index => None,
        }
    }
}

fn damaged() -> CrateError {
    CrateError::General("damaged".to_owned())
}

/// The error of values that need more memory than a preview has. [`CrateError::NeedMoreData`] means nothing else here.
fn beyond() -> CrateError {
    CrateError::NeedMoreData(0)
}

/// Returns where integers packed as deltas end. `None` if they are damaged, or more than `max`.
fn delta_end(data: &[u8], max: usize) -> Option<usize> {
    let mut rest = data;
    let block = usize::try_from(varint(&mut rest)?).ok()?;
    let per_block = usize::try_from(varint(&mut rest)?).ok()?;
    let count = usize::try_from(varint(&mut rest)?).ok()?;
    varint(&mut rest)?;
    let per_miniblock = block.checked_div(per_block).filter(|count| *count > 0)?;
    if count > max {
        return None;
    }
    let mut left = count.saturating_sub(1);
    while left > 0 {
        varint(&mut rest)?;
        let (widths, packed) = rest.split_at_checked(per_block)?;
        rest = packed;
        for width in widths {
            if left == 0 {
                break;
            }
            let bytes = per_miniblock.checked_mul(usize::from(*width))? / 8;
            rest = rest.get(bytes.min(rest.len())..)?;
            left = left.saturating_sub(per_miniblock);
        }
    }
    Some(data.len() - rest.len())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn encoding(number: i64) -> Result<Encoding, CrateError> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        4 => return Err(CrateError::NYI("encoding BIT_PACKED".to_owned())),
        _ => return Err(CrateError::NYI(format!("encoding {number}"))),
    })
}

fn page_of(leaf: LeafType, header: &PageHeader, buf: Bytes) -> Result<Page, CrateError> {
    let num_values = header.values;
    let encoding = encoding(header.encoding)?;
    Ok(match header.kind {
        PageKind::Dictionary => Page::DictionaryPage {
            buf,
            num_values,
            encoding,
            is_sorted: false,
        },
        PageKind::V1 {
            definition_encoding,
            repetition_encoding,
        } => Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: level_encoding(leaf.max_definition, definition_encoding)?,
            rep_level_encoding: level_encoding(leaf.max_repetition, repetition_encoding)?,
            statistics: None,
        },
        PageKind::V2 {
            nulls,
            rows,
            definition_bytes,
            repetition_bytes,
            is_packed,
        } => Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls: nulls,
            num_rows: rows,
            def_levels_byte_len: definition_bytes,
            rep_levels_byte_len: repetition_bytes,
            is_compressed: is_packed,
            statistics: None,
        },
        PageKind::Index => return Err(damaged()),
    })
}

/// Levels have one encoding; the other is of writers before 2014. Of levels that are not there, headers say anything.
fn level_encoding(max: i16, number: i64) -> Result<Encoding, CrateError> {
    match number {
        _ if max == 0 => Ok(Encoding::RLE),
        3 => Ok(Encoding::RLE),
        other => Err(CrateError::NYI(format!("encoding {other} of levels"))),
    }
}

impl Iterator for Pages {
    type Item = Result<Page, CrateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, CrateError> {
        let Some((header, body)) = self.rest.next() else {
            return Ok(None);
        };
        self.ends_record = matches!(header.kind, PageKind::V2 { .. });
        self.unpack(&header, &body).map(Some)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, CrateError> {
        let next = self.rest.as_slice().first();
        let metadata = |rows: Option<u32>, values: u32, is_dict| PageMetadata {
            num_rows: rows.and_then(|rows| usize::try_from(rows).ok()),
            num_levels: usize::try_from(values).ok(),
            is_dict,
        };
        Ok(match next.map(|(header, _)| (header.kind, header.values)) {
            Some((PageKind::Dictionary, values)) => Some(metadata(None, values, true)),
            Some((PageKind::V2 { rows, .. }, values)) => Some(metadata(Some(rows), values, false)),
            Some((_, values)) => Some(metadata(None, values, false)),
            None if self.is_end => None,
            // A page that was not read, which may continue the last record.
            None => Some(metadata(self.ends_record.then_some(0), 0, false)),
        })
    }

    fn skip_next_page(&mut self) -> Result<(), CrateError> {
        self.rest.next();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_end_where_their_last_miniblock_does() {
        // A block of 128 in 4 miniblocks; 3 values; the first is 1; a delta of 1 and widths of 0.
        assert_eq!(delta_end(&[0x80, 1, 4, 3, 2, 2, 0, 0, 0, 0, 99], 3), Some(10));
        assert_eq!(
            delta_end(&[0x80, 1, 4, 3, 2, 2, 0, 0, 0, 0, 99], 2),
            None,
            "more than the page has"
        );
        assert_eq!(delta_end(&[0x80, 1, 4, 1, 2], 1), Some(5));
        assert_eq!(delta_end(&[0x80, 1, 0, 1, 2], 1), None);
        assert_eq!(delta_end(&[0xff; 20], 1), None);
    }
}
