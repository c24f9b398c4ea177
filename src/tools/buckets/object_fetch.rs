//! `bucket_object_fetch`: a range of an object as base64, or an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{content, object_text};
use crate::aws::s3::{ObjectUri, RangeRead, UserS3};
use crate::tools::arguments::types::{Bounded, yes};
use crate::tools::base64_text::Base64Text;
use crate::tools::estimate::{CONTENT_FACTOR, IMAGE_FACTOR};
use crate::tools::object_argument::ObjectArgument;
use crate::tools::tool::{Hints, Image, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

/// Maximum size of an image that is read whole.
const MAX_IMAGE_BYTES: u64 = 1024 * 1024;

pub struct BucketObjectFetch;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Args {
    #[serde(flatten)]
    object: ObjectArgument,
    /// 1 to 1048576, by default 24576, or all of an image
    #[schemars(with = "Option<Bounded<1, 1_048_576, 24_576>>")]
    max_bytes: Option<Bounded<1, 1_048_576, 24_576>>,
    /// First byte; by default 0
    #[serde(default)]
    offset: u64,
    /// As in version 0.22: `false` reads the object as text.
    #[serde(default = "yes")]
    #[schemars(extend("x-unlisted" = true))]
    base64_encode: bool,
}

/// A range of an object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Output {
    /// As base64, or as an image beside the output.
    Bytes(Range),
    /// As text.
    Text(object_text::Output),
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    /// Absent if the result contains the object as an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64Text>,
    /// Size of the whole object, in bytes.
    size: u64,
    bytes_read: u64,
    offset: u64,
    /// Whether the object continues after this range.
    truncated: bool,
    content_type: Option<String>,
    /// How the bytes are encoded, such as gzip.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
}

impl Tool for BucketObjectFetch {
    const NAME: &'static str = "bucket_object_fetch";
    const TITLE: &'static str = "Read an object as bytes";
    const DESCRIPTION: &'static str = "Reads a piece of an object as base64. A png, jpeg, gif or webp of at most 1 MiB comes as \
                                       an image. For text use bucket_object_text.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    const IS_STRUCTURED: bool = false;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        match output {
            Output::Bytes(bytes) => bytes.data.as_ref().map_or(0, |data| data.as_str().len()),
            Output::Text(text) => object_text::BucketObjectText::estimate_json_bytes(text),
        }
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        if !args.base64_encode {
            let text = object_text::Args::range(args.object, args.max_bytes.unwrap_or_default(), args.offset);
            let text = object_text::BucketObjectText::run(session, text).await?;
            return Ok(text.map(Output::Text));
        }
        let object = args.object.resolve(&session).await?;
        let s3 = session.s3().await?;
        let read = read(&session, &s3, &object, &args).await?;
        let bytes_read = read.bytes.len() as u64;
        let encoded = Base64Text::of(&read.bytes)?;
        let is_whole = args.offset == 0 && bytes_read == read.size;
        let image = content::image_mime_type(&read.bytes).filter(|_| is_whole);
        let image = image.map(|mime_type| Image {
            data: encoded.as_str().to_owned(),
            mime_type,
        });
        let truncated = args.offset.saturating_add(bytes_read) < read.size;
        let link = Link::object(&object, args.offset, read.size, read.content_type.as_ref()).filter(|_| truncated);
        let output = Output::Bytes(Range {
            data: image.is_none().then_some(encoded),
            size: read.size,
            bytes_read,
            offset: args.offset,
            truncated,
            content_type: read.content_type,
            content_encoding: read.content_encoding,
        });
        Ok(ToolSuccess {
            output,
            is_structured: image.is_none(),
            images: image.into_iter().collect(),
            link,
        })
    }
}

/// Reads the range, or all of an image if no range was asked for, and reserves the memory of the result.
async fn read(session: &Session, s3: &UserS3, object: &ObjectUri, args: &Args) -> Result<RangeRead, ToolError> {
    let reserve = |factor: usize, bytes: u64| session.reserve(factor * usize::try_from(bytes).unwrap_or(usize::MAX));
    let get = |bytes| s3.get_range(object, args.offset, bytes);
    let range = args.max_bytes.unwrap_or_default().get();
    reserve(CONTENT_FACTOR, range).await?;
    let first = match get(range).await {
        Ok(first) => first,
        Err(error) => return Err(session.explain_object(s3, &error).await),
    };
    let is_image = args.offset == 0 && content::image_mime_type(&first.bytes).is_some();
    let is_complete = first.bytes.len() as u64 == first.size;
    let is_wanted = is_complete || args.max_bytes.is_none() && first.size <= MAX_IMAGE_BYTES;
    if !is_image || !is_wanted {
        return Ok(first);
    }
    reserve(CONTENT_FACTOR + IMAGE_FACTOR, first.size).await?;
    if is_complete {
        return Ok(first);
    }
    get(MAX_IMAGE_BYTES).await.map_err(|error| session.explain(&error))
}
