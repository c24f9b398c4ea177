//! Names that are like one that does not exist, for the hint of an error.

use std::cmp::Reverse;
use std::time::Duration;

use tokio::time::Instant;

use super::{TableName, WantedTables};
use crate::athena::{Databases, GLUE_CATALOG, QueryStatus, UserQueries};

/// Maximum number of names in a hint.
const MAX_NAMES: usize = 3;
/// Maximum length of names that are compared, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Minimum similarity of names, in thousandths.
const MIN_SIMILARITY: u64 = 600;
/// How much less similar than the first name the others may be, in thousandths.
const MAX_BEHIND: u64 = 30;
/// Maximum number of tables that are compared.
const MAX_TABLES: usize = 5000;
/// Maximum time for the list of tables, which takes a query where a role may not read metadata.
const TIMEOUT: Duration = Duration::from_secs(8);

/// What a query named and what does not exist, as the failure of the query says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingName {
    /// A table of a database.
    Table {
        database: String,
        catalog: String,
        table: String,
    },
    /// A database of a catalog.
    Database { database: String, catalog: String },
}

impl MissingName {
    /// Reads the reason of a failure: `TABLE_NOT_FOUND: line 1:15: Table 'catalog.database.table' does not exist`, or
    /// `SCHEMA_NOT_FOUND: line 1:15: Schema 'database' does not exist`.
    #[must_use]
    pub fn read(status: &QueryStatus) -> Option<Self> {
        let reason = &status.failure.as_ref()?.reason;
        let named = |kind: &str| {
            let (_, rest) = reason.split_once(kind)?;
            rest.split_once("' does not exist").map(|(name, _)| name)
        };
        let catalog = || status.catalog.clone().unwrap_or_else(|| GLUE_CATALOG.to_owned());
        if let Some(name) = named("Table '") {
            // A database may have no dot in its name, a table may.
            let parts: Vec<&str> = name.splitn(3, '.').collect();
            let (catalog, database, table) = match parts[..] {
                [catalog, database, table] => (catalog.to_owned(), database.to_owned(), table),
                [database, table] => (catalog(), database.to_owned(), table),
                _ => (catalog(), status.database.clone()?, name),
            };
            return Some(Self::Table {
                database,
                catalog,
                table: table.to_owned(),
            });
        }
        let name = named("Schema '")?;
        let (catalog, database) = match name.split_once('.') {
            Some((catalog, database)) => (catalog.to_owned(), database),
            None => (catalog(), name),
        };
        Some(Self::Database {
            database: database.to_owned(),
            catalog,
        })
    }
}

impl UserQueries {
    /// Returns names that exist and are like the missing one; none where they cannot be listed soon.
    pub async fn nearest_names(
        &self,
        missing: &MissingName,
        workgroup: Option<&str>,
        deadline: Instant,
    ) -> Vec<String> {
        let deadline = deadline.min(Instant::now() + TIMEOUT);
        let names = tokio::time::timeout_at(deadline, self.siblings(missing, workgroup, deadline)).await;
        let wanted = match missing {
            MissingName::Table { table, .. } => table,
            MissingName::Database { database, .. } => database,
        };
        nearest(wanted, &names.unwrap_or_default())
    }

    /// Lists the names of which one may be meant.
    async fn siblings(&self, missing: &MissingName, workgroup: Option<&str>, deadline: Instant) -> Vec<String> {
        match missing {
            MissingName::Table { database, catalog, .. } => {
                let of = TableName {
                    catalog: catalog.clone(),
                    database: database.clone(),
                    table: String::new(),
                };
                let wanted = WantedTables {
                    of: &of,
                    pattern: None,
                    limit: MAX_TABLES,
                    workgroup,
                    deadline,
                };
                let page = self.tables(&wanted, None).await;
                let tables = page.map(|page| page.tables).unwrap_or_default();
                tables.into_iter().map(|table| table.name).collect()
            }
            MissingName::Database { catalog, .. } => {
                let found = self.databases(Some(catalog), workgroup).await;
                found.map(Databases::names).unwrap_or_default()
            }
        }
    }
}

/// Returns the names that are most like the wanted one, the most similar first.
#[must_use]
pub fn nearest(wanted: &str, names: &[String]) -> Vec<String> {
    // A name has at most 255 characters; the time of a comparison grows with their product.
    if wanted.len() > MAX_NAME_BYTES {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    let mut similar: Vec<(u64, &String)> = names
        .iter()
        .filter(|name| name.len() <= MAX_NAME_BYTES)
        .map(|name| (similarity(&wanted, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    similar.sort_by_key(|(similarity, name)| (Reverse(*similarity), *name));
    // Names of one bucket's tables are all alike.
    let best = similar.first().map_or(0, |(similarity, _)| *similarity);
    similar.retain(|(similarity, _)| similarity + MAX_BEHIND >= best);
    similar
        .into_iter()
        .take(MAX_NAMES)
        .map(|(_, name)| name.clone())
        .collect()
}

/// Returns the similarity of two names in thousandths. A name that is a part of the other is very similar.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the similarity is between 0 and 1"
)]
fn similarity(wanted: &str, name: &str) -> u64 {
    let of_letters = (strsim::normalized_damerau_levenshtein(wanted, name) * 1000.0) as u64;
    let is_part = |part: &str, whole: &str| part.len() >= 3 && whole.contains(part);
    if is_part(wanted, name) || is_part(name, wanted) {
        of_letters.max(900)
    } else {
        of_letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_if_few_letters_differ_or_one_is_a_part_of_the_other() {
        let names = ["lab_package_tag", "lab_package_entry", "lab_packages", "other"].map(str::to_owned);
        for (wanted, expected) in [
            ("lab_package_tags", vec!["lab_package_tag"]),
            ("LAB_PACKAGE_ENTRIES", vec!["lab_package_entry"]),
            ("package_tag", vec!["lab_package_tag"]),
            ("othr", vec!["other"]),
            ("samples", vec![]),
            ("", vec![]),
            (&"lab_package_tag".repeat(20_000), vec![]),
        ] {
            assert_eq!(nearest(wanted, &names), expected, "{wanted}");
        }
    }
}
