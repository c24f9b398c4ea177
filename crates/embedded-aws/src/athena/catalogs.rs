//! Data catalogs, databases and table metadata.

use std::sync::Arc;

use serde_json::{Value, json};

use super::access::CallerAccess;
use super::source::{DataCatalog, Table, TableSource};
use super::sql::{Access as _, Visible, hive_type};
use super::wire::{ApiError, Input, with_token};

/// Maximum number of items of a page.
const PAGE: usize = 50;

pub(super) fn source(access: &CallerAccess) -> Result<Arc<dyn TableSource>, ApiError> {
    let source = access.state.athena.settings.lock().source.clone();
    source.ok_or_else(|| ApiError::invalid("The account has no data catalogs"))
}

fn kind(catalog: &DataCatalog) -> &'static str {
    if catalog.function_arn.is_some() {
        "LAMBDA"
    } else {
        "GLUE"
    }
}

fn find(access: &CallerAccess, input: &Input, operation: &str, member: &str) -> Result<DataCatalog, ApiError> {
    let name = input.required(member)?;
    let mut catalogs = source(access)?.catalogs().into_iter();
    let found = catalogs.find(|catalog| catalog.name.eq_ignore_ascii_case(name));
    let named = found.as_ref().map_or(name, |catalog| &catalog.name);
    access.require(operation, &format!("datacatalog/{named}"))?;
    found.ok_or_else(|| ApiError::invalid(format!("Data catalog {name} was not found")))
}

pub(super) fn list(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    access.require("ListDataCatalogs", "*")?;
    let catalogs = source(access)?.catalogs();
    let summary = |catalog: &DataCatalog| json!({ "CatalogName": catalog.name, "Type": kind(catalog), "Status": "CREATE_COMPLETE" });
    let (page, next) = input.paged(catalogs.iter().map(summary).collect(), PAGE, "catalogs")?;
    Ok(with_token(json!({ "DataCatalogsSummary": page }), next))
}

pub(super) fn get(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let catalog = find(access, input, "GetDataCatalog", "Name")?;
    let parameters = match &catalog.function_arn {
        Some(function) => json!({ "function": function }),
        None => json!({ "catalog-id": access.state.options.account_id }),
    };
    Ok(json!({ "DataCatalog": { "Name": catalog.name, "Type": kind(&catalog), "Parameters": parameters } }))
}

/// Runs `use_it` with what the caller sees of a data catalog.
fn with_visible<T>(access: &CallerAccess, catalog: &str, use_it: impl FnOnce(Visible<'_>) -> T) -> Result<T, ApiError> {
    let denied = |failure: super::sql::Failure| ApiError::new("MetadataException", failure.message);
    access.catalog(catalog).map_err(denied)?;
    let source = source(access)?;
    Ok(use_it(Visible {
        source: &*source,
        access,
    }))
}

pub(super) fn list_databases(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let catalog = find(access, input, "ListDatabases", "CatalogName")?.name;
    let databases = with_visible(access, &catalog, |visible| visible.databases(&catalog))?;
    let databases = databases.into_iter().map(|name| json!({ "Name": name })).collect();
    let (page, next) = input.paged(databases, PAGE, &catalog)?;
    Ok(with_token(json!({ "DatabaseList": page }), next))
}

fn database(access: &CallerAccess, input: &Input, catalog: &str) -> Result<String, ApiError> {
    let name = input.required("DatabaseName")?;
    let databases = with_visible(access, catalog, |visible| visible.databases(catalog))?;
    let found = databases
        .into_iter()
        .find(|database| database.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let message = format!("EntityNotFoundException: Database {name} not found.");
        ApiError::new("MetadataException", message)
    })
}

pub(super) fn get_database(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let catalog = find(access, input, "GetDatabase", "CatalogName")?.name;
    let name = database(access, input, &catalog)?;
    Ok(json!({ "Database": { "Name": name } }))
}

fn to_json(table: &Table) -> Value {
    let columns = table.columns.iter();
    let columns: Vec<Value> = columns
        .map(|column| json!({ "Name": column.name, "Type": hive_type(&column.data_type) }))
        .collect();
    json!({ "Name": table.name, "TableType": table.table_type, "Columns": columns, "PartitionKeys": [], "Parameters": {} })
}

pub(super) fn list_tables(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let catalog = find(access, input, "ListTableMetadata", "CatalogName")?.name;
    let database = database(access, input, &catalog)?;
    let expression = input.get("Expression").unwrap_or(".*");
    let expression = regex::Regex::new(&format!("^(?:{expression})$"));
    let expression = expression.map_err(|_| ApiError::invalid("Expression is not a regular expression"))?;
    let tables = with_visible(access, &catalog, |visible| visible.tables(&catalog, &database))?;
    let tables = tables.iter().filter(|table| expression.is_match(&table.name));
    let (page, next) = input.paged(tables.map(to_json).collect(), PAGE, &database)?;
    Ok(with_token(json!({ "TableMetadataList": page }), next))
}

pub(super) fn get_table(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let catalog = find(access, input, "GetTableMetadata", "CatalogName")?.name;
    let database = database(access, input, &catalog)?;
    let name = input.required("TableName")?;
    let tables = with_visible(access, &catalog, |visible| visible.tables(&catalog, &database))?;
    let table = tables.iter().find(|table| table.name.eq_ignore_ascii_case(name));
    let table = table.ok_or_else(|| {
        let message = format!("EntityNotFoundException: Table {name} not found.");
        ApiError::new("MetadataException", message)
    })?;
    Ok(json!({ "TableMetadata": to_json(table) }))
}
