//! The registry's mutations of Tabulator tables, in both places of the schema.
//!
//! Configurations are accepted if they follow the registry's schema; whether Tabulator can read the table that they describe
//! shows in a query.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::TabulatorTables;
use super::graphql::{Node, Object};
use super::registry_users::RegistryUser;
use crate::catalog::TableConfig;

/// A generation of the registry's Tabulator, named by the date of its first schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, clap::ValueEnum)]
pub enum TabulatorGeneration {
    /// No Tabulator.
    #[value(name = "none")]
    WithoutTabulator,
    /// Tables are set by administrators. Until 2025-10-07.
    #[value(name = "2024-10-04")]
    October2024,
    /// Tables are set by users who may write the bucket.
    #[default]
    #[value(name = "2025-10-08")]
    October2025,
}

#[derive(Debug, Default)]
struct Settings {
    generation: TabulatorGeneration,
    is_open: bool,
}

/// A handle on the settings of a registry's Tabulator, which may change while it runs. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct TabulatorSettings(Arc<Mutex<Settings>>);

impl TabulatorSettings {
    /// Serves another generation of the schema, as after an upgrade of the stack.
    pub fn set_generation(&self, generation: TabulatorGeneration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).generation = generation;
    }

    /// Opens the tables to queries from outside of the catalog, or closes them.
    pub fn set_open_query(&self, is_open: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_open = is_open;
    }

    pub(super) fn generation(&self) -> TabulatorGeneration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).generation
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_open
    }
}

/// The mutations, as a user may make them.
pub(super) struct TabulatorMutations<'r> {
    pub tables: &'r TabulatorTables,
    pub user: RegistryUser,
    /// Whether they are those of administrators.
    pub is_of_admins: bool,
}

impl TabulatorMutations<'_> {
    /// Runs a mutation. `None` if it is not one of Tabulator.
    pub fn run(&self, name: &str, arguments: &Map<String, Value>) -> Option<Value> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let (bucket, table) = (text("bucketName")?, text("tableName")?);
        let run = match name {
            "bucketSetTabulatorTable" => Self::set,
            "bucketRenameTabulatorTable" => Self::rename,
            _ => return None,
        };
        let level = self.user.active.level(bucket);
        Some(if level.is_none() && !self.is_of_admins {
            operation_error("BucketNotFound", &format!("Bucket {bucket} not found"))
        } else if level != Some("READ_WRITE") && !self.is_of_admins {
            operation_error("AccessDenied", &format!("Access denied to bucket {bucket}"))
        } else {
            run(self, bucket, table, arguments)
        })
    }

    fn set(&self, bucket: &str, table: &str, arguments: &Map<String, Value>) -> Value {
        if !is_name(table) {
            return invalid("tableName", "Invalid table name");
        }
        let config = arguments.get("config").and_then(Value::as_str);
        if config.is_some_and(|config| TableConfig::parse(config).is_err()) {
            return invalid("config", "Invalid table configuration");
        }
        if config.is_none() && !self.names(bucket).iter().any(|name| name == table) {
            return invalid("tableName", "Table not found");
        }
        self.tables.set(bucket, table, config.map(str::to_owned));
        self.bucket_config(bucket)
    }

    fn rename(&self, bucket: &str, table: &str, arguments: &Map<String, Value>) -> Value {
        let new_name = arguments
            .get("newTableName")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !is_name(new_name) {
            return invalid("newTableName", "Invalid table name");
        }
        if self.tables.rename(bucket, table, new_name) {
            return self.bucket_config(bucket);
        }
        if self.names(bucket).iter().any(|name| name == new_name) {
            return invalid("newTableName", "Table already exists");
        }
        invalid("tableName", "Table not found")
    }

    fn names(&self, bucket: &str) -> Vec<String> {
        self.tables.tables(bucket).into_iter().map(|(name, _)| name).collect()
    }

    fn bucket_config(&self, bucket: &str) -> Value {
        json!({ "__typename": "BucketConfig", "name": bucket, "tabulatorTables": tables(self.tables, bucket) })
    }
}

impl<'n> Object<'n> for TabulatorMutations<'n> {
    fn type_name(&self) -> String {
        "AdminMutations".to_owned()
    }

    fn field(&self, name: &str, arguments: &Map<String, Value>) -> Result<Node<'n>, String> {
        Ok(Node::Json(self.run(name, arguments).unwrap_or_default()))
    }
}

/// Returns the tables of a bucket as `TabulatorTable`s.
pub(super) fn tables(tables: &TabulatorTables, bucket: &str) -> Value {
    let tables = tables.tables(bucket).into_iter();
    tables
        .map(|(name, config)| json!({ "name": name, "config": config }))
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
}

/// Returns `InvalidInput` with one error.
pub(super) fn invalid(path: &str, message: &str) -> Value {
    let error = json!({ "path": path, "name": "ValidationError", "message": message, "context": null });
    json!({ "__typename": "InvalidInput", "errors": [error] })
}

fn operation_error(name: &str, message: &str) -> Value {
    json!({ "__typename": "OperationError", "name": name, "message": message, "context": null })
}
