//! The tables that Athena queries, as the program that sets up the account provides them.

use std::ops::ControlFlow;

/// Provides data catalogs, databases, tables and their rows. It is asked for each query, so that tables follow the objects
/// that they are computed from.
pub trait TableSource: Send + Sync {
    /// Returns the data catalogs, in order.
    fn catalogs(&self) -> Vec<DataCatalog>;

    /// Returns the databases of a data catalog.
    fn databases(&self, catalog: &str) -> Vec<String>;

    /// Returns the tables of a database.
    fn tables(&self, catalog: &str, database: &str) -> Vec<Table>;

    /// Checks that a table can be queried. An error is the text with which queries of it fail.
    fn check(&self, _catalog: &str, _database: &str, _table: &Table) -> Result<(), String> {
        Ok(())
    }

    /// Returns the bucket that a caller must be allowed to list in order to see a database of a catalog with a function of its
    /// own, which acts with the caller's permissions.
    fn listed_bucket(&self, catalog: &str, database: &str) -> Option<String>;

    /// Returns the objects from which the rows of a table are read. The caller of a query needs the permission to read each
    /// of them, and their sizes are what the query scans.
    fn objects(&self, catalog: &str, database: &str, table: &Table) -> Vec<ObjectRef>;

    /// Hands the rows of a table to `sink`, with a cell for each column, until it breaks. An error is the text with which
    /// the query fails.
    fn rows(
        &self,
        catalog: &str,
        database: &str,
        table: &Table,
        sink: &mut dyn FnMut(Vec<Cell>) -> ControlFlow<()>,
    ) -> Result<(), String>;
}

/// A data catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCatalog {
    /// The name, such as `AwsDataCatalog`.
    pub name: String,
    /// The ARN of the Lambda function that answers for it; `None` for Glue's catalog.
    pub function_arn: Option<String>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The name, in lower case.
    pub name: String,
    /// `EXTERNAL_TABLE`, `VIRTUAL_VIEW` or another of Glue's types.
    pub table_type: &'static str,
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type as Athena's SQL writes it, such as `bigint` or `varchar`.
    pub data_type: String,
}

impl Column {
    /// Returns a column of this name and type.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_type: data_type.into(),
        }
    }
}

/// An object behind a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version ID, if a version is named.
    pub version_id: Option<String>,
    /// The size in bytes.
    pub size: u64,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Occurs when there is no value.
    Null,
    /// Occurs for integers, and for booleans as 0 and 1.
    Integer(i64),
    /// Occurs for floating-point numbers.
    Real(f64),
    /// Occurs for `varbinary`.
    Bytes(Vec<u8>),
    /// Occurs for text, and for every other type in the form in which Athena prints it.
    Text(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
