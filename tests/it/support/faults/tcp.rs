//! Faults of TCP: an upstream that is down, that is silent, or that accepts no connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// The treatment of connections by a [`TcpProxy`]. A change of the mode closes those that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are connected to the upstream.
    Forward,
    /// They are closed as soon as they are accepted.
    Close,
    /// They stay open, and nothing is ever answered.
    Silent,
}

/// A proxy in front of an upstream that counts its connections.
pub struct TcpProxy {
    pub url: String,
    mode: watch::Sender<Mode>,
    accepted: Arc<AtomicUsize>,
}

impl TcpProxy {
    /// Starts a proxy that forwards to `http://ADDRESS`.
    pub async fn before(url: &str) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mode, watched) = watch::channel(Mode::Forward);
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(connect(stream, upstream.clone(), watched.clone()));
            }
        });
        Self { url, mode, accepted }
    }

    /// Changes the mode.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Returns the number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

async fn connect(mut stream: TcpStream, upstream: String, mut mode: watch::Receiver<Mode>) {
    let now = *mode.borrow_and_update();
    match now {
        Mode::Forward => {}
        Mode::Close => return,
        Mode::Silent => {
            mode.changed().await.ok();
            return;
        }
    }
    let Ok(mut upstream) = TcpStream::connect(upstream).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut upstream) => {}
        _ = mode.changed() => {}
    }
}

/// An address whose backlog is full: connections are neither accepted nor refused until it is dropped.
pub struct FullBacklog {
    pub url: String,
    _sockets: (TcpListener, TcpStream),
}

impl FullBacklog {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let first = TcpStream::connect(address).await.unwrap();
        Self {
            url: format!("http://{address}"),
            _sockets: (listener, first),
        }
    }
}
