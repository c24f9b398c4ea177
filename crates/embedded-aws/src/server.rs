//! The HTTP server: connections, and around each request the identity it is answered under and its journal entry. It
//! owns every task it starts; when the shutdown token fires, open connections finish what they are doing, up to a limit,
//! and none outlives `serve`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::path::{S3Path, parse_path_style};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse, StdError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::access::{Gate, Secrets};
use super::envelope::{Addressed, complete, malformed_signature};
use super::intake::Intake;
use super::journal::{JournalEntry, Note, Noted};
use super::keys::{RequestId, opaque_id, request_id};
use super::ops::Api;
use super::signed::Signed;
use super::sts::{Sts, is_sts};
use crate::state::State;

/// How long open connections may take to finish.
const GRACE: Duration = Duration::from_secs(1);

/// Answers requests on `listener` until `shutdown` fires.
pub(crate) async fn serve(state: Arc<State>, listener: TcpListener, shutdown: CancellationToken) {
    let server = Arc::new(Server::new(state));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(Arc::clone(&server), stream, peer, shutdown.clone()));
                }
                // Out of descriptors, or the client left before it was greeted: wait, do not spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    let _late = tokio::time::timeout(GRACE, finish).await;
    connections.shutdown().await;
}

async fn connection(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken) {
    // A small answer must not wait for the acknowledgement of its head. Should it fail, answers are only slower.
    let _slower = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request, peer).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _broken = connection.await;
}

struct Server {
    state: Arc<State>,
    s3: S3Service,
    host_id: String,
}

impl Server {
    fn new(state: Arc<State>) -> Self {
        let mut builder = S3ServiceBuilder::new(Api(Arc::clone(&state)));
        builder.set_auth(Secrets(Arc::clone(&state)));
        builder.set_access(Gate(Arc::clone(&state)));
        builder.set_route(Sts(Arc::clone(&state)));
        Self {
            state,
            s3: builder.build(),
            host_id: format!("{}=", opaque_id()),
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Counted> {
        let id = request_id();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let signed = Signed::read(&uri, request.headers());
        let sts = is_sts(&method, &uri, request.headers());
        let note = Note::default();
        if let Some(path) = decoded(uri.path()) {
            note.write(|noted| (noted.bucket, noted.key) = path);
        }
        let (parts, body) = request.into_parts();
        let (intake, body) = Intake::of(&parts.headers, body);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(note.clone());
        request.extensions_mut().insert(RequestId(id.clone()));
        request.extensions_mut().insert(peer);
        let response = match &signed {
            // The verifier calls a signature of the wrong length malformed; AWS says that it does not match.
            Some(signed) if !signed.well_formed => malformed_signature(),
            _ => self.s3.call(request).await.unwrap_or_else(|_| internal_error()),
        };
        intake.finish().await;
        let noted = note.read();
        let access_key_id = signed.map(|signed| signed.access_key_id);
        let addressed = Addressed {
            request_id: &id,
            host_id: &self.host_id,
            head: method == Method::HEAD,
            sts,
            path: uri.path(),
            access_key_id: access_key_id.as_deref(),
            noted: &noted,
        };
        let response = complete(response, &addressed);
        tell(&noted, response.status());
        let sent = Arc::new(AtomicU64::new(0));
        self.state
            .journal
            .push(entry(noted, access_key_id, response.status(), id), Arc::clone(&sent));
        response.map(|body| Counted { body, sent })
    }
}

fn entry(noted: Noted, access_key_id: Option<String>, status: StatusCode, request_id: String) -> JournalEntry {
    JournalEntry {
        access_key_id,
        principal_arn: noted.principal_arn,
        operation: noted.operation.unwrap_or_else(|| "Unresolved".to_owned()),
        bucket: noted.bucket,
        key: noted.key,
        session_name: noted.session_name,
        status: status.as_u16(),
        bytes_sent: 0,
        request_id,
    }
}

/// Tells the log of what was not done. A denial is what an S3 is there for; a fault of its own is an error.
fn tell(noted: &Noted, status: StatusCode) {
    let (operation, status_code) = (noted.operation.as_deref().unwrap_or("Unresolved"), status.as_u16());
    if status.is_server_error() {
        tracing::error!(operation, status = status_code, "the embedded S3 failed");
    } else if status.is_client_error() {
        tracing::debug!(operation, status = status_code, "the embedded S3 refused");
    }
}

/// Bucket and key of a path.
fn decoded(path: &str) -> Option<(Option<String>, Option<String>)> {
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

/// A response body that counts what the connection takes from it.
struct Counted {
    body: Body,
    sent: Arc<AtomicU64>,
}

impl HttpBody for Counted {
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
