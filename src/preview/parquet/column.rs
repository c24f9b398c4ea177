//! The values of one column for the first rows, decoded by the `parquet` crate.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96Type,
};
use parquet::errors::ParquetError as CrateError;
use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type};

use super::page::FirstPages;
use super::pages::{LeafType, Pages};
use super::schema::{Logical, Physical};
use super::value::{Raw, json};

/// Values of a leaf that are kept of one row: further ones are behind the end of any cell.
const MAX_TRIPLETS_OF_ROW: usize = 1000;

/// A level of repetition, a level of definition, and the JSON of a value that is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Triplet {
    pub repetition: i16,
    pub definition: i16,
    pub json: Option<String>,
}

impl Triplet {
    /// Returns the memory that it takes.
    pub fn kept_bytes(&self) -> usize {
        size_of::<Self>() + self.json.as_ref().map_or(0, String::len)
    }
}

/// The triplets of a leaf in one row.
#[derive(Debug, Clone, Default)]
pub(super) struct LeafRow {
    pub triplets: Vec<Triplet>,
    /// Whether the row has more.
    pub is_cut: bool,
}

/// The triplets of a leaf, row by row.
pub(super) type LeafRows = Vec<LeafRow>;

/// Why a column is not shown, or not in all rows. A predicate of the column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotRead(pub String);

impl From<CrateError> for NotRead {
    fn from(error: CrateError) -> Self {
        Self(match error {
            CrateError::NYI(what) => format!("{what} is not supported"),
            CrateError::NeedMoreData(_) => "its values need more memory than a preview uses".to_owned(),
            _ => "its first pages are damaged".to_owned(),
        })
    }
}

/// What is read of a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub leaf: LeafType,
    pub logical: Logical,
    pub rows: usize,
    pub cell_chars: usize,
    /// Values that are kept of a row.
    pub triplets: usize,
    /// Bytes of values that may still be kept of the column.
    pub bytes_left: usize,
}

impl Wanted {
    pub fn new(
        leaf: LeafType,
        logical: Logical,
        rows: usize,
        cell_chars: usize,
        leaves: usize,
        bytes_left: usize,
    ) -> Self {
        let triplets = (100_000 / (rows.max(1) * leaves.max(1))).clamp(10, MAX_TRIPLETS_OF_ROW);
        Self {
            leaf,
            logical,
            rows,
            cell_chars,
            triplets,
            bytes_left,
        }
    }

    /// Decodes the rows of a leaf. Decoders may panic on damaged pages; that is one more kind of damage.
    pub fn read(self, chunk: &Bytes, first: &FirstPages) -> (LeafRows, Option<NotRead>) {
        let mut rows = Vec::new();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.read_by_type(chunk, first, &mut rows)));
        let damaged = || NotRead("its first pages are damaged".to_owned());
        let not_read = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.into()),
            Err(_panicked) => Some(damaged()),
        };
        (rows, not_read)
    }

    fn read_by_type(self, chunk: &Bytes, first: &FirstPages, rows: &mut LeafRows) -> Result<(), CrateError> {
        let pages = Pages::new(self.leaf, chunk, &first.pages, first.is_end);
        match self.leaf.physical {
            Physical::Boolean => self.read_rows::<BoolType>(pages, rows, |value| Raw::Boolean(*value)),
            Physical::Int32 => self.read_rows::<Int32Type>(pages, rows, |value| Raw::Integer(i64::from(*value))),
            Physical::Int64 => self.read_rows::<Int64Type>(pages, rows, |value| Raw::Integer(*value)),
            Physical::Float => self.read_rows::<FloatType>(pages, rows, |value| Raw::Float(*value)),
            Physical::Double => self.read_rows::<DoubleType>(pages, rows, |value| Raw::Double(*value)),
            Physical::Bytes => self.read_rows::<ByteArrayType>(pages, rows, |value| Raw::Bytes(value.data())),
            Physical::Fixed(_) => {
                self.read_rows::<FixedLenByteArrayType>(pages, rows, |value| Raw::Bytes(value.data()))
            }
            Physical::Int96 => self.read_rows::<Int96Type>(pages, rows, |value| {
                Raw::Int96(value.data().try_into().unwrap_or_default())
            }),
        }
    }

    /// Decodes one row after the other: a value may be as large as its page.
    fn read_rows<T: DataType>(
        self,
        pages: Pages,
        rows: &mut LeafRows,
        raw: impl Fn(&T::T) -> Raw<'_>,
    ) -> Result<(), CrateError> {
        let mut reader = ColumnReaderImpl::<T>::new(Arc::new(self.descriptor::<T>()?), Box::new(pages));
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut column_left = self.bytes_left;
        while rows.len() < self.rows {
            definitions.clear();
            repetitions.clear();
            values.clear();
            let (records, _, levels) =
                reader.read_records(1, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
            if records == 0 {
                break;
            }
            let mut values = values.iter();
            let mut row = LeafRow {
                triplets: Vec::new(),
                is_cut: levels > self.triplets,
            };
            // Twice what a cell shows, with four bytes for each character: what is cut here is behind the end of the cell.
            let mut bytes_left = self.cell_chars.saturating_mul(8);
            for at in 0..levels.min(self.triplets) {
                let definition = definitions.get(at).copied().unwrap_or(self.leaf.max_definition);
                let value = if definition == self.leaf.max_definition {
                    values.next()
                } else {
                    None
                };
                let json = value.map(|value| json(raw(value), self.leaf.physical, self.logical, bytes_left));
                bytes_left = bytes_left.saturating_sub(json.as_ref().map_or(0, String::len));
                row.triplets.push(Triplet {
                    repetition: repetitions.get(at).copied().unwrap_or_default(),
                    definition,
                    json,
                });
            }
            let kept = row.triplets.iter().map(Triplet::kept_bytes).sum();
            column_left = column_left
                .checked_sub(kept)
                .ok_or_else(|| CrateError::NeedMoreData(0))?;
            rows.push(row);
        }
        Ok(())
    }

    fn descriptor<T: DataType>(self) -> Result<ColumnDescriptor, CrateError> {
        let length = match self.leaf.physical {
            Physical::Fixed(length) => length,
            _ => -1,
        };
        let physical: PhysicalType = T::get_physical_type();
        let leaf = Type::primitive_type_builder("value", physical)
            .with_repetition(Repetition::REQUIRED)
            .with_length(length)
            .build()?;
        let path = ColumnPath::new(vec!["value".to_owned()]);
        Ok(ColumnDescriptor::new(
            Arc::new(leaf),
            self.leaf.max_definition,
            self.leaf.max_repetition,
            path,
        ))
    }
}
