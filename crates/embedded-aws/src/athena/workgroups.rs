//! Workgroups and saved queries.

use serde_json::{Value, json};

use super::access::CallerAccess;
use super::settings::{NamedQuery, Workgroup};
use super::wire::{ApiError, Input, with_token};

/// Maximum number of items of a page.
const PAGE: usize = 50;

fn engine() -> Value {
    json!({ "SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3" })
}

fn state(workgroup: &Workgroup) -> &'static str {
    if workgroup.is_disabled { "DISABLED" } else { "ENABLED" }
}

/// Returns a workgroup, if there is one of this name.
pub(super) fn find(access: &CallerAccess, name: &str) -> Result<Workgroup, ApiError> {
    let found = access.state.athena.settings.lock().workgroups.get(name).cloned();
    found.ok_or_else(|| ApiError::invalid(format!("WorkGroup {name} is not found.")))
}

pub(super) fn list(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    access.require("ListWorkGroups", "*")?;
    let all: Vec<Value> = access
        .state
        .athena
        .settings
        .lock()
        .workgroups
        .values()
        .map(|workgroup| {
            json!({ "Name": workgroup.name, "State": state(workgroup), "Description": workgroup.description,
                "EngineVersion": engine() })
        })
        .collect();
    let (page, next) = input.paged(all, PAGE, "workgroups")?;
    Ok(with_token(json!({ "WorkGroups": page }), next))
}

pub(super) fn get(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let name = input.required("WorkGroup")?;
    access.require("GetWorkGroup", &format!("workgroup/{name}"))?;
    let workgroup = find(access, name)?;
    let mut results = json!({});
    if let (Some(location), Some(members)) = (&workgroup.output_location, results.as_object_mut()) {
        members.insert("OutputLocation".to_owned(), location.as_str().into());
    }
    let mut configuration = json!({
        "ResultConfiguration": results, "EnforceWorkGroupConfiguration": true, "PublishCloudWatchMetricsEnabled": false,
        "RequesterPaysEnabled": false, "EngineVersion": engine(),
    });
    if let (Some(limit), Some(members)) = (workgroup.bytes_limit, configuration.as_object_mut()) {
        members.insert("BytesScannedCutoffPerQuery".to_owned(), limit.into());
    }
    Ok(
        json!({ "WorkGroup": { "Name": workgroup.name, "State": state(&workgroup), "Description": workgroup.description,
        "Configuration": configuration } }),
    )
}

fn to_json(query: &NamedQuery) -> Value {
    json!({ "NamedQueryId": query.id, "Name": query.name, "Database": query.database, "QueryString": query.sql,
        "WorkGroup": query.workgroup })
}

fn named_query(access: &CallerAccess, id: &str) -> Option<NamedQuery> {
    let settings = access.state.athena.settings.lock();
    settings.named_queries.iter().find(|query| query.id == id).cloned()
}

pub(super) fn list_named(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let workgroup = input.get("WorkGroup").unwrap_or("primary");
    access.require("ListNamedQueries", &format!("workgroup/{workgroup}"))?;
    find(access, workgroup)?;
    let settings = access.state.athena.settings.lock();
    let of_workgroup = settings
        .named_queries
        .iter()
        .filter(|query| query.workgroup == workgroup);
    let ids: Vec<String> = of_workgroup.map(|query| query.id.clone()).collect();
    drop(settings);
    let (page, next) = input.paged(ids, PAGE, workgroup)?;
    Ok(with_token(json!({ "NamedQueryIds": page }), next))
}

pub(super) fn get_named(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let id = input.required("NamedQueryId")?;
    let query = named_query(access, id);
    let workgroup = query.as_ref().map_or("primary", |query| &query.workgroup);
    access.require("GetNamedQuery", &format!("workgroup/{workgroup}"))?;
    let query = query.ok_or_else(|| ApiError::invalid(format!("Named query {id} was not found")))?;
    Ok(json!({ "NamedQuery": to_json(&query) }))
}

pub(super) fn batch_get_named(access: &CallerAccess, input: &Input) -> Result<Value, ApiError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in batch(input, "NamedQueryIds")? {
        let query = named_query(access, &id);
        match query {
            Some(query) => {
                access.require("BatchGetNamedQuery", &format!("workgroup/{}", query.workgroup))?;
                found.push(to_json(&query));
            }
            None => missing.push(json!({ "NamedQueryId": id, "ErrorCode": "INVALID_INPUT",
                "ErrorMessage": format!("Named query {id} was not found") })),
        }
    }
    Ok(json!({ "NamedQueries": found, "UnprocessedNamedQueryIds": missing }))
}

/// Returns the IDs of a batch.
pub(super) fn batch(input: &Input, name: &str) -> Result<Vec<String>, ApiError> {
    let ids = input.list(name);
    if ids.is_empty() || ids.len() > PAGE {
        return Err(ApiError::invalid(format!(
            "{name} must have between 1 and {PAGE} items"
        )));
    }
    Ok(ids)
}
