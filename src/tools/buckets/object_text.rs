//! `bucket_object_text`: a range of an object, as text.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{self, Decoded, MAX_CHARACTER_BYTES, TextEncoding};
use super::line_search::{Match, Pattern, SHOWN_CHARS};
use super::object_find::{self, SEARCH_BYTES};
use super::text_source::{Piece, TextSource};
use crate::tools::answer_size::{AnswerBudget, MAX_ANSWER_CHARS, RESERVED_CHARS, length};
use crate::tools::arguments::types::Bounded;
use crate::tools::estimate::{CONTENT_FACTOR, estimate_escapes_bytes};
use crate::tools::object_argument::ObjectArgument;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Link, Session, ToolError};

/// Bytes before a piece that are read with it.
const MAX_LEAD: u64 = MAX_CHARACTER_BYTES as u64 - 1;
/// Bytes by which a search decides whether an object is text.
const START_BYTES: u64 = 4096;

pub struct BucketObjectText;

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Args {
    #[serde(flatten)]
    object: ObjectArgument,
    /// 1 to 1048576, by default 24576
    #[serde(default)]
    max_bytes: Bounded<1, 1_048_576, 24_576>,
    /// First byte, negative from the end; by default 0
    #[serde(default)]
    offset: i64,
    /// By default utf-8; utf-16 goes by its byte-order mark
    #[serde(default = "utf_8")]
    encoding: String,
    /// Return the lines with this text, or that match `/regex/` (`/regex/i` ignores case)
    find: Option<String>,
    /// Lines around each match: 0 to 10, by default 0
    #[serde(default)]
    context_lines: Bounded<0, 10, 0>,
    /// 1 to 200 matches, by default 20
    #[serde(default)]
    max_matches: Bounded<1, 200, 20>,
}

impl Args {
    /// The arguments for a range in UTF-8.
    pub(super) fn range(object: ObjectArgument, max_bytes: Bounded<1, 1_048_576, 24_576>, offset: u64) -> Self {
        Self {
            object,
            max_bytes,
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
            encoding: utf_8(),
            find: None,
            context_lines: Bounded::default(),
            max_matches: Bounded::default(),
        }
    }
}

fn utf_8() -> String {
    "utf-8".to_owned()
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Absent with find.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(flatten)]
    found: Option<Found>,
    encoding: String,
    /// Size of the whole object as stored, in bytes.
    size: u64,
    /// Bytes that were read as text; continue at `offset + bytes_read`.
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
    version_id: Option<String>,
    /// User metadata of the object.
    metadata: BTreeMap<String, String>,
}

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    matches: Vec<Match>,
    /// Count of all matching lines, also of those that are not shown.
    match_count: u64,
    lines_scanned: u64,
    /// Whether the object was searched to its end; else go on at `next_offset`, which may be inside of a long line.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
}

impl Tool for BucketObjectText {
    const NAME: &'static str = "bucket_object_text";
    const TITLE: &'static str = "Read an object as text";
    const DESCRIPTION: &'static str = "Reads a piece of a text object, or with find the lines that match anywhere in it. Gzip is \
                                       unpacked. Continue at offset + bytes_read while truncated. For binary content use \
                                       bucket_object_fetch.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    fn estimate_json_bytes(output: &Output) -> usize {
        output.text.as_ref().map_or(SEARCH_BYTES / 4, String::len)
    }

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let asked = TextEncoding::named(&args.encoding).ok_or_else(|| {
            ToolError::invalid("Argument encoding: unknown encoding, or one whose text cannot be read in pieces.")
                .with_hint("Try utf-8, latin-1, utf-16, utf-16le or utf-16be.")
        })?;
        let pattern = args.find.as_deref().map(Pattern::parse).transpose()?;
        let object = args.object.resolve(&session).await?;
        let s3 = session.s3().await?;
        let source = TextSource {
            session: &session,
            s3: &s3,
            object: &object,
        };
        let offset = match u64::try_from(args.offset) {
            Ok(offset) => offset,
            Err(_) => source.offset_before_end(args.offset.unsigned_abs()).await?,
        };
        let reading = Reading {
            source,
            asked,
            encoding: &args.encoding,
            offset,
            max_bytes: args.max_bytes.get(),
        };
        match pattern {
            Some(pattern) => reading.find(pattern, &args).await,
            None => reading.read().await,
        }
    }
}

/// One call of the tool.
#[derive(Clone, Copy)]
struct Reading<'a> {
    source: TextSource<'a>,
    asked: TextEncoding,
    /// Name of the encoding, as the caller wrote it.
    encoding: &'a str,
    offset: u64,
    max_bytes: u64,
}

impl Reading<'_> {
    /// Reads a range.
    async fn read(&self) -> Result<ToolSuccess<Output>, ToolError> {
        let session = self.source.session;
        let content_bytes = CONTENT_FACTOR * usize::try_from(self.max_bytes).unwrap_or(usize::MAX);
        session.reserve(content_bytes).await?;
        let (piece, TextRange { decoded, encoding }) = self.decoded_piece(self.max_bytes).await?;
        if decoded.used == 0 && piece.continues {
            let message = "Argument max_bytes: too few bytes for one character of this object; request at least 4.";
            return Err(ToolError::invalid(message));
        }
        session
            .reserve(content_bytes + estimate_escapes_bytes(&decoded.text))
            .await?;
        let offset = self.offset.saturating_add(decoded.skipped as u64);
        let bytes_read = decoded.used as u64;
        let end = self.begin().saturating_add(piece.bytes.len() as u64);
        let truncated = piece.continues || offset.saturating_add(bytes_read) < end;
        let link = Link::object(self.source.object, self.offset, piece.size, piece.content_type.as_ref())
            .filter(|_| truncated);
        let output = Output {
            text: Some(decoded.text),
            bytes_read,
            offset,
            truncated,
            ..Output::of(piece, encoding)
        };
        Ok(ToolSuccess { link, ..output.into() })
    }

    /// Searches the object from the offset on.
    async fn find(&self, pattern: Pattern, args: &Args) -> Result<ToolSuccess<Output>, ToolError> {
        let session = self.source.session;
        let shown = args.max_matches.get() * (2 * args.context_lines.get() + 1) * 4 * SHOWN_CHARS as u64;
        session
            .reserve(SEARCH_BYTES + usize::try_from(shown).unwrap_or(usize::MAX))
            .await?;
        // The beginning tells what the object is, wherever the search begins.
        let beginning = Reading { offset: 0, ..*self };
        let (piece, TextRange { encoding, .. }) = beginning.decoded_piece(START_BYTES).await?;
        let start = match self.asked {
            TextEncoding::Utf16Marked => self.source.start(&piece, beginning.begin()).await?,
            _ => Bytes::new(),
        };
        let resolved = self.asked.resolve(&start).unwrap_or(self.asked);
        if resolved.is_utf16() && self.offset % 2 == 1 {
            let message = "Argument offset: UTF-16 has two bytes for a unit; give an even number.";
            return Err(ToolError::invalid(message));
        }
        let wanted = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
        let bounds = (wanted(args.max_matches.get()), wanted(args.context_lines.get()));
        let search = object_find::search(&self.source, &piece, (pattern, resolved), self.offset, bounds).await?;
        let mut output = Output::of(piece, encoding);
        let mut matches = search.matches;
        AnswerBudget::beside(&output).truncate(&mut matches);
        output.found = Some(Found {
            matches,
            match_count: search.match_count,
            lines_scanned: search.lines,
            complete: search.next_offset.is_none(),
            next_offset: search.next_offset,
        });
        output.offset = self.offset;
        output.bytes_read = search.bytes_read;
        output.truncated = search.next_offset.is_some();
        Ok(output.into())
    }

    /// Where the read begins: a few bytes before the offset tell whether a character was cut there.
    fn begin(&self) -> u64 {
        self.offset - self.lead()
    }

    fn lead(&self) -> u64 {
        MAX_LEAD.min(self.offset)
    }

    /// Reads and decodes at most `length` bytes behind the offset.
    async fn decoded_piece(&self, length: u64) -> Result<(Piece, TextRange), ToolError> {
        let (begin, length) = (self.begin(), self.lead() + length);
        let mut piece = self.source.piece(begin, length).await?;
        let mut text = self.decode(&piece).await?;
        if text.is_none() && !piece.is_unpacked {
            piece = self.source.retry_unpacked(piece, begin, length).await?;
            text = self.decode(&piece).await?;
        }
        while let Some(shorter) = text.as_ref().and_then(|text| text.shortened(self.max_bytes)) {
            let lead = usize::try_from(self.lead()).unwrap_or_default();
            piece.bytes.truncate(lead + shorter);
            piece.continues = true;
            text = self.decode(&piece).await?;
        }
        match text {
            Some(text) => Ok((piece, text)),
            None => Err(self.explain_binary(&piece).await?),
        }
    }

    /// Decodes a piece; `None` if it is not text in this encoding.
    async fn decode(&self, piece: &Piece) -> Result<Option<TextRange>, ToolError> {
        let start = match self.asked {
            TextEncoding::Utf16Marked => self.source.start(piece, self.begin()).await?,
            _ => Bytes::new(),
        };
        let Some(encoding) = self.asked.resolve(&start) else {
            return Ok(None);
        };
        let lead = usize::try_from(self.lead()).unwrap_or_default().min(piece.bytes.len());
        let decoded = content::decode(
            &piece.bytes,
            lead,
            encoding,
            piece.continues && piece.bytes.len() > lead,
        );
        let name = match (self.asked, encoding) {
            (TextEncoding::Utf16Marked, TextEncoding::Other(encoding)) => encoding.name().to_ascii_lowercase(),
            _ => self.encoding.to_owned(),
        };
        Ok(decoded.map(|decoded| TextRange {
            decoded,
            encoding: name,
        }))
    }

    /// Makes the error of content that is not text in the encoding of the call.
    async fn explain_binary(&self, piece: &Piece) -> Result<ToolError, ToolError> {
        let object = self.source.object;
        let begin = self.begin();
        let start = self.source.start(piece, begin).await?;
        let Some(encoding) = self.asked.resolve(&start) else {
            let message = format!("{object} does not begin with a UTF-16 byte-order mark, by which utf-16 is read.");
            return Ok(
                ToolError::invalid(message).with_hint("Set encoding to utf-16le or utf-16be, or to another one.")
            );
        };
        let packed = piece.content_encoding.as_deref().filter(|coding| {
            let is_packed = |coding: &str| !matches!(coding, "" | "identity" | "aws-chunked");
            !piece.is_unpacked && coding.split(',').any(|coding| is_packed(coding.trim()))
        });
        if let Some(coding) = packed {
            let message = format!("{object} is compressed ({coding}), and only gzip is unpacked.");
            return Ok(ToolError::invalid(message).with_hint("bucket_object_fetch reads its bytes as they are stored."));
        }
        let (problem, hint) = content::explain_binary(&piece.bytes, begin, &start, (encoding, self.encoding));
        let unpacked = if piece.is_unpacked { ", unpacked from gzip," } else { "" };
        Ok(ToolError::invalid(format!("{object}{unpacked} {problem}.")).with_hint(hint))
    }
}

impl Output {
    /// The properties of the object to which a piece belongs.
    fn of(piece: Piece, encoding: String) -> Self {
        Self {
            text: None,
            found: None,
            encoding,
            size: piece.size,
            bytes_read: 0,
            offset: 0,
            truncated: false,
            content_type: piece.content_type,
            content_encoding: piece.content_encoding,
            unpacked: piece.is_unpacked.then_some("gzip"),
            version_id: piece.version_id,
            metadata: piece.metadata,
        }
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
    fn shortened(&self, max_bytes: u64) -> Option<usize> {
        let max_chars = MAX_ANSWER_CHARS - RESERVED_CHARS;
        let chars = length(&self.decoded.text);
        let is_asked_for = max_bytes > MAX_ANSWER_CHARS as u64;
        let bytes = self.decoded.skipped + self.decoded.used;
        // In proportion, and a little less, because the beginning may have longer escapes than the rest.
        (chars > max_chars && !is_asked_for).then(|| bytes * max_chars / chars * 15 / 16)
    }
}
