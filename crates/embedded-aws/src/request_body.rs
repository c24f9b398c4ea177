//! Request bodies, drained before the response is sent.
//!
//! An operation that fails early drops its body unread. Closing the connection at that point would make a client that is
//! still sending report a broken connection instead of the error. The server therefore keeps a second handle on the body
//! and reads the remainder, within limits, before it responds.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::EXPECT;
use s3s::{Body, StdError};

use crate::state::lock_ignoring_poison;

/// Maximum number of unread bytes to drain.
const MAX_DRAINED_BYTES: usize = 16 * 1024 * 1024;

/// Maximum time to wait for those bytes.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The server's handle on a request body; `None` when the request has no body.
pub(crate) struct RequestBody(Option<SharedBody>);

#[derive(Clone)]
struct SharedBody {
    body: Arc<Mutex<Body>>,
    started: Arc<AtomicBool>,
    /// The client waits for `100 Continue`, which hyper sends on the first read.
    expects_continue: bool,
}

impl RequestBody {
    /// Splits a body into the server's handle and the body for the operation.
    pub(crate) fn split(headers: &HeaderMap, body: Body) -> (Self, Body) {
        if body.is_end_stream() {
            return (Self(None), Body::empty());
        }
        let shared = SharedBody {
            body: Arc::new(Mutex::new(body)),
            started: Arc::default(),
            expects_continue: headers.contains_key(EXPECT),
        };
        (Self(Some(shared.clone())), Body::http_body_unsync(shared))
    }

    /// Reads and discards the bytes that the operation did not consume. A body that the client was never asked to send
    /// is left alone.
    pub(crate) async fn drain(self) {
        let Some(mut shared) = self.0 else { return };
        if shared.expects_continue && !shared.started.load(Ordering::Acquire) {
            return;
        }
        let remainder = async {
            let mut read = 0;
            while read < MAX_DRAINED_BYTES {
                let frame = std::future::poll_fn(|cx| Pin::new(&mut shared).poll_frame(cx)).await;
                let Some(Ok(frame)) = frame else { return };
                read += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, remainder).await;
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        self.started.store(true, Ordering::Release);
        Pin::new(&mut *lock_ignoring_poison(&self.body)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock_ignoring_poison(&self.body).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock_ignoring_poison(&self.body).size_hint()
    }
}
