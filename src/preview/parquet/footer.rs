//! The footer: the schema, the number of rows, and where the first row group has the values of the columns that are shown.

use super::ParquetError;
use super::schema::{Elements, TopColumn};
use super::thrift::{Kind, Reader, ThriftError};
use crate::preview::table::MAX_COLUMNS;

/// Bytes behind the footer: its length and the magic.
pub(super) const TAIL_BYTES: u64 = 8;
/// Maximum number of leaves whose values are read.
pub(super) const MAX_LEAVES: usize = 400;

/// What the last eight bytes of a file say.
pub(super) fn footer_length(tail: &[u8], size: u64) -> Result<u64, ParquetError> {
    let tail = tail.last_chunk::<8>().ok_or(ParquetError::NoFooter)?;
    let [a, b, c, d, magic @ ..] = *tail;
    match &magic {
        b"PAR1" => {}
        b"PARE" => return Err(ParquetError::Encrypted),
        _ => return Err(ParquetError::NoFooter),
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length == 0 || length + TAIL_BYTES + 4 > size {
        return Err(ParquetError::FooterBeyondFile { length, size });
    }
    Ok(length)
}

/// What a preview needs of a footer.
#[derive(Debug)]
pub(super) struct Footer {
    /// The first columns.
    pub columns: Vec<TopColumn>,
    pub columns_total: usize,
    pub total_rows: u64,
    pub group: Group,
    /// Whether the footer is longer than what was read, and the row group is behind that.
    pub is_cut: bool,
}

/// The first row group with rows.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Number of its rows, if the footer was read so far.
    pub rows: Option<u64>,
    /// Its first chunks, in the order of the leaves.
    pub chunks: Vec<Chunk>,
}

/// Where a leaf's values are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chunk {
    /// Absent if the chunk is encrypted, or in another file.
    pub place: Option<Place>,
    pub codec: i64,
}

/// A range of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub begin: u64,
    pub length: u64,
}

impl Footer {
    /// Reads a footer, or its beginning.
    pub fn read(bytes: &[u8], is_whole: bool) -> Result<Self, ParquetError> {
        let mut footer = Self {
            columns: Vec::new(),
            columns_total: 0,
            total_rows: 0,
            group: Group::default(),
            is_cut: false,
        };
        let mut has = Has::default();
        let mut reader = Reader::new(bytes);
        let outcome = reader.fields(|reader, field| {
            match (field.id, field.kind) {
                (2, Kind::List) if !has.schema => {
                    let count = reader.structs(field)?;
                    footer.read_schema(reader, count)?;
                    has.schema = true;
                }
                (3, Kind::Integer) => {
                    footer.total_rows = reader.count()?;
                    has.rows = true;
                }
                (4, Kind::List) if has.schema && !has.groups => {
                    let count = reader.structs(field)?;
                    footer.group.read_first(reader, count)?;
                    has.groups = true;
                }
                _ => return Ok(false),
            }
            Ok(true)
        });
        match outcome {
            Err(ThriftError::Ended) if !is_whole && has.schema && has.rows => {
                footer.is_cut = footer.group.rows.is_none();
            }
            Err(ThriftError::Ended) if !is_whole => return Err(ParquetError::LongFooter),
            Err(_) => return Err(ParquetError::DamagedFooter),
            Ok(()) if !has.schema || !has.rows => return Err(ParquetError::DamagedFooter),
            Ok(()) => {}
        }
        Ok(footer)
    }

    fn read_schema(&mut self, reader: &mut Reader<'_>, count: u64) -> Result<(), ThriftError> {
        let mut elements = Elements {
            reader,
            left: count,
            leaves: 0,
        };
        let columns = if count == 0 { 0 } else { elements.root()? };
        for index in 0..columns {
            let is_shown = index < MAX_COLUMNS as u64;
            let is_read = is_shown && elements.leaves < MAX_LEAVES;
            let column = elements.column(is_read)?;
            if is_shown {
                self.columns.push(column);
            }
            self.columns_total += 1;
        }
        if elements.left > 0 {
            return Err(ThriftError::Damaged);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Has {
    schema: bool,
    rows: bool,
    groups: bool,
}

impl Group {
    /// Reads row groups until one has rows, and skips the rest.
    fn read_first(&mut self, reader: &mut Reader<'_>, count: u64) -> Result<(), ThriftError> {
        for _ in 0..count {
            if self.rows.is_some_and(|rows| rows > 0) {
                // The field of the row groups is the last that a preview needs.
                reader.skip_struct()?;
                continue;
            }
            *self = Self::default();
            self.read(reader)?;
        }
        Ok(())
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), ThriftError> {
        reader.fields(|reader, field| {
            match (field.id, field.kind) {
                (1, Kind::List) => {
                    for _ in 0..reader.structs(field)? {
                        if self.chunks.len() < MAX_LEAVES * 2 {
                            self.chunks.push(read_chunk(reader)?);
                        } else {
                            reader.skip_struct()?;
                        }
                    }
                }
                (3, Kind::Integer) => self.rows = Some(reader.count()?),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

fn read_chunk(reader: &mut Reader<'_>) -> Result<Chunk, ThriftError> {
    let mut chunk = Chunk::default();
    let mut is_elsewhere = false;
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (1, Kind::Binary) => is_elsewhere |= !reader.binary()?.is_empty(),
            (3, Kind::Struct) => read_chunk_metadata(reader, &mut chunk)?,
            (8, _) => {
                is_elsewhere = true;
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if is_elsewhere {
        chunk.place = None;
    }
    Ok(chunk)
}

fn read_chunk_metadata(reader: &mut Reader<'_>, chunk: &mut Chunk) -> Result<(), ThriftError> {
    let (mut length, mut data, mut dictionary) = (0, None, None);
    reader.fields(|reader, field| {
        match (field.id, field.kind) {
            (4, Kind::Integer) => chunk.codec = reader.integer()?,
            (7, Kind::Integer) => length = reader.count()?,
            (9, Kind::Integer) => data = Some(reader.count()?),
            (11, Kind::Integer) => dictionary = Some(reader.integer()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // Some writers set an offset of 0 where there is no dictionary.
    let dictionary = dictionary.and_then(|at| u64::try_from(at).ok()).filter(|at| *at > 0);
    chunk.place = data.map(|data| Place {
        begin: dictionary.map_or(data, |dictionary| dictionary.min(data)),
        length,
    });
    Ok(())
}
