//! Memory for what a request brings and for what its answer takes away ([`crate::memory`]).
//!
//! A body gets its memory as its bytes arrive and has it until it is decoded; from there on the call has some of its own,
//! which is enough for the decoding too and is kept until the answer was written to the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::BytesMut;
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::audit;
use super::envelope::Envelope;
use super::reply::{Problem, Refusal, problem};
use crate::identity::Caller;
use crate::memory::{CallMemory, Memory, Refused, SMALL, Share};

/// What is demanded of a sender, by whether the caller is proved.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyBounds {
    /// Largest body, in bytes.
    pub max_bytes: usize,
    /// Slowest rate at which the body may arrive after its first second, in bytes a second.
    pub min_rate: u32,
    /// Whether the caller is proved.
    pub proved: bool,
}

/// Time that a stranger has before the rate counts, with as much that it may lag behind.
const UNPROVED_GRACE: Duration = Duration::from_secs(2);
/// Longest time between two parts of a body, however fast it came before; and how far a user may lag behind the rate,
/// since a loaded client may need seconds to begin.
const BODY_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for a body that has the memory of last resort, for which others wait; and its longest time in all.
const LAST_RESORT_STALL_TIMEOUT: Duration = Duration::from_secs(2);
const LAST_RESORT_TIMEOUT: Duration = Duration::from_secs(10);

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

/// Reads a body within these bounds. Its memory is reserved as its bytes arrive, in steps that double.
pub(super) async fn read(memory: &Memory, body: Body, bounds: BodyBounds) -> Result<Arrived, ReadError> {
    let BodyBounds { max_bytes, min_rate, proved } = bounds;
    let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(ReadError::TooLarge);
    }
    let most = announced.unwrap_or(max_bytes);
    let grace = if proved { BODY_STALL_TIMEOUT } else { UNPROVED_GRACE };
    let mut share: Option<Share> = None;
    let mut whole = BytesMut::new();
    let mut stream = body.into_data_stream();
    let mut started = Instant::now();
    // When a body that has the last memory has to be there.
    let mut last_call: Option<Instant> = None;
    loop {
        let arrived = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        let by_rate = started + grace + Duration::from_secs(1) * arrived / min_rate;
        let stall = if last_call.is_some() { LAST_RESORT_STALL_TIMEOUT } else { BODY_STALL_TIMEOUT };
        let due = by_rate.min(Instant::now() + stall).min(last_call.unwrap_or(by_rate));
        let Some(chunk) = timeout_at(due, stream.next()).await.map_err(|_elapsed| too_slow(last_call))? else { break };
        let chunk = chunk.map_err(|_| ReadError::Broken)?;
        let length = whole.len() + chunk.len();
        if length > max_bytes {
            return Err(ReadError::TooLarge);
        }
        let reserved = share.as_ref().map_or(0, Share::bytes);
        if length > reserved {
            let waiting = Instant::now();
            let wanted = length.max(2 * reserved).min(most.max(length));
            let has_grown = grow(memory, &mut share, wanted, proved).await.map_err(ReadError::NoMemory)?;
            if !has_grown {
                share = Some(memory.last_resort(most).await.map_err(ReadError::NoMemory)?);
                last_call = Some(Instant::now() + LAST_RESORT_TIMEOUT);
            }
            let wanted = if has_grown { wanted } else { most };
            whole.reserve(wanted.saturating_sub(whole.len()));
            started += waiting.elapsed();
        }
        whole.extend_from_slice(&chunk);
    }
    let share = match share {
        Some(mut share) => {
            share.shrink_to(whole.len());
            share
        }
        None => memory.arriving(0, proved).await.map_err(ReadError::NoMemory)?,
    };
    Ok(Arrived { bytes: whole.freeze(), share })
}

/// Why a body that does not arrive is given up: where others wait for its memory, for want of that.
fn too_slow(last_call: Option<Instant>) -> ReadError {
    last_call.map_or(ReadError::TooSlow, |_| ReadError::NoMemory(Refused::Busy))
}

/// Makes a reservation one of `wanted` bytes. Says `false` where a large body finds no memory.
async fn grow(memory: &Memory, share: &mut Option<Share>, wanted: usize, proved: bool) -> Result<bool, Refused> {
    let reserved = share.as_ref().map_or(0, Share::bytes);
    let more = if !proved || wanted <= SMALL {
        memory.arriving(wanted - reserved.min(wanted), proved).await?
    } else if reserved > SMALL {
        let Some(more) = memory.try_large(wanted - reserved.min(wanted)) else { return Ok(false) };
        more
    } else {
        // Small bodies have memory of another part.
        let Some(large) = memory.try_large(wanted) else { return Ok(false) };
        *share = None;
        large
    };
    match share {
        Some(share) => share.merge(more),
        none => *none = Some(more),
    }
    Ok(true)
}

/// Gives the call memory for its decoded body, in exchange for that of the body.
pub(super) async fn admit(
    call: &CallMemory,
    share: Share,
    caller: &Caller,
    envelope: &Envelope,
) -> Result<(), Refusal> {
    let reserved = call.hold(envelope.shape.decoded_bytes()).await;
    drop(share);
    reserved.map_err(|refused| {
        audit::refused(Some(envelope), refused.code(), Some(caller));
        refuse(refused, envelope.id.as_deref())
    })
}

/// Ties an answer to what its request holds: the call's memory, and its places among the requests that are worked on. They
/// are kept until the last byte of the answer was written to the socket, or the connection is gone.
pub(super) fn tie(response: Response, memory: CallMemory, places: impl Send + Sync + 'static) -> Response {
    // How long a streamed answer will be is not known.
    if let Some(length) = response.body().size_hint().exact() {
        memory.shrink_to(usize::try_from(length).unwrap_or(usize::MAX));
    }
    let held: Arc<dyn Send + Sync> = Arc::new((memory, places));
    response.map(|body| Body::new(Tying { body, held }))
}

/// An answer's body whose pieces hold what the request holds, wherever they lie until they are written.
struct Tying {
    body: Body,
    held: Arc<dyn Send + Sync>,
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
    _held: Arc<dyn Send + Sync>,
}

impl AsRef<[u8]> for Tied {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The answer to a request for which there is no memory.
pub(super) fn refuse(refused: Refused, id: Option<&RawValue>) -> Refusal {
    let message = refused.to_string();
    let mut response = problem(&Problem::new(refused.code(), &message), id);
    if refused == Refused::Busy {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response.into()
}
