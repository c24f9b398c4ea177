//! One object to write, and its result.

use std::collections::BTreeMap;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::content::TextEncoding;
use crate::aws::s3::{BucketName, Checksums, ObjectUri, Put, PutOutcome, WriteCondition, key_in};
use crate::error_code::ErrorCode;
use crate::json::{deserialize_value, parse_value};
use crate::telemetry::text::without_controls;
use crate::tools::ToolError;

/// An object to write: a key, and its content as text or as base64.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Key
    pub key: String,
    /// Text
    #[schemars(extend("x-blank" = "value"))]
    text: Option<String>,
    /// Base64
    #[schemars(extend("x-blank" = "value"))]
    data: Option<String>,
    /// By default by the key
    content_type: Option<String>,
    /// Of text, by default utf-8
    #[serde(default = "utf_8")]
    encoding: String,
    /// Texts by name, by default none
    #[serde(default, deserialize_with = "metadata")]
    metadata: BTreeMap<String, String>,
    /// Header
    cache_control: Option<String>,
    /// Header
    content_encoding: Option<String>,
    /// Such as `STANDARD_IA`
    storage_class: Option<String>,
}

/// Deserializes user metadata: an object of strings, or such an object as JSON text.
fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut value = deserialize_value(deserializer)?;
    // Metadata is kept as its JSON text, in which it may be a string with its JSON text.
    for _ in 0..2 {
        let Value::String(text) = &value else { break };
        value = parse_value(text.as_bytes()).map_err(|_| D::Error::custom("expected an object of strings as JSON"))?;
    }
    let Value::Object(members) = value else {
        return Err(D::Error::custom("expected an object of strings"));
    };
    let text = |(name, value): (String, Value)| {
        if let Value::String(text) = value {
            return Ok((name, text));
        }
        let name = without_controls(&name, 80);
        Err(D::Error::custom(format!(
            "expected a string in `{name}`; S3 stores texts only"
        )))
    };
    members.into_iter().map(text).collect()
}

/// Decodes base64 as programs write it: standard or URL-safe, padded or not, folded into lines, or as a `data:` URL.
fn decode_base64(data: &str) -> Result<Vec<u8>, String> {
    const FORGIVING: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let data = data.trim();
    let data = match data
        .get(..5)
        .filter(|scheme| scheme.eq_ignore_ascii_case("data:"))
        .and_then(|scheme| data.strip_prefix(scheme))
        .and_then(|url| url.split_once(','))
    {
        Some((kind, data)) if kind.ends_with(";base64") => data,
        Some(_) => return Err("data is a data: URL that is not base64".to_owned()),
        None => data,
    };
    let standard: Vec<u8> = data
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    FORGIVING
        .decode(standard)
        .map_err(|_| "data is not base64; for text, use text".to_owned())
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

impl Item {
    /// Returns the request for S3, or the problem of the item.
    pub fn prepare(&self, bucket: &BucketName, overwrite: bool) -> Result<(ObjectUri, Put), String> {
        let object = ObjectUri::latest(bucket.clone(), key_in(bucket, &self.key)?.parse()?);
        self.check_headers()?;
        // Clients that fill every member send "" for the one that they do not use.
        let body = match (&self.text, &self.data) {
            (None, Some(data)) => decode_base64(data)?.into(),
            (Some(text), Some(data)) if text.is_empty() && !data.is_empty() => decode_base64(data)?.into(),
            (Some(text), None) => self.encode(text)?,
            (Some(text), Some(data)) if data.is_empty() && !text.is_empty() => self.encode(text)?,
            (Some(_), Some(_)) => return Err("send either text or data, not both".to_owned()),
            (None, None) => return Err("send the content as text or as data (base64)".to_owned()),
        };
        let put = Put {
            body,
            content_type: Some(
                self.content_type
                    .clone()
                    .unwrap_or_else(|| self.guess_content_type().to_owned()),
            ),
            cache_control: self.cache_control.clone(),
            content_encoding: self.content_encoding.clone(),
            storage_class: self.storage_class.clone(),
            metadata: self.metadata.clone(),
            condition: if overwrite {
                WriteCondition::None
            } else {
                WriteCondition::IsNew
            },
            once: false,
        };
        Ok((object, put))
    }

    fn encode(&self, text: &str) -> Result<Bytes, String> {
        let encoding = TextEncoding::named(&self.encoding).ok_or("unknown encoding; try utf-8 or latin-1")?;
        let bytes = encoding.encode(text);
        bytes
            .map(Bytes::from)
            .ok_or_else(|| format!("the text contains characters that {} cannot encode", self.encoding))
    }

    /// Checks the values that S3 receives as HTTP headers. User metadata that is not ASCII would be returned in another form.
    fn check_headers(&self) -> Result<(), String> {
        let is_value = |text: &str| text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        let optional = [
            ("content_type", &self.content_type),
            ("cache_control", &self.cache_control),
            ("content_encoding", &self.content_encoding),
            ("storage_class", &self.storage_class),
        ];
        for (name, value) in optional {
            if value.as_deref().is_some_and(|value| !is_value(value)) {
                return Err(format!("{name} must be printable ASCII"));
            }
        }
        for (name, value) in &self.metadata {
            if !is_name(name) {
                return Err("a metadata name may contain only letters, digits, - _ and .".to_owned());
            }
            if !is_value(value) {
                return Err(format!("the metadata value of {name} must be printable ASCII"));
            }
        }
        Ok(())
    }

    fn guess_content_type(&self) -> &'static str {
        let extension = self
            .key
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv") => "text/csv",
            Some("tsv") => "text/tab-separated-values",
            Some("json") => "application/json",
            Some("md") => "text/markdown",
            Some("html" | "htm") => "text/html",
            Some("xml") => "application/xml",
            Some("yaml" | "yml") => "application/yaml",
            Some("png") => "image/png",
            Some("jpg" | "jpeg") => "image/jpeg",
            Some("gif") => "image/gif",
            Some("webp") => "image/webp",
            Some("svg") => "image/svg+xml",
            Some("pdf") => "application/pdf",
            _ if self.text.is_some() => "text/plain",
            _ => "application/octet-stream",
        }
    }
}

/// Returns why an item was not written. The call's error says all that S3 said of a denial.
fn reason(object: Option<&ObjectUri>, error: &ToolError) -> String {
    let of_denial = |name: &str| error.details.as_ref()?.get(name)?.as_str();
    match (object, of_denial("principal"), of_denial("action")) {
        (Some(object), Some(_), Some(action)) => format!("S3 denied {action} on {object}."),
        _ => error.message.clone(),
    }
}

/// The result of one item.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ItemResult {
    key: String,
    success: bool,
    s3_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// Base64, by algorithm.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checksums: Checksums,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<ErrorCode>,
    /// Whether a missing permission is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_error: Option<bool>,
    /// Advice on how to resolve the error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resolution: Vec<String>,
}

impl ItemResult {
    /// Returns the result of an item that was written or, in a dry run, could be.
    pub fn success(object: &ObjectUri, put: &Put, outcome: Option<PutOutcome>) -> Self {
        let outcome = outcome.unwrap_or_default();
        let uri = ObjectUri {
            version_id: outcome.version_id.clone(),
            ..object.clone()
        };
        Self {
            key: object.key.to_string(),
            success: true,
            s3_uri: Some(uri.to_string()),
            version_id: outcome.version_id,
            etag: outcome.etag,
            size: Some(put.body.len() as u64),
            content_type: put.content_type.clone(),
            checksums: outcome.sha256.map(|sum| ("SHA256", sum)).into_iter().collect(),
            error: None,
            error_code: None,
            permission_error: None,
            resolution: Vec::new(),
        }
    }

    /// Whether the item was written or, in a dry run, could be.
    pub fn is_success(&self) -> bool {
        self.success
    }

    /// Returns the result of an item that was not written.
    pub fn failure(key: &str, object: Option<&ObjectUri>, error: &ToolError) -> Self {
        Self {
            key: key.to_owned(),
            success: false,
            s3_uri: object.map(ToString::to_string),
            version_id: None,
            etag: None,
            size: None,
            content_type: None,
            checksums: Checksums::new(),
            error: Some(reason(object, error)),
            error_code: Some(error.code),
            permission_error: Some(error.code == ErrorCode::AccessDenied),
            resolution: error.hint.clone().into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prepare(item: serde_json::Value) -> Result<(ObjectUri, Put), String> {
        serde_json::from_value::<Item>(item)
            .unwrap()
            .prepare(&"bkt".parse().unwrap(), true)
    }

    #[test]
    fn content_is_text_or_base64_and_exactly_one_of_them() {
        assert_eq!(
            &prepare(json!({"key": "a.csv", "text": "ü"})).unwrap().1.body[..],
            "ü".as_bytes()
        );
        assert_eq!(
            &prepare(json!({"key": "a", "data": "AAE="})).unwrap().1.body[..],
            [0, 1]
        );
        assert_eq!(
            &prepare(json!({"key": "a", "text": "é", "encoding": "latin-1"}))
                .unwrap()
                .1
                .body[..],
            [0xe9]
        );
        for bad in [
            json!({"key": "a"}),
            json!({"key": "a", "text": "", "data": ""}),
            json!({"key": "a", "data": "?"}),
            json!({"key": "", "text": "x"}),
            json!({"key": "a", "text": "€", "encoding": "latin-1"}),
            json!({"key": "a", "text": "x", "metadata": {"a b": "c"}}),
            json!({"key": "a", "text": "x", "metadata": {"a": "b\nc"}}),
            json!({"key": "a", "text": "x", "metadata": {"a": "ü"}}),
            json!({"key": "a", "text": "x", "content_type": "a\r\nb: c"}),
        ] {
            assert!(prepare(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_type_is_guessed_from_the_key_unless_given() {
        let of = |item| prepare(item).unwrap().1.content_type.unwrap();
        assert_eq!(of(json!({"key": "x/A.CSV", "text": ""})), "text/csv");
        assert_eq!(of(json!({"key": "x", "text": ""})), "text/plain");
        assert_eq!(of(json!({"key": "x", "data": ""})), "application/octet-stream");
        assert_eq!(of(json!({"key": "x.csv", "text": "", "content_type": "a/b"})), "a/b");
    }
}
