//! `bucket_object_text`: a range of an object, as text.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{self, Decoded, MAX_CHARACTER_BYTES, TextEncoding};
use super::text_source::{Piece, TextSource};
use crate::aws::s3::ObjectUri;
use crate::tools::answer_size::{MAX_ANSWER_CHARS, RESERVED_CHARS, length};
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{CONTENT_FACTOR, estimate_escapes_bytes};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

/// Bytes before a piece that are read with it.
const MAX_LEAD: u64 = MAX_CHARACTER_BYTES as u64 - 1;

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
    /// Encoding of the object, by default utf-8; utf-16 goes by its byte-order mark
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
    /// Size of the whole object as stored, in bytes.
    size: u64,
    /// Bytes that the text was decoded from; continue at `offset + bytes_read`.
    bytes_read: u64,
    offset: u64,
    /// Whether the object continues after this range.
    truncated: bool,
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    /// "gzip" if the object is: the text, offset and `bytes_read` are of its unpacked content.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpacked: Option<&'static str>,
}

impl Tool for BucketObjectText {
    const NAME: &'static str = "bucket_object_text";
    const TITLE: &'static str = "Read an object as text";
    const DESCRIPTION: &'static str = "Reads a piece of a text object; only that piece leaves S3. Gzip is unpacked, from its \
                                       beginning to the piece. Continue at offset + bytes_read while truncated. For binary \
                                       content use bucket_object_fetch.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output.text.len()
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let asked = TextEncoding::named(&args.encoding).ok_or_else(|| {
            ToolError::invalid("Argument encoding: unknown encoding, or one whose text cannot be read in pieces.")
                .with_hint("Try utf-8, latin-1, utf-16, utf-16le or utf-16be.")
        })?;
        let s3 = session.s3().await?;
        let content_bytes = CONTENT_FACTOR * usize::try_from(args.max_bytes.get()).unwrap_or(usize::MAX);
        session.reserve(content_bytes).await?;
        // A few bytes more at the front tell whether a character was cut there.
        let lead = MAX_LEAD.min(args.offset);
        let begin = args.offset - lead;
        let source = TextSource {
            session: &session,
            s3: &s3,
            object: &args.s3_uri,
        };
        let length = lead + args.max_bytes.get();
        let mut piece = source.piece(begin, length).await?;
        let mut text = TextRange::decode(&source, &piece, &args, asked).await?;
        if text.is_none() && !piece.is_unpacked {
            piece = source.retry_unpacked(piece, begin, length).await?;
            text = TextRange::decode(&source, &piece, &args, asked).await?;
        }
        while let Some(shorter) = text.as_ref().and_then(|text| text.shortened(&args)) {
            let lead = usize::try_from(lead).unwrap_or_default();
            piece.bytes.truncate(lead + shorter);
            piece.continues = true;
            text = TextRange::decode(&source, &piece, &args, asked).await?;
        }
        let Some(TextRange { decoded, encoding }) = text else {
            return Err(explain_binary(&source, &piece, &args, asked).await?);
        };
        if decoded.used == 0 && piece.continues {
            let message = "Argument max_bytes: too few bytes for one character of this object; request at least 4.";
            return Err(ToolError::invalid(message));
        }
        session
            .reserve(content_bytes + estimate_escapes_bytes(&decoded.text))
            .await?;
        let offset = args.offset.saturating_add(decoded.skipped as u64);
        let bytes_read = decoded.used as u64;
        let end = begin.saturating_add(piece.bytes.len() as u64);
        let truncated = piece.continues || offset.saturating_add(bytes_read) < end;
        let link =
            Link::object(&args.s3_uri, args.offset, piece.size, piece.content_type.as_ref()).filter(|_| truncated);
        let output = Output {
            truncated,
            text: decoded.text,
            encoding,
            size: piece.size,
            bytes_read,
            offset,
            content_type: piece.content_type,
            content_encoding: piece.content_encoding,
            unpacked: piece.is_unpacked.then_some("gzip"),
        };
        Ok(ToolSuccess { link, ..output.into() })
    }
}

/// A piece of content as text.
struct TextRange {
    decoded: Decoded,
    /// Name of the encoding in which it was decoded.
    encoding: String,
}

impl TextRange {
    /// Returns the number of bytes to show instead, if the text is longer than answers are. Who asks for more bytes than that
    /// gets them.
    fn shortened(&self, args: &Args) -> Option<usize> {
        let max_chars = MAX_ANSWER_CHARS - RESERVED_CHARS;
        let chars = length(&self.decoded.text);
        let is_asked_for = args.max_bytes.get() > MAX_ANSWER_CHARS as u64;
        let bytes = self.decoded.skipped + self.decoded.used;
        // In proportion, and a little less, because the beginning may have longer escapes than the rest.
        (chars > max_chars && !is_asked_for).then(|| bytes * max_chars / chars * 15 / 16)
    }

    /// Decodes a piece; `None` if it is not text in this encoding.
    async fn decode(
        source: &TextSource<'_>,
        piece: &Piece,
        args: &Args,
        asked: TextEncoding,
    ) -> Result<Option<Self>, ToolError> {
        let lead = MAX_LEAD.min(args.offset);
        let start = match asked {
            TextEncoding::Utf16Marked => source.start(piece, args.offset - lead).await?,
            _ => Bytes::new(),
        };
        let Some(encoding) = asked.resolve(&start) else {
            return Ok(None);
        };
        let lead = usize::try_from(lead).unwrap_or_default().min(piece.bytes.len());
        let decoded = content::decode(
            &piece.bytes,
            lead,
            encoding,
            piece.continues && piece.bytes.len() > lead,
        );
        let name = match (asked, encoding) {
            (TextEncoding::Utf16Marked, TextEncoding::Other(encoding)) => encoding.name().to_ascii_lowercase(),
            _ => args.encoding.clone(),
        };
        Ok(decoded.map(|decoded| Self {
            decoded,
            encoding: name,
        }))
    }
}

/// Makes the error of content that is not text in the encoding of the call.
async fn explain_binary(
    source: &TextSource<'_>,
    piece: &Piece,
    args: &Args,
    asked: TextEncoding,
) -> Result<ToolError, ToolError> {
    let object = &args.s3_uri;
    let begin = args.offset - MAX_LEAD.min(args.offset);
    let start = source.start(piece, begin).await?;
    let Some(encoding) = asked.resolve(&start) else {
        let message = format!("{object} does not begin with a UTF-16 byte-order mark, by which utf-16 is read.");
        return Ok(ToolError::invalid(message).with_hint("Set encoding to utf-16le or utf-16be, or to another one."));
    };
    let packed = piece.content_encoding.as_deref().filter(|coding| {
        let is_packed = |coding: &str| !matches!(coding, "" | "identity" | "aws-chunked");
        !piece.is_unpacked && coding.split(',').any(|coding| is_packed(coding.trim()))
    });
    if let Some(coding) = packed {
        let message = format!("{object} is compressed ({coding}), and only gzip is unpacked.");
        return Ok(ToolError::invalid(message).with_hint("bucket_object_fetch reads its bytes as they are stored."));
    }
    let (problem, hint) = content::explain_binary(&piece.bytes, begin, &start, (encoding, &args.encoding));
    let unpacked = if piece.is_unpacked { ", unpacked from gzip," } else { "" };
    Ok(ToolError::invalid(format!("{object}{unpacked} {problem}.")).with_hint(hint))
}
