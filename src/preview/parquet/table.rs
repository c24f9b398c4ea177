//! The table of a file: its columns, and the rows that the first pages have.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::assemble::{Triplets, leaf_count, type_name, write};
use super::column::{LeafRow, LeafRows, NotRead, Triplet, Wanted};
use super::footer::{Footer, MAX_LEAVES, Place};
use super::page::{FirstPages, Next};
use super::pages::LeafType;
use super::schema::{Logical, Node, NodeKind};
use crate::blocking::CpuError;
use crate::preview::Cell;
use crate::preview::cell::JsonText;
use crate::preview::table::{Column, Format, Limits, Table};

/// Maximum bytes of the values of one column that are in memory before its cells are made.
const MAX_COLUMN_BYTES: usize = 6 * 1024 * 1024;

/// A leaf whose values are shown, and the beginning of its chunk.
#[derive(Debug)]
pub(super) struct Leaf {
    read_as: LeafType,
    logical: Logical,
    place: Option<Place>,
    bytes: BytesMut,
    rows: u64,
}

impl Leaf {
    /// Returns the leaves of the columns that are shown, in their order.
    pub fn of(footer: &Footer, limits: Limits, size: u64) -> Vec<Self> {
        let nodes = footer.columns.iter().filter_map(|column| column.node.as_ref());
        let mut leaves = Vec::new();
        for node in nodes {
            collect(node, &mut |position, leaf, logical| {
                let chunk = footer.group.chunks.get(position).copied().unwrap_or_default();
                let is_inside = |place: &Place| place.begin.checked_add(place.length).is_some_and(|end| end <= size);
                leaves.push(Self {
                    read_as: LeafType {
                        codec: chunk.codec,
                        ..leaf
                    },
                    logical,
                    place: chunk.place.filter(is_inside),
                    bytes: BytesMut::new(),
                    rows: rows_of(footer, limits),
                });
            });
        }
        leaves
    }

    pub fn is_flat(&self) -> bool {
        self.read_as.max_repetition == 0
    }

    /// Returns the range of the chunk's beginning, at most `max` bytes.
    pub fn first_range(&self, max: u64) -> Option<Range<u64>> {
        let place = self.place.filter(|place| place.length > 0 && self.rows > 0)?;
        Some(place.begin..place.begin + place.length.min(max))
    }

    /// Returns what is missing of the chunk up to this place in it.
    pub fn range_to(&self, end: u64) -> Option<Range<u64>> {
        let place = self.place?;
        let begin = place.begin + self.bytes.len() as u64;
        let end = place.begin + end.min(place.length);
        (begin < end).then_some(begin..end)
    }

    /// Adds bytes that follow those that are there.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn first_pages(&self) -> FirstPages {
        let length = self.place.map_or(0, |place| place.length);
        FirstPages::find(&self.bytes, length, self.rows, self.is_flat())
    }

    pub fn bytes_read(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the size of the largest page and the dictionary, unpacked.
    pub fn unpacked_bytes(&self) -> usize {
        let pages = self.first_pages().pages;
        let sizes = pages.iter().map(|page| page.header.bytes);
        usize::try_from(sizes.max().unwrap_or_default()).unwrap_or(usize::MAX)
    }

    /// Decodes the rows.
    fn read(&self, cell_chars: usize, leaves: usize, bytes_left: usize) -> (LeafRows, Option<NotRead>) {
        let Some(place) = self.place else {
            return (
                Vec::new(),
                Some(NotRead(
                    "the footer does not say where its values are, or they are encrypted".to_owned(),
                )),
            );
        };
        let first = self.first_pages();
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let wanted = Wanted::new(self.read_as, self.logical, rows, cell_chars, leaves, bytes_left);
        let (rows, not_read) = if first.has_data() {
            wanted.read(&Bytes::copy_from_slice(&self.bytes), &first)
        } else {
            (Vec::new(), None)
        };
        let is_complete = rows.len() as u64 >= self.rows;
        let reason = || match first.next {
            Next::TooLarge(bytes) => format!("its next page has {bytes} bytes, more than a preview reads"),
            Next::Damaged => "its first pages are damaged".to_owned(),
            Next::Bytes(_) => format!(
                "its first page lies beyond what a preview reads of {} bytes",
                place.length
            ),
            Next::Enough => "its first pages have fewer rows".to_owned(),
        };
        let not_read = not_read.or_else(|| (!is_complete).then(|| NotRead(reason())));
        (rows, not_read)
    }
}

/// Passes the leaves below a node to `take`: position in the file, levels and type.
fn collect(node: &Node, take: &mut impl FnMut(usize, LeafType, Logical)) {
    match &node.kind {
        NodeKind::Leaf {
            leaf,
            physical,
            logical,
            repetition,
        } => {
            let leaf_type = LeafType {
                physical: *physical,
                max_definition: node.definition,
                max_repetition: *repetition,
                codec: 0,
            };
            take(*leaf, leaf_type, *logical);
        }
        NodeKind::Group { children, .. } => children.iter().for_each(|child| collect(child, take)),
    }
}

/// Returns the number of rows that are shown.
fn rows_of(footer: &Footer, limits: Limits) -> u64 {
    let in_group = footer.group.rows.unwrap_or(footer.total_rows);
    in_group.min(footer.total_rows).min(limits.rows as u64)
}

/// Makes the table out of the leaves' first bytes. `check` fails after the deadline.
pub(super) fn table_of(
    footer: &Footer,
    leaves: &[Leaf],
    limits: Limits,
    check: impl Fn() -> Result<(), CpuError>,
) -> Result<Table, CpuError> {
    let count = usize::try_from(rows_of(footer, limits)).unwrap_or_default();
    let cell_chars = limits.cell_chars(footer.columns.len());
    let mut rows: Vec<Vec<Cell>> = vec![Vec::with_capacity(footer.columns.len()); count];
    let mut columns = Vec::new();
    let mut rest = leaves;
    for top in &footer.columns {
        check()?;
        let Some(node) = &top.node else {
            let mut column = Column::new(&top.name, "struct<…>");
            column.not_read = Some(format!(
                "it has {} fields; a preview reads {MAX_LEAVES} fields at most",
                top.leaves
            ));
            columns.push(column);
            for row in &mut rows {
                row.push(Cell::null());
            }
            continue;
        };
        let (own, others) = rest.split_at_checked(leaf_count(node)).unwrap_or((rest, &[]));
        rest = others;
        let mut column = Column::new(&top.name, &type_name(node));
        let (read, not_read) = read_leaves(own, cell_chars, &check)?;
        let shown = read.iter().map(Vec::len).min().unwrap_or_default();
        column.not_read = not_read.filter(|_| shown < count).map(|NotRead(reason)| match shown {
            0 => reason,
            shown => format!("{reason}; rows after the first {shown} are null"),
        });
        for (at, row) in rows.iter_mut().enumerate() {
            row.push(if at < shown {
                cell_of(node, &read, at, cell_chars)
            } else {
                Cell::null()
            });
        }
        columns.push(column);
    }
    let warnings = footer
        .is_cut
        .then(|| "The footer is longer than what a preview reads, so some columns have no values here.".to_owned());
    Ok(Table {
        format: Format::Parquet,
        compression: None,
        encoding: None,
        delimiter: None,
        has_header: None,
        columns,
        columns_total: footer.columns_total,
        total_rows: Some(footer.total_rows),
        has_more: footer.total_rows > count as u64,
        rows,
        warnings: warnings.into_iter().collect(),
    })
}

/// Decodes the leaves of a column, whose values share [`MAX_COLUMN_BYTES`].
fn read_leaves(
    leaves: &[Leaf],
    cell_chars: usize,
    check: &impl Fn() -> Result<(), CpuError>,
) -> Result<(Vec<LeafRows>, Option<NotRead>), CpuError> {
    let mut read = Vec::new();
    let mut first_problem = None;
    let mut bytes_left = MAX_COLUMN_BYTES;
    for leaf in leaves {
        check()?;
        let (rows, not_read) = leaf.read(cell_chars, leaves.len(), bytes_left);
        let kept = rows.iter().flat_map(|row| &row.triplets).map(Triplet::kept_bytes);
        bytes_left = bytes_left.saturating_sub(kept.sum());
        let is_readable = !rows.is_empty();
        read.push(rows);
        first_problem = first_problem.or(not_read);
        if first_problem.is_some() && !is_readable {
            break;
        }
    }
    Ok((read, first_problem))
}

/// Assembles the value of a column in one row.
fn cell_of(node: &Node, leaves: &[LeafRows], row: usize, cell_chars: usize) -> Cell {
    let rows: Vec<&LeafRow> = leaves.iter().filter_map(|leaf| leaf.get(row)).collect();
    let triplets: Vec<Triplets<'_>> = rows.iter().map(|row| Triplets::of(row)).collect();
    let mut json = JsonText::new(cell_chars * 4);
    write(node, &triplets, &mut json);
    if rows.iter().any(|row| row.is_cut) {
        Cell::cut_json(json.as_str(), cell_chars)
    } else {
        Cell::json(json.as_str(), cell_chars)
    }
}
