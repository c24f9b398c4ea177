//! A gate in front of a party, at the level of TCP: it counts the connections that are made through it, and shuts in the ways
//! in which parties are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

/// What becomes of a connection. A change ends those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It leads to the party.
    Open,
    /// It is closed as soon as it is there.
    Shut,
    /// It leads nowhere: nothing is ever answered.
    Silent,
}

/// The gate.
pub struct Gate {
    pub url: String,
    way: watch::Sender<Way>,
    made: Arc<AtomicUsize>,
}

impl Gate {
    /// An open gate in front of `http://ADDRESS`.
    pub async fn before(url: &str) -> Self {
        let party = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (way, watched) = watch::channel(Way::Open);
        let made = Arc::new(AtomicUsize::new(0));
        let counted = made.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(lead(stream, party.clone(), watched.clone()));
            }
        });
        Self { url, way, made }
    }

    /// From now on connections go this way.
    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How many connections were made so far.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

async fn lead(mut stream: TcpStream, party: String, mut way: watch::Receiver<Way>) {
    let now = *way.borrow_and_update();
    match now {
        Way::Open => {}
        Way::Shut => return,
        Way::Silent => {
            way.changed().await.ok();
            return;
        }
    }
    let Ok(mut party) = TcpStream::connect(party).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut party) => {}
        _ = way.changed() => {}
    }
}

/// A place that takes no connection and refuses none: a full backlog. It stays so as long as this is kept.
pub struct Full {
    pub url: String,
    _kept: (TcpListener, TcpStream),
}

impl Full {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let first = TcpStream::connect(address).await.unwrap();
        Self {
            url: format!("http://{address}"),
            _kept: (listener, first),
        }
    }
}
