//! Runs the method of a request and answers with JSON, or with a stream of events once there is progress to report.
//!
//! A call without progress runs in the task of its connection. A call that may report progress has a task of its own, so that
//! a client that reads its stream slowly delays neither the tool nor its time limit.
//!
//! Invariants: a client that leaves cancels its call, whose outcome is still recorded; every way to end a call ends with a
//! JSON-RPC message, in a stream too.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};

use super::response::{self, Message};
use crate::error_code::ErrorCode;
use crate::mcp::{Answer, CallContext, McpServer, Notifications, Request, RpcError, Version};

/// Interval of keep-alive comments on a stream of events: proxies close connections after a minute without data.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The permits that a request holds until its response is sent.
pub(super) type Permits = Arc<dyn Send + Sync>;

/// Runs methods until the server shuts down.
pub struct Dispatcher {
    /// The methods.
    pub server: McpServer,
    /// Cancelled when calls in flight have to end.
    pub ends: CancellationToken,
    /// Tasks that a shutdown waits for.
    pub tasks: TaskTracker,
}

impl Dispatcher {
    /// Runs a request. A notification is accepted and ignored: none has an effect on a server without sessions.
    pub(super) async fn dispatch(&self, request: Request, mut context: CallContext) -> Response {
        let Some(id) = request.id().cloned() else {
            return response::accepted();
        };
        let version = context.version;
        // Fixtures of the conformance suite also send log messages, which clients do not ask for in every version.
        if !request.wants_progress() && !cfg!(feature = "conformance") {
            let mut call = self.call(request, context);
            return tokio::select! {
                biased;
                answer = &mut call => Message::of(answer, Some(&id), version).into_response(),
                () = self.ends.cancelled() => Message::error(&ended(), Some(&id), version).into_response(),
            };
        }
        let (sender, mut notifications) = Notifications::channel();
        context.notifications = Some(sender);
        let mut call = self.call_in_task(request, context);
        tokio::select! {
            biased;
            answer = call.answer() => Message::of(answer, Some(&id), version).into_response(),
            () = self.ends.cancelled() => Message::error(&ended(), Some(&id), version).into_response(),
            Some(first) = notifications.recv() => {
                let stream = EventStream { call, notifications, id, version, ends: self.ends.clone() };
                response::events(stream.into_body(&first))
            }
        }
    }

    fn call_in_task(&self, request: Request, context: CallContext) -> CallTask {
        let (server, cancelled) = (self.server.clone(), context.cancelled.clone());
        let (sender, answer) = oneshot::channel();
        let call = async move {
            let answer = server.handle(request, &context).await;
            // The client may have left.
            let _unread = sender.send(answer);
        };
        self.tasks.spawn(call.in_current_span());
        CallTask {
            answer,
            _cancels: cancelled.drop_guard(),
        }
    }

    fn call(&self, request: Request, context: CallContext) -> FinishInBackground {
        let (server, cancelled) = (self.server.clone(), context.cancelled.clone());
        let call = Box::pin(async move { server.handle(request, &context).await });
        FinishInBackground {
            call: Some(call),
            cancelled,
            span: Span::current(),
        }
    }
}

/// The error of a call that the shutdown of the server cancelled.
fn ended() -> RpcError {
    let message = "The call was ended, most likely because this server is shutting down; try again.";
    RpcError::refusal(ErrorCode::Cancelled, message)
}

/// A call that runs in a task of its own. Dropping it cancels the call.
struct CallTask {
    answer: oneshot::Receiver<Result<Answer, RpcError>>,
    _cancels: DropGuard,
}

impl CallTask {
    async fn answer(&mut self) -> Result<Answer, RpcError> {
        // The sender is dropped without an answer if the call panics outside of its tool.
        (&mut self.answer).await.unwrap_or_else(|_| {
            Err(RpcError::refusal(
                ErrorCode::Internal,
                "This server failed; see its log for the reason.",
            ))
        })
    }
}

/// A call whose answer is the last event of a stream.
struct EventStream {
    call: CallTask,
    notifications: mpsc::Receiver<String>,
    id: Arc<RawValue>,
    version: Version,
    ends: CancellationToken,
}

impl EventStream {
    /// The events as a body; `first` is the notification that began the stream.
    fn into_body(self, first: &str) -> Body {
        let rest = stream::unfold(Some(self), |stream| async move { stream?.next().await });
        let events = stream::iter([vec![event(first)]]).chain(rest);
        Body::from_stream(events.flat_map(stream::iter).map(Ok::<_, Infallible>))
    }

    /// The chunks of the next event, and the rest of the stream if there is any.
    async fn next(mut self) -> Option<(Vec<Bytes>, Option<Self>)> {
        tokio::select! {
            biased;
            Some(notification) = self.notifications.recv() => Some((vec![event(&notification)], Some(self))),
            answer = self.call.answer() => Some((last(Message::of(answer, Some(&self.id), self.version)), None)),
            () = self.ends.cancelled() => {
                let answer = Err(ended());
                Some((last(Message::of(answer, Some(&self.id), self.version)), None))
            }
            () = sleep(KEEP_ALIVE) => Some((vec![Bytes::from_static(b": keep-alive\n\n")], Some(self))),
        }
    }
}

fn event(message: &str) -> Bytes {
    format!("data: {message}\n\n").into()
}

/// The chunks of the event that ends a stream. JSON text has no line breaks, so an event is one line.
fn last(message: Message) -> Vec<Bytes> {
    let mut chunks = vec![Bytes::from_static(b"data: ")];
    chunks.extend(message.into_text().into_chunks());
    chunks.push(Bytes::from_static(b"\n\n"));
    chunks
}

/// A call that is cancelled, and runs to completion in the background, if its future is dropped.
struct FinishInBackground {
    call: Option<BoxFuture<'static, Result<Answer, RpcError>>>,
    cancelled: CancellationToken,
    /// The span of the request.
    span: Span,
}

impl Future for FinishInBackground {
    type Output = Result<Answer, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Taken out, so that a call that panics is not polled again.
        let Some(mut call) = self.call.take() else {
            return Poll::Pending;
        };
        let polled = call.as_mut().poll(cx);
        if polled.is_pending() {
            self.call = Some(call);
        }
        polled
    }
}

impl Drop for FinishInBackground {
    fn drop(&mut self) {
        if let (Some(call), Ok(runtime)) = (self.call.take(), tokio::runtime::Handle::try_current()) {
            self.cancelled.cancel();
            drop(runtime.spawn(call.instrument(self.span.clone())));
        }
    }
}
