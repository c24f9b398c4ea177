//! Tool outcomes as MCP results: one structured object, and the same as one compact text block.

use std::io::{self, Write as _};

use bytes::Bytes;
use rmcp::model::{CallToolResult, ContentBlock, InputRequiredResult, MetaObject, Resource};
use serde::Serialize;
use serde_json::value::RawValue;

use super::pieces::Pieces;
use crate::tools::{Link, Reply, ToolError, Written};

/// How a call of a tool is answered.
pub(super) enum Called {
    /// With a question to the person behind the client.
    Asked(Box<InputRequiredResult>),
    /// With a result.
    Done(Done),
}

/// A tool's result.
pub(super) struct Done {
    output: Written,
    /// What goes with the text.
    more: Vec<ContentBlock>,
    is_error: bool,
    meta: Option<MetaObject>,
}

impl Done {
    /// A tool's outcome as MCP shows it. A failure is always marked as one. Older clients do not know what a link is.
    pub(super) fn of(
        outcome: Result<Reply<Written>, ToolError>,
        knows_links: bool,
        meta: Option<MetaObject>,
    ) -> Result<Self, ToolError> {
        Ok(match outcome {
            Ok(Reply { output, images, link: whole }) => {
                let images = images.into_iter().map(|image| ContentBlock::image(image.data, image.mime_type));
                let more = images.chain(whole.filter(|_| knows_links).map(link)).collect();
                Self { output, more, is_error: false, meta }
            }
            Err(error) => Self { output: Written::object(&error.into_json())?, more: Vec::new(), is_error: true, meta },
        })
    }

    /// The result as a value, which holds everything twice.
    pub(super) fn into_result(self) -> Result<CallToolResult, ToolError> {
        let structured = self.output.read()?;
        let mut content = vec![ContentBlock::text(String::from_utf8_lossy(self.output.as_bytes()).into_owned())];
        content.extend(self.more);
        let mut result = if self.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
        result.structured_content = Some(structured.into());
        result.meta = self.meta;
        Ok(result)
    }

    /// The JSON-RPC answer, letter for letter as rmcp would write it of [`into_result`](Self::into_result).
    /// `has_type`: whether results say of which type they are, as from 2026-07-28 on.
    pub(super) fn answer(self, id: &RawValue, has_type: bool) -> io::Result<Pieces> {
        let output = Bytes::from(self.output.into_bytes());
        let mut answer = Pieces::default();
        write!(answer, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"#)?;
        if has_type {
            answer.write_all(br#""resultType":"complete","#)?;
        }
        answer.write_all(br#""content":[{"type":"text","text":""#)?;
        answer.quote(&output);
        answer.write_all(br#""}"#)?;
        for block in &self.more {
            answer.write_all(b",")?;
            serde_json::to_writer(&mut answer, block)?;
        }
        answer.write_all(br#"],"structuredContent":"#)?;
        answer.share(output);
        write!(answer, r#","isError":{}"#, self.is_error)?;
        if let Some(meta) = &self.meta {
            answer.write_all(br#","_meta":"#)?;
            serde_json::to_writer(&mut answer, meta)?;
        }
        answer.write_all(b"}}")?;
        Ok(answer)
    }
}

/// The JSON-RPC answer with something smaller than a tool's result. `kind`: `result` or `error`.
pub(super) fn answer(id: &RawValue, kind: &str, content: &impl Serialize) -> io::Result<Pieces> {
    let mut answer = Pieces::default();
    write!(answer, r#"{{"jsonrpc":"2.0","id":{id},"{kind}":"#)?;
    serde_json::to_writer(&mut answer, content)?;
    answer.write_all(b"}")?;
    Ok(answer)
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
    use rmcp::model::{JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult};
    use serde_json::{Map, Value, json};

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
            // Long enough for a piece of its own.
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

    fn done(output: &Value, has_more: bool, fails: bool, meta: Option<MetaObject>) -> Done {
        let image = Image { data: "iVBORw0KGgo=".to_owned(), mime_type: "image/png" };
        let whole = Link { uri: "s3://b/\"k\"".into(), name: "k".into(), mime_type: None, size: Some(7) };
        let reply = Reply {
            output: Written::success(output, 0).unwrap(),
            images: has_more.then_some(image).into_iter().collect(),
            link: has_more.then_some(whole),
        };
        let failure = || ToolError::new(ErrorCode::Upstream, output.to_string()).with_details(output.clone());
        Done::of(if fails { Err(failure()) } else { Ok(reply) }, true, meta).unwrap()
    }

    proptest! {
        /// The answer is written by hand for its speed alone.
        #[test]
        fn an_answer_is_what_rmcp_would_write(
            members in prop::collection::vec((any::<String>(), value()), 0..4),
            (has_more, fails, is_2026) in any::<(bool, bool, bool)>(),
            id in prop_oneof![any::<i64>().prop_map(RequestId::Number), any::<String>().prop_map(|id| RequestId::String(id.into()))],
        ) {
            let output = Value::Object(members.into_iter().filter(|(name, _)| name != "success").collect::<Map<_, _>>());
            let meta = is_2026.then(|| MetaObject(json!({ "a": "\"" }).as_object().unwrap().clone()));
            let raw = serde_json::value::to_raw_value(&id).unwrap();
            let body = done(&output, has_more, fails, meta.clone()).answer(&raw, is_2026).unwrap().into_body();
            let length = body.size_hint().exact().unwrap();
            let ours = axum::body::to_bytes(body, usize::MAX).now_or_never().unwrap().unwrap();
            prop_assert_eq!(length, ours.len() as u64);

            let mut result = ServerResult::CallToolResult(done(&output, has_more, fails, meta).into_result().unwrap());
            if !is_2026 {
                result.strip_result_type_for_legacy_peer();
            }
            let theirs: ServerJsonRpcMessage = JsonRpcMessage::response(result, id);
            prop_assert_eq!(String::from_utf8(ours.into()).unwrap(), serde_json::to_string(&theirs).unwrap());
        }
    }
}
