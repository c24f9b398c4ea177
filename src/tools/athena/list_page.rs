//! Pages of lists that are read whole: rows within a limit and the length of a result.

use serde::{Deserialize, Serialize};

use super::{MAX_ANSWER_CHARS, RESERVED_CHARS};
use crate::tools::answer_size::length;
use crate::tools::{ToolError, cursor};

#[derive(Serialize, Deserialize)]
struct Cursor {
    /// The list: its name, and the arguments that choose it.
    of: String,
    /// Rows before the page.
    o: usize,
}

/// One page.
pub(super) struct ListPage<T> {
    pub rows: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Returns the rows of a page. `of` are the name of the list and the arguments that choose it, to which cursors are bound.
pub(super) fn page<T: Serialize>(
    of: &[&str],
    rows: Vec<T>,
    limit: u64,
    cursor: Option<&str>,
) -> Result<ListPage<T>, ToolError> {
    let of = of.join("\n");
    let offset = match cursor::read::<Cursor>(cursor)? {
        Some(cursor) if cursor.of == of => cursor.o,
        Some(_) => return Err(cursor::foreign()),
        None => 0,
    };
    let total = rows.len();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = fitting(
        rows.into_iter().skip(offset).take(limit),
        MAX_ANSWER_CHARS - RESERVED_CHARS,
    );
    let end = offset + rows.len();
    Ok(ListPage {
        next_cursor: (end < total && !rows.is_empty()).then(|| cursor::write(&Cursor { of, o: end })),
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
