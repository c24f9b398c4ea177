//! The format of text: JSON Lines by its first line, delimited text by its name or by the delimiter that its first lines share.

use super::{Text, delimited};
use crate::preview::format::{Label, NotATable};

/// Delimiters, the likeliest first.
const DELIMITERS: [u8; 4] = [b'\t', b',', b';', b'|'];
/// Rows that have to agree about a delimiter.
const SNIFFED_ROWS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextFormat {
    JsonLines,
    Delimited(u8),
}

/// Returns the format of text, or what it is instead of a table.
pub(super) fn format(text: Text<'_>, label: &Label) -> Result<TextFormat, NotATable> {
    let first = text.text.trim_start();
    if first.is_empty() {
        return Err(NotATable::Empty);
    }
    let says_delimited = label.says_csv() || label.says_tsv();
    if first.starts_with('{') && !says_delimited {
        let (line, rest) = first.split_once('\n').unwrap_or((first, ""));
        let is_cut = rest.is_empty() && text.continues;
        let is_object = serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
        return if is_object || is_cut || label.says_json_lines() {
            Ok(TextFormat::JsonLines)
        } else {
            Err(NotATable::JsonDocument)
        };
    }
    if label.says_json_lines() {
        return Ok(TextFormat::JsonLines);
    }
    if label.says_tsv() {
        return Ok(TextFormat::Delimited(b'\t'));
    }
    if label.says_csv() {
        return Ok(TextFormat::Delimited(shared_delimiter(text, 1).unwrap_or(b',')));
    }
    if label.extension == "json" || first.starts_with('[') {
        return Err(NotATable::JsonDocument);
    }
    let is_other = label.says_other_text() || first.starts_with('<');
    let delimiter = (!is_other).then(|| shared_delimiter(text, 2)).flatten();
    delimiter.map(TextFormat::Delimited).ok_or(NotATable::Text)
}

/// Returns the delimiter by which the first rows, at least `min_rows`, have the same number of cells, and more than one.
fn shared_delimiter(text: Text<'_>, min_rows: usize) -> Option<u8> {
    let widths = |delimiter: u8| delimited::widths(text, delimiter, SNIFFED_ROWS);
    let agrees = |delimiter: &u8| {
        let widths = widths(*delimiter);
        let first = widths.first().copied().unwrap_or_default();
        first > 1 && widths.len() >= min_rows && widths.iter().all(|width| *width == first)
    };
    let shared = DELIMITERS.into_iter().find(agrees);
    // Ragged rows of a file that is named CSV: the delimiter of its first row.
    let of_first_row = || {
        let width = |delimiter: &u8| widths(*delimiter).first().copied().unwrap_or_default();
        DELIMITERS
            .into_iter()
            .rev()
            .max_by_key(width)
            .filter(|delimiter| width(delimiter) > 1)
    };
    shared.or_else(|| (min_rows == 1).then(of_first_row).flatten())
}
