//! Memory for what a request brings and for what its answer takes away ([`crate::memory`]).
//!
//! A body has its memory before it is read, from the first byte to its decoding; from there on the call has some of its
//! own, which is enough for the decoding too and is kept until the answer was written to the socket.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::BytesMut;
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::audit;
use super::envelope::Envelope;
use super::reply::{INVALID_REQUEST, Problem, Refusal, problem};
use crate::identity::Caller;
use crate::memory::{CallMemory, Memory, Refused, SMALL, Share};

/// What the decoding of a body, and the arguments that come out of it, take for each of its bytes, for each value in it and
/// for each array or object. Measured with bodies of one text (2 to 4 bytes for each of its own), of a hundred thousand
/// members of one object (430), and of as many objects within objects (900).
const FOR_BYTE: usize = 4;
const FOR_VALUE: usize = 430;
const FOR_NEST: usize = 900;

/// A body in memory.
#[derive(Debug)]
pub(super) struct Arrived {
    pub bytes: Bytes,
    /// The memory that it lies in.
    pub share: Share,
}

/// Why there is no body.
pub(super) enum ReadError {
    TooLarge,
    TooSlow,
    Broken,
    NoMemory(Refused),
}

/// Reads a body of at most `limit` bytes, which arrives within `patience` once there is memory for it. One that does not
/// tell its length gets memory for the longest when it turns out not to be small.
pub(super) async fn read(memory: &Memory, body: Body, limit: usize, patience: Duration) -> Result<Arrived, ReadError> {
    let told = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if told.is_some_and(|length| length > limit) {
        return Err(ReadError::TooLarge);
    }
    let mut share = memory.arriving(told.unwrap_or(SMALL.min(limit))).await.map_err(ReadError::NoMemory)?;
    let mut whole = BytesMut::with_capacity(told.unwrap_or_default());
    let mut stream = body.into_data_stream();
    let mut due = Instant::now() + patience;
    while let Some(chunk) = timeout_at(due, stream.next()).await.map_err(|_elapsed| ReadError::TooSlow)? {
        let chunk = chunk.map_err(|_| ReadError::Broken)?;
        let length = whole.len() + chunk.len();
        if length > limit {
            return Err(ReadError::TooLarge);
        }
        if length > share.bytes() {
            let begun = Instant::now();
            share = memory.arriving(limit).await.map_err(ReadError::NoMemory)?;
            due += begun.elapsed();
            whole.reserve(limit - whole.len());
        }
        whole.extend_from_slice(&chunk);
    }
    share.shrink_to(whole.len());
    Ok(Arrived { bytes: whole.freeze(), share })
}

/// What a request brought, on its way to the handler.
#[derive(Debug)]
pub(super) struct Brought {
    /// The memory that the body lies in.
    _share: Share,
    /// Memory for its decoding and its arguments.
    cost: usize,
}

impl Brought {
    pub(super) fn of(body: &Bytes, share: Share) -> Self {
        let values = memchr::memchr_iter(b',', body).count();
        let nests = memchr::memchr2_iter(b'{', b'[', body).count();
        Self { _share: share, cost: body.len() * FOR_BYTE + values * FOR_VALUE + nests * FOR_NEST }
    }
}

/// Gives the call its memory, in exchange for that of the body.
pub(super) async fn admit(
    memory: &Memory,
    caller: &Caller,
    brought: Brought,
    envelope: &Envelope,
) -> Result<CallMemory, Refusal> {
    let held = memory.call(caller.person());
    match held.hold(brought.cost).await {
        Ok(()) => Ok(held),
        Err(refused) => {
            audit::refused(Some(envelope), refused.code().as_str(), Some(caller));
            Err(refuse(refused, envelope.id.as_deref()))
        }
    }
}

/// The memory of an answer is held until its last byte is written, or its connection is gone.
pub(super) fn tie(response: Response, held: CallMemory) -> Response {
    // Of an answer that is still being made nobody knows how long it will be.
    if let Some(length) = response.body().size_hint().exact() {
        held.shrink_to(usize::try_from(length).unwrap_or(usize::MAX));
        if held.held() == 0 {
            return response;
        }
    }
    response.map(|body| Body::new(Tying { body, held }))
}

/// An answer's body whose pieces hold the call's memory, wherever they lie until they are written.
struct Tying {
    body: Body,
    held: CallMemory,
}

impl HttpBody for Tying {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let tied = |bytes| Bytes::from_owner(Tied { bytes, _held: self.held.clone() });
        frame.map_ok(|frame| frame.map_data(tied))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

struct Tied {
    bytes: Bytes,
    _held: CallMemory,
}

impl AsRef<[u8]> for Tied {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The answer to a request for which there is no memory.
pub(super) fn refuse(refused: Refused, id: Option<&RawValue>) -> Refusal {
    let message = refused.to_string();
    match refused {
        Refused::TooLarge { .. } => {
            let what = Problem { code: INVALID_REQUEST, message: &message, error_code: refused.code().as_str() };
            problem(StatusCode::PAYLOAD_TOO_LARGE, &what, id).into()
        }
        Refused::Busy => {
            let mut response =
                problem(StatusCode::TOO_MANY_REQUESTS, &Problem::limited(refused.code().as_str(), &message), id);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            response.into()
        }
    }
}
