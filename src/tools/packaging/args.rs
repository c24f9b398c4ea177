//! Arguments that several package tools take.

use std::borrow::Cow;

use quilt_format::workflow::Choice;
use quilt_format::{LogicalKey, PackageName};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::metadata::Metadata;
use crate::aws::s3::ObjectUri;
use crate::json::deserialize_value;

/// The name of a package that exists; any name that a listing returns.
#[derive(Debug, Clone)]
pub(super) struct ExistingName(pub PackageName);

/// The name of a package that is written.
#[derive(Debug, Clone)]
pub(super) struct NewName(pub PackageName);

impl<'de> Deserialize<'de> for ExistingName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PackageName::from_listing(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for NewName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A file of a package: the URI of its object, or an object with more.
#[derive(Debug, Clone)]
pub(super) struct FileArg {
    /// The object, or one version of it.
    pub s3_uri: ObjectUri,
    /// Its logical key; assigned if not given.
    pub logical_key: Option<LogicalKey>,
    /// The entry's user metadata.
    pub meta: Option<Metadata>,
}

impl<'de> Deserialize<'de> for FileArg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            s3_uri: ObjectUri,
            logical_key: Option<String>,
            meta: Option<Metadata>,
        }
        match deserialize_value(deserializer)? {
            Value::String(uri) => {
                let s3_uri = uri.parse().map_err(D::Error::custom)?;
                Ok(Self {
                    s3_uri,
                    logical_key: None,
                    meta: None,
                })
            }
            long @ Value::Object(_) => {
                let Long {
                    s3_uri,
                    logical_key,
                    meta,
                } = serde_json::from_value(long).map_err(D::Error::custom)?;
                let logical_key = logical_key
                    .map(|key| key.parse())
                    .transpose()
                    .map_err(D::Error::custom)?;
                Ok(Self {
                    s3_uri,
                    logical_key,
                    meta,
                })
            }
            _ => Err(D::Error::custom(
                "expected an S3 URI, or an object with s3_uri, logical_key and meta",
            )),
        }
    }
}

impl JsonSchema for FileArg {
    fn schema_name() -> Cow<'static, str> {
        "File".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, {
            "type": "object",
            "properties": {
                "s3_uri": { "type": "string" },
                "logical_key": { "type": "string" },
                "meta": { "type": "object" },
            },
            "required": ["s3_uri"],
            "additionalProperties": false,
        }] })
    }
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
        Some("") => Choice::None,
        Some(id) => Choice::Named(id),
    }
}

/// Reads the argument `message`. The header stores null for an empty one, as quilt3 does.
pub(super) fn message(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn latest() -> String {
    "latest".to_owned()
}
