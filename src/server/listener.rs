//! The accept loop, the connection limit and the graceful shutdown.
//!
//! A shutdown has five steps, all within the drain time:
//!
//! 1. `/ready` answers 503. Connections are still accepted, because load balancers still send requests here until their next
//!    probe.
//! 2. After the announcement no more connections are accepted.
//! 3. Connections finish their requests and are closed; background work of calls is finished.
//! 4. After the drain time, calls in flight are cancelled; each answers with an error that says so.
//! 5. After a grace period the remaining connections are dropped.
//!
//! Invariant: no connection outlives [`serve`].

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Readiness;
use super::connection::{Activity, serve_connection};

/// Delay after a failed accept: no file descriptor is free, or the client left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
/// Size of the send buffer of a connection, in bytes.
const SEND_BUFFER: usize = 128 * 1024;
/// Time between two log lines about connections that were not accepted.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);
/// Grace period for the responses of cancelled calls.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Longest time without a request that is being answered. Must be longer than the load balancer's own idle timeout, so
    /// that the balancer closes idle connections: the one that closes first races with the next request.
    pub idle: Duration,
    /// Longest time from the first byte of the head of a request to its last.
    pub head: Duration,
    /// Longest time without progress of a write.
    pub stalled: Duration,
    /// Most connections at once. For one more, the connection is closed that never sent a whole request, then the one that
    /// has been silent longest; where all are being answered, the new one is told to come back, unless it is a probe.
    pub most: usize,
    /// Connections beyond these, which may send probes only.
    pub probes: usize,
    /// How long connections are still accepted after the shutdown was announced; at most half of the drain time.
    pub announcement: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            stalled: Duration::from_secs(20),
            most: 1024,
            probes: 64,
            announcement: Duration::from_secs(5),
        }
    }
}

/// How a server shuts down.
pub struct Shutdown {
    /// Begins the shutdown.
    pub begins: CancellationToken,
    /// Reports not ready from then on.
    pub readiness: Readiness,
    /// Cancels the calls in flight.
    pub calls_end: CancellationToken,
    /// Background work of calls.
    pub tasks: TaskTracker,
    /// Time from the beginning of the shutdown until calls are cancelled.
    pub drain: Duration,
}

/// Serves until the shutdown is over.
pub async fn serve(listener: TcpListener, router: Router, limits: ConnectionLimits, shutdown: Shutdown) {
    let Shutdown {
        begins,
        readiness,
        calls_end,
        tasks,
        drain,
    } = shutdown;
    let closing = CancellationToken::new();
    let mut connections = Connections {
        refused: AcceptFailures::default(),
        tasks: JoinSet::new(),
        open: HashMap::new(),
        // Builds the layers around each route once; otherwise every request builds them anew.
        router: router.with_state(()),
        limits,
        closing: closing.clone(),
    };
    connections.accept_until(&listener, begins.cancelled()).await;

    readiness.begin_shutdown();
    let deadline = Instant::now() + drain;
    connections
        .accept_until(&listener, sleep(limits.announcement.min(drain / 2)))
        .await;

    drop(listener);
    closing.cancel();
    let ended = async {
        connections.ended().await;
        tasks.close();
        tasks.wait().await;
    };
    if timeout_at(deadline, ended).await.is_err() {
        tracing::warn!("calls in flight are cancelled at the end of the drain time");
        calls_end.cancel();
        let _ = timeout(CANCEL_TIMEOUT, connections.ended()).await;
    }
    connections.tasks.shutdown().await;
}

/// Reports connections that were not accepted, once a minute at most.
#[derive(Default)]
struct AcceptFailures {
    count: u64,
    reported: Option<Instant>,
}

impl AcceptFailures {
    fn report(&mut self, error: &io::Error) {
        // The client left before its connection was accepted.
        if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
            return;
        }
        self.count += 1;
        if self.reported.is_some_and(|last| last.elapsed() < REPORT_INTERVAL) {
            return;
        }
        self.reported = Some(Instant::now());
        let tries = std::mem::take(&mut self.count);
        tracing::error!(%error, tries, "connections cannot be accepted; see the limit of open files of the process");
    }
}

struct Connections {
    refused: AcceptFailures,
    tasks: JoinSet<()>,
    open: HashMap<Id, Activity>,
    router: Router,
    limits: ConnectionLimits,
    closing: CancellationToken,
}

impl Connections {
    async fn accept_until(&mut self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            while let Some(ended) = self.tasks.try_join_next_with_id() {
                self.forget(ended);
            }
            let accepted = tokio::select! {
                biased;
                () = end.as_mut() => return,
                // Releases the memory of ended connections while no new one arrives.
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.forget(ended);
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    self.refused.report(&error);
                    sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            };
            let Some(probes_only) = self.make_way() else { continue };
            // Without it each streamed answer waits some 40 ms for the client's acknowledgement.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            // The kernel's send buffer is memory too; its default limit is 4 MiB.
            if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
                tracing::debug!(%error, "SO_SNDBUF could not be set");
            }
            let activity = Activity::new();
            let (router, closing) = (self.router.clone(), self.closing.clone());
            let connection = serve_connection(stream, router, self.limits, activity.clone(), probes_only, closing);
            let task = self.tasks.spawn(connection);
            self.open.insert(task.id(), activity);
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.open.remove(&id);
    }

    /// Acquires a permit for a connection, and returns whether it is for probes only; `None` if there is no permit. At the
    /// limit an idle connection is closed for the new one.
    fn make_way(&mut self) -> Option<bool> {
        if self.open.len() < self.limits.most {
            return Some(false);
        }
        let quiet = self
            .open
            .iter()
            .filter_map(|(id, activity)| Some((activity.quiet()?, *id)));
        if let Some(evicted) = quiet
            .min_by_key(|(quiet, _)| *quiet)
            .and_then(|(_, id)| self.open.remove(&id))
        {
            evicted.evicted.cancel();
            return Some(false);
        }
        (self.open.len() < self.limits.most + self.limits.probes).then_some(true)
    }

    async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
