//! The search of `bucket_object_text`: all lines of an object that match, in one pass and in bounded memory.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use tokio::time::{Instant, timeout_at};

use super::content::TextEncoding;
use super::gzip::UnpackError;
use super::line_search::{LineSearch, Match, Pattern};
use super::text_source::{Piece, TextSource};
use crate::aws::s3::RangeStream;
use crate::tools::ToolError;

/// Memory that a search takes, whatever the object is.
pub(super) const SEARCH_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that are searched at once.
const PLAIN_BYTES: usize = 16 * 1024;
/// Packed bytes that are unpacked at once: they may unpack to a thousand times as many.
const PACKED_BYTES: usize = 1024;

/// A search to its end, or to the end of the call's time.
pub(super) struct Search {
    pub matches: Vec<Match>,
    pub match_count: u64,
    /// Count of the lines that were searched.
    pub lines: u64,
    /// Bytes of the text that were searched.
    pub bytes_read: u64,
    /// Where to go on; `None` if the text was searched to its end.
    pub next_offset: Option<u64>,
}

/// Searches an object from `offset` on. `piece` is a piece of its text.
pub(super) async fn search(
    source: &TextSource<'_>,
    piece: &Piece,
    (pattern, encoding): (Pattern, TextEncoding),
    offset: u64,
    (max_matches, context): (usize, usize),
) -> Result<Search, ToolError> {
    let lines = LineSearch::new(pattern, encoding, offset, max_matches, context);
    let deadline = source.session.deadline();
    let begin = if piece.is_unpacked { 0 } else { offset };
    let sink = Sink {
        lines,
        skip: if piece.is_unpacked { offset } else { 0 },
        bytes_read: 0,
    };
    let mut target = if piece.is_unpacked {
        Target::Packed(Box::new(MultiGzDecoder::new(sink)))
    } else {
        Target::Plain(Box::new(sink))
    };
    let mut stream = RangeStream::new(source.s3, source.object, piece.etag.clone(), begin, piece.size);
    let mut complete = false;
    let mut read = begin;
    while let Ok(next) = timeout_at(deadline, stream.next()).await {
        let next = next.map_err(|error| source.session.explain(&error))?;
        let Some(bytes) = next else {
            complete = true;
            break;
        };
        read += bytes.len() as u64;
        source.session.report(read, piece.size);
        let is_in_time = target.take(&bytes, deadline).await;
        if !is_in_time.map_err(|_| source.explain(&UnpackError::Damaged))? {
            break;
        }
    }
    if let (Target::Packed(decoder), true) = (&mut target, complete) {
        let finished = decoder.try_finish();
        finished.map_err(|_| source.explain(&UnpackError::Damaged))?;
    }
    let sink = match &mut target {
        Target::Plain(sink) => sink,
        Target::Packed(decoder) => decoder.get_mut(),
    };
    if complete {
        sink.lines.finish();
    } else if sink.skip > 0 {
        return Err(source.explain(&UnpackError::TooFar));
    }
    Ok(Search {
        matches: std::mem::take(&mut sink.lines.matches),
        match_count: sink.lines.match_count,
        lines: sink.lines.lines,
        bytes_read: if complete {
            sink.bytes_read
        } else {
            sink.lines.next_at().saturating_sub(offset)
        },
        next_offset: (!complete).then(|| sink.lines.next_at()),
    })
}

/// What takes the bytes of the object.
enum Target {
    Plain(Box<Sink>),
    Packed(Box<MultiGzDecoder<Sink>>),
}

impl Target {
    /// Takes bytes in small steps, and returns whether there is time left.
    async fn take(&mut self, bytes: &Bytes, deadline: Instant) -> io::Result<bool> {
        let (target, step) = match self {
            Self::Plain(sink) => (&mut **sink as &mut (dyn Write + Send), PLAIN_BYTES),
            Self::Packed(decoder) => (&mut **decoder as &mut (dyn Write + Send), PACKED_BYTES),
        };
        for piece in bytes.chunks(step) {
            target.write_all(piece)?;
            if Instant::now() >= deadline {
                return Ok(false);
            }
            tokio::task::yield_now().await;
        }
        Ok(true)
    }
}

/// Passes text on to the search, from an offset on.
struct Sink {
    lines: LineSearch,
    skip: u64,
    bytes_read: u64,
}

impl Sink {
    fn take(&mut self, text: &[u8]) {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(text.len());
        self.skip -= skipped as u64;
        let text = text.get(skipped..).unwrap_or_default();
        self.bytes_read += text.len() as u64;
        self.lines.push(text);
    }
}

impl Write for Sink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.take(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
