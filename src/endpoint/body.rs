//! Request bodies: accepted content types, size limits, minimum rates and memory reservations.
//!
//! Memory is reserved as the bytes of a body arrive and released when the body is decoded. The call then has a reservation of
//! its own, which covers the decoded values and is held until the response is sent.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use bytes::BytesMut;
use futures::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use super::audit;
use super::response::{Refusal, method_not_allowed, refuse};
use crate::error_code::ErrorCode;
use crate::identity::Caller;
use crate::json::Shape;
use crate::mcp;
pub(super) use crate::memory::Reservation;
use crate::memory::{CallReservation, MAX_SMALL_PAYLOAD, MemoryBudget, ReservationError};

/// Largest body of a request without a proved caller; discovery requests are small.
pub(super) const MAX_UNPROVED_BODY: usize = 64 * 1024;
/// Minimum rates of a body, in bytes per second.
const MIN_RATE: u32 = 2 * 1024;
const MIN_UNPROVED_RATE: u32 = 16 * 1024;

/// How far the body of an unproved caller may lag behind the minimum rate.
const UNPROVED_GRACE: Duration = Duration::from_secs(2);
/// Longest time between two parts of a body, and how far the body of a proved caller may lag behind the minimum rate: a busy
/// client may need seconds to begin.
const BODY_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits of a body in the memory of last resort, for which other bodies wait: between two parts, and in all.
const LAST_RESORT_STALL_TIMEOUT: Duration = Duration::from_secs(2);
const LAST_RESORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Refuses requests other than POST of uncompressed JSON, by the head alone.
pub(super) fn check_head(request: &Request) -> Result<(), Refusal> {
    if request.method() != Method::POST {
        return Err(method_not_allowed());
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let essence = header(header::CONTENT_TYPE).and_then(|value| value.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        let message = "The Content-Type must be application/json.";
        return Err(refuse(ErrorCode::UnsupportedMediaType, message, None));
    }
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        let message = "Compressed request bodies are not supported; send the body without Content-Encoding.";
        let refusal = refuse(ErrorCode::UnsupportedMediaType, message, None);
        // RFC 9110 section 15.5.16: which codings would have been accepted.
        return Err(refusal.with(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    }
    Ok(())
}

/// Bounds of bodies.
pub struct RequestReader {
    /// Largest body, in bytes.
    pub max_body: usize,
    /// The budget for bodies.
    pub memory: MemoryBudget,
}

/// Bounds of one body, by whether its caller is proved.
#[derive(Debug, Clone, Copy)]
struct BodyBounds {
    /// Largest body, in bytes.
    max_bytes: usize,
    /// Slowest rate at which the body may arrive after its first second, in bytes a second.
    min_rate: u32,
    /// Whether the caller is proved.
    proved: bool,
}

impl RequestReader {
    fn bounds(&self, proved: bool) -> BodyBounds {
        if proved {
            BodyBounds {
                max_bytes: self.max_body,
                min_rate: MIN_RATE,
                proved,
            }
        } else {
            let max_bytes = self.max_body.min(MAX_UNPROVED_BODY);
            BodyBounds {
                max_bytes,
                min_rate: MIN_UNPROVED_RATE,
                proved,
            }
        }
    }

    /// Refuses a body whose announced length exceeds the limit.
    pub(super) fn check_announced(&self, body: &Body) -> Result<(), Refusal> {
        let announced = body.size_hint().lower();
        if usize::try_from(announced).is_ok_and(|announced| announced <= self.max_body) {
            return Ok(());
        }
        Err(too_large())
    }

    /// Reads a body. Returns it with its memory reservation.
    pub(super) async fn read(&self, body: Body, proved: bool) -> Result<(Bytes, Reservation), Refusal> {
        read(&self.memory, body, self.bounds(proved))
            .await
            .map_err(|error| match error {
                ReadError::TooSlow => refuse(ErrorCode::Timeout, "The request body took too long to arrive.", None),
                ReadError::TooLarge if proved => too_large(),
                ReadError::TooLarge => {
                    let message =
                        "The request body is larger than a request without a proved bearer token may be (64 KiB).";
                    refuse(ErrorCode::TooLarge, message, None).closing()
                }
                ReadError::Broken => refuse(ErrorCode::ParseError, "The request body ended early.", None),
                ReadError::NoMemory(refused) => {
                    audit::refused(None, refused.code(), None);
                    no_memory(refused, None)
                }
            })
    }
}

fn too_large() -> Refusal {
    let message = "The request body is larger than this server accepts (QUILT_MCP_MAX_BODY).";
    refuse(ErrorCode::TooLarge, message, None).closing()
}

enum ReadError {
    TooLarge,
    TooSlow,
    Broken,
    NoMemory(ReservationError),
}

/// Reads a body within these bounds. Its memory is reserved as its bytes arrive, in steps that double.
async fn read(memory: &MemoryBudget, body: Body, bounds: BodyBounds) -> Result<(Bytes, Reservation), ReadError> {
    let BodyBounds {
        max_bytes,
        min_rate,
        proved,
    } = bounds;
    let announced = body
        .size_hint()
        .exact()
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(ReadError::TooLarge);
    }
    let max_length = announced.unwrap_or(max_bytes);
    let grace = if proved { BODY_STALL_TIMEOUT } else { UNPROVED_GRACE };
    let mut reservation: Option<Reservation> = None;
    let mut whole = BytesMut::new();
    let mut stream = body.into_data_stream();
    let mut started = Instant::now();
    // The deadline of a body in the memory of last resort.
    let mut last_resort_deadline: Option<Instant> = None;
    loop {
        let arrived = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        let by_rate = started + grace + Duration::from_secs(1) * arrived / min_rate;
        let stall = if last_resort_deadline.is_some() {
            LAST_RESORT_STALL_TIMEOUT
        } else {
            BODY_STALL_TIMEOUT
        };
        let due = by_rate
            .min(Instant::now() + stall)
            .min(last_resort_deadline.unwrap_or(by_rate));
        let Some(chunk) = timeout_at(due, stream.next())
            .await
            .map_err(|_elapsed| too_slow(last_resort_deadline))?
        else {
            break;
        };
        let chunk = chunk.map_err(|_| ReadError::Broken)?;
        let length = whole.len() + chunk.len();
        if length > max_bytes {
            return Err(ReadError::TooLarge);
        }
        let reserved = reservation.as_ref().map_or(0, Reservation::bytes);
        if length > reserved {
            let waiting = Instant::now();
            let wanted = length.max(2 * reserved).min(max_length.max(length));
            let has_grown = grow(memory, &mut reservation, wanted, proved)
                .await
                .map_err(ReadError::NoMemory)?;
            if !has_grown {
                reservation = Some(memory.reserve_overflow(max_length).await.map_err(ReadError::NoMemory)?);
                last_resort_deadline = Some(Instant::now() + LAST_RESORT_TIMEOUT);
            }
            let wanted = if has_grown { wanted } else { max_length };
            whole.reserve(wanted.saturating_sub(whole.len()));
            started += waiting.elapsed();
        }
        whole.extend_from_slice(&chunk);
    }
    let reservation = match reservation {
        Some(mut reservation) => {
            reservation.release_above(whole.len());
            reservation
        }
        None => memory.reserve_body(0, proved).await.map_err(ReadError::NoMemory)?,
    };
    Ok((whole.freeze(), reservation))
}

/// The error of a body that is too slow. A body in the memory of last resort is refused for want of memory.
fn too_slow(last_resort_deadline: Option<Instant>) -> ReadError {
    last_resort_deadline.map_or(ReadError::TooSlow, |_| ReadError::NoMemory(ReservationError::Exhausted))
}

/// Grows a reservation to `wanted` bytes. Returns `false` if there is no memory for a large body.
async fn grow(
    memory: &MemoryBudget,
    reservation: &mut Option<Reservation>,
    wanted: usize,
    proved: bool,
) -> Result<bool, ReservationError> {
    let reserved = reservation.as_ref().map_or(0, Reservation::bytes);
    let more = if !proved || wanted <= MAX_SMALL_PAYLOAD {
        memory.reserve_body(wanted - reserved.min(wanted), proved).await?
    } else if reserved > MAX_SMALL_PAYLOAD {
        let Some(more) = memory.try_reserve_large_body(wanted - reserved.min(wanted)) else {
            return Ok(false);
        };
        more
    } else {
        // Small bodies are in another part of the budget.
        let Some(large) = memory.try_reserve_large_body(wanted) else {
            return Ok(false);
        };
        *reservation = None;
        large
    };
    match reservation {
        Some(reservation) => reservation.merge(more),
        none => *none = Some(more),
    }
    Ok(true)
}

/// Reserves memory of the call for its decoded values, in exchange for that of the body.
pub(super) async fn reserve_decoded(
    call: &CallReservation,
    shape: Shape,
    body: Reservation,
    caller: &Caller,
    request: &mcp::Request,
) -> Result<(), Refusal> {
    let reserved = call.reserve(shape.decoded_bytes()).await;
    drop(body);
    reserved.map_err(|refused| {
        audit::refused(Some(request), refused.code(), Some(caller));
        no_memory(refused, Some(request))
    })
}

/// Refuses a request for which there is no memory.
fn no_memory(refused: ReservationError, request: Option<&mcp::Request>) -> Refusal {
    let id = request.and_then(mcp::Request::id).map(AsRef::as_ref);
    let refusal = refuse(refused.code(), refused.to_string(), id);
    if refused == ReservationError::Exhausted {
        refusal.retry_after(5)
    } else {
        refusal
    }
}
