//! Codes of credential sources. `invalid_jwt`, `forbidden` and `timeout` are codes of requests and tools as well.

use axum::http::StatusCode;

use super::{FORBIDDEN, Row, UNAVAILABLE};

pub(super) const NO_CREDENTIALS: Row = Row {
    name: "no_credentials",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "no credential source applies to the caller",
    remedy: "configure a registry, let tokens name roles, or choose a policy with `QUILT_MCP_AMBIENT`",
};

pub(super) const MISSING_CONFIG: Row = Row {
    name: "missing_config",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "in `attempts`: the source is not configured",
    remedy: "set the variable that the message names; nothing, if the source is not wanted",
};

pub(super) const NO_CLAIM: Row = Row {
    name: "no_claim",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "in `attempts`: the token lacks the claim that the source needs",
    remedy: "let the signer add the claim; nothing, if another source gives the credentials",
};

pub(super) const ROLE_NOT_ALLOWED: Row = Row {
    name: "role_not_allowed",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the token names a role that is not on the list",
    remedy: "add the role to `QUILT_MCP_ASSUMABLE_ROLES`, or correct the token",
};

pub(super) const ASSUME_ROLE_FAILED: Row = Row {
    name: "assume_role_failed",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "STS refused the role, or the subject, the tags or the remaining life of the token do not fit a session",
    remedy: "compare the policies under \"The roles\"; the token must be valid for 15 minutes more",
};

pub(super) const REQUEST_FAILED: Row = Row {
    name: "request_failed",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the registry, STS or the provider of the server's own credentials answered with an error or did not answer",
    remedy: "try again; if it persists, check the service that the message names",
};

pub(super) const INVALID_RESPONSE: Row = Row {
    name: "invalid_response",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "an answer, or a claim of the token, has no usable credentials",
    remedy: "check the version and the log of the registry, or the credentials embedded in the token",
};

pub(super) const NOT_JSON: Row = Row {
    name: "not_json",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: false,
    when: "the address of the registry answers with a web page",
    remedy: "`QUILT_REGISTRY_URL` is the address of the catalog; set the address of the registry, or `QUILT_CATALOG_URL` alone",
};
