//! The backend of a server in development: S3, STS and Athena, a catalog and a registry, on free ports of loopback.

use std::net::Ipv4Addr;

use axum::Router;
use embedded_aws::{AccessKey, EmbeddedAws, Options};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::catalog_host::{self, ConsoleAddress};
use super::catalog_ui::{self, CatalogUi};
use super::info::{BucketsInfo, DevInfo, UserInfo};
use super::registry::{Registry, Tabulator};
use super::registry_users::RegistryUsers;
use super::search::SearchSettings;
use super::tabulator::TabulatorTables;
use super::tabulator_api::TabulatorSettings;
use super::users::{self, DevUsers};
use super::{REGION, athena, loopback, samples, serve_plain};
use crate::catalog::{CatalogConfig, PublicCatalog};
use crate::clock::Clock;
use crate::config::ServeConfig;
use crate::console::{ConsoleMode, SignIn};
use crate::credentials::AmbientProvider;
use crate::endpoint::AllowedHosts;
use crate::identity::IdentityConfig;
use crate::setting::BaseUrl;

/// The origins of pages that are served on this machine.
const LOOPBACK_ORIGINS: [&str; 6] = [
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
];

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
    /// The address of the page, to which pages of the catalog lead.
    pub(super) console: ConsoleAddress,
    /// The routes of the registry.
    pub(super) registry: Router,
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
        let registry_routes = Registry::new(
            aws.clone(),
            registry_users.clone(),
            &users.jwt_secret,
            clock,
            search.clone(),
            tabulator.clone(),
        )?
        .routes();
        serve_plain(tasks, shutdown, registry, registry_routes.clone());

        let catalog = loopback(0).await?;
        let catalog_url = format!("http://{}", catalog.local_addr()?);
        let console = ConsoleAddress::default();
        let catalog_routes = catalog_host::routes(&registry_url, REGION, console.clone());
        serve_plain(tasks, shutdown, catalog, catalog_routes);

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
            console,
            registry: registry_routes,
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
            contact: config.catalog.contact.take(),
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

    /// Serves the front end of Quilt's catalog on a free port, as the catalog for clients.
    pub(super) async fn serve_front_end(
        &mut self,
        ui: CatalogUi,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<PublicCatalog> {
        let listener = loopback(0).await?;
        self.info.catalog_url = format!("http://{}", listener.local_addr()?);
        let routes = self.front_end(ui, AllowedHosts::loopback());
        serve_plain(tasks, shutdown, listener, routes);
        let url = |text: &str| text.parse::<BaseUrl>().map_err(anyhow::Error::msg);
        Ok(PublicCatalog {
            url: url(&self.info.catalog_url)?,
            registry: url(&self.info.registry_url)?,
        })
    }

    pub(super) fn front_end(&self, ui: CatalogUi, hosts: AllowedHosts) -> Router {
        catalog_ui::routes(ui, self.aws.clone(), self.registry_users.clone(), hosts)
    }

    /// Returns the users as whom the page signs in.
    pub(super) fn sign_in(&self) -> Vec<SignIn> {
        let user = |user: &UserInfo| SignIn {
            name: user.sub.clone(),
            token: user.token.clone().into(),
        };
        self.info.token_users().map(user).to_vec()
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
