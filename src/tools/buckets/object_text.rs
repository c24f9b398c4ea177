//! `bucket_object_text`: a range of an object, as text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{self, MAX_CHARACTER_BYTES, TextEncoding};
use crate::aws::s3::ObjectUri;
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{CONTENT_FACTOR, estimate_escapes_bytes};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

pub struct BucketObjectText;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// `s3://bucket/key[?versionId=ID]`, percent-encoded
    #[schemars(with = "String")]
    s3_uri: ObjectUri,
    /// Bytes to read: 1 to 1048576 (1 MiB), by default 24576
    #[serde(default)]
    max_bytes: Bounded<1, 1_048_576, 24_576>,
    /// First byte to read; by default 0
    #[serde(default)]
    offset: u64,
    /// Encoding of the object, by default utf-8
    #[serde(default = "utf_8")]
    encoding: String,
}

impl Args {
    /// The arguments for a range in UTF-8.
    pub(super) fn range(s3_uri: ObjectUri, max_bytes: Bounded<1, 1_048_576, 24_576>, offset: u64) -> Self {
        Self {
            s3_uri,
            max_bytes,
            offset,
            encoding: utf_8(),
        }
    }
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    text: String,
    encoding: String,
    /// Size of the whole object, in bytes.
    size: u64,
    /// Bytes that the text was decoded from; continue at `offset + bytes_read`.
    bytes_read: u64,
    offset: u64,
    /// Whether the object continues after this range.
    truncated: bool,
    content_type: Option<String>,
}

impl Tool for BucketObjectText {
    const NAME: &'static str = "bucket_object_text";
    const TITLE: &'static str = "Read an object as text";
    const DESCRIPTION: &'static str = "Reads a piece of a text object; only that piece leaves S3. Continue at offset + \
                                       bytes_read while truncated. For binary content use bucket_object_fetch.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output.text.len()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let encoding = TextEncoding::named(&args.encoding).ok_or_else(|| {
            ToolError::invalid("Argument encoding: unknown encoding, or one whose text cannot be read in pieces.")
                .with_hint("Try utf-8, latin-1, utf-16le or utf-16be.")
        })?;
        let s3 = session.s3().await?;
        let content_bytes = CONTENT_FACTOR * usize::try_from(args.max_bytes.get()).unwrap_or(usize::MAX);
        session.reserve(content_bytes).await?;
        // A few bytes more at the front tell whether a character was cut there.
        let begin = args.offset.saturating_sub(MAX_CHARACTER_BYTES as u64 - 1);
        let lead = args.offset - begin;
        let read = s3
            .get_range(&args.s3_uri, begin, lead + args.max_bytes.get())
            .await
            .map_err(|error| session.explain(&error))?;
        let end = begin.saturating_add(read.bytes.len() as u64);
        let continues = end > args.offset && end < read.size;
        let lead = usize::try_from(lead).unwrap_or_default().min(read.bytes.len());
        let decoded = content::decode(&read.bytes, lead, encoding, continues).ok_or_else(|| {
            let message = format!("{} is not text in the encoding {}.", args.s3_uri, args.encoding);
            ToolError::invalid(message).with_hint("Read it with bucket_object_fetch, or set its encoding.")
        })?;
        if decoded.used == 0 && continues {
            let message = "Argument max_bytes: too few bytes for one character of this object; request at least 4.";
            return Err(ToolError::invalid(message));
        }
        session
            .reserve(content_bytes + estimate_escapes_bytes(&decoded.text))
            .await?;
        let offset = args.offset.saturating_add(decoded.skipped as u64);
        let bytes_read = decoded.used as u64;
        let truncated = offset.saturating_add(bytes_read) < read.size;
        let link = Link::object(&args.s3_uri, args.offset, read.size, read.content_type.as_ref()).filter(|_| truncated);
        let output = Output {
            truncated,
            text: decoded.text,
            encoding: args.encoding,
            size: read.size,
            bytes_read,
            offset,
            content_type: read.content_type,
        };
        Ok(ToolSuccess { link, ..output.into() })
    }
}
