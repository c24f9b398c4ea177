//! Tabulator tables of a bucket: listed, set, renamed and deleted by the registry's GraphQL.
//!
//! The registry replaces a table without asking, keeps no version of it and has no conditional writes, so a tool lists the tables
//! before it changes one. Another user may change it between the two requests.

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::tabulator::{OPEN_QUERY, Place, TABLES};
use super::graphql::{mutate, query};
use super::mutation::{MutationError, outcome};
use super::{GraphqlError, RegistryAccess};

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TabulatorTable {
    pub name: String,
    /// The configuration, in YAML.
    pub config: String,
}

/// The tables of a bucket, as a user sees them.
#[derive(Debug, Clone)]
pub struct BucketTables {
    pub tables: Vec<TabulatorTable>,
    /// Whether the user is an administrator of the catalog.
    pub is_admin: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TablesResponse {
    me: Option<Me>,
    bucket_config: Option<BucketConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    is_admin: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketConfig {
    tabulator_tables: Vec<TabulatorTable>,
}

#[derive(Deserialize)]
struct OpenQueryResponse {
    admin: OpenQuery,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenQuery {
    tabulator_open_query: bool,
}

/// Requests the tables of a bucket; `None` if the registry does not show the bucket.
pub async fn fetch_tabulator_tables(
    access: &RegistryAccess,
    bucket: &str,
) -> Result<Option<BucketTables>, GraphqlError> {
    let response: TablesResponse = query(access, TABLES, json!({ "b": bucket })).await?;
    let me = response.me.ok_or(GraphqlError::NotLoggedIn)?;
    Ok(response.bucket_config.map(|config| BucketTables {
        tables: config.tabulator_tables,
        is_admin: me.is_admin,
    }))
}

/// Requests whether the tables are open to queries from outside of the catalog, as an administrator.
pub async fn fetch_open_query(access: &RegistryAccess) -> Result<bool, GraphqlError> {
    let response: OpenQueryResponse = query(access, OPEN_QUERY, Value::Null).await?;
    Ok(response.admin.tabulator_open_query)
}

/// Sets the configuration of a table, or deletes the table.
pub async fn set_tabulator_table(
    access: &RegistryAccess,
    bucket: &str,
    table: &str,
    config: Option<&str>,
) -> Result<(), MutationError> {
    let variables = json!({ "b": bucket, "t": table, "c": config });
    let data = in_places(access, Place::set_table, &variables).await?;
    finished(data, "bucketSetTabulatorTable")
}

/// Renames a table.
pub async fn rename_tabulator_table(
    access: &RegistryAccess,
    bucket: &str,
    table: &str,
    new_name: &str,
) -> Result<(), MutationError> {
    let variables = json!({ "b": bucket, "t": table, "n": new_name });
    let data = in_places(access, Place::rename_table, &variables).await?;
    finished(data, "bucketRenameTabulatorTable")
}

/// Sends a mutation in the first place that the schema has. A mutation that does not fit the schema was not executed.
async fn in_places(
    access: &RegistryAccess,
    document: fn(Place) -> String,
    variables: &Value,
) -> Result<Value, GraphqlError> {
    let mut refused = None;
    for place in Place::ALL {
        match mutate(access, &document(place), variables.clone()).await {
            Err(error @ GraphqlError::Schema(_)) => drop(refused.get_or_insert(error)),
            response => return response,
        }
    }
    Err(refused.unwrap_or(GraphqlError::Shape))
}

/// Reads the answer to a mutation in either place.
fn finished(mut data: Value, field: &str) -> Result<(), MutationError> {
    let place = if data.get("admin").is_some() {
        format!("/admin/{field}")
    } else {
        format!("/{field}")
    };
    let answer = data.pointer_mut(&place).map(Value::take).unwrap_or_default();
    let _: BucketConfig = outcome(answer, "BucketConfig")?;
    Ok(())
}
