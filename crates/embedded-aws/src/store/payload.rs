//! Bytes of objects and parts, immutable and shared: reads, copies and completed uploads refer to the same segments.
//! A synthetic segment stores no bytes: they are computed from their offsets.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};

/// Size of the frames that a stream yields.
const FRAME_BYTES: u64 = 128 * 1024;

#[derive(Debug, Clone)]
enum Segment {
    Stored(Bytes),
    /// The bytes that a synthetic object has in this range.
    Synthetic(Range<u64>),
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Self::Stored(bytes) => bytes.len() as u64,
            Self::Synthetic(range) => range.end - range.start,
        }
    }

    /// Returns the part of the segment in `range`, which must lie within it.
    fn slice(&self, range: Range<u64>) -> Self {
        match self {
            Self::Stored(bytes) => Self::Stored(bytes.slice(index(range.start)..index(range.end))),
            Self::Synthetic(whole) => Self::Synthetic(whole.start + range.start..whole.start + range.end),
        }
    }

    fn bytes(self) -> Bytes {
        match self {
            Self::Stored(bytes) => bytes,
            Self::Synthetic(range) => synthetic_bytes(range),
        }
    }
}

/// Converts a position in a segment. A stored segment is a slice in memory, so its positions fit into `usize`.
fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Returns the bytes of a synthetic object at these offsets. They depend on the offset alone, not on the object.
#[must_use]
pub fn synthetic_bytes(range: Range<u64>) -> Bytes {
    let mut out = Vec::with_capacity(index(range.end.saturating_sub(range.start)));
    let mut offset = range.start;
    while offset < range.end {
        let block = mix(offset / 8).to_le_bytes();
        let skip = index(offset % 8);
        let take = index(range.end - offset).min(8 - skip);
        out.extend(block.iter().skip(skip).take(take));
        offset += take as u64;
    }
    Bytes::from(out)
}

/// Mixes the bits of a block's number (`SplitMix64`), so that the bytes neither repeat nor compress.
fn mix(block: u64) -> u64 {
    let mut z = block.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// An immutable sequence of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    segments: Arc<[Segment]>,
    len: u64,
}

impl Payload {
    pub fn stored(chunks: Vec<Bytes>) -> Self {
        Self::from_segments(chunks.into_iter().map(Segment::Stored))
    }

    pub fn synthetic(len: u64) -> Self {
        Self::from_segments([Segment::Synthetic(0..len)])
    }

    /// Concatenates payloads without copying.
    pub fn concat<'a>(payloads: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::from_segments(
            payloads
                .into_iter()
                .flat_map(|payload| payload.segments.iter().cloned()),
        )
    }

    fn from_segments(segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: Arc<[Segment]> = segments.into_iter().filter(|segment| segment.len() > 0).collect();
        let len = segments.iter().map(Segment::len).sum();
        Self { segments, len }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether some bytes are synthetic. Such a payload is not hashed, because it may be very large.
    pub fn is_synthetic(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment, Segment::Synthetic(_)))
    }

    /// Returns the bytes in `range`, which is cut to the payload's end.
    pub fn slice(&self, range: Range<u64>) -> Self {
        let mut start = 0;
        let mut out = Vec::new();
        for segment in self.segments.iter() {
            let end = start + segment.len();
            let from = range.start.max(start);
            let to = range.end.min(end);
            if from < to {
                out.push(segment.slice(from - start..to - start));
            }
            start = end;
        }
        Self::from_segments(out)
    }

    pub fn stream(&self) -> PayloadStream {
        PayloadStream {
            segments: self.segments.iter().cloned().collect(),
            remaining: self.len,
        }
    }
}

/// A stream over the frames of a payload. Synthetic bytes are computed when they are read.
pub(crate) struct PayloadStream {
    segments: VecDeque<Segment>,
    remaining: u64,
}

impl Iterator for PayloadStream {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let segment = self.segments.pop_front()?;
        let len = segment.len();
        let frame = if len > FRAME_BYTES {
            self.segments.push_front(segment.slice(FRAME_BYTES..len));
            segment.slice(0..FRAME_BYTES)
        } else {
            segment
        };
        self.remaining -= frame.len();
        Some(frame.bytes())
    }
}

impl Stream for PayloadStream {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.next().map(Ok))
    }
}

impl ByteStream for PayloadStream {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(index(self.remaining))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &Payload) -> String {
        payload
            .stream()
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn slices_across_segments() {
        let payload = Payload::stored(vec![
            Bytes::from_static(b"hello"),
            Bytes::new(),
            Bytes::from_static(b" world"),
        ]);
        assert_eq!(payload.len(), 11);
        assert_eq!(text(&payload.slice(3..7)), "lo w");
        assert_eq!(text(&payload.slice(9..99)), "ld");
        assert_eq!(
            text(&Payload::concat([&payload.slice(0..2), &payload.slice(10..11)])),
            "hed"
        );
    }

    #[test]
    fn synthetic_bytes_depend_on_the_offset_alone() {
        let whole = synthetic_bytes(0..300_000);
        let payload = Payload::synthetic(5 << 30).slice(100_001..250_003);
        let streamed: Vec<u8> = payload.stream().flatten().collect();
        assert_eq!(streamed, whole[100_001..250_003]);
        assert!(payload.is_synthetic());
    }
}
