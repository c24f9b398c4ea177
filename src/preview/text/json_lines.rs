//! JSON Lines: one object a line. The columns are the keys of the rows that are shown, in the order in which they appear.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::infer;
use super::{MAX_CELLS, Read, Text};
use crate::preview::Cell;
use crate::preview::table::{Column, Limits, MAX_COLUMNS};

/// Reads the first rows. Ends before a line that is no JSON object, and says so.
pub(super) fn read(text: Text<'_>, limits: Limits) -> Read {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut warnings = Vec::new();
    let mut lines = Lines::new(text);
    let mut members = 0;
    while rows.len() < limits.rows && members <= MAX_CELLS {
        let Some((number, line)) = lines.next() else { break };
        let Ok(row) = serde_json::from_str::<Row<'_>>(line) else {
            warnings.push(format!(
                "Line {number} is not a JSON object of at most {MAX_CELLS} members; the rows before it are shown."
            ));
            break;
        };
        members += row.0.len();
        rows.push(row);
    }
    let is_damaged = !warnings.is_empty();
    let further = if is_damaged { 1 } else { lines.by_ref().count() };
    let total_rows = (!text.continues && !is_damaged).then_some((rows.len() + further) as u64);
    let (names, columns_total) = columns_of(&rows);
    let max = limits.cell_chars(columns_total);
    let positions: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let mut types = vec![Vec::new(); names.len()];
    let mut cells_of = |row: &Row<'_>| {
        let mut cells = vec![Cell::null(); names.len()];
        for (name, value) in &row.0 {
            let Some(at) = positions.get(name.as_str()).copied() else {
                continue;
            };
            if let (Some(cell), Some(types)) = (cells.get_mut(at), types.get_mut(at)) {
                *cell = Cell::json(value.get(), max);
                types.push(infer::of_json(value.get()));
            }
        }
        cells
    };
    let cells = rows.iter().map(&mut cells_of).collect();
    let columns = names.iter().zip(types);
    let columns = columns.map(|(name, types)| Column::new(name, infer::common_json(types).as_str()));
    Read {
        has_header: None,
        columns: columns.collect(),
        columns_total,
        rows: cells,
        total_rows,
        has_more: further > 0 || text.continues,
        warnings,
    }
}

/// Returns the first keys of the rows, and the number of all.
fn columns_of<'a>(rows: &'a [Row<'_>]) -> (Vec<&'a str>, usize) {
    let mut known = std::collections::HashSet::new();
    let names = rows.iter().flat_map(|row| row.0.iter().map(|(name, _)| name.as_str()));
    let mut names: Vec<&str> = names.filter(|name| known.insert(*name)).collect();
    let total = names.len();
    names.truncate(MAX_COLUMNS);
    (names, total)
}

/// The complete lines of a text that are not blank, with their numbers.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
    continues: bool,
}

impl<'a> Lines<'a> {
    fn new(text: Text<'a>) -> Self {
        Self {
            rest: text.text,
            number: 0,
            continues: text.continues,
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, rest) = match self.rest.split_once('\n') {
                Some((line, rest)) => (line, rest),
                None if self.continues || self.rest.is_empty() => return None,
                None => (self.rest, ""),
            };
            self.rest = rest;
            self.number += 1;
            let line = line.trim();
            if !line.is_empty() {
                return Some((self.number, line));
            }
        }
    }
}

/// The members of an object, with their values as JSON text.
struct Row<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Row<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Row<'de>, A::Error> {
                let mut row = Vec::new();
                while let Some(name) = members.next_key::<String>()? {
                    if row.len() >= MAX_CELLS {
                        return Err(A::Error::custom("too many members"));
                    }
                    row.push((name, members.next_value::<&'de RawValue>()?));
                }
                Ok(Row(row))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
