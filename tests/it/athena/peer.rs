//! The two Athenas of these tests: `MiniStack`, which runs SQL by `DuckDB` and enforces no rights, and the one of `dev`.

use quilt_mcp::clock::Clock;
use quilt_mcp::dev::Backend;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::support::athena::AthenaEndpoint;
use crate::support::registry::{FakeRegistry, Vends};
use crate::support::{SECRET, token};

/// An Athena, and what vends its keys to a caller.
pub trait Peer: Sized {
    /// Whether it is `dev`, where the two differ.
    const IS_DEV: bool;
    /// The caller's workgroup.
    const WORKGROUP: &'static str;
    /// A database that is there.
    const DATABASE: &'static str;

    /// Starts it and returns a caller's token.
    async fn start() -> (Self, String);

    /// Returns the URL of Athena.
    fn url(&self) -> &str;

    /// Returns the flags of a server, except for Athena's.
    fn flags(&self) -> Vec<String>;

    /// Returns the account of the caller.
    fn account(&self) -> &str;

    /// Returns the number of queries that run, which `MiniStack` does not tell.
    fn in_flight(&self) -> usize {
        0
    }
}

/// An account of `MiniStack`, and the registry that vends its keys.
pub struct MiniStack {
    pub endpoint: AthenaEndpoint,
    pub registry: FakeRegistry,
}

impl Peer for MiniStack {
    const IS_DEV: bool = false;
    const WORKGROUP: &'static str = "QuiltUserAthena-tests";
    const DATABASE: &'static str = "default";

    async fn start() -> (Self, String) {
        let endpoint = AthenaEndpoint::ministack().await;
        let registry = FakeRegistry::start().await;
        let bearer = token(json!({ "sub": "alice" }));
        registry.vends(&bearer, Vends::Keys(endpoint.keys.clone(), 3600));
        (Self { endpoint, registry }, bearer)
    }

    fn url(&self) -> &str {
        &self.endpoint.url
    }

    fn flags(&self) -> Vec<String> {
        vec![
            format!("--s3-endpoint={}", self.endpoint.url),
            format!("--sts-endpoint={}", self.endpoint.url),
            format!("--jwt-secret={SECRET}"),
            format!("--registry-url={}", self.registry.url),
        ]
    }

    fn account(&self) -> &str {
        self.endpoint.account()
    }
}

/// The backend of `dev`, whose writer calls.
pub struct Development {
    pub backend: Backend,
    _stop: DropGuard,
}

impl Peer for Development {
    const IS_DEV: bool = true;
    const WORKGROUP: &'static str = "QuiltUserAthena-quilt-dev-writer";
    const DATABASE: &'static str = "quilt_dev_iceberg";

    async fn start() -> (Self, String) {
        let stop = CancellationToken::new();
        let started = Backend::start(Clock::system(), &TaskTracker::new(), &stop).await;
        let backend = started.unwrap();
        let bearer = backend.info.users.writer.token.clone();
        let peer = Self {
            backend,
            _stop: stop.drop_guard(),
        };
        (peer, bearer)
    }

    fn url(&self) -> &str {
        self.backend.info.athena_endpoint.as_deref().unwrap()
    }

    fn flags(&self) -> Vec<String> {
        let flags = self.backend.flags().into_iter();
        flags.filter(|flag| !flag.starts_with("--athena-endpoint")).collect()
    }

    fn account(&self) -> &str {
        &self.backend.aws.options().account_id
    }

    fn in_flight(&self) -> usize {
        self.backend.aws.queries_in_flight()
    }
}

/// Runs each test on both, in the modules `ministack` and `dev`. A test may ask `P::IS_DEV` where they differ, and starts
/// another server by `Scene::<P>::with`.
macro_rules! on_both_athenas {
    ($($(#[$doc:meta])* async fn $name:ident($scene:ident) $body:block)+) => {
        mod ministack {
            use super::{MiniStack, Scene};
            $(#[tokio::test] async fn $name() { super::$name(Scene::<MiniStack>::with(&[]).await).await })+
        }
        mod dev {
            use super::{Development, Scene};
            $(#[tokio::test] async fn $name() { super::$name(Scene::<Development>::with(&[]).await).await })+
        }
        $($(#[$doc])* async fn $name<P: Peer>($scene: Scene<P>) $body)+
    };
}
pub(crate) use on_both_athenas;
