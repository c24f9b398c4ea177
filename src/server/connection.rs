//! One HTTP/1.1 connection and its time limits.
//!
//! HTTP/1.1 only: load balancers speak it to their targets, and an answer of which the client takes nothing stops the writes
//! of its connection, which end it after [`ConnectionLimits::stalled`](super::ConnectionLimits::stalled). With HTTP/2's
//! flow control nothing would be written, and nothing would end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::ConnectionLimits;
use super::health::is_probe;
use crate::endpoint::response;
use crate::error_code::ErrorCode;

/// Time for an idle connection to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Size of the read buffer of a connection, which also limits the head of a request. With hyper's default of 400 KiB, 256
/// large bodies at once would take 100 MiB.
const READ_AHEAD: usize = 64 * 1024;

/// Serves a connection until the client leaves, a write stalls, the connection is idle for too long, the head of a request
/// does not arrive in time, or `closing` fires. `probes_only`: whether the connection may send probes only.
pub(super) async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: ConnectionLimits,
    activity: Activity,
    probes_only: bool,
    closing: CancellationToken,
) {
    let service = TowerToHyperService::new(router);
    let service = service_fn({
        let activity = activity.clone();
        move |request: hyper::Request<Incoming>| {
            let answering = activity.begin();
            let is_refused = probes_only && !is_probe(request.uri().path());
            let answer = (!is_refused).then(|| service.call(request));
            async move {
                let answer = match answer {
                    Some(answer) => answer.await?,
                    None => crowded(),
                };
                Ok::<_, Infallible>(answer.map(|body| GuardedBody::new(body, answering)))
            }
        }
    });
    let mut server = http1::Builder::new();
    server.max_buf_size(READ_AHEAD);
    // An unread response holds memory that other requests wait for.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stalled));
    let stream = Observed {
        stream: Box::pin(stream),
        activity: activity.clone(),
    };
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    loop {
        let due = activity.due(limits).unwrap_or_else(|| Instant::now() + limits.idle);
        // Ends early where a part of a head arrived, whose time limit comes before the timer. Most heads arrive whole, with
        // one read, and set no timer.
        let has_ended = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if activity.due(limits).is_some_and(|earlier| earlier < due) => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        });
        tokio::select! {
            has_ended = has_ended => if has_ended { return },
            () = closing.cancelled() => break,
            () = activity.evicted.cancelled() => return,
            () = sleep_until(due) => if activity.due(limits).is_some_and(|due| due <= Instant::now()) { break },
        }
    }
    connection.as_mut().graceful_shutdown();
    while timeout(CLOSE_TIMEOUT, connection.as_mut()).await.is_err() {
        if activity.quiet().is_some() {
            return;
        }
    }
}

/// The response on a connection beyond the limit.
fn crowded() -> Response {
    let message = "This server has as many connections as it may; try again in a second.";
    response::refuse(ErrorCode::Throttled, message, None)
        .retry_after(1)
        .closing()
        .into_response()
}

/// The activity of a connection. Clones share it.
#[derive(Clone)]
pub(super) struct Activity {
    state: Arc<Mutex<State>>,
    /// Closes the connection in favour of another one.
    pub evicted: CancellationToken,
}

struct State {
    /// Requests that are being answered.
    answering: usize,
    /// Whether a whole request ever came.
    has_asked: bool,
    /// Since when none is being answered.
    quiet_since: Instant,
    /// When the first byte of the head of a request came, until the head is whole.
    head_since: Option<Instant>,
}

/// An idle connection, in the order of eviction: connections that never sent a whole request first, then the longest idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quiet {
    has_asked: bool,
    since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        let state = State {
            answering: 0,
            has_asked: false,
            quiet_since: Instant::now(),
            head_since: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            evicted: CancellationToken::new(),
        }
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&self) -> Answering {
        self.with(|state| {
            state.answering += 1;
            state.has_asked = true;
            state.head_since = None;
        });
        Answering(self.clone())
    }

    /// Since when the connection is idle, if it is.
    pub(super) fn quiet(&self) -> Option<Quiet> {
        self.with(|state| {
            (state.answering == 0).then_some(Quiet {
                has_asked: state.has_asked,
                since: state.quiet_since,
            })
        })
    }

    /// When the connection is closed unless a request arrives; `None` while one is being answered.
    fn due(&self, limits: ConnectionLimits) -> Option<Instant> {
        self.with(|state| {
            let idle = state.quiet_since + limits.idle;
            let head = state.head_since.map(|since| since + limits.head);
            (state.answering == 0).then(|| head.map_or(idle, |head| head.min(idle)))
        })
    }

    fn read_some(&self) {
        self.with(|state| {
            if state.answering == 0 && state.head_since.is_none() {
                state.head_since = Some(Instant::now());
            }
        });
    }
}

/// A request that is being answered, until it is dropped.
struct Answering(Activity);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.answering = state.answering.saturating_sub(1);
            state.quiet_since = Instant::now();
        });
    }
}

/// A stream that records the arrival of bytes.
struct Observed {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    activity: Activity,
}

impl AsyncRead for Observed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream.as_mut().poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.activity.read_some();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

/// A body and its guard.
struct GuardedBody<G> {
    body: Body,
    _guard: G,
}

impl<G> GuardedBody<G> {
    fn new(body: Body, guard: G) -> Self {
        Self { body, _guard: guard }
    }
}

impl<G: Unpin> HttpBody for GuardedBody<G> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
