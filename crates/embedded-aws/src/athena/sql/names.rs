//! Databases and tables as the caller of a query may see them, and `information_schema`.

use super::failure::Failure;
use super::rewrite::TableName;
use crate::athena::source::{Cell, Column, ObjectRef, Table, TableSource};

pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// What the caller of a query may read.
pub(crate) trait Access: Send + Sync {
    /// Checks that the caller may query a data catalog.
    fn catalog(&self, name: &str) -> Result<(), Failure>;
    /// Checks that the caller may see a database.
    fn database(&self, catalog: &str, database: &str) -> Result<(), Failure>;
    /// Checks that the caller may see a table.
    fn table(&self, catalog: &str, database: &str, table: &str) -> Result<(), Failure>;
    /// Checks that the caller may read an object.
    fn object(&self, object: &ObjectRef) -> Result<(), Failure>;
}

/// The tables that a caller sees.
#[derive(Clone, Copy)]
pub(crate) struct Visible<'v> {
    pub source: &'v dyn TableSource,
    pub access: &'v dyn Access,
}

impl Visible<'_> {
    /// Returns the name of a data catalog as the source writes it.
    fn catalog(&self, name: &str) -> Option<String> {
        let catalogs = self.source.catalogs().into_iter();
        let mut names = catalogs.map(|catalog| catalog.name);
        names.find(|other| other.eq_ignore_ascii_case(name))
    }

    /// Returns the name of a data catalog that the caller may query. `offset` is the place of the name in the statement.
    pub fn usable_catalog(&self, sql: &str, name: &str, offset: Option<usize>) -> Result<String, Failure> {
        let Some(catalog) = self.catalog(name) else {
            let message = format!("Catalog '{name}' not found");
            return Err(Failure::new("CATALOG_NOT_FOUND", sql, offset, &message));
        };
        self.access.catalog(&catalog)?;
        Ok(catalog)
    }

    /// Returns the databases of a catalog that the caller sees.
    pub fn databases(&self, catalog: &str) -> Vec<String> {
        let all = self.source.databases(catalog).into_iter();
        all.filter(|database| self.access.database(catalog, database).is_ok())
            .collect()
    }

    /// Returns the tables of a database that the caller sees.
    pub fn tables(&self, catalog: &str, database: &str) -> Vec<Table> {
        if database == INFORMATION_SCHEMA {
            return schema_tables();
        }
        let all = self.source.tables(catalog, database).into_iter();
        all.filter(|table| self.access.table(catalog, database, &table.name).is_ok())
            .collect()
    }

    /// Returns the database and the table of a name. The failure is the one of a query.
    pub fn find(&self, sql: &str, name: &TableName) -> Result<(String, String, Table), Failure> {
        let fail = |kind, message: &str| Err(Failure::new(kind, sql, Some(name.offset), message));
        let catalog = self.usable_catalog(sql, &name.catalog, Some(name.offset))?;
        let databases = self.source.databases(&catalog);
        let database = databases
            .into_iter()
            .chain([INFORMATION_SCHEMA.to_owned()])
            .find(|database| database.eq_ignore_ascii_case(&name.database));
        let Some(database) = database else {
            let message = format!("Schema '{}' does not exist", name.database);
            return fail("SCHEMA_NOT_FOUND", &message);
        };
        if database != INFORMATION_SCHEMA {
            self.access.database(&catalog, &database)?;
        }
        let tables = match database.as_str() {
            INFORMATION_SCHEMA => schema_tables(),
            _ => self.source.tables(&catalog, &database),
        };
        let found = tables
            .into_iter()
            .find(|table| table.name.eq_ignore_ascii_case(&name.table));
        let Some(table) = found else {
            let (catalog, database) = (&name.catalog, &name.database);
            let message = format!("Table '{catalog}.{database}.{}' does not exist", name.table);
            return fail("TABLE_NOT_FOUND", &message);
        };
        if database != INFORMATION_SCHEMA {
            self.access.table(&catalog, &database, &table.name)?;
            let check = self.source.check(&catalog, &database, &table);
            check.map_err(|message| Failure::plain("GENERIC_USER_ERROR", message))?;
        }
        Ok((catalog, database, table))
    }

    /// Returns the rows of a table of `information_schema`.
    pub fn schema_rows(&self, catalog: &str, table: &str) -> Vec<Vec<Cell>> {
        let lower = catalog.to_lowercase();
        let mut rows = Vec::new();
        for database in self.databases(catalog) {
            let place = [Cell::from(lower.as_str()), Cell::from(database.as_str())];
            if table == "schemata" {
                rows.push(place.to_vec());
                continue;
            }
            for found in self.tables(catalog, &database) {
                let place = || place.iter().cloned().chain([Cell::from(found.name.as_str())]);
                if table == "tables" {
                    let kind = if found.table_type == "VIRTUAL_VIEW" {
                        "VIEW"
                    } else {
                        "BASE TABLE"
                    };
                    rows.push(place().chain([Cell::from(kind)]).collect());
                    continue;
                }
                for (ordinal, column) in (1..).zip(&found.columns) {
                    let more = [
                        Cell::from(column.name.as_str()),
                        Cell::Integer(ordinal),
                        Cell::Null,
                        Cell::from("YES"),
                        Cell::from(column.data_type.as_str()),
                    ];
                    rows.push(place().chain(more).collect());
                }
            }
        }
        rows
    }
}

/// Returns the tables of `information_schema`.
fn schema_tables() -> Vec<Table> {
    let table = |name: &str, columns: &[&str]| Table {
        name: name.to_owned(),
        table_type: "EXTERNAL_TABLE",
        columns: columns
            .iter()
            .map(|column| {
                Column::new(
                    *column,
                    if *column == "ordinal_position" {
                        "bigint"
                    } else {
                        "varchar"
                    },
                )
            })
            .collect(),
    };
    let place = ["table_catalog", "table_schema", "table_name"];
    let more = [
        "column_name",
        "ordinal_position",
        "column_default",
        "is_nullable",
        "data_type",
    ];
    vec![
        table("columns", &[&place[..], &more].concat()),
        table("schemata", &["catalog_name", "schema_name"]),
        table("tables", &[&place[..], &["table_type"]].concat()),
    ]
}
