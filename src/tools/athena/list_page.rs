//! Pages of lists that are read whole: rows within a limit and the length of a result.

use serde::{Deserialize, Serialize};

use super::{MAX_ANSWER_CHARS, RESERVED_CHARS};
use crate::tools::answer_size::length;
use crate::tools::{ToolError, cursor};

#[derive(Serialize, Deserialize)]
struct Cursor {
    /// Rows before the page.
    o: usize,
}

/// One page.
pub(super) struct ListPage<T> {
    pub rows: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Returns the rows of a page.
pub(super) fn page<T: Serialize>(rows: Vec<T>, limit: u64, cursor: Option<&str>) -> Result<ListPage<T>, ToolError> {
    let offset = cursor::read::<Cursor>(cursor)?.map_or(0, |cursor| cursor.o);
    let total = rows.len();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = fitting(
        rows.into_iter().skip(offset).take(limit),
        MAX_ANSWER_CHARS - RESERVED_CHARS,
    );
    let end = offset + rows.len();
    Ok(ListPage {
        next_cursor: (end < total && !rows.is_empty()).then(|| cursor::write(&Cursor { o: end })),
        rows,
    })
}

/// Returns the rows that fit into this number of characters; at least one.
pub(super) fn fitting<T: Serialize>(rows: impl Iterator<Item = T>, max_chars: usize) -> Vec<T> {
    let mut filled = 0;
    let mut fitting = Vec::new();
    for row in rows {
        filled += length(&row) + 1;
        if filled > max_chars && !fitting.is_empty() {
            break;
        }
        fitting.push(row);
    }
    fitting
}
