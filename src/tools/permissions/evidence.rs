//! Evidence about a permission: the request, the service that was asked, the answer and its time.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The operation that a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Listing the whole bucket.
    List,
    /// Listing the packages of the bucket, reported if it differs from listing the whole bucket.
    ListPackages,
    /// Reading a key that exists.
    Read,
    /// Writing a key.
    Write,
    /// Writing a key, as the catalog declares it. It is not an answer of S3.
    WriteDeclared,
}

/// The service or settings that gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceSource {
    /// S3, asked with the caller's credentials.
    S3,
    /// The registry of the catalog.
    Catalog,
    /// The settings of this server.
    Settings,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    pub operation: Operation,
    /// `null` if the answer leaves it unknown.
    pub result: Option<bool>,
    /// The request.
    pub method: String,
    pub asked_of: EvidenceSource,
    /// The answer in one or two sentences.
    pub detail: String,
    /// Whether S3 denied the request. Where it is not known whether the key exists, that leaves the result unknown.
    #[serde(skip)]
    pub is_denied: bool,
    /// Time of the answer.
    #[schemars(with = "String")]
    pub at: Timestamp,
}
