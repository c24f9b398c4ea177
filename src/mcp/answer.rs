//! Results of methods and their serialization. The outcome of a tool is one structured object and the same object as a compact
//! text block.

use std::io::{self, Write as _};

use bytes::Bytes;
use rmcp::model::{ContentBlock, MetaObject, Resource};
use serde::Serialize;

use super::discovery::server_meta;
use super::{ChunkedJson, RpcError, Version};
use crate::error_code::ErrorCode;
use crate::tools::{JsonObject, Link, ToolError, ToolSuccess};

/// The result of a method.
pub enum Answer {
    /// A result object, as JSON text.
    Json(Bytes),
    /// The result of a tool.
    Tool(ToolResult),
}

impl Answer {
    /// A result, whose type writes itself in the form of its version.
    pub(super) fn of(result: &impl Serialize) -> Result<Self, RpcError> {
        let text = serde_json::to_vec(result)
            .map_err(|error| RpcError::new(ErrorCode::Internal, format!("The result cannot be written: {error}.")))?;
        Ok(Self::Json(text.into()))
    }

    /// Writes the result object.
    pub fn write(self, version: Version, out: &mut ChunkedJson) -> io::Result<()> {
        match self {
            Self::Json(text) => {
                out.share(text);
                Ok(())
            }
            Self::Tool(result) => result.write(version, out),
        }
    }
}

/// The result of a tool.
pub struct ToolResult {
    output: JsonObject,
    /// Content blocks before the text.
    images: Vec<ContentBlock>,
    /// Content blocks behind the text.
    more: Vec<ContentBlock>,
    is_structured: bool,
    is_error: bool,
    meta: Option<&'static MetaObject>,
}

impl ToolResult {
    /// The outcome of a tool in the form of a version. A failure is marked as one.
    pub(super) fn of(outcome: Result<ToolSuccess<JsonObject>, ToolError>, version: Version) -> Result<Self, ToolError> {
        let meta = server_meta(version);
        Ok(match outcome {
            Ok(ToolSuccess {
                output,
                images,
                is_structured,
                link: whole,
            }) => {
                let images: Vec<ContentBlock> = images
                    .into_iter()
                    .map(|image| ContentBlock::image(image.data, image.mime_type))
                    .collect();
                // Some clients show the first block only. Those of the action style expect the text there.
                let (first, last) = if is_structured {
                    (Vec::new(), images)
                } else {
                    (images, Vec::new())
                };
                let more = last
                    .into_iter()
                    .chain(whole.filter(|_| version.has_resource_links()).map(link))
                    .collect();
                Self {
                    output,
                    images: first,
                    more,
                    is_structured,
                    is_error: false,
                    meta,
                }
            }
            Err(error) => Self {
                output: JsonObject::from_map(&error.into_json())?,
                images: Vec::new(),
                more: Vec::new(),
                is_structured: true,
                is_error: true,
                meta,
            },
        })
    }

    /// Writes the result object, as the model's own type would serialize itself; but the output, which is text already, is
    /// written twice without a copy of it.
    pub(super) fn write(self, version: Version, out: &mut ChunkedJson) -> io::Result<()> {
        let output = Bytes::from(self.output.into_bytes());
        out.write_all(b"{")?;
        if version.is_self_describing() {
            out.write_all(br#""resultType":"complete","#)?;
        }
        out.write_all(br#""content":["#)?;
        for block in &self.images {
            serde_json::to_writer(&mut *out, block)?;
            out.write_all(b",")?;
        }
        out.write_all(br#"{"type":"text","text":""#)?;
        out.quote(&output);
        out.write_all(br#""}"#)?;
        for block in &self.more {
            out.write_all(b",")?;
            serde_json::to_writer(&mut *out, block)?;
        }
        out.write_all(b"]")?;
        if self.is_structured {
            out.write_all(br#","structuredContent":"#)?;
            out.share(output);
        }
        write!(out, r#","isError":{}"#, self.is_error)?;
        if let Some(meta) = &self.meta {
            out.write_all(br#","_meta":"#)?;
            serde_json::to_writer(&mut *out, meta)?;
        }
        out.write_all(b"}")
    }
}

fn link(whole: Link) -> ContentBlock {
    let mut resource = Resource::new(whole.uri, whole.name);
    (resource.mime_type, resource.size) = (whole.mime_type, whole.size);
    ContentBlock::resource_link(resource)
}

#[cfg(test)]
mod tests {
    use axum::body::HttpBody as _;
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use rmcp::model::{CallToolResult, ServerResult};
    use serde_json::{Map, Value};

    use super::*;
    use crate::error_code::ErrorCode;
    use crate::tools::Image;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            // Long enough for a chunk of its own.
            "[\"\\\\]?".prop_map(|end| Value::from("a".repeat(20_000) + &end)),
            "[\"\\\\\u{0}-\u{1f}a]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn result(output: &Value, has_more: bool, is_structured: bool, fails: bool, version: Version) -> ToolResult {
        let image = Image {
            data: "iVBORw0KGgo=".to_owned(),
            mime_type: "image/png",
        };
        let whole = Link {
            uri: "s3://b/\"k\"".into(),
            name: "k".into(),
            mime_type: None,
            size: Some(7),
        };
        let reply = ToolSuccess {
            output: JsonObject::success(output, 0).unwrap(),
            images: has_more.then_some(image).into_iter().collect(),
            is_structured,
            link: has_more.then_some(whole),
        };
        let failure = || ToolError::new(ErrorCode::Upstream, output.to_string()).with_details(output.clone());
        ToolResult::of(if fails { Err(failure()) } else { Ok(reply) }, version).unwrap()
    }

    /// The result as a value of the model.
    fn model(result: ToolResult) -> CallToolResult {
        let structured = result.output.to_map().unwrap();
        let mut content = result.images;
        content.push(ContentBlock::text(
            String::from_utf8_lossy(result.output.as_bytes()).into_owned(),
        ));
        content.extend(result.more);
        let mut model = if result.is_error {
            CallToolResult::error(content)
        } else {
            CallToolResult::success(content)
        };
        model.structured_content = result.is_structured.then(|| structured.into());
        model.meta = result.meta.cloned();
        model
    }

    proptest! {
        /// Results are written by hand for speed alone.
        #[test]
        fn a_result_is_what_the_model_serializes(
            members in prop::collection::vec((any::<String>(), value()), 0..4),
            (has_more, is_structured, fails, is_new) in any::<(bool, bool, bool, bool)>(),
        ) {
            let output = Value::Object(members.into_iter().filter(|(name, _)| name != "success").collect::<Map<_, _>>());
            let version = if is_new { Version::V2026July } else { Version::V2025November };
            let mut written = ChunkedJson::default();
            result(&output, has_more, is_structured, fails, version).write(version, &mut written).unwrap();
            let body = written.into_body();
            let length = body.size_hint().exact().unwrap();
            let ours = axum::body::to_bytes(body, usize::MAX).now_or_never().unwrap().unwrap();
            prop_assert_eq!(length, ours.len() as u64);

            let mut theirs = ServerResult::CallToolResult(model(result(&output, has_more, is_structured, fails, version)));
            if !is_new {
                theirs.strip_result_type_for_legacy_peer();
            }
            prop_assert_eq!(String::from_utf8(ours.into()).unwrap(), serde_json::to_string(&theirs).unwrap());
        }
    }
}
