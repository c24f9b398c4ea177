//! Results of queries, kept as one text with the ends of its cells.

/// The result of a query.
#[derive(Debug)]
pub(crate) struct ResultSet {
    /// Names and types.
    pub columns: Vec<(String, String)>,
    /// One for DESCRIBE, whatever it says of its columns; a query has a cell for each column.
    cells_per_row: usize,
    cells: String,
    /// The end of each cell in `cells`; `None` for NULL.
    ends: Vec<Option<usize>>,
}

impl ResultSet {
    /// Returns a result without rows.
    pub fn new(columns: Vec<(String, String)>) -> Self {
        Self {
            cells_per_row: columns.len().max(1),
            columns,
            cells: String::new(),
            ends: Vec::new(),
        }
    }

    /// Returns a result with a line of text in each row. The names of further columns may be added to it.
    pub fn of_lines(column: &str, data_type: &str, lines: impl IntoIterator<Item = String>) -> Self {
        let mut result = Self::new(vec![(column.to_owned(), data_type.to_owned())]);
        for line in lines {
            result.push(Some(&line));
        }
        result
    }

    /// Appends a cell.
    pub fn push(&mut self, cell: Option<&str>) {
        self.cells.push_str(cell.unwrap_or_default());
        self.ends.push(cell.map(|_| self.cells.len()));
    }

    pub fn rows(&self) -> usize {
        self.ends.len() / self.cells_per_row
    }

    /// Returns the size in memory.
    pub fn bytes(&self) -> usize {
        self.cells.len() + self.ends.len() * size_of::<Option<usize>>()
    }

    /// Returns the cells of a row.
    pub fn row(&self, row: usize) -> Vec<Option<&str>> {
        let first = row * self.cells_per_row;
        let before = self.ends.get(..first).unwrap_or_default();
        let mut start = before.iter().rev().flatten().next().copied().unwrap_or_default();
        let ends = self.ends.iter().skip(first).take(self.cells_per_row);
        ends.map(|end| {
            let end = (*end)?;
            let cell = self.cells.get(start..end);
            start = end;
            cell
        })
        .collect()
    }

    /// Releases the memory that growth has reserved.
    pub fn shrink(&mut self) {
        self.cells.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}
