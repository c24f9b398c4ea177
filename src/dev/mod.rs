//! Development backend: an S3, an STS and an Athena that enforce permissions, a catalog, a registry, sample data, and the server
//! itself, in one process on loopback.
//!
//! **Owns** what the command `dev` and the tests need beside the server. It may use every module; no other module uses it.
//!
//! **Invariants.** Everything listens on loopback only, keys and secrets are generated at each start, and no AWS identity of
//! the machine is used.

mod access_counts;
mod athena;
mod graphql;
mod info;
mod registry;
mod registry_users;
mod samples;
mod schemas;
mod search;
mod tabulator;
mod tabulator_api;
mod users;
mod walkthrough;

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use embedded_aws::{AccessKey, EmbeddedAws, Options};
pub use info::{AdminInfo, BucketsInfo, DevInfo, PackageInfo, UserInfo, UsersInfo};
pub use registry::{Registry, Tabulator};
pub use registry_users::RegistryUsers;
pub use search::{Generation, SearchFault, SearchSettings};
use secrecy::ExposeSecret as _;
pub use tabulator::TabulatorTables;
pub use tabulator_api::{TabulatorGeneration, TabulatorSettings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
pub use users::DevUsers;
pub use walkthrough::walkthrough;

use crate::app::{App, Overrides};
use crate::catalog::CatalogConfig;
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::console::ConsoleMode;
use crate::credentials::AmbientProvider;
use crate::identity::IdentityConfig;
pub use crate::identity::sign_hs256;
use crate::server::ConnectionLimits;
use crate::telemetry::RequestLog;

/// The region of S3, STS, Athena and the catalog.
const REGION: &str = "us-east-1";
/// The origins of pages that are served on this machine.
const LOOPBACK_ORIGINS: [&str; 6] = [
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
];

/// A running server with its development backend.
pub struct Dev {
    /// The backend of the server.
    pub backend: Backend,
    /// Variables that were set and are ignored, because `dev` sets its own values.
    pub ignored_variables: Vec<&'static str>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// A running S3, STS, catalog and registry with sample data, without the server.
pub struct Backend {
    /// The URLs and users. Without a server, `mcp_url` is empty.
    pub info: DevInfo,
    /// The embedded S3, STS and Athena.
    pub aws: EmbeddedAws,
    /// The server's own AWS identity.
    pub server_key: AccessKey,
    /// What tests and flags choose of the registry's search.
    pub search: SearchSettings,
    /// The Tabulator tables, which the registry configures and Athena queries.
    pub tabulator: TabulatorTables,
    /// What tests and flags choose of the registry's Tabulator.
    pub tabulator_settings: TabulatorSettings,
    /// The users of the registry.
    pub registry_users: RegistryUsers,
}

impl Backend {
    /// Starts the backend on free ports.
    pub async fn start(clock: Clock, tasks: &TaskTracker, shutdown: &CancellationToken) -> anyhow::Result<Self> {
        let aws = EmbeddedAws::new(Options::new({
            let clock = clock.clone();
            std::sync::Arc::new(move || clock.now())
        }));
        let package = samples::seed(&aws)?;
        let users = DevUsers::create(&aws, &clock)?;
        let tabulator = Tabulator::default();
        athena::seed(&aws, &[users::READER, users::WRITER], &tabulator.tables);

        let s3 = loopback(0).await?;
        let s3_endpoint = format!("http://{}", s3.local_addr()?);
        tasks.spawn({
            let aws = aws.clone();
            let shutdown = shutdown.clone();
            async move { aws.serve(s3, shutdown).await }
        });

        let registry = loopback(0).await?;
        let registry_url = format!("http://{}", registry.local_addr()?);
        let search = SearchSettings::default();
        let registry_users = users.registry_users();
        let routes = Registry::new(
            aws.clone(),
            registry_users.clone(),
            &users.jwt_secret,
            clock,
            search.clone(),
            tabulator.clone(),
        )?
        .routes();
        serve_plain(tasks, shutdown, registry, routes);

        let catalog = loopback(0).await?;
        let catalog_url = format!("http://{}", catalog.local_addr()?);
        serve_plain(
            tasks,
            shutdown,
            catalog,
            registry::catalog_routes(&registry_url, REGION),
        );

        let server_key = users.server_key.clone();
        let info = DevInfo {
            mcp_url: String::new(),
            catalog_url,
            registry_url,
            sts_endpoint: Some(s3_endpoint.clone()),
            athena_endpoint: Some(s3_endpoint.clone()),
            s3_endpoint,
            region: REGION.to_owned(),
            jwt_secret: users.jwt_secret.expose_secret().to_owned(),
            buckets: BucketsInfo {
                shared: samples::SHARED.to_owned(),
                private: samples::PRIVATE.to_owned(),
            },
            package,
            users: users.info,
        };
        Ok(Self {
            info,
            aws,
            server_key,
            search,
            tabulator: tabulator.tables,
            tabulator_settings: tabulator.settings,
            registry_users,
        })
    }

    /// Returns the flags with which a server uses this backend.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let info = &self.info;
        let mut flags = vec![
            format!("--jwt-secret={}", info.jwt_secret),
            format!("--catalog-url={}", info.catalog_url),
            format!("--s3-endpoint={}", info.s3_endpoint),
            format!("--region={}", info.region),
            format!("--assumable-roles={}", users::assumable_roles(&self.aws)),
            // Load tests run against it, and it has no other users.
            "--rate-limit=off".to_owned(),
        ];
        flags.extend(info.sts_endpoint.as_ref().map(|url| format!("--sts-endpoint={url}")));
        let athena = info.athena_endpoint.as_ref();
        flags.extend(athena.map(|url| format!("--athena-endpoint={url}")));
        flags
    }

    /// Configures a server for this backend. Returns the variables that were set and whose values are replaced, because they
    /// contradict `dev`.
    pub fn configure(&self, config: &mut ServeConfig) -> anyhow::Result<Vec<&'static str>> {
        let own = ServeConfig::from_flags(self.flags())?;
        let identity = &config.identity;
        let catalog = &config.catalog;
        let aws = &config.aws;
        let rights = &config.rights;
        let is_set = [
            ("QUILT_MCP_HOST", !config.listen.host.is_loopback()),
            (
                "MCP_JWT_SECRET",
                identity.jwt_secret.is_some() || identity.enhanced_jwt_secret.is_some(),
            ),
            ("MCP_JWT_SECRET_PREVIOUS", identity.jwt_secret_previous.is_some()),
            ("MCP_JWT_JWKS_URL", identity.jwt_jwks_url.is_some()),
            ("MCP_JWT_ISSUER", identity.jwt_issuer.is_some()),
            ("MCP_JWT_AUDIENCE", identity.jwt_audience.is_some()),
            ("QUILT_MCP_VERIFY", identity.verify.is_some()),
            (
                "QUILT_CATALOG_URL",
                catalog.catalog_url.is_some() || catalog.catalog_domain.is_some(),
            ),
            ("QUILT_REGISTRY_URL", catalog.registry_url.is_some()),
            (
                "QUILT_MCP_AUTHORIZATION_SERVERS",
                !config.resource_server.authorization_servers.is_empty(),
            ),
            (
                "QUILT_MCP_WEB_IDENTITY_ROLE_ARN",
                rights.web_identity_role_arn.is_some(),
            ),
            ("QUILT_API_TOKEN", rights.server_token().is_some()),
            (
                "AWS_REGION",
                aws.region() != REGION && (aws.region.is_some() || aws.default_region.is_some()),
            ),
            ("AWS_ENDPOINT_URL_S3", aws.s3().is_some()),
            ("AWS_ENDPOINT_URL_STS", aws.sts().is_some()),
            ("AWS_ENDPOINT_URL_ATHENA", aws.athena().is_some()),
        ];
        let replaced = is_set
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(name, _)| name)
            .collect();
        config.listen.host = Ipv4Addr::LOCALHOST.into();
        // Pages that a developer serves on this machine may call the server.
        config
            .listen
            .allowed_origins
            .extend(LOOPBACK_ORIGINS.map(str::to_owned));
        config.identity = IdentityConfig {
            jwt_secret: own.identity.jwt_secret,
            ..IdentityConfig::default()
        };
        config.catalog = CatalogConfig {
            catalog_url: own.catalog.catalog_url,
            allowed_registries: std::mem::take(&mut config.catalog.allowed_registries),
            buckets: std::mem::take(&mut config.catalog.buckets),
            catalog_credentials: config.catalog.catalog_credentials,
            ..CatalogConfig::default()
        };
        config.console.console.get_or_insert(ConsoleMode::Full);
        config.aws = own.aws;
        config.resource_server.authorization_servers.clear();
        config.rights.assumable_roles.extend(own.rights.assumable_roles);
        config.rights.web_identity_role_arn = None;
        config.rights.api_token = None;
        config.rights.api_key = None;
        Ok(replaced)
    }

    /// Returns the server's own AWS identity.
    #[must_use]
    pub fn ambient(&self) -> AmbientProvider {
        let key = &self.server_key;
        AmbientProvider::Fixed(aws_credential_types::Credentials::new(
            key.access_key_id.clone(),
            key.secret_access_key.expose_secret(),
            None,
            None,
            "dev",
        ))
    }
}

impl Dev {
    /// Starts the backend and a server with default settings on `port`, or on a free port if it is 0. Writes `data/dev.json`
    /// when the server is listening.
    pub async fn start(port: u16, data: &Path, clock: Clock) -> anyhow::Result<Self> {
        let config = ServeConfig::from_flags([format!("--port={port}"), "--rate-limit=off".to_owned()])?;
        Self::start_with(config, data, clock).await
    }

    /// Starts the backend and a server with these settings, except for those that contradict `dev`.
    pub async fn start_with(mut config: ServeConfig, data: &Path, clock: Clock) -> anyhow::Result<Self> {
        let tasks = TaskTracker::new();
        let shutdown = CancellationToken::new();
        let listener = loopback(config.listen.port).await?;
        let mut backend = Backend::start(clock.clone(), &tasks, &shutdown).await?;
        let ignored_variables = backend.configure(&mut config)?;
        // There is no load balancer to which the shutdown has to be announced.
        let connections = ConnectionLimits {
            announcement: Duration::ZERO,
            ..ConnectionLimits::default()
        };
        let overrides = Overrides {
            use_proxy: false,
            ambient: backend.ambient(),
            connections,
            request_log: Some(RequestLog::new(clock.clone())),
            clock,
            ..Overrides::default()
        };
        let app = App::build(&config, overrides).await?;
        backend.info.mcp_url = format!("http://{}/mcp", listener.local_addr()?);
        tasks.spawn(app.serve(listener, shutdown.clone()));
        backend.info.write(data).await?;
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

async fn loopback(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
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
