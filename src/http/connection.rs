//! One connection: served for as long as it works or may be expected to.
//!
//! HTTP libraries bound the time of a header, but not of the bytes from which they tell HTTP/1 from HTTP/2, nor of a quiet
//! HTTP/2 connection. So there is one rule for all: a connection on which no request is being answered has a limited time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::held::Held;

/// Time in which a connection that is being closed, and does nothing, may say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Bytes that are read ahead on a connection, and with which a header has to do. hyper's own 400 KiB would be a hundred
/// mebibytes for those who send large bodies at once. HTTP/2's windows are those of its own standard.
const READ_AHEAD: usize = 64 * 1024;
const WINDOW: u32 = 65_535;

/// Serves a connection until its client leaves, takes nothing of an answer for longer than `stalled`, it was quiet for
/// longer than `patience`, or `closing`.
pub(super) async fn serve_connection(
    stream: TcpStream,
    router: Router,
    patience: Duration,
    stalled: Duration,
    closing: CancellationToken,
) {
    let work = Work::default();
    let service = TowerToHyperService::new(router);
    let service = service_fn({
        let work = work.clone();
        move |request: hyper::Request<Incoming>| {
            let answering = work.begin();
            let answer = service.call(request);
            async move { Ok::<_, Infallible>(answer.await?.map(|body| Held::new(body, answering))) }
        }
    });
    let mut server = Builder::new(TokioExecutor::new());
    server.http1().max_buf_size(READ_AHEAD);
    server.http2().initial_connection_window_size(WINDOW).initial_stream_window_size(WINDOW);
    // An answer that nobody takes is memory that others wait for.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(stalled));
    let mut connection = pin!(server.serve_connection(TokioIo::new(Box::pin(stream)), service));
    let mut due = Instant::now() + patience;
    loop {
        tokio::select! {
            _ended = connection.as_mut() => return,
            () = closing.cancelled() => break,
            () = sleep_until(due) => match work.quiet_since() {
                Some(since) if since + patience <= Instant::now() => break,
                Some(since) => due = since + patience,
                None => due = Instant::now() + patience,
            },
        }
    }
    connection.as_mut().graceful_shutdown();
    while timeout(GOODBYE, connection.as_mut()).await.is_err() {
        if work.quiet_since().is_some() {
            return;
        }
    }
}

/// What a connection is doing: how many requests are being answered, and since when none.
#[derive(Clone)]
struct Work(Arc<Mutex<(usize, Instant)>>);

impl Default for Work {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((0, Instant::now()))))
    }
}

impl Work {
    fn begin(&self) -> Answering {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        Answering(self.clone())
    }

    fn quiet_since(&self) -> Option<Instant> {
        let (answering, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (answering == 0).then_some(since)
    }
}

/// A request that is being answered, until it is dropped.
struct Answering(Work);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = (state.0.saturating_sub(1), Instant::now());
    }
}
