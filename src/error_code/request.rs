//! Codes of requests: authentication, the JSON-RPC envelope, the protocol.

use axum::http::StatusCode;

use super::{Row, UNAUTHORIZED, UNAVAILABLE};

pub(super) const MISSING_JWT: Row = Row {
    name: "missing_jwt",
    status: StatusCode::UNAUTHORIZED,
    rpc: UNAUTHORIZED,
    retryable: false,
    when: "the method needs a bearer token and the request has none",
    remedy: "send the header `Authorization: Bearer …`; if the client sends it, check whether a proxy removes it",
};

pub(super) const INVALID_JWT: Row = Row {
    name: "invalid_jwt",
    status: StatusCode::UNAUTHORIZED,
    rpc: UNAUTHORIZED,
    retryable: false,
    when: "the token is malformed, has a wrong signature, algorithm, issuer or audience, or the registry does not accept it; also in `attempts`",
    remedy: "log in again; if all users are affected, compare the secret, issuer and audience of the signer and the server with `quilt-mcp token inspect`",
};

pub(super) const TOKEN_EXPIRED: Row = Row {
    name: "token_expired",
    status: StatusCode::UNAUTHORIZED,
    rpc: UNAUTHORIZED,
    retryable: false,
    when: "the token is valid except that its `exp` has passed",
    remedy: "log in again; if the token is new, compare the clocks of the signer and the server",
};

pub(super) const FORBIDDEN: Row = Row {
    name: "forbidden",
    status: StatusCode::FORBIDDEN,
    rpc: super::FORBIDDEN,
    retryable: false,
    when: "the registry knows the caller but issues no credentials, or the token names a registry that is not allowed; in `registry` mode the request is refused, otherwise the code appears in `attempts`",
    remedy: "give the user a role in the catalog, or add the host to `QUILT_MCP_ALLOWED_REGISTRIES`",
};

pub(super) const VERIFIER_UNAVAILABLE: Row = Row {
    name: "verifier_unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    rpc: UNAVAILABLE,
    retryable: true,
    when: "the registry or the identity provider does not answer, or neither is configured, so the token can be neither accepted nor refused",
    remedy: "wait for the time in `Retry-After`; if it persists, check the settings, network and DNS of the server",
};

pub(super) const PARSE_ERROR: Row = Row {
    name: "parse_error",
    status: StatusCode::BAD_REQUEST,
    rpc: super::PARSE_ERROR,
    retryable: false,
    when: "the body is not valid JSON, is incomplete, or exceeds the limits on nesting and on the number of values",
    remedy: "correct the client",
};

pub(super) const INVALID_REQUEST: Row = Row {
    name: "invalid_request",
    status: StatusCode::BAD_REQUEST,
    rpc: super::INVALID_REQUEST,
    retryable: false,
    when: "the body is JSON but not a valid request, or a header of the request cannot be read",
    remedy: "correct the client as the message says",
};

pub(super) const INVALID_PARAMS: Row = Row {
    name: "invalid_params",
    status: StatusCode::BAD_REQUEST,
    rpc: super::INVALID_PARAMS,
    retryable: false,
    when: "the method exists, but its params are not valid",
    remedy: "correct the client as the message says",
};

pub(super) const METHOD_NOT_FOUND: Row = Row {
    name: "method_not_found",
    status: StatusCode::NOT_FOUND,
    rpc: super::METHOD_NOT_FOUND,
    retryable: false,
    when: "the method does not exist in the protocol version of the request; the status is 200 before 2026-07-28",
    remedy: "correct the client, or use a protocol version that has the method",
};

pub(super) const UNKNOWN_TOOL: Row = Row {
    name: "unknown_tool",
    status: StatusCode::OK,
    rpc: super::INVALID_PARAMS,
    retryable: false,
    when: "`tools/call` names a tool that does not exist",
    remedy: "list the tools again; the client may have the list of another version of the server",
};

pub(super) const TOOLSET_OFF: Row = Row {
    name: "toolset_off",
    status: StatusCode::OK,
    rpc: super::INVALID_PARAMS,
    retryable: false,
    when: "the tool, resource or completion belongs to a toolset that is switched off",
    remedy: "change `QUILT_MCP_TOOLSETS` of the server, or the header `X-MCP-Toolsets` of the client",
};

pub(super) const UNKNOWN_PROMPT: Row = Row {
    name: "unknown_prompt",
    status: StatusCode::OK,
    rpc: super::INVALID_PARAMS,
    retryable: false,
    when: "the request names a prompt that does not exist or is not available",
    remedy: "choose a prompt that the message or `prompts/list` names",
};

pub(super) const NO_SUCH_RESOURCE: Row = Row {
    name: "no_such_resource",
    status: StatusCode::OK,
    rpc: super::RESOURCE_NOT_FOUND,
    retryable: false,
    when: "the request names a page of the server that does not exist",
    remedy: "choose a page from `resources/list`",
};

pub(super) const HEADER_MISMATCH: Row = Row {
    name: "header_mismatch",
    status: StatusCode::BAD_REQUEST,
    rpc: super::HEADER_MISMATCH,
    retryable: false,
    when: "a header that MCP 2026-07-28 requires is missing or does not match the body",
    remedy: "correct the client, or check whether a proxy changes `MCP-Protocol-Version`, `Mcp-Method` or `Mcp-Name`",
};

pub(super) const UNSUPPORTED_VERSION: Row = Row {
    name: "unsupported_version",
    status: StatusCode::BAD_REQUEST,
    rpc: super::UNSUPPORTED_VERSION,
    retryable: false,
    when: "`MCP-Protocol-Version` names a version that is not supported",
    remedy: "omit the header, or send one of the versions in the message",
};

pub(super) const MISSING_CAPABILITY: Row = Row {
    name: "missing_capability",
    status: StatusCode::BAD_REQUEST,
    rpc: super::MISSING_CAPABILITY,
    retryable: false,
    when: "the request needs a capability that the client did not declare",
    remedy: "use a client that has the capability, or a request that does not need it",
};

pub(super) const UNSUPPORTED_MEDIA_TYPE: Row = Row {
    name: "unsupported_media_type",
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    rpc: super::INVALID_REQUEST,
    retryable: false,
    when: "the body is not declared as JSON, or is compressed",
    remedy: "send `Content-Type: application/json` and an uncompressed body",
};

pub(super) const HOST_NOT_ALLOWED: Row = Row {
    name: "host_not_allowed",
    status: StatusCode::FORBIDDEN,
    rpc: super::FORBIDDEN,
    retryable: false,
    when: "the `Host` of the request is not on the allow-list",
    remedy: "set `QUILT_MCP_PUBLIC_URL`, or add the name to `QUILT_MCP_ALLOWED_HOSTS`",
};

pub(super) const ORIGIN_NOT_ALLOWED: Row = Row {
    name: "origin_not_allowed",
    status: StatusCode::FORBIDDEN,
    rpc: super::FORBIDDEN,
    retryable: false,
    when: "the `Origin` of the web page is not on the allow-list",
    remedy: "add it, with scheme and port, to `QUILT_MCP_ALLOWED_ORIGINS`",
};

pub(super) const NOT_FOUND: Row = Row {
    name: "not_found",
    status: StatusCode::NOT_FOUND,
    rpc: super::INVALID_REQUEST,
    retryable: false,
    when: "the path does not exist",
    remedy: "use the endpoint `POST /mcp`",
};
