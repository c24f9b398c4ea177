//! Codes of tools. Some of them are codes of requests as well, with an HTTP status of their own.

use axum::http::StatusCode;

use super::{FORBIDDEN, INTERNAL_ERROR, INVALID_PARAMS, LIMITED, RESOURCE_NOT_FOUND, Row, UNAVAILABLE};

pub(super) const ACCESS_DENIED: Row = Row {
    name: "access_denied",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "AWS denied the operation; the message names the action, the resource, the principal and the source of the credentials",
    remedy: "grant the principal the permission, or call as a user who has it",
};

pub(super) const WRITE_NEEDS_USER_CREDENTIALS: Row = Row {
    name: "write_needs_user_credentials",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "only the server's own credentials are available to the call, and they may only read",
    remedy: "send the token of a user who may write",
};

pub(super) const READ_ONLY: Row = Row {
    name: "read_only",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the tool writes, and the server or the request is read-only",
    remedy: "change `QUILT_MCP_READ_ONLY` of the server, or the header `X-MCP-Readonly` of the client",
};

pub(super) const INVALID_ARGUMENT: Row = Row {
    name: "invalid_argument",
    status: StatusCode::OK,
    rpc: INVALID_PARAMS,
    retryable: false,
    when: "an argument is unknown or not valid",
    remedy: "correct the argument as the message says",
};

pub(super) const UNKNOWN_ACTION: Row = Row {
    name: "unknown_action",
    status: StatusCode::OK,
    rpc: INVALID_PARAMS,
    retryable: false,
    when: "the module has no such action",
    remedy: "choose an action that the message lists",
};

pub(super) const CONFIRMATION_REQUIRED: Row = Row {
    name: "confirmation_required",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "a deletion or a switch of the role was not confirmed, or the user was asked and did not agree",
    remedy: "ask the user, then repeat the name of the package or table in `confirm`; a role is switched in the catalog where the client cannot ask",
};

pub(super) const CONFLICT: Row = Row {
    name: "conflict",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the name exists already, or another writer changed it during the call",
    remedy: "read the current state; set `overwrite` to replace it",
};

pub(super) const WORKFLOW_VIOLATION: Row = Row {
    name: "workflow_violation",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the package breaks a rule of the bucket's workflow, or names no workflow where one is required",
    remedy: "correct the package as the message says; `workflow_list` shows the rules",
};

pub(super) const INVALID_MANIFEST: Row = Row {
    name: "invalid_manifest",
    status: StatusCode::OK,
    rpc: INTERNAL_ERROR,
    retryable: false,
    when: "the manifest of a package is damaged, or its hash does not match its name",
    remedy: "check it with `package_verify`; write a new revision",
};

pub(super) const NO_SUCH_BUCKET: Row = Row {
    name: "no_such_bucket",
    status: StatusCode::OK,
    rpc: RESOURCE_NOT_FOUND,
    retryable: false,
    when: "the bucket does not exist, or the caller has no permission to see it",
    remedy: "check the name; `bucket_list` shows the buckets of the caller",
};

pub(super) const NO_SUCH_KEY: Row = Row {
    name: "no_such_key",
    status: StatusCode::OK,
    rpc: RESOURCE_NOT_FOUND,
    retryable: false,
    when: "the object, its version or the entry of the package does not exist, or the caller has no permission to see it",
    remedy: "check the name; `bucket_objects_list` and `package_browse` show what exists",
};

pub(super) const NO_SUCH_PACKAGE: Row = Row {
    name: "no_such_package",
    status: StatusCode::OK,
    rpc: RESOURCE_NOT_FOUND,
    retryable: false,
    when: "the package or its revision does not exist, or the caller has no permission to see it",
    remedy: "check the name; `package_list` and `package_versions` show what exists",
};

pub(super) const TOO_LARGE: Row = Row {
    name: "too_large",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    rpc: INVALID_PARAMS,
    retryable: false,
    when: "the body of the request exceeds `QUILT_MCP_MAX_BODY`; in a tool's result, the result or the work exceeds a limit of the server",
    remedy: "ask for less in one call",
};

pub(super) const THROTTLED: Row = Row {
    name: "throttled",
    status: StatusCode::TOO_MANY_REQUESTS,
    rpc: LIMITED,
    retryable: true,
    when: "the server or the caller has reached a limit on request rate, concurrent calls or memory; in a tool's result, AWS may also have asked to slow down",
    remedy: "wait for the time in `Retry-After`; make fewer concurrent calls, or run more replicas of the server",
};

pub(super) const TIMEOUT: Row = Row {
    name: "timeout",
    status: StatusCode::REQUEST_TIMEOUT,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the body of the request arrived too slowly; in a tool's result or `attempts`, the call exceeded `QUILT_MCP_TOOL_TIMEOUT`, or a service did not answer in time",
    remedy: "try again, with less work in one call; the message names the operation that took too long",
};

pub(super) const CANCELLED: Row = Row {
    name: "cancelled",
    status: StatusCode::SERVICE_UNAVAILABLE,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the server was shutting down, or the client cancelled the call",
    remedy: "try again; if deployments cause it, raise `QUILT_MCP_DRAIN` and `stopTimeout`",
};

pub(super) const UPSTREAM: Row = Row {
    name: "upstream",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "S3, Athena or the registry returned an error that has no code of its own",
    remedy: "try again if `retryable` is true; the message contains the answer of the service",
};

pub(super) const INTERNAL: Row = Row {
    name: "internal",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    rpc: INTERNAL_ERROR,
    retryable: false,
    when: "a bug in the server; in a tool's result the status is 200",
    remedy: "find the request by its `x-request-id` in the log, and report it",
};

pub(super) const SEARCH_UNAVAILABLE: Row = Row {
    name: "search_unavailable",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the catalog's search does not answer, or the catalog has no search",
    remedy: "try again; `bucket_objects_list` and `package_list` work without search",
};

pub(super) const NO_WORKGROUP: Row = Row {
    name: "no_workgroup",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the caller may use no Athena workgroup, or may use several and named none",
    remedy: "name a workgroup, or ask for permission to use one",
};

pub(super) const NO_SUCH_QUERY: Row = Row {
    name: "no_such_query",
    status: StatusCode::OK,
    rpc: INVALID_PARAMS,
    retryable: false,
    when: "the query does not exist, or Athena no longer keeps it",
    remedy: "run the query again",
};
