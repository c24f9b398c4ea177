//! Athena: `POST /` in JSON 1.1, told from S3 by `X-Amz-Target`.
//!
//! Queries run on SQLite over the tables of a [`source::TableSource`], with the permissions of the caller: `athena:*` on workgroups
//! and data catalogs; `glue:GetDatabase` and `glue:GetTable`, or `lambda:InvokeFunction`, for what a query names; and the
//! permission to read each object behind a table. The last two kinds have `aws:CalledVia`, as in AWS.
//!
//! **Does not own** the tables, and stores no results in S3.

mod access;
mod catalogs;
mod executions;
mod queries;
pub(crate) mod settings;
mod setup;
mod signature;
pub(crate) mod source;
mod sql;
pub(crate) mod store;
mod wire;
mod workgroups;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use s3s::{Body, HttpResponse};
use serde_json::Value;

use self::access::CallerAccess;
use self::wire::{ApiError, Input, response};
use crate::journal::DetailsHandle;
use crate::state::State;

const TARGET: &str = "AmazonAthena.";
/// Maximum size of a request: a statement has up to 262,144 bytes, which JSON may escape.
const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Returns the operation if a request is for Athena.
pub(crate) fn operation(method: &Method, headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let operation = target.strip_prefix(TARGET).filter(|_| method == Method::POST)?;
    Some(operation.to_owned())
}

/// Answers a request.
pub(crate) async fn answer(
    state: &Arc<State>,
    operation: &str,
    parts: &Parts,
    mut body: Body,
    peer: SocketAddr,
    details: &DetailsHandle,
    request_id: &str,
) -> HttpResponse {
    details.update(|details| details.operation = Some(operation.to_owned()));
    let outcome = match body.store_all_limited(MAX_BODY_BYTES).await {
        Ok(body) => call(state, operation, parts, &body, peer, details),
        Err(_) => Err(ApiError::invalid("The request is too large")),
    };
    response(outcome, request_id)
}

fn call(
    state: &Arc<State>,
    operation: &str,
    parts: &Parts,
    body: &[u8],
    peer: SocketAddr,
    details: &DetailsHandle,
) -> Result<Value, ApiError> {
    let access = CallerAccess::authenticate(state, parts, body, peer)?;
    let members = serde_json::from_slice(body);
    let input =
        Input(members.map_err(|_| ApiError::new("SerializationException", "The request is not a JSON object"))?);
    let resource = ["QueryExecutionId", "WorkGroup"]
        .iter()
        .find_map(|name| input.get(name));
    details.update(|details| {
        details.principal_arn = Some(access.caller.arn.clone());
        details.key = resource.map(str::to_owned);
    });
    match state.athena.settings.take_fault(operation) {
        Some("InternalServerException") => return Err(ApiError::new("InternalServerException", "Athena has failed")),
        Some(code) => return Err(ApiError::new(code, "Rate exceeded")),
        None => {}
    }
    let (access, input) = (&access, &input);
    match operation {
        "ListWorkGroups" => workgroups::list(access, input),
        "GetWorkGroup" => workgroups::get(access, input),
        "ListNamedQueries" => workgroups::list_named(access, input),
        "GetNamedQuery" => workgroups::get_named(access, input),
        "BatchGetNamedQuery" => workgroups::batch_get_named(access, input),
        "ListDataCatalogs" => catalogs::list(access, input),
        "GetDataCatalog" => catalogs::get(access, input),
        "ListDatabases" => catalogs::list_databases(access, input),
        "GetDatabase" => catalogs::get_database(access, input),
        "ListTableMetadata" => catalogs::list_tables(access, input),
        "GetTableMetadata" => catalogs::get_table(access, input),
        "StartQueryExecution" => queries::start(access, input),
        "StopQueryExecution" => queries::stop(access, input),
        "GetQueryExecution" => queries::get(access, input),
        "BatchGetQueryExecution" => queries::batch_get(access, input),
        "GetQueryResults" => queries::results(access, input),
        "ListQueryExecutions" => queries::list(access, input),
        other => Err(ApiError::new(
            "UnknownOperationException",
            format!("{other} is not supported"),
        )),
    }
}
