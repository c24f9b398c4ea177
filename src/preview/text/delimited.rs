//! CSV and TSV: quotes by RFC 4180, the first row as names unless it is data, ragged rows as they are.

use csv::{ReaderBuilder, StringRecord};

use super::infer::{self, Inferred};
use super::{MAX_CELLS, MAX_TEXT_BYTES, Read, Text};
use crate::preview::Cell;
use crate::preview::table::{Column, Limits, MAX_COLUMNS};

/// Maximum number of rows that are counted.
const MAX_COUNTED_ROWS: u64 = MAX_TEXT_BYTES as u64;

/// Reads the first rows.
pub(super) fn read(text: Text<'_>, delimiter: u8, limits: Limits) -> Read {
    let mut rows = Rows::new(text, delimiter);
    let first = rows.next();
    let header = first.as_ref().filter(|row| is_header(row)).cloned();
    let has_header = header.is_some();
    let mut records: Vec<StringRecord> = Vec::new();
    records.extend(first.filter(|_| !has_header));
    let mut cells: usize = records.iter().map(StringRecord::len).sum();
    while records.len() < limits.rows && cells <= MAX_CELLS {
        let Some(record) = rows.next() else { break };
        cells += record.len();
        records.push(record);
    }
    let shown = records.len() as u64;
    let further = rows
        .by_ref()
        .take(usize::try_from(MAX_COUNTED_ROWS).unwrap_or(usize::MAX))
        .count() as u64;
    let width = match &header {
        Some(header) => header.len(),
        None => records.iter().map(StringRecord::len).max().unwrap_or_default(),
    };
    let mut columns: Vec<Column> = (0..width.min(MAX_COLUMNS))
        .map(|index| {
            let name = header.as_ref().and_then(|header| header.get(index)).unwrap_or_default();
            let cells = records.iter().filter_map(|record| record.get(index));
            let inferred = infer::common(cells.map(infer::of_text));
            Column::new(name, inferred.as_str())
        })
        .collect();
    for (index, column) in columns
        .iter_mut()
        .enumerate()
        .filter(|(_, column)| column.name.is_empty())
    {
        column.name = format!("column_{}", index + 1);
    }
    let max = limits.cell_chars(width);
    let cells = |record: &StringRecord| -> Vec<Cell> {
        let cells = record.iter().take(MAX_COLUMNS);
        cells.map(|cell| Cell::string(cell, max)).collect()
    };
    Read {
        has_header: Some(has_header),
        columns,
        columns_total: width,
        rows: records.iter().map(cells).collect(),
        total_rows: (!text.continues).then_some(shown + further),
        has_more: further > 0 || text.continues,
        warnings: Vec::new(),
    }
}

/// Returns the number of cells of each of the first `count` rows.
pub(super) fn widths(text: Text<'_>, delimiter: u8, count: usize) -> Vec<usize> {
    let count = if is_wide(text, delimiter) { 0 } else { count };
    Rows::new(text, delimiter).take(count).map(|row| row.len()).collect()
}

/// Whether the places of a line's cells take more memory than its text.
pub(super) fn is_wide(text: Text<'_>, delimiter: u8) -> bool {
    let mut lines = text.text.as_bytes().split(|byte| *byte == b'\n');
    lines.any(|line| line.len() > MAX_CELLS && memchr::memchr_iter(delimiter, line).count() >= MAX_CELLS)
}

/// Whether a row is names: none of its cells is a number, a boolean or a time, none repeats, and one is not empty.
fn is_header(row: &StringRecord) -> bool {
    let is_name = |cell: &str| matches!(infer::of_text(cell), Inferred::Text | Inferred::Empty);
    let mut names: Vec<&str> = row.iter().filter(|cell| !cell.is_empty()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    count > 0 && names.len() == count && row.iter().all(is_name)
}

/// The complete rows of a text.
struct Rows<'a> {
    reader: csv::Reader<&'a [u8]>,
    /// Length of a text that continues: a row that ends there may be incomplete.
    end: Option<u64>,
}

impl<'a> Rows<'a> {
    fn new(text: Text<'a>, delimiter: u8) -> Self {
        let bytes = text.text.as_bytes();
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        Self {
            reader,
            end: text.continues.then_some(bytes.len() as u64),
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = StringRecord;

    fn next(&mut self) -> Option<StringRecord> {
        let mut record = StringRecord::new();
        let is_read = self.reader.read_record(&mut record).unwrap_or(false);
        let is_complete = self.end.is_none_or(|end| self.reader.position().byte() < end);
        (is_read && is_complete).then_some(record)
    }
}
