//! Codes of credential sources. `invalid_jwt`, `forbidden` and `timeout` are codes of requests and tools as well.

use axum::http::StatusCode;

use super::{FORBIDDEN, Row, UNAVAILABLE};

pub(super) const NO_CREDENTIALS: Row = Row {
    name: "no_credentials",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "no credential source applies to the caller",
    remedy: "configure a registry, issue tokens that name roles, or set `QUILT_MCP_AMBIENT`",
};

pub(super) const MISSING_CONFIG: Row = Row {
    name: "missing_config",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "in `attempts`: the source is not configured",
    remedy: "set the variable that the message names; no action is needed if the source is not wanted",
};

pub(super) const NO_CLAIM: Row = Row {
    name: "no_claim",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "in `attempts`: the token lacks the claim that the source needs",
    remedy: "add the claim where the token is signed; no action is needed if another source gives the credentials",
};

pub(super) const ROLE_NOT_ALLOWED: Row = Row {
    name: "role_not_allowed",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "the token names a role that is not on the allow-list",
    remedy: "add the role to `QUILT_MCP_ASSUMABLE_ROLES`, or correct the token",
};

pub(super) const ASSUME_ROLE_FAILED: Row = Row {
    name: "assume_role_failed",
    status: StatusCode::OK,
    rpc: FORBIDDEN,
    retryable: false,
    when: "STS refused the role, or the subject, the tags or the remaining lifetime of the token are not valid for a role session",
    remedy: "compare the policies with those under \"The roles\"; the token must be valid for at least 15 more minutes",
};

pub(super) const REQUEST_FAILED: Row = Row {
    name: "request_failed",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the registry, STS or the provider of the server's own credentials returned an error or did not answer",
    remedy: "try again; if it persists, check the service that the message names",
};

pub(super) const INVALID_RESPONSE: Row = Row {
    name: "invalid_response",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the answer of a credential source, or a claim of the token, contains no usable credentials",
    remedy: "check the version and the log of the registry, or the credentials embedded in the token",
};

pub(super) const NOT_JSON: Row = Row {
    name: "not_json",
    status: StatusCode::OK,
    rpc: UNAVAILABLE,
    retryable: false,
    when: "the registry's URL returns a web page",
    remedy: "`QUILT_REGISTRY_URL` is probably the URL of the catalog; set the URL of the registry, or only `QUILT_CATALOG_URL`",
};
