//! A proxy that adds latency to each request of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Starts a proxy before an endpoint `http://host:port`, and returns its own.
pub async fn before(endpoint: &str, latency: Duration) -> anyhow::Result<String> {
    let upstream = endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(upstream).await else {
                    return;
                };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                // Whether the next bytes of the client begin a request.
                let is_new = Arc::new(AtomicBool::new(true));
                let sending = copy(from_client, to_server, is_new.clone(), Some(latency));
                let receiving = copy(from_server, to_client, is_new, None);
                tokio::join!(sending, receiving);
            });
        }
    });
    Ok(url)
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    is_new: Arc<AtomicBool>,
    latency: Option<Duration>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if is_new.swap(latency.is_none(), Ordering::Relaxed)
            && let Some(latency) = latency
        {
            tokio::time::sleep(latency).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
