//! The HTTP server: connections, request IDs and journal entries.
//!
//! **Owns** the tasks of its connections. When the shutdown token is cancelled, open connections may finish their request
//! within [`SHUTDOWN_GRACE`]; none outlives [`serve`].

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use s3s::path::{S3Path, parse_path_style};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use s3s::{Body, HttpResponse, StdError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::access::{AccessCheck, SecretKeyLookup};
use super::journal::{DetailsHandle, JournalEntry, RequestDetails};
use super::keys::{RequestId, opaque_id, request_id};
use super::ops::S3Api;
use super::request_body::RequestBody;
use super::response::{ResponseContext, complete, malformed_signature};
use super::signature::SignatureClaims;
use super::sts::{Sts, is_sts};
use crate::athena;
use crate::state::State;

/// Time that open connections have to finish after shutdown begins.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Serves requests on `listener` until `shutdown` is cancelled.
pub(crate) async fn serve(state: Arc<State>, listener: TcpListener, shutdown: CancellationToken) {
    let server = Arc::new(Server::new(Arc::clone(&state)));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve_connection(Arc::clone(&server), stream, peer, shutdown.clone()));
                }
                // Out of file descriptors, or the client disconnected already: wait instead of spinning.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(SHUTDOWN_GRACE, finish).await;
    connections.shutdown().await;
    state.athena.executions.stop_all();
}

async fn serve_connection(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken) {
    // Without this, a small body waits for the acknowledgement of the response head. A failure only costs latency.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.handle(request.map(Body::http_body_unsync), peer).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The account's services without a socket, for a server that has other paths besides. Clones share them.
#[derive(Clone)]
pub struct Services(Arc<Server>);

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self(Arc::new(Server::new(state)))
    }

    /// Answers a request of a client at `peer`. Its path and its `Host` must be those that the client signed.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Response<impl HttpBody<Data = Bytes, Error = StdError> + Send + use<B>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        StdError: From<B::Error>,
    {
        self.0.handle(request.map(Body::http_body_unsync), peer).await
    }
}

/// Names of buckets, also of those that were created in `us-east-1` before March 2018.
struct LegacyNames;

impl NameValidation for LegacyNames {
    fn validate_bucket_name(&self, name: &str) -> bool {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        (3..=255).contains(&name.len()) && name.bytes().all(is_allowed)
    }
}

struct Server {
    state: Arc<State>,
    s3: S3Service,
    host_id: String,
}

impl Server {
    fn new(state: Arc<State>) -> Self {
        let mut builder = S3ServiceBuilder::new(S3Api(Arc::clone(&state)));
        builder.set_auth(SecretKeyLookup(Arc::clone(&state)));
        builder.set_access(AccessCheck(Arc::clone(&state)));
        builder.set_route(Sts(Arc::clone(&state)));
        builder.set_validation(LegacyNames);
        Self {
            state,
            s3: builder.build(),
            host_id: format!("{}=", opaque_id()),
        }
    }

    async fn handle(&self, request: Request<Body>, peer: SocketAddr) -> Response<CountingBody> {
        let id = request_id();
        let method = request.method().clone();
        let uri = request.uri().clone();
        let claims = SignatureClaims::parse(&uri, request.headers());
        let sts = is_sts(&method, &uri, request.headers());
        let handle = DetailsHandle::default();
        if let Some(path) = bucket_and_key(uri.path()) {
            handle.update(|details| (details.bucket, details.key) = path);
        }
        let (parts, body) = request.into_parts();
        let (unread_body, body) = RequestBody::split(&parts.headers, body);
        if let Some(operation) = athena::operation(&method, &parts.headers) {
            let response = athena::answer(&self.state, &operation, &parts, body, peer, &handle, &id).await;
            unread_body.drain().await;
            let access_key_id = claims.map(|claims| claims.access_key_id);
            return self.sent(response, handle.snapshot(), access_key_id, id);
        }
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(handle.clone());
        request.extensions_mut().insert(RequestId(id.clone()));
        request.extensions_mut().insert(peer);
        let response = match &claims {
            // s3s reports a signature of the wrong length as malformed; AWS reports that it does not match.
            Some(claims) if !claims.well_formed => malformed_signature(),
            _ => self.s3.call(request).await.unwrap_or_else(|_| internal_error()),
        };
        unread_body.drain().await;
        let details = handle.snapshot();
        let access_key_id = claims.map(|claims| claims.access_key_id);
        let context = ResponseContext {
            request_id: &id,
            host_id: &self.host_id,
            head: method == Method::HEAD,
            sts,
            path: uri.path(),
            access_key_id: access_key_id.as_deref(),
            details: &details,
        };
        let response = complete(response, &context);
        self.sent(response, details.clone(), access_key_id, id)
    }

    /// Writes the journal entry of a response.
    fn sent(
        &self,
        response: HttpResponse,
        details: RequestDetails,
        access_key_id: Option<String>,
        id: String,
    ) -> Response<CountingBody> {
        log_failure(&details, response.status());
        let sent = Arc::new(AtomicU64::new(0));
        self.state.journal.push(
            journal_entry(
                details,
                access_key_id,
                response.status(),
                id,
                (self.state.options.clock)(),
            ),
            Arc::clone(&sent),
        );
        response.map(|body| CountingBody { body, sent })
    }
}

fn journal_entry(
    details: RequestDetails,
    access_key_id: Option<String>,
    status: StatusCode,
    request_id: String,
    time: Timestamp,
) -> JournalEntry {
    JournalEntry {
        access_key_id,
        principal_arn: details.principal_arn,
        operation: details.operation.unwrap_or_else(|| "Unresolved".to_owned()),
        bucket: details.bucket,
        key: details.key,
        session_name: details.session_name,
        status: status.as_u16(),
        bytes_sent: 0,
        request_id,
        time,
    }
}

/// Logs a failed request: client errors, which tests provoke on purpose, at debug level, and server errors as errors.
fn log_failure(details: &RequestDetails, status: StatusCode) {
    let operation = details.operation.as_deref().unwrap_or("Unresolved");
    let status_code = status.as_u16();
    if status.is_server_error() {
        tracing::error!(operation, status = status_code, "embedded AWS request failed");
    } else if status.is_client_error() {
        tracing::debug!(operation, status = status_code, "embedded AWS request rejected");
    }
}

/// Returns the bucket and key of a path.
fn bucket_and_key(path: &str) -> Option<(Option<String>, Option<String>)> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    Some(match parse_path_style(&path).ok()? {
        S3Path::Root => (None, None),
        S3Path::Bucket { bucket } => (Some(bucket.into()), None),
        S3Path::Object { bucket, key } => (Some(bucket.into()), Some(key.into())),
    })
}

fn internal_error() -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(Bytes::from_static(
        b"<Error><Code>InternalError</Code></Error>",
    )));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// A response body that counts the bytes handed to the connection.
struct CountingBody {
    body: Body,
    sent: Arc<AtomicU64>,
}

impl HttpBody for CountingBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.sent.fetch_add(data.len() as u64, Ordering::AcqRel);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
