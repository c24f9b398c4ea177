//! Which registry is asked for a caller, with which bearer.
//!
//! The operator's registry, with the caller's token, unless a verified token says otherwise: `registry_url` or
//! `catalog_url` name another one, `catalog_token` is another bearer for it. A token may only name hosts on the operator's
//! allow-list, and such a host must resolve to public addresses; everything else is refused before a request is made.

use std::sync::Arc;

use moka::sync::Cache;

use super::choice::{NamedRegistry, Network, NotAdmitted, Ownership, RegistryChoice, RegistryClaim, admit, choose};
use super::schema_cache::SchemaCache;
use super::{CatalogHost, HostClient, RegistryClient, RegistryError};
use crate::catalog::CatalogConfig;
use crate::clock::Clock;
use crate::identity::{AuthenticatedCaller, BearerToken, Claims};
use crate::setting::BaseUrl;

/// The HTTP clients for hosts that the operator named, and for hosts that tokens named.
#[derive(Clone)]
pub struct HttpClients {
    /// For hosts that the operator named.
    pub unrestricted: HostClient,
    /// Connects to public addresses only.
    pub public_only: HostClient,
}

/// The registries that may be asked.
pub struct Registries {
    configured: Option<Arc<RegistryClient>>,
    allowed: Vec<String>,
    http: HttpClients,
    clock: Clock,
    schemas: SchemaCache,
    /// The catalog that the settings name.
    catalog: Option<Arc<CatalogHost>>,
    /// The host of a registry on this machine that the settings name without a catalog. A local catalog has both on one host.
    registry_host: Option<CatalogHost>,
    /// Catalogs that tokens named, by URL.
    named_catalogs: Cache<BaseUrl, Arc<CatalogHost>>,
    local_catalogs: LocalCatalogs,
    vends_credentials: bool,
}

/// Maximum number of catalogs that tokens named: a token may name any path of an allowed host.
const MAX_NAMED_CATALOGS: u64 = 200;

/// Whether a catalog whose config says `mode: LOCAL` is used. It vends the credentials of its owner with any token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalCatalogs {
    /// It is: only the machine's own users reach the server.
    Accepted,
    /// It is not.
    Rejected,
}

/// A registry and the bearer that it is asked with.
#[derive(Clone)]
pub struct RegistryAccess {
    /// The registry.
    pub registry: Arc<RegistryClient>,
    /// The bearer; not always the one that the caller sent.
    pub(crate) token: BearerToken,
    /// Whether the bearer is the token's own `catalog_token`.
    pub has_catalog_token: bool,
    /// Whether this is the operator's registry.
    pub is_configured: bool,
    /// Which form of a query it understands.
    pub(super) schemas: SchemaCache,
}

impl Registries {
    /// The registries of a server with these settings. `catalog` is the host that the settings name, if any.
    #[must_use]
    pub fn new(
        config: &CatalogConfig,
        catalog: Option<&Arc<CatalogHost>>,
        local_catalogs: LocalCatalogs,
        http: HttpClients,
        clock: Clock,
    ) -> Self {
        let configured = match (&config.registry_url, catalog) {
            (Some(url), _) => Some(RegistryClient::at(url.clone(), http.unrestricted.clone())),
            (None, Some(catalog)) => Some(RegistryClient::of(catalog.clone(), http.unrestricted.clone())),
            (None, None) => None,
        };
        let registry_host = match (&config.registry_url, catalog) {
            (Some(url), None) if url.is_loopback() => {
                Some(CatalogHost::new(url.origin(), http.unrestricted.clone(), clock.clone()))
            }
            _ => None,
        };
        Self {
            registry_host,
            configured: configured.map(Arc::new),
            allowed: config.allowed_registries.clone(),
            http,
            schemas: SchemaCache::new(clock.clone()),
            clock,
            catalog: catalog.cloned(),
            named_catalogs: Cache::new(MAX_NAMED_CATALOGS),
            local_catalogs,
            vends_credentials: config.catalog_credentials,
        }
    }

    /// Whether the configured registry vends credentials, according to the operator.
    #[must_use]
    pub fn vends_credentials(&self) -> bool {
        self.vends_credentials
    }

    /// Whether the configured catalog is a local one. `false` if it does not answer.
    pub async fn is_catalog_local(&self) -> bool {
        match (&self.catalog, &self.registry_host) {
            (Some(catalog), _) => catalog.is_local().await == Ok(true),
            (None, Some(host)) => host.is_local().await == Ok(true),
            (None, None) => false,
        }
    }

    /// Checks that the configured registry may be used. Where local catalogs are rejected, one that does not say what it is
    /// is not used either.
    pub async fn check_configured(&self) -> Result<(), RegistryError> {
        if self.local_catalogs == LocalCatalogs::Accepted {
            return Ok(());
        }
        match &self.catalog {
            Some(catalog) if catalog.is_local().await? => Err(RegistryError::LocalCatalog),
            None if self.is_catalog_local().await => Err(RegistryError::LocalCatalog),
            _ => Ok(()),
        }
    }

    /// Rejects a registry on this machine whose host says that it is that of a local catalog.
    async fn check_host(&self, registry: &BaseUrl, http: &HostClient) -> Result<(), RegistryError> {
        if self.local_catalogs == LocalCatalogs::Accepted || !registry.is_loopback() {
            return Ok(());
        }
        let host = CatalogHost::new(registry.origin(), http.clone(), self.clock.clone());
        match host.is_local().await {
            Ok(true) => Err(RegistryError::LocalCatalog),
            _ => Ok(()),
        }
    }

    /// Returns the registry for callers whose token names none.
    #[must_use]
    pub fn configured(&self) -> Option<&Arc<RegistryClient>> {
        self.configured.as_ref()
    }

    /// Returns the name of the configured registry in cache keys: its URL, or that of its catalog.
    #[must_use]
    pub fn configured_name(&self) -> String {
        let configured = self.configured.as_ref();
        configured.map_or_else(String::new, |client| client.configured().url().to_string())
    }

    /// Returns the catalog for callers whose token names none.
    #[must_use]
    pub fn configured_catalog(&self) -> Option<&Arc<CatalogHost>> {
        self.catalog.as_ref()
    }

    /// Chooses the registry for these claims. Sends no request.
    #[must_use]
    pub fn choose(&self, claims: Option<&Claims>) -> RegistryChoice<'_> {
        let configured = self.configured.as_ref().map(|client| client.configured());
        let catalog = self.catalog.as_ref().map(|catalog| catalog.url());
        choose(claims, configured, catalog, &self.allowed)
    }

    /// Returns the catalog of a caller with these claims: the configured one, unless the token names another registry. One
    /// that the token names must be at a host that the operator allows. Sends no request.
    #[must_use]
    pub fn catalog_of(&self, claims: Option<&Claims>) -> Option<Arc<CatalogHost>> {
        let configured = self.catalog.as_ref();
        let named = match self.choose(claims) {
            RegistryChoice::None | RegistryChoice::Configured(_) | RegistryChoice::Invalid(_) => {
                return configured.cloned();
            }
            RegistryChoice::Named(named) => named,
        };
        let claimed = claims.and_then(|claims| claims.catalog_url().ok().flatten());
        let Some(claimed) = claimed.filter(|_| named.ownership != Ownership::Own) else {
            return configured.filter(|configured| is_of(configured, &named)).cloned();
        };
        let claimed: BaseUrl = claimed.parse().ok()?;
        if let Some(configured) = configured.filter(|configured| *configured.url() == claimed) {
            return Some(configured.clone());
        }
        let http = self.client(admit(&claimed, &self.allowed)).ok()?;
        Some(self.named_catalog(&claimed, http))
    }

    /// Returns a catalog that a token named. All callers share its config, for which no token is sent.
    fn named_catalog(&self, url: &BaseUrl, http: &HostClient) -> Arc<CatalogHost> {
        let create = || Arc::new(CatalogHost::new(url.clone(), http.clone(), self.clock.clone()));
        self.named_catalogs.get_with_by_ref(url, create)
    }

    /// Returns the registry for this caller; `None` when there is none at all.
    pub async fn for_caller(&self, caller: &AuthenticatedCaller) -> Option<Result<RegistryAccess, RegistryError>> {
        let claims = caller.claims();
        let own = match claims.map_or(Ok(None), Claims::catalog_token) {
            Err(problem) => return Some(Err(RegistryError::Claim(problem))),
            Ok(own) => own,
        };
        let registry = match self.choose(claims) {
            RegistryChoice::None => return None,
            RegistryChoice::Configured(_) => {
                let configured = self.configured.clone()?;
                self.check_configured().await.map(|()| configured)
            }
            RegistryChoice::Invalid(problem) => Err(RegistryError::Claim(problem)),
            RegistryChoice::Named(named) => self.named(named).await,
        };
        let has_catalog_token = own.is_some();
        let token = own.unwrap_or_else(|| caller.token().clone());
        let schemas = self.schemas.clone();
        Some(registry.map(|registry| RegistryAccess {
            is_configured: self.configured.as_ref().is_some_and(|own| Arc::ptr_eq(own, &registry)),
            registry,
            token,
            has_catalog_token,
            schemas,
        }))
    }

    async fn named(&self, named: NamedRegistry) -> Result<Arc<RegistryClient>, RegistryError> {
        if let Some(configured) = &self.configured {
            let is_own = match named.ownership {
                Ownership::Own => true,
                Ownership::Foreign => false,
                Ownership::Unknown => configured.url().await.is_ok_and(|own| own == named.url),
            };
            if is_own {
                self.check_configured().await?;
                return Ok(configured.clone());
            }
        }
        let http = self.client(named.admission)?;
        match named.claim {
            RegistryClaim::Registry => {
                self.check_host(&named.url, http).await?;
                Ok(Arc::new(RegistryClient::at(named.url, http.clone())))
            }
            RegistryClaim::Catalog => {
                // The catalog's config is trusted no more than the token.
                let catalog = self.named_catalog(&named.url, http);
                let registry = catalog.registry().await?;
                if self.local_catalogs == LocalCatalogs::Rejected && catalog.is_local().await? {
                    return Err(RegistryError::LocalCatalog);
                }
                let http = self.client(admit(&registry, &self.allowed))?;
                Ok(Arc::new(RegistryClient::at(registry, http.clone())))
            }
        }
    }

    fn client(&self, admission: Result<Network, NotAdmitted>) -> Result<&HostClient, RegistryError> {
        match admission {
            Ok(Network::Any) => Ok(&self.http.unrestricted),
            Ok(Network::Public) => Ok(&self.http.public_only),
            Err(refusal) => Err(RegistryError::NotAllowed(refusal.address())),
        }
    }
}

/// Whether a registry that a token names is that of the configured catalog. It is, as long as the catalog's config, which names
/// its registry, is not known.
fn is_of(configured: &CatalogHost, named: &NamedRegistry) -> bool {
    match named.ownership {
        Ownership::Own => true,
        Ownership::Foreign => false,
        Ownership::Unknown => configured.known_registry().is_none_or(|own| own == named.url),
    }
}
