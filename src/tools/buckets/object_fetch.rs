//! `bucket_object_fetch`: a piece of an object, as it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content;
use crate::s3::ObjectUri;
use crate::tools::args::Bounded;
use crate::tools::base64_text::Base64Text;
use crate::tools::tool::{Hints, Image, Reply, Tool, Toolset};
use crate::tools::{Link, Session, ToolError, weight};

/// Reads bytes.
pub struct BucketObjectFetch;

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
}

/// The piece.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Base64.
    data: Base64Text,
    /// Bytes of the whole object.
    size: u64,
    bytes_read: u64,
    offset: u64,
    /// Whether the object goes on behind this piece.
    truncated: bool,
    content_type: Option<String>,
}

impl Tool for BucketObjectFetch {
    const NAME: &'static str = "bucket_object_fetch";
    const TITLE: &'static str = "Read an object as bytes";
    const DESCRIPTION: &'static str = "Reads a piece of an object as base64; only that piece leaves S3. A whole png, \
                                       jpeg, gif or webp also comes as an image. For text use bucket_object_text.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn length(output: &Output) -> usize {
        output.data.as_str().len()
    }

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let s3 = session.s3().await?;
        session
            .hold(weight::PIECE * usize::try_from(args.max_bytes.get()).unwrap_or(usize::MAX))
            .await?;
        let read = s3
            .get_range(&args.s3_uri, args.offset, args.max_bytes.get())
            .await
            .map_err(|error| session.explain(&error))?;
        let bytes_read = read.bytes.len() as u64;
        let data = Base64Text::of(&read.bytes)?;
        let is_whole = args.offset == 0 && bytes_read == read.size;
        let picture = content::picture(&read.bytes).filter(|_| is_whole);
        if picture.is_some() {
            session.hold((weight::PIECE + weight::IMAGE) * read.bytes.len()).await?;
        }
        let images = picture
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
        Ok(Reply { output, images, link })
    }
}
