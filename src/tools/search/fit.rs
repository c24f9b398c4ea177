//! The length of a result: clients hide what exceeds it from their models.

use super::row::{Detail, Row};
use crate::catalog::{CatalogLinks, Hit};
use crate::tools::answer_size::length;

/// What is left for members that are added to every result.
pub(super) const RESERVED_CHARS: usize = 600;

/// Rows that fit, or the number of hits of which they would.
pub(super) enum Fitted {
    Rows {
        rows: Vec<Row>,
        /// Whether something of a hit is missing that was to be shown.
        is_cut: bool,
        has_links: bool,
    },
    /// Even the names of all hits are too long.
    Only(usize),
}

/// Shows the hits in as much detail as fits: metadata, matching entries and excerpts are cut first, then links.
pub(super) fn fit(hits: &[Hit], words: &[String], catalog: Option<&CatalogLinks>, max_chars: usize) -> Fitted {
    let mut rows = Vec::new();
    for (level, detail) in Detail::LEVELS.into_iter().enumerate() {
        rows = hits.iter().map(|hit| Row::of(hit, detail, words, catalog)).collect();
        if length(&rows) <= max_chars {
            let has_links = level + 1 < Detail::LEVELS.len();
            return Fitted::Rows {
                rows,
                is_cut: level > 0,
                has_links,
            };
        }
    }
    let mut total = 2;
    let fitting = rows.iter().take_while(|row| {
        total += length(row) + 1;
        total <= max_chars
    });
    let count = fitting.count();
    if count == 0 {
        // One hit has bounded names.
        rows.truncate(1);
        return Fitted::Rows {
            rows,
            is_cut: true,
            has_links: false,
        };
    }
    Fitted::Only(count)
}
