//! Arguments that several package tools take.

use quilt_format::workflow::Choice;
use quilt_format::{LogicalKey, PackageName};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::metadata::Metadata;
use crate::aws::s3::ObjectUri;

/// The name of a package that exists; any name that a listing returns.
#[derive(Debug, Clone)]
pub(in crate::tools) struct ExistingName(pub PackageName);

/// The name of a package that is written.
#[derive(Debug, Clone)]
pub(super) struct NewName(pub PackageName);

impl<'de> Deserialize<'de> for ExistingName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PackageName::from_listing(PackageName::trimmed(&text))
            .map(Self)
            .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for NewName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PackageName::trimmed(&text).parse().map(Self).map_err(D::Error::custom)
    }
}

/// A file of a package. A plain text stands for its URI (`x-text`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("x-text" = "s3_uri"))]
pub(super) struct FileArg {
    /// Object or version
    #[schemars(with = "String")]
    pub s3_uri: ObjectUri,
    /// Assigned if not given
    #[serde(default, deserialize_with = "logical_key")]
    #[schemars(with = "Option<String>")]
    pub logical_key: Option<LogicalKey>,
    /// Any JSON object
    pub meta: Option<Metadata>,
}

fn logical_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LogicalKey>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|key| key.parse()).transpose().map_err(D::Error::custom)
}

/// Kind of checksum that new entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum HashType {
    #[serde(rename = "sha2-256-chunked")]
    Sha256Chunked,
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
}

/// Reads the argument `workflow`: not given, empty for none, or an id.
pub(super) fn choice(workflow: Option<&str>) -> Choice<'_> {
    match workflow {
        None => Choice::Default,
        Some(blank) if blank.trim().is_empty() => Choice::None,
        Some(id) => Choice::Named(id),
    }
}

/// Reads the argument `message`. The header stores null for an empty one, as quilt3 does.
pub(super) fn message(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the text of an argument that names a revision by its place, which a cursor keeps: the place moves.
pub(super) fn place(wanted: &str) -> Option<String> {
    Some(wanted.trim().to_owned()).filter(|wanted| wanted.starts_with("latest~"))
}

pub(super) fn latest() -> String {
    "latest".to_owned()
}
