//! Text formats: CSV, TSV and JSON Lines, also packed with gzip, from the beginning of their content.

mod decode;
mod delimited;
mod infer;
mod json_lines;
mod sniff;

use super::format::{self, Label, NotATable};
use super::table::{Format, Limits, Table};

/// Bytes of content that are looked at, unpacked. A row that is longer cannot be shown.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Maximum number of cells of a row, and of all rows that are shown.
const MAX_CELLS: usize = 50_000;

/// The beginning of an object.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    pub bytes: &'a [u8],
    /// Whether the object has more bytes.
    pub continues: bool,
}

/// The beginning of content as text.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    text: &'a str,
    /// Whether the content has more.
    continues: bool,
}

/// Why a beginning is not shown as a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Occurs when the content is something else.
    #[error("the content is no table")]
    NotATable(NotATable),
    /// Occurs when gzip cannot be unpacked.
    #[error("begins as gzip and cannot be unpacked")]
    DamagedGzip,
    /// Occurs when the rows that were asked for need more bytes, and the object has more.
    #[error("more of the object is needed")]
    NeedsMore,
    /// Occurs when even the first row is longer than [`MAX_TEXT_BYTES`].
    #[error("has a first row of more than {MAX_TEXT_BYTES} bytes, which is the most that a preview reads")]
    LongRow,
    /// Occurs when the name says JSON Lines, and the first line is something else.
    #[error("is named JSON Lines, and its first line is no JSON object of at most {MAX_CELLS} members")]
    NoObject,
    /// Occurs when a row has more than [`MAX_CELLS`] cells.
    #[error("has a row of more than {MAX_CELLS} cells, which is the most that a preview reads")]
    WideRow,
}

/// Reads the first rows of text. `is_last` says that no more bytes can be had, and what is there has to do.
pub fn preview(start: Start<'_>, label: &Label, limits: Limits, is_last: bool) -> Result<Table, TextError> {
    let unpacked = format::is_gzip(start.bytes)
        .then(|| decode::unpack(start))
        .transpose()?;
    let content = match &unpacked {
        Some(unpacked) => Start {
            bytes: &unpacked.bytes,
            continues: unpacked.continues,
        },
        None => start,
    };
    // A packed beginning may unpack to more than is looked at; then more bytes of the object do not help.
    let is_full = content.bytes.len() >= MAX_TEXT_BYTES;
    let table = content_preview(content, label, limits, is_last || is_full || !content.continues)?;
    Ok(Table {
        compression: unpacked.is_some().then_some("gzip"),
        ..table
    })
}

fn content_preview(content: Start<'_>, label: &Label, limits: Limits, is_last: bool) -> Result<Table, TextError> {
    if content.bytes.is_empty() && content.continues {
        return Err(if is_last {
            TextError::DamagedGzip
        } else {
            TextError::NeedsMore
        });
    }
    if format::is_parquet(content.bytes) {
        return Err(TextError::NotATable(NotATable::PackedParquet));
    }
    if let Some(binary) = format::binary_format(content.bytes) {
        return Err(TextError::NotATable(binary));
    }
    let decoded = decode::decode(content, label).map_err(TextError::NotATable)?;
    let text = Text {
        text: &decoded.text,
        continues: content.continues,
    };
    let format = sniff::format(text, label).map_err(TextError::NotATable)?;
    if matches!(format, sniff::TextFormat::Delimited(delimiter) if delimited::is_wide(text, delimiter)) {
        return Err(TextError::WideRow);
    }
    let read = match format {
        sniff::TextFormat::JsonLines => json_lines::read(text, limits),
        sniff::TextFormat::Delimited(delimiter) => delimited::read(text, delimiter, limits),
    };
    if read.rows.is_empty() && !read.warnings.is_empty() {
        return Err(TextError::NoObject);
    }
    if read.rows.is_empty() && read.has_more {
        return Err(if is_last {
            TextError::LongRow
        } else {
            TextError::NeedsMore
        });
    }
    if read.rows.len() < limits.rows && read.has_more && !is_last {
        return Err(TextError::NeedsMore);
    }
    let mut warnings = read.warnings;
    if read.rows.len() < limits.rows && read.has_more {
        warnings.push(format!(
            "Only the first {MAX_TEXT_BYTES} bytes of the content were read; the rows in them are shown."
        ));
    }
    Ok(Table {
        format: match format {
            sniff::TextFormat::JsonLines => Format::JsonLines,
            sniff::TextFormat::Delimited(b'\t') => Format::Tsv,
            sniff::TextFormat::Delimited(_) => Format::Csv,
        },
        compression: None,
        encoding: Some(decoded.encoding),
        delimiter: match format {
            sniff::TextFormat::Delimited(delimiter) => Some(char::from(delimiter)),
            sniff::TextFormat::JsonLines => None,
        },
        has_header: read.has_header,
        columns_total: read.columns_total,
        columns: read.columns,
        rows: read.rows,
        total_rows: read.total_rows,
        has_more: read.has_more,
        warnings,
    })
}

/// Rows that a format read out of text.
struct Read {
    has_header: Option<bool>,
    columns: Vec<super::Column>,
    columns_total: usize,
    rows: Vec<Vec<super::Cell>>,
    /// Number of rows, if the text is the whole.
    total_rows: Option<u64>,
    has_more: bool,
    warnings: Vec<String>,
}
