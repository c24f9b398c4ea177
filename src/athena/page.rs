//! Pages of a query's result, with typed values, within a number of rows and of characters.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{AthenaError, QueryStatus, UserQueries};
use crate::aws::AwsErrorKind;
use crate::aws::athena::{BoundedPage, ResultPage, Row};

/// Rows that Athena gives at once.
const MAX_PAGE_ROWS: u32 = 1000;
/// Bytes of JSON of a page for each row that is asked for, and their bounds. What is larger is read in smaller pages.
const ROW_BYTES: u64 = 2 * 1024;
const MIN_PAGE_BYTES: u64 = 256 * 1024;
const MAX_PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// Maximum size of one row, as JSON.
pub const MAX_ROW_BYTES: u64 = 1024 * 1024;
/// The largest integer that every JSON parser reads exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Where a page of rows begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Athena's token of the page; `None` for the first.
    #[serde(rename = "t")]
    token: Option<String>,
    /// Rows of the page that were shown already.
    #[serde(rename = "s")]
    skip: u32,
    /// Rows that the page was asked for with.
    #[serde(rename = "n")]
    page_rows: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    pub name: String,
    pub kind: String,
}

/// How much of a result is shown.
#[derive(Debug, Clone, Copy)]
pub struct RowLimits {
    pub rows: u32,
    /// Characters of the columns and rows as JSON.
    pub chars: usize,
    /// Characters of a cell.
    pub cell_chars: usize,
}

/// Rows of a result.
#[derive(Debug, Clone, Default)]
pub struct ResultRows {
    pub columns: Vec<ResultColumn>,
    pub rows: Vec<Vec<Value>>,
    /// Where the next page begins.
    pub next: Option<Position>,
    /// Cells of which a part is missing.
    pub cut_cells: usize,
}

impl UserQueries {
    /// Reads rows of a query that succeeded.
    pub async fn rows(
        &self,
        status: &QueryStatus,
        from: Option<Position>,
        limits: RowLimits,
    ) -> Result<ResultRows, AthenaError> {
        let mut at = from.unwrap_or_else(|| Position {
            page_rows: (limits.rows + u32::from(status.may_have_header())).min(MAX_PAGE_ROWS),
            ..Position::default()
        });
        let mut found = ResultRows::default();
        let mut filled = 0;
        loop {
            let max_bytes = max_page_bytes(limits, at.page_rows);
            let mut page = match self.page(status, &at, max_bytes).await? {
                BoundedPage::Read(page) => page,
                BoundedPage::TooLarge(_) if at.page_rows <= 1 => return Err(AthenaError::RowTooLarge),
                BoundedPage::TooLarge(bytes) => {
                    // Four fifths of what would fit, since rows differ.
                    let fitting = u64::from(at.page_rows) * max_bytes / bytes * 4 / 5;
                    at.page_rows = u32::try_from(fitting).unwrap_or(1).clamp(1, at.page_rows - 1);
                    continue;
                }
            };
            if found.columns.is_empty() {
                found.columns = columns(&page);
                filled = columns_length(&found.columns);
                if filled > limits.chars / 2 {
                    return Err(AthenaError::TooWide(found.columns.len()));
                }
            }
            if at.token.is_none()
                && status.may_have_header()
                && page.rows.first().is_some_and(|row| is_header(row, &found.columns))
            {
                page.rows.remove(0);
            }
            let page_rows = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
            let skipped = usize::try_from(at.skip).unwrap_or(0);
            for row in page.rows.iter().skip(skipped) {
                let is_full = found.rows.len() >= usize::try_from(limits.rows).unwrap_or(usize::MAX);
                if is_full || !found.push(row, &mut filled, limits) {
                    found.next = Some(at);
                    return Ok(found);
                }
                at.skip += 1;
            }
            match page.next_token {
                Some(token) => {
                    at = Position {
                        token: Some(token),
                        // A page that was read in smaller ones ends before the rows that were shown.
                        skip: at.skip.saturating_sub(page_rows),
                        ..at
                    }
                }
                None => return Ok(found),
            }
            if found.rows.len() >= usize::try_from(limits.rows).unwrap_or(usize::MAX) {
                found.next = Some(at);
                return Ok(found);
            }
        }
    }

    /// Reads a page, if it is not too large for the memory of a call.
    async fn page(&self, status: &QueryStatus, at: &Position, max_bytes: u64) -> Result<BoundedPage, AthenaError> {
        let rows = i32::try_from(at.page_rows.clamp(1, MAX_PAGE_ROWS)).unwrap_or(i32::MAX);
        let page = self.aws.results(&status.id, rows, at.token.as_deref(), max_bytes).await;
        page.map_err(|error| {
            if error.kind == AwsErrorKind::InvalidRequest {
                AthenaError::NoSuchQuery {
                    id: status.id.clone(),
                    reason: error.description(),
                }
            } else {
                error.into()
            }
        })
    }
}

/// Returns the maximum size of a page, in bytes of JSON. It grows with the rows that the call shows, as the memory that is
/// reserved for them does.
fn max_page_bytes(limits: RowLimits, page_rows: u32) -> u64 {
    if page_rows <= 1 {
        return MAX_ROW_BYTES;
    }
    (u64::from(limits.rows) * ROW_BYTES).clamp(MIN_PAGE_BYTES, MAX_PAGE_BYTES)
}

impl ResultRows {
    /// Adds a row, if it fits; the first does in any case, with its cells cut.
    fn push(&mut self, row: &Row, filled: &mut usize, limits: RowLimits) -> bool {
        let (mut cells, mut cut) = cells(row, &self.columns, limits.cell_chars);
        let mut length = json_length(&cells) + 1;
        if *filled + length > limits.chars {
            if !self.rows.is_empty() {
                return false;
            }
            // Each character takes six at most in JSON.
            let share = limits.chars.saturating_sub(*filled) / self.columns.len().max(1) / 6;
            (cells, cut) = self::cells(row, &self.columns, share.saturating_sub(4).max(1));
            length = json_length(&cells) + 1;
        }
        *filled += length;
        self.cut_cells += cut;
        self.rows.push(cells);
        true
    }
}

fn columns(page: &ResultPage) -> Vec<ResultColumn> {
    let columns = page.columns.iter().map(|column| ResultColumn {
        name: column.name.clone(),
        kind: column.r#type.clone(),
    });
    columns.collect()
}

fn columns_length(columns: &[ResultColumn]) -> usize {
    let length = |column: &ResultColumn| column.name.chars().count() + column.kind.chars().count() + 24;
    columns.iter().map(length).sum()
}

fn json_length(cells: &[Value]) -> usize {
    serde_json::to_string(cells).map_or(0, |text| text.chars().count())
}

fn is_header(row: &Row, columns: &[ResultColumn]) -> bool {
    let cells = row.data.as_deref().unwrap_or_default();
    cells.len() == columns.len()
        && cells
            .iter()
            .zip(columns)
            .all(|(cell, column)| cell.var_char_value.as_deref() == Some(&column.name))
}

/// Returns the values of a row, and how many of them were cut.
fn cells(row: &Row, columns: &[ResultColumn], max_chars: usize) -> (Vec<Value>, usize) {
    let mut cut = 0;
    let data = row.data.as_deref().unwrap_or_default().iter().enumerate();
    let values = data.map(|(index, cell)| {
        let kind = columns.get(index).map_or("", |column| column.kind.as_str());
        let Some(text) = cell.var_char_value.as_deref() else {
            return Value::Null;
        };
        let value = typed(text, kind);
        match value {
            Value::String(text) if text.chars().count() > max_chars => {
                cut += 1;
                Value::String(text.chars().take(max_chars).chain(['…']).collect())
            }
            value => value,
        }
    });
    (values.collect(), cut)
}

/// Converts Athena's text of a value. Types without an exact JSON form stay text: decimals, dates, arrays, maps, rows.
fn typed(text: &str, kind: &str) -> Value {
    let number = match kind {
        "tinyint" | "smallint" | "integer" | "int" | "bigint" => {
            let integer = text.parse().ok().filter(|n: &i64| n.unsigned_abs() <= MAX_SAFE_INTEGER);
            integer.map(Number::from)
        }
        "double" | "real" | "float" => text.parse().ok().and_then(Number::from_f64),
        "boolean" => {
            return match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => other.into(),
            };
        }
        _ => None,
    };
    number.map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use aws_sdk_athena::types::Datum;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_typed_where_json_has_the_type() {
        for (text, kind, value) in [
            ("7", "bigint", json!(7)),
            ("9007199254740991", "bigint", json!(9_007_199_254_740_991_i64)),
            ("-9007199254740992", "bigint", json!("-9007199254740992")),
            ("-9223372036854775808", "bigint", json!("-9223372036854775808")),
            ("1.0E10", "double", json!(1e10)),
            ("0.1", "real", json!(0.1)),
            ("NaN", "double", json!("NaN")),
            ("Infinity", "double", json!("Infinity")),
            ("true", "boolean", json!(true)),
            ("1.10", "decimal", json!("1.10")),
            ("2026-01-31 00:00:00.000", "timestamp", json!("2026-01-31 00:00:00.000")),
            ("[1, 2]", "array", json!("[1, 2]")),
            ("{a=1}", "map", json!("{a=1}")),
            ("", "varchar", json!("")),
            ("7", "varchar", json!("7")),
        ] {
            assert_eq!(typed(text, kind), value, "{text} {kind}");
        }
    }

    fn row(cells: &[Option<&str>]) -> Row {
        let data = cells
            .iter()
            .map(|cell| Datum::builder().set_var_char_value(cell.map(str::to_owned)).build());
        Row::builder().set_data(Some(data.collect())).build()
    }

    fn limits(chars: usize) -> RowLimits {
        RowLimits {
            rows: 10,
            chars,
            cell_chars: 2000,
        }
    }

    fn result(names: &[&str]) -> ResultRows {
        let columns = names.iter().map(|name| ResultColumn {
            name: (*name).to_owned(),
            kind: "varchar".to_owned(),
        });
        ResultRows {
            columns: columns.collect(),
            ..ResultRows::default()
        }
    }

    #[test]
    fn null_is_not_an_empty_string_and_long_cells_are_cut() {
        let mut found = result(&["a", "b", "c"]);
        let long = "ä".repeat(3000);
        assert!(found.push(&row(&[None, Some(""), Some(&long)]), &mut 0, limits(48_000)));
        assert_eq!(found.rows[0][..2], [json!(null), json!("")]);
        assert_eq!(found.rows[0][2].as_str().unwrap().chars().count(), 2001);
        assert_eq!(found.cut_cells, 1);
    }

    #[test]
    fn a_row_that_is_too_long_alone_is_cut_and_another_waits() {
        let mut found = result(&["a", "b"]);
        let wide = row(&[Some(&"\u{1}".repeat(2000)), Some(&"x".repeat(2000))]);
        let mut filled = 0;
        assert!(found.push(&wide, &mut filled, limits(3000)));
        assert!(json_length(&found.rows[0]) <= 3000 && found.cut_cells == 2);
        assert!(!found.push(&wide, &mut filled, limits(3000)));
    }

    #[test]
    fn the_header_is_the_names_of_the_columns() {
        let columns = result(&["a", "b"]).columns;
        assert!(is_header(&row(&[Some("a"), Some("b")]), &columns));
        assert!(!is_header(&row(&[Some("a"), None]), &columns));
        assert!(!is_header(&row(&[Some("a")]), &columns));
    }
}
