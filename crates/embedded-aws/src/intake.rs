//! Request bodies. An operation that refuses early drops its body unread; if the connection were closed on it, a client
//! that is still sending would see a broken connection instead of the refusal. So the server keeps a hand on the body
//! and reads what is left of it, up to a limit, before it answers.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use s3s::Body;

use crate::state::lock;

/// Most bytes that are read for nothing.
const MOST: usize = 16 * 1024 * 1024;

/// How long a client may take over them.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server's hand on a request body; `None` when there is no body.
pub(crate) struct Intake(Option<Shared>);

#[derive(Clone)]
struct Shared {
    body: Arc<Mutex<Incoming>>,
    begun: Arc<AtomicBool>,
    /// The client sends only when asked to, and it is asked by the first read.
    waits: bool,
}

impl Intake {
    /// Divides a body into the operation's side and the server's.
    pub(crate) fn of(headers: &HeaderMap, body: Incoming) -> (Self, Body) {
        if body.is_end_stream() {
            return (Self(None), Body::empty());
        }
        let waits = headers.contains_key(EXPECT);
        let shared = Shared {
            body: Arc::new(Mutex::new(body)),
            begun: Arc::default(),
            waits,
        };
        (Self(Some(shared.clone())), Body::http_body_unsync(shared))
    }

    /// Reads what the operation left.
    pub(crate) async fn finish(self) {
        let Some(mut shared) = self.0 else { return };
        if shared.waits && !shared.begun.load(Ordering::Acquire) {
            return;
        }
        let rest = async {
            let mut read = 0;
            while read < MOST {
                let frame = std::future::poll_fn(|cx| Pin::new(&mut shared).poll_frame(cx)).await;
                let Some(Ok(frame)) = frame else { return };
                read += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        let _gave_up = tokio::time::timeout(PATIENCE, rest).await;
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.begun.store(true, Ordering::Release);
        Pin::new(&mut *lock(&self.body)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.body).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.body).size_hint()
    }
}
