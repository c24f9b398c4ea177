//! Tables in results.

use schemars::JsonSchema;
use serde::Serialize;

use crate::athena::literal::identifier;
use crate::catalog::{FileParser, TableConfig, TabulatorTable};
use crate::tools::answer_size::length;

/// Characters of a row above which only the beginning of the configuration is shown, so that one row fits into a result.
const MAX_ROW_CHARS: usize = 20_000;
const MAX_CUT_CONFIG_CHARS: usize = 6_000;

/// A table.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Row {
    name: String,
    /// Its name in SQL, where Athena lists the data catalog of Tabulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql_name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<ColumnRow>,
    /// Columns that named groups of the expressions make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    captured_columns: Vec<String>,
    /// Regular expression of package names.
    #[serde(skip_serializing_if = "Option::is_none")]
    package_name: Option<String>,
    /// Regular expression of logical keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    parser: Option<FileParser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continue_on_error: Option<bool>,
    /// YAML.
    config: String,
    /// Only the beginning of the configuration is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
    /// Why the configuration cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ColumnRow {
    name: String,
    r#type: String,
}

impl Row {
    /// Shows a table. A configuration that cannot be read is shown as it is.
    pub(super) fn of(table: &TabulatorTable) -> Self {
        let whole = Self::whole(table);
        if length(&whole) <= MAX_ROW_CHARS {
            return whole;
        }
        Self {
            config: table.config.chars().take(MAX_CUT_CONFIG_CHARS).collect(),
            is_cut: true,
            ..Self::named(table)
        }
    }

    /// Adds the name in SQL.
    pub(super) fn with_sql_name(mut self, catalog: Option<&str>, bucket: &str) -> Self {
        let names = catalog.map(|catalog| [catalog, bucket, &self.name].map(identifier));
        self.sql_name = names.map(|names| names.join("."));
        self
    }

    fn named(table: &TabulatorTable) -> Self {
        Self {
            name: table.name.clone(),
            sql_name: None,
            columns: Vec::new(),
            captured_columns: Vec::new(),
            package_name: None,
            logical_key: None,
            parser: None,
            continue_on_error: None,
            config: String::new(),
            is_cut: false,
            problem: None,
        }
    }

    fn whole(table: &TabulatorTable) -> Self {
        let mut row = Self {
            config: table.config.clone(),
            ..Self::named(table)
        };
        match TableConfig::parse(&table.config) {
            Err(error) => row.problem = Some(format!("The configuration cannot be read: {error}.")),
            Ok((config, patterns)) => {
                row.columns = config.schema.into_iter().map(ColumnRow::from).collect();
                row.captured_columns = patterns.group_names();
                row.package_name = Some(config.source.package_name);
                row.logical_key = Some(config.source.logical_key);
                row.parser = Some(config.parser);
                row.continue_on_error = config.continue_on_error;
            }
        }
        row
    }
}

impl From<crate::catalog::Column> for ColumnRow {
    fn from(column: crate::catalog::Column) -> Self {
        Self {
            name: column.name,
            r#type: column.kind.as_str().to_owned(),
        }
    }
}
