//! `bucket_object_fetch`: a range of an object, as base64.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content;
use crate::aws::s3::ObjectUri;
use crate::tools::args::Bounded;
use crate::tools::base64_text::Base64Text;
use crate::tools::estimate::{CONTENT_FACTOR, IMAGE_FACTOR};
use crate::tools::tool::{Hints, Image, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

pub struct BucketObjectFetch;

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
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    data: Base64Text,
    /// Size of the whole object, in bytes.
    size: u64,
    bytes_read: u64,
    offset: u64,
    /// Whether the object continues after this range.
    truncated: bool,
    content_type: Option<String>,
}

impl Tool for BucketObjectFetch {
    const NAME: &'static str = "bucket_object_fetch";
    const TITLE: &'static str = "Read an object as bytes";
    const DESCRIPTION: &'static str = "Reads a piece of an object as base64; only that piece leaves S3. A complete \
                                       png, jpeg, gif or webp is also returned as an image. For text use bucket_object_text.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output.data.as_str().len()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3 = session.s3().await?;
        session
            .reserve(CONTENT_FACTOR * usize::try_from(args.max_bytes.get()).unwrap_or(usize::MAX))
            .await?;
        let read = s3
            .get_range(&args.s3_uri, args.offset, args.max_bytes.get())
            .await
            .map_err(|error| session.explain(&error))?;
        let bytes_read = read.bytes.len() as u64;
        let data = Base64Text::of(&read.bytes)?;
        let is_whole = args.offset == 0 && bytes_read == read.size;
        let image_type = content::image_mime_type(&read.bytes).filter(|_| is_whole);
        if image_type.is_some() {
            session
                .reserve((CONTENT_FACTOR + IMAGE_FACTOR) * read.bytes.len())
                .await?;
        }
        let images = image_type
            .map(|mime_type| Image {
                data: data.as_str().to_owned(),
                mime_type,
            })
            .into_iter()
            .collect();
        let truncated = args.offset.saturating_add(bytes_read) < read.size;
        let link = Link::object(&args.s3_uri, args.offset, read.size, read.content_type.as_ref()).filter(|_| truncated);
        let output = Output {
            data,
            size: read.size,
            bytes_read,
            offset: args.offset,
            truncated,
            content_type: read.content_type,
        };
        Ok(ToolSuccess { output, images, link })
    }
}
