//! Endpoints, proxies and certificate authorities, as an operator sets them.

mod endpoints;
mod proxy;
mod tls;

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A forward proxy that connects to nothing and notes the first line of each request.
struct NotingProxy {
    url: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl NotingProxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = lines.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the runtime of the test")]
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&head[..read]).into_owned();
                noted.lock().unwrap().extend(text.lines().next().map(str::to_owned));
                let _ = stream
                    .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                    .await;
            }
        });
        Self { url, lines }
    }

    /// Returns the hosts that it was asked for.
    fn hosts(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        let mut hosts: Vec<String> = lines
            .iter()
            .filter_map(|line| line.split(' ').nth(1))
            .map(|target| target.trim_end_matches(":443").to_owned())
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}
