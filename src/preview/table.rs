//! The table that a preview results in.

use super::Cell;

/// Maximum number of columns that are shown.
pub(super) const MAX_COLUMNS: usize = 100;
/// Maximum length of the name or the type of a column, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Maximum and minimum number of characters of a cell.
const CELL_CHARS: (usize, usize) = (1000, 40);
/// Characters over which the cells of all rows are distributed.
const TABLE_CHARS: usize = 120_000;

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Tsv,
    JsonLines,
    Parquet,
}

impl Format {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Its type by the schema, or as inferred from the rows.
    pub type_name: String,
    /// Why its values are not shown, or not in all rows.
    pub not_read: Option<String>,
}

impl Column {
    pub(super) fn new(name: &str, type_name: &str) -> Self {
        Self {
            name: beginning(name, MAX_NAME_CHARS),
            type_name: beginning(type_name, MAX_NAME_CHARS),
            not_read: None,
        }
    }
}

/// The first rows of a table.
#[derive(Debug)]
pub struct Table {
    pub format: Format,
    /// `gzip` if the content was packed.
    pub compression: Option<&'static str>,
    /// The encoding of a text format.
    pub encoding: Option<&'static str>,
    /// The delimiter of CSV.
    pub delimiter: Option<char>,
    /// Whether the names of the columns are the first row of the content.
    pub has_header: Option<bool>,
    /// At most 100.
    pub columns: Vec<Column>,
    pub columns_total: usize,
    pub rows: Vec<Vec<Cell>>,
    /// Number of rows of the whole table, if it is known.
    pub total_rows: Option<u64>,
    /// Whether the table has more rows.
    pub has_more: bool,
    pub warnings: Vec<String>,
}

/// What is asked of a preview.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Number of rows.
    pub rows: usize,
}

impl Limits {
    /// Returns the maximum number of characters of a cell in a table of `columns`.
    pub(super) fn cell_chars(self, columns: usize) -> usize {
        let (max, min) = CELL_CHARS;
        let cells = self.rows.max(1) * columns.clamp(1, MAX_COLUMNS);
        (TABLE_CHARS / cells).clamp(min, max)
    }
}

/// Returns the beginning of a text: at most `max` characters, then `…` if it is cut.
pub(super) fn beginning(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
