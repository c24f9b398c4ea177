//! Development backend: an S3, an STS and an Athena that enforce permissions, a catalog, a registry, sample data, and the server
//! itself, in one process.
//!
//! **Owns** what the command `dev` and the tests need beside the server. It may use every module; no other module uses it.
//!
//! **Invariants.** Everything listens on loopback only, but for the one port of a container; keys and secrets are generated at
//! each start, and no AWS identity of the machine is used.

mod access_counts;
mod athena;
mod aws_requests;
mod backend;
mod catalog_host;
mod catalog_ui;
mod container;
mod graphql;
mod info;
mod registry;
mod registry_users;
mod samples;
mod schemas;
mod screen;
mod search;
mod tabulator;
mod tabulator_api;
mod users;
mod walkthrough;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use backend::Backend;
pub use catalog_ui::CatalogUi;
use container::Container;
pub use info::{AdminInfo, BucketsInfo, DevInfo, PackageInfo, UserInfo, UsersInfo};
pub use registry::{Registry, Tabulator};
pub use registry_users::RegistryUsers;
pub use screen::Screen;
pub use search::{Generation, SearchFault, SearchSettings};
pub use tabulator::TabulatorTables;
pub use tabulator_api::{TabulatorGeneration, TabulatorSettings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
pub use users::DevUsers;
pub use walkthrough::walkthrough;

use crate::app::{App, Overrides};
use crate::clock::Clock;
use crate::config::ServeConfig;
pub use crate::identity::sign_hs256;
use crate::server::ConnectionLimits;
use crate::telemetry::RequestLog;

/// The region of S3, STS, Athena and the catalog.
const REGION: &str = "us-east-1";

/// A running server with its development backend.
pub struct Dev {
    /// The backend of the server.
    pub backend: Backend,
    /// Variables that were set and are ignored, because `dev` sets its own values.
    pub ignored_variables: Vec<&'static str>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// What distinguishes a development environment from another.
#[derive(Debug, Clone, Default)]
pub struct DevOptions {
    /// The directory of `dev.json` and the tokens. Without it, none are written.
    pub data: Option<PathBuf>,
    /// Whether everything is served on one port, for clients outside of a container.
    pub is_container: bool,
    /// The front end of Quilt's catalog.
    pub catalog_ui: Option<CatalogUi>,
}

/// What the catalog's addresses open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogPages {
    /// The console of the server.
    Console,
    /// The front end of Quilt's catalog.
    FrontEnd,
}

impl Dev {
    /// Starts the backend and a server with default settings on `port`, or on a free port if it is 0. Writes `data/dev.json`
    /// when the server is listening.
    pub async fn start(port: u16, data: &Path, clock: Clock) -> anyhow::Result<Self> {
        let config = ServeConfig::from_flags([format!("--port={port}"), "--rate-limit=off".to_owned()])?;
        Self::start_with(config, data, clock).await
    }

    /// Starts the backend and a server with these settings, except for those that contradict `dev`.
    pub async fn start_with(config: ServeConfig, data: &Path, clock: Clock) -> anyhow::Result<Self> {
        let options = DevOptions {
            data: Some(data.to_owned()),
            ..DevOptions::default()
        };
        Self::start_as(config, options, clock).await
    }

    /// Starts a development environment with these options.
    pub async fn start_as(mut config: ServeConfig, options: DevOptions, clock: Clock) -> anyhow::Result<Self> {
        let tasks = TaskTracker::new();
        let shutdown = CancellationToken::new();
        let listener = if options.is_container {
            listener(Ipv4Addr::UNSPECIFIED, config.listen.port).await?
        } else {
            loopback(config.listen.port).await?
        };
        let address = listener.local_addr()?;
        let mut backend = Backend::start(clock.clone(), &tasks, &shutdown).await?;
        let mut ignored_variables = backend.configure(&mut config)?;
        let container = if options.is_container {
            ignored_variables.retain(|name| *name != "QUILT_MCP_HOST");
            Some(Container::new(&mut config, address.port())?)
        } else {
            None
        };
        let mut catalog_ui = options.catalog_ui;
        let public_catalog = match (&container, catalog_ui.take_if(|_| !options.is_container)) {
            (Some(container), _) => Some(container.catalog()),
            (None, Some(ui)) => Some(backend.serve_front_end(ui, &tasks, &shutdown).await?),
            (None, None) => None,
        };
        let overrides = Overrides {
            public_catalog,
            public_s3: container.as_ref().map(Container::s3),
            ..overrides(&backend, clock)
        };
        let mut app = App::build(&config, overrides).await?;
        let page = match &container {
            Some(container) => container.url("/"),
            None => format!("http://{address}/"),
        };
        backend.info.mcp_url = format!("{page}mcp");
        // Set once: the backend is new.
        let _ = backend.console.set(page);
        if let Some(container) = &container {
            app = app.behind(|server| container.routes(&backend, catalog_ui, server));
            container.describe(&mut backend.info);
        }
        tasks.spawn(app.serve(listener, shutdown.clone()));
        if let Some(data) = &options.data {
            backend.info.write(data).await?;
        }
        Ok(Self {
            backend,
            ignored_variables,
            tasks,
            shutdown,
        })
    }

    /// Stops the server and the backend, and waits until their tasks have ended.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Returns what a server of the backend does not take from its settings.
fn overrides(backend: &Backend, clock: Clock) -> Overrides {
    // There is no load balancer to which the shutdown has to be announced.
    let connections = ConnectionLimits {
        announcement: Duration::ZERO,
        ..ConnectionLimits::default()
    };
    Overrides {
        use_proxy: false,
        ambient: backend.ambient(),
        connections,
        request_log: Some(RequestLog::new(clock.clone())),
        sign_in: backend.sign_in(),
        clock,
        ..Overrides::default()
    }
}

async fn loopback(port: u16) -> anyhow::Result<TcpListener> {
    listener(Ipv4Addr::LOCALHOST, port).await
}

async fn listener(address: Ipv4Addr, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((address, port))
        .await
        .map_err(|error| anyhow::anyhow!("cannot listen on port {port} ({error}); choose another with --port"))
}

fn serve_plain(tasks: &TaskTracker, shutdown: &CancellationToken, listener: TcpListener, routes: axum::Router) {
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "a server of the development backend failed");
        }
    });
}
