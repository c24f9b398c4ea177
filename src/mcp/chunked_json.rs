//! JSON text in chunks, so that long parts are not copied.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// Smallest part that becomes a chunk of its own, in bytes.
const MIN_CHUNK: usize = 16 * 1024;

/// Chunks, and the buffer behind the last of them.
#[derive(Debug, Default)]
pub struct ChunkedJson {
    chunks: VecDeque<Bytes>,
    buffer: Vec<u8>,
}

impl ChunkedJson {
    /// Appends bytes; long ones without a copy.
    pub fn share(&mut self, bytes: Bytes) {
        if bytes.len() < MIN_CHUNK {
            self.buffer.extend_from_slice(&bytes);
            return;
        }
        self.close();
        self.chunks.push_back(bytes);
    }

    /// Appends a JSON text as the inside of a JSON string. JSON has no control characters outside of escapes, so only
    /// quotes and backslashes are escaped.
    pub(super) fn quote(&mut self, json: &Bytes) {
        let mut begin = 0;
        for at in memchr::memchr2_iter(b'"', b'\\', json) {
            self.append(json, begin, at);
            self.buffer.push(b'\\');
            begin = at;
        }
        self.append(json, begin, json.len());
    }

    fn append(&mut self, json: &Bytes, begin: usize, end: usize) {
        if end - begin < MIN_CHUNK {
            self.buffer.extend_from_slice(json.get(begin..end).unwrap_or_default());
        } else {
            self.share(json.slice(begin..end));
        }
    }

    fn close(&mut self) {
        if !self.buffer.is_empty() {
            self.chunks.push_back(std::mem::take(&mut self.buffer).into());
        }
    }

    /// The chunks, in order.
    #[must_use]
    pub fn into_chunks(mut self) -> VecDeque<Bytes> {
        self.close();
        self.chunks
    }

    /// The text as a body of known length.
    pub fn into_body(self) -> Body {
        if self.chunks.is_empty() {
            return Body::from(self.buffer);
        }
        Body::new(ChunkedBody(self.into_chunks()))
    }
}

impl io::Write for ChunkedJson {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ChunkedBody(VecDeque<Bytes>);

impl HttpBody for ChunkedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|chunk| chunk.len() as u64).sum())
    }
}
