//! `bucket_object_text`: a piece of an object, as text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{self, LONGEST_CHARACTER, TextEncoding};
use crate::s3::ObjectUri;
use crate::tools::args::Bounded;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Link, Session, ToolError, weight};

/// Reads text.
pub struct BucketObjectText;

/// Which piece of which object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// `s3://bucket/key[?versionId=ID]`, percent-encoded
    #[schemars(with = "String")]
    s3_uri: ObjectUri,
    #[serde(default)]
    max_bytes: Bounded<1, 1_048_576, 65_536>,
    /// First byte to read
    #[serde(default)]
    offset: u64,
    #[serde(default = "utf_8")]
    encoding: String,
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

/// The piece.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    text: String,
    encoding: String,
    /// Bytes of the whole object.
    size: u64,
    /// Bytes that the text stands for; read on at `offset + bytes_read`.
    bytes_read: u64,
    offset: u64,
    /// Whether the object goes on behind this piece.
    truncated: bool,
    content_type: Option<String>,
}

impl Tool for BucketObjectText {
    const NAME: &'static str = "bucket_object_text";
    const TITLE: &'static str = "Read an object as text";
    const DESCRIPTION: &'static str = "Reads a piece of a text object; only that piece leaves S3. Read on at offset + \
                                       bytes_read while truncated. For binary content use bucket_object_fetch.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn length(output: &Output) -> usize {
        output.text.len()
    }

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let encoding = TextEncoding::named(&args.encoding).ok_or_else(|| {
            ToolError::invalid("Argument encoding: it is not known, or text in it cannot be read in pieces.")
                .with_hint("Try utf-8, latin-1, utf-16le or utf-16be.")
        })?;
        let s3 = session.s3().await?;
        let held = weight::PIECE * usize::try_from(args.max_bytes.get()).unwrap_or(usize::MAX);
        session.hold(held).await?;
        // A few bytes more at the front tell whether a character was cut there.
        let begin = args.offset.saturating_sub(LONGEST_CHARACTER as u64 - 1);
        let lead = args.offset - begin;
        let read = s3
            .get_range(&args.s3_uri, begin, lead + args.max_bytes.get())
            .await
            .map_err(|error| session.explain(&error))?;
        let end = begin.saturating_add(read.bytes.len() as u64);
        let goes_on = end > args.offset && end < read.size;
        let lead = usize::try_from(lead).unwrap_or_default().min(read.bytes.len());
        let decoded = content::decode(&read.bytes, lead, encoding, goes_on).ok_or_else(|| {
            let message = format!("{} is not {} text.", args.s3_uri, args.encoding);
            ToolError::invalid(message).with_hint("Read it with bucket_object_fetch, or name its encoding.")
        })?;
        if decoded.used == 0 && goes_on {
            let message = "Argument max_bytes: too few bytes for one character of this object; ask for at least 4.";
            return Err(ToolError::invalid(message));
        }
        session.hold(held + weight::of_escapes(&decoded.text)).await?;
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
        Ok(Reply {
            output,
            images: Vec::new(),
            link,
        })
    }
}
