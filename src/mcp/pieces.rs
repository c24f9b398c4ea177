//! An answer's body out of pieces, so that what is long and there already is not copied.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// From this size on a piece is worth a buffer of its own.
const LONG: usize = 16 * 1024;

/// Pieces, and what is written behind the last of them.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    done: VecDeque<Bytes>,
    open: Vec<u8>,
}

impl Pieces {
    /// Puts bytes behind the others, as they are where they are long.
    pub(super) fn share(&mut self, piece: Bytes) {
        if piece.len() < LONG {
            self.open.extend_from_slice(&piece);
            return;
        }
        self.close();
        self.done.push_back(piece);
    }

    /// Puts JSON behind the others as the inside of a JSON string. JSON itself holds no control characters, so that there is
    /// little to escape.
    pub(super) fn quote(&mut self, json: &Bytes) {
        let mut begin = 0;
        for at in memchr::memchr2_iter(b'"', b'\\', json) {
            self.run(json, begin, at);
            self.open.push(b'\\');
            begin = at;
        }
        self.run(json, begin, json.len());
    }

    fn run(&mut self, json: &Bytes, begin: usize, end: usize) {
        if end - begin < LONG {
            self.open.extend_from_slice(json.get(begin..end).unwrap_or_default());
        } else {
            self.share(json.slice(begin..end));
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push_back(std::mem::take(&mut self.open).into());
        }
    }

    /// The pieces as a body, whose length is known.
    pub(super) fn into_body(mut self) -> Body {
        if self.done.is_empty() {
            return Body::from(self.open);
        }
        self.close();
        Body::new(InPieces(self.done))
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct InPieces(VecDeque<Bytes>);

impl HttpBody for InPieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
