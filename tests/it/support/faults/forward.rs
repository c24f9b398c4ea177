//! Forwarding of one HTTP request, which the proxies share.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use quilt_mcp::catalog::http_client;
use tokio::net::TcpListener;

/// The upstream of a proxy.
pub struct Upstream {
    url: String,
    http: reqwest::Client,
}

impl Upstream {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            http: http_client(std::time::Duration::from_secs(30)).unwrap(),
        }
    }

    /// Forwards a request unchanged and returns the response.
    pub async fn forward(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let forwarded = self
            .http
            .request(parts.method, format!("{}{path}", self.url))
            .headers(parts.headers);
        let answer = forwarded.body(body).send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        // The framing of the body belongs to the other connection.
        headers.remove(header::TRANSFER_ENCODING);
        let mut response = Response::new(Body::from(answer.bytes().await.unwrap()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Serves a proxy on a free port until the test's runtime ends, and returns its URL.
pub async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}
