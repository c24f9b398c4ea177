//! The application: builds the modules from the settings, and serves them on a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blocking::CpuPool;
use crate::catalog::{
    CONNECT_TIMEOUT, CatalogHost, HostClient, HttpClients, RegistryClient, RegistryDirectory, guarded_http_client,
    http_client, own_bearer,
};
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::credentials::{Ambient, AmbientProvider, AssumeRole, CatalogCredentials, JwtExchange, Resolver};
use crate::endpoint::{
    AllowedHosts, AllowedOrigins, Authenticator, Dispatcher, Endpoint, HostPolicy, Limits, RequestReader, RequireAuth,
    ResourceServer,
};
use crate::identity::{Hs256, Jwks, KeyStore, Prover, RegistryProof, Verifier, VerifyMode, WithoutToken};
use crate::mcp::{McpServer, StateSeal};
use crate::memory::Memory;
use crate::packages::ManifestCache;
use crate::s3::{BucketName, SharedS3, SharedS3Options};
use crate::server::{ConnectionLimits, Readiness, Routes, Shutdown, serve};
use crate::setting::{BaseUrl, ConfigError};
use crate::sts::{SharedSts, StsOptions};
use crate::telemetry::Dependency;
use crate::tools::{Offer, Services};
use crate::upstream::{Breaker, Upstreams, Waits};

/// Timeout of requests to the registry. Shorter than the tool timeout, so that errors name the registry.
const REGISTRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout of requests for an identity provider's key set.
const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of the access check of one bucket; of many buckets some may hang.
const BUCKET_TIMEOUT: Duration = Duration::from_secs(10);

/// Dependencies and timeouts that tests and `dev` override.
pub struct Overrides {
    pub clock: Clock,
    /// The server's own AWS identity.
    pub ambient: AmbientProvider,
    pub registry_timeout: Duration,
    /// First wait between two tries of the S3 and STS clients.
    pub s3_backoff: Duration,
    /// Longest wait for a connection to S3 and STS.
    pub connect_timeout: Duration,
    /// How long this server waits before it repeats a question, and for its turn to ask one.
    pub waits: Waits,
    /// What connections may cost.
    pub connections: ConnectionLimits,
    /// Longest time that a question about the rights in one bucket may take.
    pub bucket_limit: Duration,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            ambient: AmbientProvider::DefaultChain,
            registry_timeout: REGISTRY_TIMEOUT,
            s3_backoff: Duration::from_millis(200),
            connect_timeout: CONNECT_TIMEOUT,
            waits: Waits::default(),
            connections: ConnectionLimits::default(),
            bucket_limit: BUCKET_TIMEOUT,
        }
    }
}

/// A server that has no socket yet.
pub struct App {
    router: Router,
    readiness: Readiness,
    calls_end: CancellationToken,
    tasks: TaskTracker,
    drain: Duration,
    connections: ConnectionLimits,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting is invalid or contradicts another one.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The TLS stack could not be set up.
    #[error("the HTTP client could not be built: {0}")]
    HttpClient(#[from] reqwest::Error),
}

impl App {
    /// Builds the modules from the settings.
    pub async fn build(config: &ServeConfig, surroundings: Overrides) -> Result<Self, BuildError> {
        config.check()?;
        let Overrides {
            clock,
            ambient,
            registry_timeout,
            s3_backoff,
            connect_timeout,
            waits,
            bucket_limit,
            connections,
        } = surroundings;
        let upstreams = Upstreams::new(clock.clone(), waits);
        let http = http_clients(registry_timeout, &upstreams)?;
        let region = &config.aws.region;

        let catalog = config
            .catalog
            .catalog()?
            .map(|url| Arc::new(CatalogHost::new(url, http.trusting.clone(), clock.clone())));
        let registry = registry(config, catalog.as_ref(), &http.trusting);
        let registry_url = config
            .catalog
            .registry_url
            .clone()
            .or_else(|| catalog.as_ref().map(|c| c.url().clone()));
        let registry_name = registry_url.as_ref().map(ToString::to_string).unwrap_or_default();
        let allowed = config.catalog.allowed_registries.clone();
        let has_registry = registry.is_some();
        let registries = Arc::new(RegistryDirectory::new(
            registry,
            registry_url,
            allowed,
            http,
            clock.clone(),
        ));

        let ambient = Ambient::new(ambient, region, config.rights.ambient, clock.clone()).await;
        let sts = sts(config, s3_backoff, connect_timeout, &clock);
        let roles = config.rights.assumable_roles.clone();
        let web_role = config.rights.web_identity_role_arn.clone();
        let assume_role = AssumeRole::new(roles, web_role, &ambient, &sts, clock.clone());
        let resolver = Arc::new(Resolver::new(
            JwtExchange::new(assume_role, clock.clone()),
            CatalogCredentials::new(registries.clone(), clock.clone()),
            ambient,
            registry_name,
            clock.clone(),
        ));

        let proof = has_registry.then(|| resolver.clone() as Arc<dyn RegistryProof>);
        let prover = prover(config, registry_timeout, &upstreams, &clock).await?;
        let verifier = Arc::new(Verifier::new(prover, proof));

        let without_token = without_token(config, &registries, &clock)?;

        let tasks = TaskTracker::new();
        let services = Arc::new(Services {
            s3: SharedS3::new(SharedS3Options {
                region: region.clone(),
                endpoint: config.aws.s3().map(|url| url.to_string()),
                initial_backoff: s3_backoff,
                connect_timeout,
                clock: clock.clone(),
            }),
            sts: SharedSts::new(&sts),
            resolver,
            registries,
            catalog,
            buckets: buckets(&config.catalog.buckets)?,
            manifests: ManifestCache::default(),
            cpu: CpuPool::default(),
            tasks: tasks.clone(),
            clock: clock.clone(),
            bucket_limit,
        });
        let calls_end = CancellationToken::new();
        let seal = StateSeal::new(config.calls.state_key.as_ref(), clock.clone());
        let server = McpServer::new(services, seal, config.calls.tool_timeout);
        let readiness = Readiness::default();
        let resource_server = resource_server(config)?.map(Arc::new);
        let memory = Memory::new(config.memory.payload_memory, config.limits.max_body);
        let origins = AllowedOrigins::new(&config.listen.allowed_origins)
            .map_err(|problem| ConfigError::new("QUILT_MCP_ALLOWED_ORIGINS", problem))?;
        let requires_all = config.resource_server.required() == RequireAuth::All;
        let endpoint = Endpoint {
            host_policy: HostPolicy::new(hosts(config)?, origins),
            authenticator: Authenticator::new(verifier.clone(), without_token, requires_all, resource_server.clone()),
            reader: RequestReader {
                max_body: config.limits.max_body,
                memory: memory.clone(),
            },
            tool_filter: Offer::of(&config.tool_filter),
            limits: Limits::new(config.limits.max_in_flight, config.limits.rate_limit.0),
            memory,
            dispatcher: Dispatcher {
                server,
                ends: calls_end.clone(),
                tasks: tasks.clone(),
            },
        };
        let base_path = config.listen.public_url.as_ref().map(BaseUrl::path).unwrap_or_default();
        let router = Routes {
            endpoint,
            base_path,
            resource_server,
            verifier,
            readiness: readiness.clone(),
            clock,
        }
        .into_router();
        let connections = ConnectionLimits {
            idle: config.connections.idle_timeout,
            ..connections
        };
        log_sources(config);
        if config.confirmations_may_be_lost() {
            tracing::warn!(
                "QUILT_MCP_STATE_KEY is not set: a confirmation that this process asks for is lost when the answer comes to \
                 another copy of the server, or after a restart"
            );
        }
        Ok(Self {
            router,
            readiness,
            calls_end,
            tasks,
            drain: config.connections.drain,
            connections,
        })
    }

    /// Serves until `shutdown` fires, then lets calls in flight and background work finish within the drain time.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) {
        let Self {
            router,
            readiness,
            calls_end,
            tasks,
            drain,
            connections,
        } = self;
        serve(
            listener,
            router,
            connections,
            Shutdown {
                begins: shutdown,
                readiness,
                calls_end,
                tasks,
                drain,
            },
        )
        .await;
    }
}

fn http_clients(timeout: Duration, upstreams: &Upstreams) -> Result<HttpClients, reqwest::Error> {
    Ok(HttpClients {
        trusting: HostClient::new(http_client(timeout)?, upstreams.clone()),
        guarded: HostClient::new(guarded_http_client(timeout)?, upstreams.clone()),
    })
}

fn sts(config: &ServeConfig, initial_backoff: Duration, connect_timeout: Duration, clock: &Clock) -> StsOptions {
    StsOptions {
        region: config.aws.region.clone(),
        endpoint: config.aws.sts_endpoint.as_ref().map(ToString::to_string),
        initial_backoff,
        connect_timeout,
        breaker: Breaker::new(Dependency::Sts, clock.clone()),
    }
}

/// The registry that the operator configured, or that the catalog's config names.
fn registry(
    config: &ServeConfig,
    catalog: Option<&Arc<CatalogHost>>,
    http: &HostClient,
) -> Option<Arc<RegistryClient>> {
    let client = match (&config.catalog.registry_url, catalog) {
        (Some(url), _) => RegistryClient::at(url.clone(), http.clone()),
        (None, Some(catalog)) => RegistryClient::of(catalog.clone(), http.clone()),
        (None, None) => return None,
    };
    Some(Arc::new(client))
}

async fn jwks(
    config: &ServeConfig,
    longest: Duration,
    upstreams: &Upstreams,
    clock: &Clock,
) -> Result<Jwks, BuildError> {
    let identity = &config.identity;
    let (Some(url), Some(issuer), Some(audience)) = (
        &identity.jwt_jwks_url,
        identity.jwt_issuer.clone(),
        identity.jwt_audience.clone(),
    ) else {
        let problem = "needs MCP_JWT_ISSUER and MCP_JWT_AUDIENCE beside it";
        return Err(ConfigError::new("MCP_JWT_JWKS_URL", problem).into());
    };
    let http = http_client(JWKS_TIMEOUT.min(longest))?;
    let keys = KeyStore::at(url.join(""), http, upstreams, clock.clone()).await;
    Ok(Jwks::new(keys, issuer, audience, clock.clone()))
}

/// Builds the verifier that the operator chose.
async fn prover(
    config: &ServeConfig,
    registry_timeout: Duration,
    upstreams: &Upstreams,
    clock: &Clock,
) -> Result<Prover, BuildError> {
    Ok(match config.identity.mode() {
        VerifyMode::Registry => Prover::Registry,
        VerifyMode::Jwks => Prover::Jwks(jwks(config, registry_timeout, upstreams, clock).await?),
        VerifyMode::Hs256 => {
            let identity = &config.identity;
            let (issuer, audience) = (identity.jwt_issuer.clone(), identity.jwt_audience.clone());
            Prover::Hs256(Hs256::new(&identity.secrets(), issuer, audience, clock.clone()))
        }
    })
}

/// Determines the caller of requests without a token.
fn without_token(
    config: &ServeConfig,
    registries: &RegistryDirectory,
    clock: &Clock,
) -> Result<WithoutToken, ConfigError> {
    Ok(match config.rights.own_token() {
        Some(token) => WithoutToken::Own(
            own_bearer(token, registries.configured(), clock.clone())
                .map_err(|problem| ConfigError::new("QUILT_API_TOKEN", problem))?,
        ),
        None if config.rights.anonymous => WithoutToken::Anonymous,
        None => WithoutToken::Refuse,
    })
}

fn resource_server(config: &ServeConfig) -> Result<Option<ResourceServer>, ConfigError> {
    let own = &config.resource_server;
    if own.authorization_servers.is_empty() {
        return Ok(None);
    }
    Ok(Some(ResourceServer {
        public_url: config.listen.public_url.clone(),
        authorization_servers: own.authorization_servers.clone(),
        scopes: own.scopes.clone(),
        hosts: hosts(config)?,
    }))
}

fn hosts(config: &ServeConfig) -> Result<AllowedHosts, ConfigError> {
    let public = config.listen.public_url.as_ref().map(|url| url.host().to_owned());
    AllowedHosts::new(config.listen.allowed_hosts.iter().cloned().chain(public))
        .map_err(|problem| ConfigError::new("QUILT_MCP_ALLOWED_HOSTS", problem))
}

fn buckets(names: &[String]) -> Result<Vec<BucketName>, ConfigError> {
    let names = names.iter().filter(|name| !name.trim().is_empty());
    names
        .map(|name| name.parse())
        .collect::<Result<_, _>>()
        .map_err(|problem| ConfigError::new("QUILT_BUCKETS", problem))
}

/// Logs the identity sources at the start.
fn log_sources(config: &ServeConfig) {
    tracing::info!(
        verify = ?config.identity.mode(),
        registry = %config.catalog.registry_url.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
        catalog = %config.catalog.catalog().ok().flatten().map_or_else(|| "none".to_owned(), |url| url.to_string()),
        assumable_roles = config.rights.assumable_roles.len(),
        web_identity = config.rights.web_identity_role_arn.is_some(),
        ambient = ?config.rights.ambient,
        anonymous = config.rights.anonymous,
        own_token = config.rights.own_token().is_some(),
        "identity sources"
    );
}
