//! What was asked about a right, of whom, what came back, and when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Listing the whole bucket.
    List,
    /// Listing the packages of the bucket, told where it differs from listing the whole.
    ListPackages,
    /// Reading a key that exists.
    Read,
    /// Writing a key.
    Write,
    /// Whether the catalog declares that the user may write: its word, and no answer of S3.
    WriteDeclared,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// S3 itself.
    S3,
    /// The catalog's registry.
    Catalog,
    /// The operator's settings of this server.
    Settings,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// What it is about.
    pub operation: Operation,
    /// `null` when the answer leaves it open.
    pub result: Option<bool>,
    /// How it was asked.
    pub method: String,
    /// Of whom.
    pub asked_of: Witness,
    /// The answer in one or two sentences.
    pub detail: String,
    /// When the answer came.
    #[schemars(with = "String")]
    pub at: Timestamp,
}
