//! Table of error codes: one row for each code, with everything that depends on the code.
//!
//! A code appears as `error_code` in a tool's result, as `data.error_code` in a JSON-RPC error, as `code` of an attempt in
//! `attempts`, as the `outcome` of an audit line and as a label of metrics. `quilt-mcp docs errors` prints the table.
//!
//! A new code needs a variant, its entry in [`ErrorCode::ALL`] and in `row`, and its row in one of the three files below.

mod credential;
mod request;
mod tool;

use std::borrow::Cow;
use std::fmt;

use axum::http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

/// JSON-RPC: the body is not JSON.
const PARSE_ERROR: i32 = -32700;
/// JSON-RPC: the JSON is not a request.
const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC: the method does not exist.
const METHOD_NOT_FOUND: i32 = -32601;
/// JSON-RPC: the params of the method cannot be used.
const INVALID_PARAMS: i32 = -32602;
/// JSON-RPC: an error inside this server.
const INTERNAL_ERROR: i32 = -32603;
/// MCP before 2026-07-28: the resource does not exist. Later versions use [`INVALID_PARAMS`].
const RESOURCE_NOT_FOUND: i32 = -32002;
/// MCP: a header and the body disagree.
const HEADER_MISMATCH: i32 = -32020;
/// MCP: the client did not declare a capability that the request needs.
const MISSING_CAPABILITY: i32 = -32021;
/// MCP: the protocol version is not supported.
const UNSUPPORTED_VERSION: i32 = -32022;
/// quilt-mcp, outside the range that JSON-RPC and MCP reserve: the caller is not authenticated.
const UNAUTHORIZED: i32 = -31401;
/// quilt-mcp: the caller is known and has no permission.
const FORBIDDEN: i32 = -31403;
/// quilt-mcp: a limit was reached.
const LIMITED: i32 = -31429;
/// quilt-mcp: a service that the server depends on does not answer.
const UNAVAILABLE: i32 = -31503;

/// One row of the table.
struct Row {
    /// The code as it appears on the wire.
    name: &'static str,
    /// HTTP status of a request that is refused with the code; 200 where the code is in the body of an answer.
    status: StatusCode,
    /// Number of a JSON-RPC error with the code, in versions of MCP before 2026-07-28.
    rpc: i32,
    /// Whether the same request usually succeeds later.
    retryable: bool,
    /// When the code occurs.
    when: &'static str,
    /// How to resolve it.
    remedy: &'static str,
}

/// Why a request, a tool call or a credential source failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(clap::ValueEnum), value(rename_all = "snake_case"))]
pub enum ErrorCode {
    /// The request has no bearer token, and its method needs one.
    MissingJwt,
    /// The bearer token was refused.
    InvalidJwt,
    /// The bearer token has expired.
    TokenExpired,
    /// The registry knows the caller and refuses access.
    Forbidden,
    /// The token could not be verified, because the verifier did not answer.
    VerifierUnavailable,
    /// The body is not JSON, or exceeds the parser's limits.
    ParseError,
    /// The body is JSON but not a valid request.
    InvalidRequest,
    /// The params of the method are not valid.
    InvalidParams,
    /// The method does not exist.
    MethodNotFound,
    /// The tool does not exist.
    UnknownTool,
    /// The toolset of the tool is switched off.
    ToolsetOff,
    /// The prompt does not exist.
    UnknownPrompt,
    /// The resource does not exist.
    NoSuchResource,
    /// A header and the body disagree.
    HeaderMismatch,
    /// The protocol version is not supported.
    UnsupportedVersion,
    /// The client did not declare a capability that the request needs.
    MissingCapability,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The Host header is not on the allow-list.
    HostNotAllowed,
    /// The Origin header is not on the allow-list.
    OriginNotAllowed,
    /// The path does not exist.
    NotFound,
    /// No credential source applies to the caller.
    NoCredentials,
    /// A credential source is not configured.
    MissingConfig,
    /// The token lacks the claim that a credential source needs.
    NoClaim,
    /// The role that the token names is not on the allow-list.
    RoleNotAllowed,
    /// STS refused a session of the role.
    AssumeRoleFailed,
    /// A request to a credential source failed.
    RequestFailed,
    /// The answer of a credential source has no usable credentials.
    InvalidResponse,
    /// The answer of a credential source is not JSON.
    NotJson,
    /// AWS denied the operation.
    AccessDenied,
    /// A write would use the server's own credentials.
    WriteNeedsUserCredentials,
    /// The server or the request is read-only.
    ReadOnly,
    /// An argument is unknown or not valid.
    InvalidArgument,
    /// The module has no such action.
    UnknownAction,
    /// The call needs the user's confirmation.
    ConfirmationRequired,
    /// The target exists already, or was changed by another writer.
    Conflict,
    /// The package breaks a rule of the bucket's workflow.
    WorkflowViolation,
    /// The manifest of a package is damaged.
    InvalidManifest,
    /// The bucket does not exist.
    NoSuchBucket,
    /// The object or the version does not exist.
    NoSuchKey,
    /// The package or the revision does not exist.
    NoSuchPackage,
    /// A body or a result exceeds a size limit.
    TooLarge,
    /// A limit of rate, concurrency or memory was reached.
    Throttled,
    /// A time limit was reached.
    Timeout,
    /// The call was cancelled before it had a result.
    Cancelled,
    /// S3 or the registry failed.
    Upstream,
    /// The server has a bug.
    Internal,
    /// The catalog's search does not answer.
    SearchUnavailable,
    /// The caller has no Athena workgroup.
    NoWorkgroup,
    /// The query does not exist.
    NoSuchQuery,
}

impl ErrorCode {
    /// All codes, in the order of the reference.
    pub const ALL: [Self; 49] = [
        Self::MissingJwt,
        Self::InvalidJwt,
        Self::TokenExpired,
        Self::Forbidden,
        Self::VerifierUnavailable,
        Self::ParseError,
        Self::InvalidRequest,
        Self::InvalidParams,
        Self::MethodNotFound,
        Self::UnknownTool,
        Self::ToolsetOff,
        Self::UnknownPrompt,
        Self::NoSuchResource,
        Self::HeaderMismatch,
        Self::UnsupportedVersion,
        Self::MissingCapability,
        Self::UnsupportedMediaType,
        Self::HostNotAllowed,
        Self::OriginNotAllowed,
        Self::NotFound,
        Self::NoCredentials,
        Self::MissingConfig,
        Self::NoClaim,
        Self::RoleNotAllowed,
        Self::AssumeRoleFailed,
        Self::RequestFailed,
        Self::InvalidResponse,
        Self::NotJson,
        Self::AccessDenied,
        Self::WriteNeedsUserCredentials,
        Self::ReadOnly,
        Self::InvalidArgument,
        Self::UnknownAction,
        Self::ConfirmationRequired,
        Self::Conflict,
        Self::WorkflowViolation,
        Self::InvalidManifest,
        Self::NoSuchBucket,
        Self::NoSuchKey,
        Self::NoSuchPackage,
        Self::TooLarge,
        Self::Throttled,
        Self::Timeout,
        Self::Cancelled,
        Self::Upstream,
        Self::Internal,
        Self::SearchUnavailable,
        Self::NoWorkgroup,
        Self::NoSuchQuery,
    ];

    const fn row(self) -> Row {
        match self {
            Self::MissingJwt => request::MISSING_JWT,
            Self::InvalidJwt => request::INVALID_JWT,
            Self::TokenExpired => request::TOKEN_EXPIRED,
            Self::Forbidden => request::FORBIDDEN,
            Self::VerifierUnavailable => request::VERIFIER_UNAVAILABLE,
            Self::ParseError => request::PARSE_ERROR,
            Self::InvalidRequest => request::INVALID_REQUEST,
            Self::InvalidParams => request::INVALID_PARAMS,
            Self::MethodNotFound => request::METHOD_NOT_FOUND,
            Self::UnknownTool => request::UNKNOWN_TOOL,
            Self::ToolsetOff => request::TOOLSET_OFF,
            Self::UnknownPrompt => request::UNKNOWN_PROMPT,
            Self::NoSuchResource => request::NO_SUCH_RESOURCE,
            Self::HeaderMismatch => request::HEADER_MISMATCH,
            Self::UnsupportedVersion => request::UNSUPPORTED_VERSION,
            Self::MissingCapability => request::MISSING_CAPABILITY,
            Self::UnsupportedMediaType => request::UNSUPPORTED_MEDIA_TYPE,
            Self::HostNotAllowed => request::HOST_NOT_ALLOWED,
            Self::OriginNotAllowed => request::ORIGIN_NOT_ALLOWED,
            Self::NotFound => request::NOT_FOUND,
            Self::NoCredentials => credential::NO_CREDENTIALS,
            Self::MissingConfig => credential::MISSING_CONFIG,
            Self::NoClaim => credential::NO_CLAIM,
            Self::RoleNotAllowed => credential::ROLE_NOT_ALLOWED,
            Self::AssumeRoleFailed => credential::ASSUME_ROLE_FAILED,
            Self::RequestFailed => credential::REQUEST_FAILED,
            Self::InvalidResponse => credential::INVALID_RESPONSE,
            Self::NotJson => credential::NOT_JSON,
            Self::AccessDenied => tool::ACCESS_DENIED,
            Self::WriteNeedsUserCredentials => tool::WRITE_NEEDS_USER_CREDENTIALS,
            Self::ReadOnly => tool::READ_ONLY,
            Self::InvalidArgument => tool::INVALID_ARGUMENT,
            Self::UnknownAction => tool::UNKNOWN_ACTION,
            Self::ConfirmationRequired => tool::CONFIRMATION_REQUIRED,
            Self::Conflict => tool::CONFLICT,
            Self::WorkflowViolation => tool::WORKFLOW_VIOLATION,
            Self::InvalidManifest => tool::INVALID_MANIFEST,
            Self::NoSuchBucket => tool::NO_SUCH_BUCKET,
            Self::NoSuchKey => tool::NO_SUCH_KEY,
            Self::NoSuchPackage => tool::NO_SUCH_PACKAGE,
            Self::TooLarge => tool::TOO_LARGE,
            Self::Throttled => tool::THROTTLED,
            Self::Timeout => tool::TIMEOUT,
            Self::Cancelled => tool::CANCELLED,
            Self::Upstream => tool::UPSTREAM,
            Self::Internal => tool::INTERNAL,
            Self::SearchUnavailable => tool::SEARCH_UNAVAILABLE,
            Self::NoWorkgroup => tool::NO_WORKGROUP,
            Self::NoSuchQuery => tool::NO_SUCH_QUERY,
        }
    }

    /// Returns the code as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Returns the HTTP status of a request that is refused with this code; 200 where the code is in the body of an answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// Returns the number of a JSON-RPC error with this code, in versions of MCP before 2026-07-28.
    #[must_use]
    pub const fn rpc_code(self) -> i32 {
        self.row().rpc
    }

    /// Returns the number of a JSON-RPC error with this code, from MCP 2026-07-28 on.
    #[must_use]
    pub const fn rpc_code_2026(self) -> i32 {
        match self.rpc_code() {
            RESOURCE_NOT_FOUND => INVALID_PARAMS,
            number => number,
        }
    }

    /// Returns the number of a JSON-RPC error for one failure with this code, before 2026-07-28. A retryable denial counts as
    /// an outage.
    #[must_use]
    pub const fn rpc_code_of(self, retryable: bool) -> i32 {
        match self.rpc_code() {
            FORBIDDEN if retryable => UNAVAILABLE,
            number => number,
        }
    }

    /// Whether the same request usually succeeds later. A tool's failure decides it for its own case.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        self.row().retryable
    }

    /// Returns the sentence that says when the code occurs.
    #[must_use]
    pub const fn when(self) -> &'static str {
        self.row().when
    }

    /// Returns the sentence that says how to resolve it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.row().remedy
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A plain string: an enumeration of all codes would make every tool list longer without helping a model.
impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests;
