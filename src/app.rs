//! The application: builds the modules from the settings, and serves them on a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::athena::QueryService;
use crate::aws::athena::SharedAthena;
use crate::aws::s3::{BucketName, SharedS3};
use crate::aws::sts::SharedSts;
use crate::aws::{self, AwsOptions};
use crate::blocking::CpuPool;
use crate::catalog::{
    CONNECT_TIMEOUT, CatalogHost, HostClient, HttpClients, HttpOptions, LocalCatalogs, PublicCatalog, Registries,
    server_token,
};
use crate::clock::Clock;
use crate::config::{ServeConfig, proxy_variables};
use crate::console::{About, Console, SignIn};
use crate::credentials::{Ambient, AmbientProvider, CredentialChain, SourceContext};
use crate::endpoint::{
    AllowedHosts, AllowedOrigins, Authenticator, Dispatcher, Endpoint, HostPolicy, Limits, RequestReader, RequireAuth,
    ResourceServer,
};
use crate::identity::{
    Hs256Verifier, JwksVerifier, KeyStore, RegistryVerifier, TokenlessPolicy, Verifier, VerifyMethod, VerifyMode,
};
use crate::mcp::{McpServer, StateCodec};
use crate::memory::MemoryBudget;
use crate::packages::{ChecksumCache, ManifestCache};
use crate::resilience::{RetryPolicy, Upstreams};
use crate::server::{ConnectionLimits, Readiness, Routes, Shutdown, serve};
use crate::setting::{BaseUrl, ConfigError};
use crate::telemetry::RequestLog;
use crate::tools::{RecentDenials, Services, ToolFilter};

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
    /// Backoff of retries, and the wait for a permit of a service.
    pub retry_policy: RetryPolicy,
    /// What connections may cost.
    pub connections: ConnectionLimits,
    /// Longest time that a question about the rights in one bucket may take.
    pub bucket_limit: Duration,
    /// Whether the proxy that the environment names is used for hosts that the settings name.
    pub use_proxy: bool,
    /// Where clients reach the catalog, if the server reaches it elsewhere.
    pub public_catalog: Option<PublicCatalog>,
    /// Where clients reach S3, if the server reaches it elsewhere.
    pub public_s3: Option<BaseUrl>,
    /// The users as whom the page signs in without a token. Only the development environment has them.
    pub sign_in: Vec<SignIn>,
    /// The log of requests that the page shows. Only the development environment has one.
    pub request_log: Option<RequestLog>,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            ambient: AmbientProvider::DefaultChain,
            registry_timeout: REGISTRY_TIMEOUT,
            s3_backoff: Duration::from_millis(200),
            connect_timeout: CONNECT_TIMEOUT,
            retry_policy: RetryPolicy::default(),
            connections: ConnectionLimits::default(),
            bucket_limit: BUCKET_TIMEOUT,
            use_proxy: true,
            public_catalog: None,
            public_s3: None,
            sign_in: Vec::new(),
            request_log: None,
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
    checked: Checked,
}

/// The services that a check of the start asks.
struct Checked {
    verifier: Arc<Verifier>,
    catalog: Option<Arc<CatalogHost>>,
    registries: Arc<Registries>,
    credential_chain: Arc<CredentialChain>,
    sts: SharedSts,
}

/// One line of a check of the start.
#[derive(Debug)]
pub struct Finding {
    /// What the line is about, in a word or two.
    pub subject: &'static str,
    pub is_well: bool,
    pub text: String,
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
    pub async fn build(config: &ServeConfig, overrides: Overrides) -> Result<Self, BuildError> {
        config.check()?;
        let clock = overrides.clock.clone();
        let upstreams = Upstreams::new(clock.clone(), overrides.retry_policy);
        let http_options = HttpOptions {
            roots: config.aws.extra_roots()?,
            use_proxy: overrides.use_proxy,
        };
        let http = http_clients(overrides.registry_timeout, &http_options, &upstreams)?;
        let catalog = catalog(config, &overrides, &http)?;
        let registries = Arc::new(registries(config, catalog.as_ref(), http, &clock));
        let aws = aws_options(config, &overrides, &http_options);
        let sts = SharedSts::new(AwsOptions {
            endpoint: config.aws.sts().map(|url| url.to_string()),
            ..aws.clone()
        });
        let credential_chain = credential_chain(config, &overrides, &aws, &registries, &sts).await;
        let verifier = verifier(
            config,
            &overrides,
            &http_options,
            &upstreams,
            &registries,
            &credential_chain,
        )
        .await?;
        let resource_server = resource_server(config)?.map(Arc::new);
        let authenticator = Authenticator::new(
            verifier.clone(),
            tokenless_policy(config, &registries, &clock)?,
            config.resource_server.required() == RequireAuth::All,
            resource_server.clone(),
        );
        let tasks = TaskTracker::new();
        let checked = Checked {
            verifier: verifier.clone(),
            catalog,
            registries: registries.clone(),
            credential_chain: credential_chain.clone(),
            sts: sts.clone(),
        };
        let services = Services {
            s3: shared_s3(&aws, &overrides),
            athena: SharedAthena::new(&AwsOptions {
                endpoint: config.aws.athena().map(|url| url.to_string()),
                ..aws.clone()
            }),
            queries: QueryService::new(tasks.clone(), clock.clone()),
            sts,
            credential_chain,
            registries,
            buckets: buckets(&config.catalog.buckets)?,
            contact: config.catalog.contact.clone(),
            denials: RecentDenials::default(),
            manifests: ManifestCache::default(),
            checksums: ChecksumCache::default(),
            cpu: CpuPool::default(),
            tasks: tasks.clone(),
            clock: clock.clone(),
            bucket_limit: overrides.bucket_limit,
        };
        let seal = StateCodec::new(config.calls.state_key.as_ref(), clock.clone());
        let calls_end = CancellationToken::new();
        let dispatcher = Dispatcher {
            server: McpServer::new(Arc::new(services), seal, config.calls.tool_timeout),
            ends: calls_end.clone(),
            tasks: tasks.clone(),
        };
        let readiness = Readiness::default();
        let base_path = config.listen.public_url.as_ref().map(BaseUrl::path).unwrap_or_default();
        let router = Routes {
            endpoint: endpoint(config, authenticator, dispatcher)?,
            console: console(config, &overrides, &base_path),
            sign_in: overrides.sign_in,
            request_log: overrides.request_log,
            base_path,
            resource_server,
            verifier,
            readiness: readiness.clone(),
            clock,
        }
        .into_router();
        log_sources(config);
        if overrides.use_proxy {
            log_proxy(config);
        }
        Ok(Self {
            router,
            readiness,
            calls_end,
            tasks,
            drain: config.connections.drain,
            connections: ConnectionLimits {
                idle: config.connections.idle_timeout,
                ..overrides.connections
            },
            checked,
        })
    }

    /// Puts other routes before those of the server.
    #[must_use]
    pub fn behind(mut self, front: impl FnOnce(Router) -> Router) -> Self {
        self.router = front(self.router);
        self
    }

    /// Asks the services that the settings name what can be asked without a caller, and describes what is on.
    pub async fn check(&self, config: &ServeConfig) -> Vec<Finding> {
        let Checked {
            verifier,
            catalog,
            registries,
            credential_chain,
            sts,
        } = &self.checked;
        let on = |subject, text: String| Finding {
            subject,
            is_well: true,
            text,
        };
        let failed = |subject, text: String| Finding {
            subject,
            is_well: false,
            text,
        };
        let mut findings = vec![on("listener", config.listen.address().to_string())];
        let mode = config.identity.mode().as_str();
        findings.push(match verifier.ready().await {
            Ok(()) => on("verification", mode.to_owned()),
            Err(rejection) => failed("verification", format!("{mode}: {rejection}")),
        });
        if let Some(catalog) = catalog {
            findings.push(match catalog.registry().await {
                Ok(registry) => on("catalog", format!("{} names the registry {registry}", catalog.url())),
                Err(error) => failed("catalog", format!("{}: {error}", catalog.url())),
            });
        }
        if let Some(registry) = registries.configured() {
            let text = match (registry.url().await, registries.vends_credentials()) {
                (Ok(url), true) => format!("{url} vends the callers' credentials"),
                (Ok(url), false) => format!("{url} is not asked for credentials"),
                (Err(error), _) => error.to_string(),
            };
            findings.push(match registries.check_configured().await {
                Ok(()) => on("registry", text),
                Err(error) => failed("registry", error.to_string()),
            });
        }
        if let Some(own) = credential_chain.own_identity().await {
            findings.push(match own {
                Ok(credentials) => match sts.caller_identity(credentials).await {
                    Some(identity) => on("own identity", identity.arn),
                    None => failed(
                        "own identity",
                        "STS does not say whose the server's own credentials are".to_owned(),
                    ),
                },
                Err(problem) => failed("own identity", problem),
            });
        }
        let roles = config.rights.assumable_roles.len();
        findings.extend((roles > 0).then(|| on("roles", format!("{roles} patterns of roles that tokens may name"))));
        findings.push(on("ambient", config.describe_ambient_callers()));
        findings.push(on("tools", config.tool_filter.to_string()));
        if config.confirmations_may_be_lost() {
            findings.push(on(
                "confirmations",
                "are lost between copies and at a restart: QUILT_MCP_STATE_KEY is not set".to_owned(),
            ));
        }
        findings
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
            checked: _,
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

fn http_clients(
    timeout: Duration,
    options: &HttpOptions,
    upstreams: &Upstreams,
) -> Result<HttpClients, reqwest::Error> {
    Ok(HttpClients {
        unrestricted: HostClient::new(options.unrestricted(timeout)?, upstreams.clone()),
        public_only: HostClient::new(options.public_only(timeout)?, upstreams.clone()),
    })
}

fn aws_options(config: &ServeConfig, overrides: &Overrides, http: &HttpOptions) -> AwsOptions {
    AwsOptions {
        region: config.aws.region().to_owned(),
        endpoint: config.aws.s3().map(|url| url.to_string()),
        public_endpoint: None,
        use_fips: config.aws.use_fips,
        use_dual_stack: config.aws.use_dual_stack,
        http_client: aws::http_client(&http.roots),
        initial_backoff: overrides.s3_backoff,
        connect_timeout: overrides.connect_timeout,
        clock: overrides.clock.clone(),
    }
}

fn shared_s3(aws: &AwsOptions, overrides: &Overrides) -> SharedS3 {
    SharedS3::new(&AwsOptions {
        public_endpoint: overrides.public_s3.as_ref().map(ToString::to_string),
        ..aws.clone()
    })
}

fn catalog(
    config: &ServeConfig,
    overrides: &Overrides,
    http: &HttpClients,
) -> Result<Option<Arc<CatalogHost>>, ConfigError> {
    let url = config.catalog.catalog()?;
    Ok(url.map(|url| {
        let host = CatalogHost::new(url, http.unrestricted.clone(), overrides.clock.clone());
        Arc::new(host.with_public(overrides.public_catalog.clone()))
    }))
}

fn registries(
    config: &ServeConfig,
    catalog: Option<&Arc<CatalogHost>>,
    http: HttpClients,
    clock: &Clock,
) -> Registries {
    let local_catalogs = if config.listen.host.is_loopback() {
        LocalCatalogs::Accepted
    } else {
        LocalCatalogs::Rejected
    };
    Registries::new(&config.catalog, catalog, local_catalogs, http, clock.clone())
}

async fn credential_chain(
    config: &ServeConfig,
    overrides: &Overrides,
    aws: &AwsOptions,
    registries: &Arc<Registries>,
    sts: &SharedSts,
) -> Arc<CredentialChain> {
    let clock = &overrides.clock;
    let provider = overrides.ambient.clone();
    let ambient = Ambient::new(provider, aws, config.rights.ambient).await;
    Arc::new(CredentialChain::new(&SourceContext {
        rights: &config.rights,
        registries,
        ambient: &ambient,
        sts,
        clock,
    }))
}

async fn verifier(
    config: &ServeConfig,
    overrides: &Overrides,
    http: &HttpOptions,
    upstreams: &Upstreams,
    registries: &Registries,
    credential_chain: &Arc<CredentialChain>,
) -> Result<Arc<Verifier>, BuildError> {
    let registry = registries
        .configured()
        .filter(|_| registries.vends_credentials())
        .map(|_| credential_chain.clone() as Arc<dyn RegistryVerifier>);
    let method = verify_method(config, overrides.registry_timeout, http, upstreams, &overrides.clock).await?;
    Ok(Arc::new(Verifier::new(method, registry)))
}

fn endpoint(
    config: &ServeConfig,
    authenticator: Authenticator,
    dispatcher: Dispatcher,
) -> Result<Endpoint, ConfigError> {
    let memory = MemoryBudget::new(config.memory.payload_memory, config.limits.max_body);
    let origins = AllowedOrigins::new(&config.listen.allowed_origins)
        .map_err(|problem| ConfigError::new("QUILT_MCP_ALLOWED_ORIGINS", problem))?;
    Ok(Endpoint {
        host_policy: HostPolicy::new(hosts(config)?, origins),
        authenticator,
        reader: RequestReader {
            max_body: config.limits.max_body,
            memory: memory.clone(),
        },
        tool_filter: tool_filter(config),
        limits: Limits::new(config.limits.max_in_flight, config.limits.rate_limit.0),
        memory,
        dispatcher,
    })
}

/// Tools that ask a registry are listed where one is known, or may be named by a token.
fn tool_filter(config: &ServeConfig) -> ToolFilter {
    let filter = ToolFilter::new(&config.tool_filter);
    let catalog = &config.catalog;
    let is_known = catalog.registry_url.is_some() || catalog.catalog().ok().flatten().is_some();
    if is_known || !catalog.allowed_registries.is_empty() {
        filter
    } else {
        filter.without_registry()
    }
}

async fn jwks(
    config: &ServeConfig,
    max_timeout: Duration,
    http: &HttpOptions,
    upstreams: &Upstreams,
    clock: &Clock,
) -> Result<JwksVerifier, BuildError> {
    let identity = &config.identity;
    let (Some(url), Some(_), Some(_)) = (&identity.jwt_jwks_url, &identity.jwt_issuer, &identity.jwt_audience) else {
        let problem = "also requires MCP_JWT_ISSUER and MCP_JWT_AUDIENCE";
        return Err(ConfigError::new("MCP_JWT_JWKS_URL", problem).into());
    };
    let http = http.unrestricted(JWKS_TIMEOUT.min(max_timeout))?;
    let keys = KeyStore::at(url.join(""), http, upstreams, clock.clone()).await;
    Ok(JwksVerifier::new(keys, identity.expectations(), clock.clone()))
}

/// Creates the method of verification that the operator chose.
async fn verify_method(
    config: &ServeConfig,
    registry_timeout: Duration,
    http: &HttpOptions,
    upstreams: &Upstreams,
    clock: &Clock,
) -> Result<VerifyMethod, BuildError> {
    Ok(match config.identity.mode() {
        VerifyMode::Registry => VerifyMethod::Registry,
        VerifyMode::Jwks => VerifyMethod::Jwks(Box::new(jwks(config, registry_timeout, http, upstreams, clock).await?)),
        VerifyMode::Hs256 => {
            let identity = &config.identity;
            let expected = identity.expectations();
            VerifyMethod::Hs256(Hs256Verifier::new(&identity.secrets(), expected, clock.clone()))
        }
    })
}

/// Creates the policy for calls without a token.
fn tokenless_policy(
    config: &ServeConfig,
    registries: &Registries,
    clock: &Clock,
) -> Result<TokenlessPolicy, ConfigError> {
    Ok(match config.rights.server_token() {
        Some(token) => TokenlessPolicy::ServerToken(
            server_token(token, registries.configured(), clock.clone())
                .map_err(|problem| ConfigError::new("QUILT_API_TOKEN", problem))?,
        ),
        None if config.rights.anonymous => TokenlessPolicy::Anonymous,
        None => TokenlessPolicy::Reject,
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

/// Creates the page, with what it says of the settings.
fn console(config: &ServeConfig, overrides: &Overrides, base_path: &str) -> Console {
    let catalog_url = || config.catalog.catalog().ok().flatten().map(|url| url.to_string());
    let public_catalog = overrides.public_catalog.as_ref();
    let about = About {
        verification: config.identity.mode().as_str(),
        token_for_all: config.resource_server.required() == RequireAuth::All,
        toolsets: config.tool_filter.toolset_names(),
        read_only: config.tool_filter.read_only,
        catalog_url: public_catalog.map(|public| public.url.to_string()).or_else(catalog_url),
        contact: config.catalog.contact.clone(),
        authorization_servers: config.resource_server.authorization_servers.clone(),
        public_endpoint: config.listen.public_url.as_ref().map(|url| format!("{url}/mcp")),
        request_log: overrides.request_log.is_some(),
        sign_in: overrides.sign_in.iter().map(|user| user.name.clone()).collect(),
    };
    Console::new(config.console.mode(), base_path, about)
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

/// Logs at the start which hosts are reached by a proxy.
fn log_proxy(config: &ServeConfig) {
    let variables = proxy_variables().join(", ");
    if variables.is_empty() {
        return;
    }
    if config.catalog.allowed_registries.is_empty() {
        tracing::info!(
            variables,
            "hosts that the settings name are reached by the proxy, except those in NO_PROXY"
        );
    } else {
        tracing::warn!(
            variables,
            "hosts that the settings name are reached by the proxy, except those in NO_PROXY; hosts of \
             QUILT_MCP_ALLOWED_REGISTRIES that only a token names are never reached by it"
        );
    }
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
        own_token = config.rights.server_token().is_some(),
        "identity sources"
    );
    tracing::info!("{}", config.describe_ambient_callers());
    if config.confirmations_may_be_lost() {
        tracing::warn!(
            "QUILT_MCP_STATE_KEY is not set: a confirmation that this process asks for is lost when the answer comes to \
             another copy of the server, or after a restart"
        );
    }
}
